"""The flags of a project: who sees them, and how a reviewer settles them."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from common.errors import NotAllowed, NotVisible
from labelling.models import Flag
from projects.models import Membership


@transaction.atomic
def resolve(*, membership: Membership, flag: Flag) -> Flag:
    """Settle a flag; settling it twice changes nothing. Raises NotAllowed below reviewer."""
    if not membership.can_review:
        raise NotAllowed("Reviewers settle flags. Ask one of them.")
    settled = Flag.objects.filter(pk=flag.pk, resolved_at=None).update(
        resolved_at=timezone.now(), resolved_by=membership.user
    )
    flag.refresh_from_db()
    if settled:
        audit.record(
            actor=membership.user,
            project_id=flag.project_id,
            action="flag.resolved",
            subject=f"review {flag.review_id}",
            flag=flag.pk,
        )
    return flag


def flags_for(membership: Membership, *, is_open: bool | None = None) -> QuerySet[Flag]:
    """Return the project's flags, newest first: everybody's for reviewers, else one's own."""
    rows = Flag.objects.filter(project=membership.project, review__dataset__is_ready=True)
    if not membership.can_review:
        rows = rows.filter(person=membership.user)
    if is_open is not None:
        rows = rows.filter(resolved_at__isnull=is_open)
    return rows.select_related("person", "resolved_by", "review").order_by("-id")


def open_count(membership: Membership) -> int:
    """Return how many flags that this member may see wait for a reviewer."""
    return flags_for(membership, is_open=True).order_by().count()


def flag_of(membership: Membership, flag_id: int) -> Flag:
    """Return one flag that this member may see; raise NotVisible without one."""
    flag = flags_for(membership).filter(pk=flag_id).first()
    if flag is None:
        raise NotVisible
    return flag
