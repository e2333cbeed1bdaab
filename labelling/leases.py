"""Lease reviews: who gets which next, so that never more people hold one than should answer it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from common import compiled
from common.errors import NotReady
from labelling import queue, seats
from labelling.models import Annotation, Assignment, OpenReview
from labelling.queue import Part
from labelling.selectors import schema_to_answer
from labelling.snapshot import SchemaSnapshot
from labelling.waiting import Waiting, glance
from projects.models import Membership, Project
from reviews.models import Review

#: Two people who ask at once may meet; each meeting sends one of them to the next review.
TRIES = 20
#: Reviews that a person holds at most: the one in front and those fetched ahead.
MAX_AHEAD = 6
MAX_PLACE = 9
_State, _Source = Assignment.State, Assignment.Source
_Take = Callable[[Review], Assignment | None]
_SOURCES = {Part.CONTROL: _Source.CONTROL, Part.JOINED: _Source.OPINION}


@dataclass(frozen=True, slots=True)
class Quota:
    """How many reviews somebody may label today (None: any number), and has."""

    limit: int | None
    done_count: int

    def left(self, held_count: int = 0) -> int | None:
        """Return how many more may be handed out to who holds some already."""
        return None if self.limit is None else max(0, self.limit - self.done_count - held_count)


def next_assignment(
    *,
    project: Project,
    annotator: User,
    schema: SchemaSnapshot | None = None,
    roll: float | None = None,
    place: int = 0,
) -> Assignment | None:
    """Lease the next review to `annotator`; None when nothing is left for this person today.

    Whoever holds a lease gets the same review again, renewed; what was fetched ahead comes to the
    front in its turn. `roll` from [0, 1) decides between the control slice and the ranking; drawn
    at random unless given. `schema` is the project's newest, where the caller has it. Raises
    NotReady while the project asks nothing.
    """
    schema = schema or schema_to_answer(project)
    for _ in range(TRIES):
        try:
            return _next(project, annotator, schema, roll, place)
        except IntegrityError:
            # one_person_per_seat or one_lease_per_person_and_place: somebody was faster.
            continue
    raise NotReady("Many people are asking for reviews just now. Try again in a moment.")


def fetch_ahead(*, project: Project, annotator: User, count: int = MAX_AHEAD) -> list[Assignment]:
    """Return what `annotator` holds in the order of work, topped up to `count` reviews in all.

    The first is the one in front. Raises NotReady as `next_assignment` does.
    """
    front = next_assignment(project=project, annotator=annotator)
    if front is None:
        return []
    held = [front, *(each for each in _held(project, annotator) if each.pk != front.pk)]
    for place in range(1, MAX_PLACE + 1):
        if len(held) >= min(count, MAX_AHEAD):
            break
        if all(each.place != place for each in held):
            more = next_assignment(project=project, annotator=annotator, place=place)
            if more is None:
                break
            held.append(more)
    return held[:count]


def renew(project: Project, annotator: User, now: datetime) -> None:
    """Renew everything that a person holds in a project."""
    Assignment.objects.filter(project=project, annotator=annotator, state=_State.LEASED).update(
        lease_until=now + lease_time(project)
    )


def release(*, annotator: User, project: Project | None = None, reason: str) -> int:
    """Give back what a person holds, in one project or everywhere; return how many reviews.

    What is submitted all the same, later, is taken while the review has a free seat.
    """
    held = Assignment.objects.filter(annotator=annotator, state=_State.LEASED)
    if project is not None:
        held = held.filter(project=project)
    with transaction.atomic():
        return seats.expire(held, timezone.now(), reason)


def leave(*, project: Project, annotator: User) -> None:
    """Free every seat on which a person sits without having answered, also reserved ones.

    What they were asked to answer again somebody else may answer.
    """
    mine = Assignment.objects.filter(project=project, annotator=annotator)
    open_ones = mine.filter(state__in=[_State.LEASED, _State.RESERVED])
    asked = Annotation.objects.filter(
        review=OuterRef("review"), annotator=annotator, is_asked_again=True
    )
    now = timezone.now()
    mine.filter(Exists(asked), state__in=[_State.LEASED, _State.SUBMITTED]).update(
        state=_State.WITHDRAWN, ended_at=now, reason="left the project"
    )
    open_ones.filter(source=_Source.AGAIN).update(state=_State.SUBMITTED, ended_at=now)
    open_ones.update(state=_State.EXPIRED, ended_at=now, reason="left the project")


def lease_time(project: Project) -> timedelta:
    """Return how long one may be silent before a review goes to somebody else."""
    return timedelta(minutes=project.lease_minutes)


def quota_of(project: Project, annotator: User) -> Quota:
    """Return what an owner lets this person label in a day, and what was labelled today."""
    limits = compiled.numbers(_quota, project=project.pk, person=annotator.pk)
    if not limits:
        return Quota(None, 0)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = Annotation.objects.filter(
        project=project, annotator=annotator, created_at__gte=midnight
    )
    return Quota(limits[0], today.count())


def _quota(*, project: int, person: int) -> "QuerySet[Membership, Any]":
    mine = Membership.objects.filter(project=project, user=person, daily_quota__isnull=False)
    return mine.values_list("daily_quota")


def end(assignment: Assignment, state: Assignment.State, now: datetime) -> None:
    """Close an assignment."""
    assignment.state = state
    assignment.ended_at = now
    assignment.save(update_fields=["state", "ended_at", "reason", "seat"])


# --- What is held already -------------------------------------------------------------------------


def _next(
    project: Project, annotator: User, schema: SchemaSnapshot, roll: float | None, place: int
) -> Assignment | None:
    now = timezone.now()
    seen = glance(project, annotator, now)
    held = _held(project, annotator) if seen.holds else []
    for assignment in _candidates_among(held, place):
        if _is_still_wanted(project, assignment, annotator):
            if len(held) > 1:
                renew(project, annotator, now)
            return _bring_to(assignment, place, now + lease_time(project))
        with transaction.atomic():
            seats.expire(Assignment.objects.filter(pk=assignment.pk), now)
        held = [each for each in held if each.pk != assignment.pk]
    if seen.has_overdue:
        seats.expire_overdue(project, now)
    if seen.has_quota and quota_of(project, annotator).left(len(held)) == 0:
        return None
    waiting = Waiting(project, annotator, schema)
    handing = _Handing(project, annotator, place, now)
    if seen.has_reserved and (given := handing.call_in(waiting)) is not None:
        return given
    return handing.hand_out(
        waiting,
        random.random() if roll is None else roll,  # noqa: S311  (a mixture, not a secret)
    )


def _held(project: Project, annotator: User) -> list[Assignment]:
    """Return a person's leases in the order of work: in front, then as they were fetched."""
    ids = compiled.numbers(_held_ids, project=project.pk, person=annotator.pk)
    if not ids:
        return []
    leases = Assignment.objects.select_related("review").filter(pk__in=ids, state=_State.LEASED)
    return sorted(leases, key=lambda each: (each.place > 0, each.pk))


def _held_ids(*, project: int, person: int) -> "QuerySet[Assignment, Any]":
    leases = Assignment.objects.filter(project=project, annotator=person, state=_State.LEASED)
    return leases.values_list("id")


def _candidates_among(held: list[Assignment], place: int) -> list[Assignment]:
    """Return the leases that may stand at a place: for the front, whatever was fetched ahead."""
    return held if place == 0 else [each for each in held if each.place == place]


def _is_still_wanted(project: Project, assignment: Assignment, annotator: User) -> bool:
    """Tell whether nobody has taken the seat since, past the queue (a bulk action, an opinion)."""
    if assignment.source in (_Source.CHECK, _Source.AGAIN):
        return True
    review = assignment.review
    if not review.is_labelled:
        return True
    return seats.free_seat(project, review, annotator) is not None


def _bring_to(assignment: Assignment, place: int, until: datetime) -> Assignment:
    """Renew a lease and put it at a place; raise IntegrityError when it has just ended."""
    renewed = Assignment.objects.filter(pk=assignment.pk, state=_State.LEASED)
    with transaction.atomic():
        if not renewed.update(place=place, lease_until=until):
            raise IntegrityError
    assignment.place, assignment.lease_until = place, until
    return assignment


# --- What is handed out ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Handing:
    """Hand out one more review to one person."""

    project: Project
    annotator: User
    place: int
    now: datetime

    def call_in(self, waiting: Waiting) -> Assignment | None:
        """Return the oldest review that was reserved and is still wanted."""
        while (reserved := waiting.reserved()) is not None:
            if (given := self._call_in(reserved)) is not None:
                return given
        return None

    def hand_out(self, waiting: Waiting, roll: float) -> Assignment | None:
        """Return a check, an open review or a fresh one: the first there is."""
        if self._is_time_for_check() and (checks := waiting.checks()):
            return self._seat_at_check(checks[0])
        for found, take in self._in_order(waiting, roll):
            if (given := self._first(found, take)) is not None:
                return given
        return None

    def _in_order(self, waiting: Waiting, roll: float) -> Iterator[tuple[list[int], _Take]]:
        """Yield reviews to try, and how each of them is taken."""
        for found in waiting.opened():
            yield found, self._open
        for part in queue.parts(roll=roll, control_share=self.project.control_share):
            for found in waiting.fresh(part):
                yield found, partial(self._new, part=part)
        for found in waiting.thoroughly():
            yield found, self._any

    def _is_time_for_check(self) -> bool:
        return random.random() < self.project.check_share  # noqa: S311  (a mixture, not a secret)

    def _first(self, review_ids: list[int], take: _Take) -> Assignment | None:
        """Take the first of some reviews that is free, each under its lock."""
        for review_id in review_ids:
            with transaction.atomic():
                review = _locked(review_id)
                given = take(review) if review is not None else None
            if given is not None:
                return given
        return None

    def _any(self, review: Review) -> Assignment | None:
        return self._open(review) or self._new(review, Part.UNRANKED)

    def _open(self, review: Review) -> Assignment | None:
        """Take a review that others have answered, or one's own to answer again."""
        opened = OpenReview.objects.filter(review=review).first()
        if opened is None:
            return None
        mine = Annotation.objects.filter(review=review, annotator=self.annotator).first()
        if mine is None:
            given = self._seated(review, _Source.OPINION)
            if given is None and opened.cause == OpenReview.Cause.OVERLAP:
                self._close_if_full(opened)
            return given
        return self._again(review) if mine.is_asked_again else None

    def _close_if_full(self, opened: OpenReview) -> None:
        """Close a review that has its answers: fewer may be wanted since it was opened."""
        answered = seats.answered_by(opened.review)
        if len(answered) >= seats.wanted(self.project, opened.review_id):
            opened.delete()

    def _again(self, review: Review) -> Assignment | None:
        """Open the assignment again that this person submitted, or make one."""
        before = Assignment.objects.filter(
            review=review, annotator=self.annotator, state=_State.SUBMITTED
        ).first()
        if before is None:
            seat = seats.free_seat(self.project, review, self.annotator, is_again=True)
            return None if seat is None else self._create(review, _Source.AGAIN, seat)
        before.source = _Source.AGAIN
        before.created_at = self.now
        return self._lease(before)

    def _new(self, review: Review, part: Part) -> Assignment | None:
        """Take a review that nobody has answered."""
        if review.is_labelled and part is not Part.IMPORTED:
            return None
        source = _SOURCES.get(part, _Source.UNRANKED)
        if part is Part.RANKED and review.ranked_by is not None:
            source = _Source.RANKED
        if compiled.rows(_said_by_hand, review=review.pk, person=self.annotator.pk):
            return None
        return self._seated(review, source)

    def _seated(self, review: Review, source: Assignment.Source) -> Assignment | None:
        seat = seats.free_seat(self.project, review, self.annotator)
        return None if seat is None else self._create(review, source, seat)

    def _seat_at_check(self, review_id: int) -> Assignment:
        with transaction.atomic():
            review = Review.objects.get(pk=review_id)
            return self._create(review, _Source.CHECK, seats.check_seat(self.annotator))

    def _create(self, review: Review, source: Assignment.Source, seat: int) -> Assignment:
        return Assignment.objects.create(
            project=self.project,
            review=review,
            annotator=self.annotator,
            source=source,
            seat=seat,
            place=self.place,
            ranked_by=review.ranked_by if source == _Source.RANKED else None,
            created_at=self.now,
            lease_until=self.now + lease_time(self.project),
        )

    def _call_in(self, reserved: Assignment) -> Assignment | None:
        """Lease what waited for this person; None when enough others have answered it since."""
        with transaction.atomic():
            waits = Assignment.objects.select_for_update(of=("self",)).filter(
                pk=reserved.pk, state=_State.RESERVED
            )
            assignment = waits.select_related("review").first()
            if assignment is None:
                raise IntegrityError  # taken back, or called in by another page of theirs
            if not _is_still_wanted(self.project, assignment, self.annotator):
                end(assignment, _State.EXPIRED, self.now)
                return None
            assignment.created_at = self.now
            return self._lease(assignment)

    def _lease(self, assignment: Assignment) -> Assignment:
        assignment.state = _State.LEASED
        assignment.ended_at = None
        assignment.place = self.place
        assignment.lease_until = self.now + lease_time(self.project)
        assignment.save()
        return assignment


def _said_by_hand(*, review: int, person: int) -> "QuerySet[Annotation, Any]":
    said = Annotation.objects.filter(
        review=review, annotator=person, import_job=None, bulk_action=None
    )
    return said.values_list("id")


def _locked(review_id: int) -> Review | None:
    """Lock a review until the transaction ends; None when somebody else is at it."""
    return compiled.first(_free, review=review_id)


def _free(*, review: int) -> QuerySet[Review]:
    reviews = Review.objects.filter(pk=review)
    if connection.features.has_select_for_update_skip_locked:
        reviews = reviews.select_for_update(skip_locked=True)
    return reviews
