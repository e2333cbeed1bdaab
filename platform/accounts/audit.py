"""Write down what changed state, in the transaction that changed it."""

from typing import Any

from accounts.models import AuditEvent, User


def record(
    *,
    actor: User | None,
    action: str,
    project_id: int | None = None,
    subject: str = "",
    **detail: Any,
) -> None:
    """Add one audit row; `actor` is None for what the system did by itself."""
    AuditEvent.objects.create(
        actor=actor, project_id=project_id, action=action, subject=subject[:200], detail=detail
    )
