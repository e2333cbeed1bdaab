"""Ask for work and call it off."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from accounts import audit
from accounts.models import User
from common.errors import Conflict
from jobs import kinds
from jobs.models import Job
from projects.models import Project

log = structlog.get_logger("jobs")

T = TypeVar("T")


def enqueue(
    *,
    project: Project,
    kind: str,
    actor: User | None,
    params: dict[str, Any] | None = None,
    total: int = 0,
    idempotency_key: str | None = None,
    single_key: str = "",
) -> Job:
    """Insert a job in the caller's transaction and ring once it is committed.

    With an `idempotency_key` that the same person used before, return that job. Raises Conflict
    when a job with the same `single_key` is already waiting or running, and when a request with
    the same `idempotency_key` was faster by a moment.
    """
    chosen = kinds.get(kind)
    before = _repeated(actor=actor, key=idempotency_key)
    if before is not None:
        return before
    now = timezone.now()
    job = Job(
        id=uuid.uuid4(),
        project=project,
        created_by=actor,
        kind=kind,
        queue=chosen.queue,
        params=params or {},
        total_count=total,
        max_attempts=chosen.max_attempts,
        deadline_at=now + chosen.deadline,
        idempotency_key=idempotency_key,
        single_key=single_key,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        # Two requests at once: the other one won, by its key or by being the single one.
        if _repeated(actor=actor, key=idempotency_key) is not None:
            # Its job already has what the caller is about to add to this one.
            raise Conflict(
                "The same request came twice at once. Send it again to see what it has started."
            ) from None
        raise Conflict(
            f"A {chosen.label.lower()} is already under way. Wait for it or cancel it."
        ) from None
    audit.record(
        actor=actor, project_id=project.pk, action=f"job.{kind}.requested", subject=str(job.pk)
    )
    transaction.on_commit(lambda: ring(queue=chosen.queue))
    return job


def once(*, before: Callable[[], T | None], start: Callable[[], T]) -> T:
    """Return what the request with the same key has started, or start it.

    Of two that come at once the slower one meets a Conflict, and gets what the faster one got.
    """
    found = before()
    if found is not None:
        return found
    try:
        return start()
    except (Conflict, IntegrityError):
        found = before()
        if found is None:
            raise
        return found


def _repeated(*, actor: User | None, key: str | None) -> Job | None:
    if not key:
        return None
    return Job.objects.filter(created_by=actor, idempotency_key=key).first()


def ring(*, queue: str) -> None:
    """Tell workers of `queue` to look at the database: best effort, one try.

    A lost bell costs seconds, since the scheduler rings again while jobs wait.
    """
    try:
        current_app.send_task("jobs.answer", args=[queue], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("bell_lost", queue=queue, error=str(error))


@transaction.atomic
def cancel(*, job: Job, actor: User) -> Job:
    """Cancel at once what waits; ask what runs to stop. A finished job stays as it is."""
    now = timezone.now()
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED,
        is_cancel_requested=True,
        reason=f"Cancelled by {actor.get_username()} before it started.",
        finished_at=now,
    )
    asked = 0
    if not waiting:
        asked = Job.objects.filter(
            Q(pk=job.pk) & Q(state=Job.State.RUNNING) & Q(is_cancel_requested=False)
        ).update(is_cancel_requested=True)
    if waiting or asked:
        audit.record(
            actor=actor,
            project_id=job.project_id,
            action="job.cancelled",
            subject=str(job.pk),
            kind=job.kind,
        )
    if waiting:
        transaction.on_commit(lambda: tidy(job))
    job.refresh_from_db()
    return job


def tidy(job: Job) -> None:
    """Let the kind of a job that ended without success clear up what it left half done."""
    on_end = kinds.get(job.kind).on_end
    if on_end:
        import_string(on_end)(job.pk)
