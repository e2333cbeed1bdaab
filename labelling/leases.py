"""Lease reviews: who gets which next, so that two people never hold the same one."""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from common.errors import NotReady
from labelling import queue
from labelling.models import Annotation, Assignment, Gold
from labelling.selectors import schema_to_answer
from labelling.snapshot import SchemaSnapshot
from projects.models import Project
from reviews.models import Review

#: How many reviews the page may hold for a person beyond the one in front of them.
AHEAD = 6
#: Two people who ask at once may meet; each meeting sends one of them to the next review.
TRIES = 20
_State = Assignment.State


def next_assignment(
    *, project: Project, annotator: User, roll: float | None = None, place: int = 0
) -> Assignment | None:
    """Lease the next review to `annotator`; None when nothing is left for this person.

    Whoever holds a lease gets the same review again, renewed; at `place` 0, in front, also what was
    fetched ahead, oldest first. `roll` from [0, 1) decides between
    the control slice and the ranking; drawn at random unless given. Raises NotReady while the
    project asks nothing.
    """
    schema = schema_to_answer(project)
    if roll is None:
        roll = random.random()  # noqa: S311  (a mixture, not a secret)
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return _lease(project, annotator, schema, roll, place)
        except IntegrityError:
            # one_person_per_seat or one_lease_per_person_and_place: somebody was faster.
            continue
    raise NotReady("Many people are asking for reviews just now. Try again in a moment.")


def fetch_ahead(*, project: Project, annotator: User) -> list[Assignment]:
    """Renew what `annotator` holds and lease up to AHEAD reviews beyond the one in front.

    Returns all of them in the order in which they are to be shown. Raises NotReady as
    `next_assignment` does.
    """
    front = next_assignment(project=project, annotator=annotator)
    if front is None:
        return []
    ahead = Assignment.objects.filter(
        project=project, annotator=annotator, state=_State.LEASED, place__gt=0
    )
    ahead.update(lease_until=timezone.now() + lease_time(project))
    held = list(ahead.select_related("review", "project"))
    free = sorted(set(range(1, AHEAD + 1)) - {each.place for each in held})
    for place in free:
        found = next_assignment(project=project, annotator=annotator, place=place)
        if found is None:
            break
        held.append(found)
    return [front, *sorted(held, key=lambda each: each.pk)]


def _lease(
    project: Project, annotator: User, schema: SchemaSnapshot, roll: float, place: int
) -> Assignment | None:
    now = timezone.now()
    held = _held(project, annotator, now, place)
    if held is not None:
        return held
    Assignment.objects.filter(project=project, state=_State.LEASED, lease_until__lt=now).update(
        state=_State.EXPIRED, ended_at=now
    )
    for part in queue.parts(roll=roll, control_share=project.control_share):
        for reviews in _from_a_place(part, _waiting(project, annotator, schema, part)):
            review = _first(reviews)
            if review is not None:
                return _give(project, annotator, review, part, now, place)
    return None


def _from_a_place(part: queue.Part, reviews: QuerySet[Review]) -> Iterator[QuerySet[Review]]:
    """Yield what to look through, in order: for unranked reviews a random place and then the rest.

    An index in random order would cost every import more than these two looks cost the queue.
    """
    if part is not queue.Part.UNRANKED:
        yield reviews
        return
    ends = reviews.order_by()
    low = ends.order_by("id").values_list("id", flat=True)[:1]
    high = ends.order_by("-id").values_list("id", flat=True)[:1]
    for first, last in zip(low, high, strict=True):
        place = random.randint(first, last)  # noqa: S311  (a mixture, not a secret)
        yield reviews.filter(id__gte=place)
        yield reviews.filter(id__lt=place)


def _held(project: Project, annotator: User, now: datetime, place: int) -> Assignment | None:
    """Renew what this person holds at a place, unless somebody has labelled the review since.

    What was fetched ahead moves to the front when the place there is free.
    """
    leased = Assignment.objects.select_related("review", "project").filter(
        project=project, annotator=annotator, state=_State.LEASED
    )
    at_place = list(leased.filter(place=place))
    moved_up = leased.filter(place__gt=0).order_by("pk") if place == 0 else ()
    for assignment in itertools.chain(at_place, moved_up):
        if is_done(assignment.review):
            end(assignment, _State.EXPIRED, now)
            continue
        assignment.place = place
        assignment.lease_until = now + lease_time(project)
        assignment.save(update_fields=["place", "lease_until"])
        return assignment
    return None


def is_done(review: Review) -> bool:
    """Tell whether people have answered all that is asked about a review.

    An import or a bulk action may have answered some of it: then the rest still waits.
    """
    return review.is_labelled and review.annotations.exists()


def lease_time(project: Project) -> timedelta:
    """Return how long one may be silent before a review goes to somebody else."""
    return timedelta(minutes=project.lease_minutes)


def _waiting(
    project: Project, annotator: User, schema: SchemaSnapshot, part: queue.Part
) -> QuerySet[Review]:
    """Return the reviews of one part that this person may get, first come first.

    Each part walks an index of its own: review_control_queue, review_queue,
    review_unranked_queue, review_by_project.
    """
    reviews = _visible(project)
    if part is queue.Part.CONTROL:
        reviews = reviews.filter(is_labelled=False, is_control=True).order_by("id")
    elif part in (queue.Part.RANKED, queue.Part.UNRANKED):
        is_unranked = part is queue.Part.UNRANKED
        reviews = reviews.filter(
            is_labelled=False, is_control=False, ranked_by__isnull=is_unranked
        ).exclude(split=Review.Split.TEST)
        reviews = reviews.order_by("id") if is_unranked else reviews.order_by("-priority", "id")
    else:
        reviews = _imported_only(reviews, schema)
    mine = Assignment.objects.filter(
        annotator=annotator,
        review=OuterRef("pk"),
        state__in=[_State.SKIPPED, _State.SUBMITTED],
    )
    leased = Assignment.objects.filter(review=OuterRef("pk"), state=_State.LEASED)
    return reviews.filter(~Exists(mine), ~Exists(leased))


def _imported_only(reviews: QuerySet[Review], schema: SchemaSnapshot) -> QuerySet[Review]:
    """Return reviews that nobody has annotated and whose import left a question open."""
    annotated = Annotation.objects.filter(review=OuterRef("pk"))
    open_questions = Q()
    for question in schema.questions:
        if question.is_required:
            answered = Gold.objects.filter(review=OuterRef("pk"), question_id=question.id)
            open_questions |= Q(~Exists(answered))
    if not open_questions:
        return reviews.none()
    return (
        reviews.filter(~Exists(annotated), open_questions, is_labelled=True)
        .exclude(split=Review.Split.TEST)
        .order_by("-id")
    )


def _visible(project: Project) -> QuerySet[Review]:
    """Return the project's reviews, without those whose import has not ended well."""
    # A list of the few that are not ready, not a join: the queue's index must stay in charge.
    unready = list(project.datasets.filter(is_ready=False).values_list("pk", flat=True))
    reviews = Review.objects.filter(project=project)
    return reviews.exclude(dataset_id__in=unready) if unready else reviews


def _first(reviews: QuerySet[Review]) -> Review | None:
    if connection.features.has_select_for_update_skip_locked:
        reviews = reviews.select_for_update(skip_locked=True, of=("self",))
    # [:1] and not first(): PostgreSQL would lock and then sort.
    return next(iter(reviews[:1]), None)


def _give(
    project: Project,
    annotator: User,
    review: Review,
    part: queue.Part,
    now: datetime,
    place: int,
) -> Assignment:
    source = Assignment.Source.CONTROL
    if part is not queue.Part.CONTROL:
        is_ranked = review.ranked_by is not None and part is queue.Part.RANKED
        source = Assignment.Source.RANKED if is_ranked else Assignment.Source.UNRANKED
    return Assignment.objects.create(
        project=project,
        review=review,
        annotator=annotator,
        source=source,
        place=place,
        ranked_by=review.ranked_by if source == Assignment.Source.RANKED else None,
        created_at=now,
        lease_until=now + lease_time(project),
    )


def end(assignment: Assignment, state: Assignment.State, now: datetime) -> None:
    """Close an assignment."""
    assignment.state = state
    assignment.ended_at = now
    assignment.save(update_fields=["state", "ended_at", "reason"])
