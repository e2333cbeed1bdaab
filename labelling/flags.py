"""Flags: somebody asks for a reviewer's eye on a review, and a reviewer settles it."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from common.errors import Invalid, NotAllowed, NotVisible
from common.text import normalise
from labelling.models import Flag
from projects.models import Membership
from reviews.models import Review

MAX_NOTE = 1000


@transaction.atomic
def raise_flag(*, membership: Membership, review: Review, note: str) -> Flag:
    """Flag a review of the member's project; a second flag of theirs replaces the open one's note.

    Raises Invalid without a note, since a reviewer could not tell what to look for.
    """
    words = normalise(note)
    if not words or len(words) > MAX_NOTE:
        raise Invalid.of("note", f"Say what a reviewer should look at, in 1 to {MAX_NOTE} letters.")
    flag, is_new = Flag.objects.get_or_create(
        project=membership.project,
        review=review,
        person=membership.user,
        resolved_at=None,
        defaults={"note": words},
    )
    if not is_new and flag.note != words:
        flag.note = words
        flag.save(update_fields=["note"])
    _record(membership, "review.flagged", flag)
    return flag


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
        _record(membership, "flag.resolved", flag)
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


def _record(membership: Membership, action: str, flag: Flag) -> None:
    audit.record(
        actor=membership.user,
        project_id=flag.project_id,
        action=action,
        subject=f"review {flag.review_id}",
        flag=flag.pk,
    )
