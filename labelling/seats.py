"""The seats of a review: who sits on one, and which is free. Ask under the review's lock."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from accounts.models import User
from common import compiled
from labelling import queue
from labelling.models import CHECK_SEATS, Annotation, Assignment
from projects.models import Membership, Project
from reviews.models import Review

_State, _Source = Assignment.State, Assignment.Source
#: Who is in one of these sits on a seat.
SEATED = (_State.RESERVED, _State.LEASED, _State.SUBMITTED)


def wanted(project: Project, review_id: int) -> int:
    """Return how many people should answer a review of the project."""
    return queue.wanted_seats(
        review_id, overlap_count=project.overlap_count, overlap_share=project.overlap_share
    )


def answered_by(review: Review) -> set[int]:
    """Return who has answered what is asked about a review; measuring somebody does not count.

    While an import or a bulk action has answered only some of it, nobody has. Nor has who was
    asked again and will not answer: others may sit in that place.
    """
    return answered([review.pk])[review.pk] if review.is_labelled else set()


def answered(review_ids: Collection[int]) -> dict[int, set[int]]:
    """Return who has answered each of some labelled reviews, as `answered_by` does it for one."""
    found: dict[int, set[int]] = {number: set() for number in review_ids}
    said = Annotation.objects.filter(review_id__in=found, is_check=False)
    rows = list(said.values_list("review_id", "annotator_id", "is_asked_again"))
    for review_id, annotator_id, _ in rows:
        found[review_id].add(annotator_id)
    if any(is_asked for _, _, is_asked in rows):
        for review_id, annotator_id in _passed(said).values_list("review_id", "annotator_id"):
            found[review_id].discard(annotator_id)
    return found


def is_still_asked(review: Review) -> bool:
    """Tell whether somebody was asked to answer a review again and may still do it."""
    asked = Annotation.objects.filter(review=review, is_check=False, is_asked_again=True)
    return asked.exclude(pk__in=_passed(asked).values("pk")).exists()


def _passed(said: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """Return what was asked for again of those who have skipped the review or left the project."""
    skipped = Assignment.objects.filter(
        review=OuterRef("review"), annotator=OuterRef("annotator"), state=_State.SKIPPED
    )
    member = Membership.objects.filter(project=OuterRef("project"), user=OuterRef("annotator"))
    return said.filter(Exists(skipped) | ~Exists(member), is_asked_again=True)


def free_seat(
    project: Project, review: Review, person: User, *, is_again: bool = False
) -> int | None:
    """Return the lowest seat that `person` may take; None when as many as wanted have one.

    Whoever answers again has been counted already and gets one, unless others came in their place.
    """
    seated = dict(compiled.rows(_seats, review=review.pk))
    seated.pop(person.pk, None)
    people = answered_by(review)
    others = (people | set(seated)) - {person.pk}
    is_counted = is_again and person.pk in people
    if not is_counted and len(others) >= wanted(project, review.pk):
        return None
    taken = set(seated.values())
    return next(seat for seat in range(len(taken) + 1) if seat not in taken)


def _seats(*, review: int) -> "QuerySet[Assignment, Any]":
    seated = Assignment.objects.filter(review=review, state__in=SEATED, seat__lt=CHECK_SEATS)
    return seated.values_list("annotator_id", "seat")


def check_seat(person: User) -> int:
    """Return the seat on which a person answers a quality check: nobody else's."""
    return CHECK_SEATS + person.pk


def expire_overdue(project: Project, now: datetime) -> None:
    """End the project's leases that have run out."""
    # Mostly there are none, and then nothing need be written.
    ids = compiled.numbers(_overdue_ids, project=project.pk, now=now)
    if ids:
        with transaction.atomic():
            expire(overdue(project=project.pk, now=now).filter(pk__in=ids), now)


def _overdue_ids(*, project: int, now: datetime) -> "QuerySet[Assignment, Any]":
    return overdue(project=project, now=now).values_list("pk")[:500]


def overdue(*, project: int, now: datetime) -> QuerySet[Assignment]:
    """Return the leases of a project that have run out."""
    return Assignment.objects.filter(project=project, state=_State.LEASED, lease_until__lt=now)


def expire(leases: QuerySet[Assignment], now: datetime, reason: str = "") -> int:
    """End leases without an answer; return how many.

    What was reserved waits for the same person again, and who was to answer again has answered.
    Whoever is renewing or ending one of them at this moment keeps it.
    """
    if connection.features.has_select_for_update_skip_locked:
        leases = leases.select_for_update(skip_locked=True, of=("self",))
    ids = list(leases.values_list("pk", flat=True))
    return Assignment.objects.filter(pk__in=ids, state=_State.LEASED).update(
        state=Case(
            When(source=_Source.RESERVED, then=Value(_State.RESERVED)),
            When(source=_Source.AGAIN, then=Value(_State.SUBMITTED)),
            default=Value(_State.EXPIRED),
        ),
        ended_at=Case(When(source=_Source.RESERVED, then=Value(None)), default=Value(now)),
        reason=Case(When(reason="", then=Value(reason)), default=F("reason")),
    )


def seated_counts(review_ids: Collection[int]) -> dict[int, int]:
    """Return how many people sit on seats of reviews; those without any are absent."""
    counts: dict[int, int] = {}
    rows = Assignment.objects.filter(
        review_id__in=review_ids, state__in=SEATED, seat__lt=CHECK_SEATS
    )
    for review_id in rows.values_list("review_id", flat=True):
        counts[review_id] = counts.get(review_id, 0) + 1
    return counts
