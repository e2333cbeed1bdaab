"""Find reviews that a person may get next. Looks without locks; who takes one checks again.

Every look is bounded, so that it takes as long among a million reviews as among ten thousand:
indexes are walked, and where a walk may pass many reviews that do not suit this person (their own,
those of the test split) it is cut into windows. Only when nothing was found anywhere does one look
go through everything, and then not again for a while.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from common import compiled
from labelling import seats
from labelling.models import CHECK_SEATS, Annotation, Assignment, Gold, OpenReview, QualityCheck
from labelling.queue import Part
from labelling.snapshot import SchemaSnapshot
from projects.models import Membership, Project
from reviews.models import Dataset, Review

#: Reviews that are offered at once: who finds one taken tries the next.
FEW = 8
#: Rows that a window of a walk passes: a small one first, which is mostly enough.
WINDOWS = (50, 500)
#: A thorough look through more rows than this is not repeated for so long, when it found nothing.
MANY = 2000
REST_SECONDS = 30
_State = Assignment.State
#: No id is higher.
ALL = 2**63 - 1
#: States after which a review is not served to the same person again.
_HAD = [_State.RESERVED, _State.LEASED, _State.SUBMITTED, _State.SKIPPED]

Found = Iterator[list[int]]


@dataclass(frozen=True, slots=True)
class Glance:
    """What one look says about a person in the queue: mostly that there is nothing to do first."""

    holds: bool
    has_reserved: bool
    has_quota: bool
    #: Whether somebody's lease has run out in this project.
    has_overdue: bool


def glance(project: Project, person: User, now: datetime) -> Glance:
    """Look at what comes before any review is searched for."""
    looked = compiled.rows(_glance, project=project.pk, person=person.pk, now=now)
    return Glance(*(each is not None for each in looked[0]))


@dataclass(frozen=True, slots=True)
class _Pool:
    """Where a project's reviews are: one of each kind, or None."""

    lowest_unranked: int | None
    highest_unranked: int | None
    ranked: int | None
    opened: int | None
    unready_dataset: int | None


class Waiting:
    """What waits in a project for one person."""

    def __init__(self, project: Project, person: User, schema: SchemaSnapshot) -> None:
        self._project = project
        self._person = person
        self._schema = schema
        self._ids = {"project": project.pk, "person": person.pk}
        self._unready: tuple[int, ...] | None = None
        self._known_pool: _Pool | None = None

    # --- What comes before fresh reviews ----------------------------------------------------------

    def reserved(self) -> Assignment | None:
        """Return the oldest review that is reserved for this person."""
        found = compiled.numbers(_reserved, **self._ids)
        return Assignment.objects.filter(pk=found[0]).first() if found else None

    def checks(self) -> list[int]:
        """Return some quality checks that this person has not met, in random order."""
        annotated = Annotation.objects.filter(review=OuterRef("review"), annotator=self._person)
        rows = QualityCheck.objects.filter(
            ~Exists(annotated), ~Exists(_had(self._person.pk, "review")), project=self._project
        )
        ids = list(rows.values_list("review_id", flat=True)[:1000])
        random.shuffle(ids)
        return self._shown(ids[:FEW])

    def opened(self) -> Found:
        """Yield reviews with answers that want this person's, a few at a time."""
        if self._pool().opened is None:
            return
        key = self._key("opened")
        place: int = cache.get(key, 0)
        for size in WINDOWS:
            found, place = self._opened_window(place, size)
            if found:
                yield found
            cache.set(key, place, 60)
            if not place:
                return

    def _opened_window(self, place: int, size: int) -> tuple[list[int], int]:
        """Look at `size` open reviews from a place on; return what suits, and where to go on."""
        ends = compiled.numbers(_opened_end, size, project=self._project.pk, start=place)
        end = ends[0] if ends else 0
        found = self._suitable(place, end or ALL)
        # As long as there is something here, the next look begins here as well.
        return found, place if found else end

    def _suitable(self, start: int, end: int) -> list[int]:
        ids = compiled.rows(_opened, **self._ids, start=start, end=end)
        if not ids:
            return []
        counts = seats.seated_counts([review_id for review_id, _ in ids])
        again = [each for each, cause in ids if cause == OpenReview.Cause.AGAIN]
        # Those who are asked again have given their seats back and may still have an answer there.
        answered = seats.answered(again) if again else {}
        for review_id, people in answered.items():
            counts[review_id] = max(counts.get(review_id, 0), len(people - {self._person.pk}))
        mine = self._asked_again(again)
        free = [
            review_id
            for review_id, _ in ids
            if review_id in mine
            or counts.get(review_id, 0) < seats.wanted(self._project, review_id)
        ]
        return self._shown(free[:FEW])

    def _asked_again(self, review_ids: list[int]) -> set[int]:
        """Return those of some reviews that this person is asked to answer again."""
        if not review_ids:
            return set()
        said = Annotation.objects.filter(
            review_id__in=review_ids, annotator=self._person, is_asked_again=True
        )
        return set(said.values_list("review_id", flat=True))

    # --- Fresh reviews ----------------------------------------------------------------------------

    def fresh(self, part: Part) -> Found:
        """Yield reviews of one part, a few at a time, first come first."""
        if part is Part.UNRANKED:
            yield from self._unranked()
        elif part is Part.JOINED:
            yield self._joined()
        elif part is Part.IMPORTED:
            yield self._imported()
        elif part is Part.CONTROL or self._pool().ranked is not None:
            yield compiled.numbers(_few_of, part, self._unready_datasets(), **self._ids)

    def of_part(self, part: Part) -> QuerySet[Review]:
        """Return the reviews of one part in order, with those that others are at left out."""
        return _of_part(part, self._unready_datasets(), **self._ids)

    def _unranked(self) -> Found:
        """Walk from a random place, or from where a thorough look has found something.

        An index in random order would cost every import more than these looks cost the queue.
        """
        low, high = self._pool().lowest_unranked, self._pool().highest_unranked
        if low is None or high is None:
            return
        place: int = cache.get(self._key("unranked")) or random.randint(low, high)  # noqa: S311
        unready = self._unready_datasets()
        for start, size in ((place, WINDOWS[0]), (place, WINDOWS[1]), (low, WINDOWS[1])):
            ends = compiled.numbers(
                _unranked_after, size, project=self._project.pk, start=start, high=high
            )
            end = ends[0] if ends else high + 1
            yield compiled.numbers(_few_within, unready, **self._ids, start=start, end=end)

    def _joined(self) -> list[int]:
        """Return fresh reviews that others hold and on which a seat is free."""
        if self._project.overlap_count == 1:
            return []
        held = Assignment.objects.filter(
            ~Exists(_had(self._person.pk, "review")),
            project=self._project,
            state=_State.LEASED,
            seat__lt=CHECK_SEATS,
            review__is_labelled=False,
        )
        ids = list(dict.fromkeys(held.order_by("id").values_list("review_id", flat=True)[:500]))
        counts = seats.seated_counts(ids)
        return [each for each in ids if counts[each] < seats.wanted(self._project, each)][:FEW]

    def _imported(self) -> list[int]:
        """Return reviews that nobody has annotated and whose import left a question open.

        They come into being by new questions only; each look passes one window of what is
        labelled, from the newest on.
        """
        key = f"labelling.imported.{self._project.pk}.{self._schema.version}"
        place: int | None = cache.get(key)
        reviews = Review.objects.filter(project=self._project).order_by("-id")
        if place is not None:
            reviews = reviews.filter(id__lt=place)
        end = next(iter(reviews.values_list("id", flat=True)[WINDOWS[1] : WINDOWS[1] + 1]), None)
        if end is not None:
            reviews = reviews.filter(id__gt=end)
        found = self._few(self._with_open_questions(reviews))
        if not found:
            cache.set(key, end + 1 if end is not None else None, 600)
        return found

    def _with_open_questions(self, reviews: QuerySet[Review]) -> QuerySet[Review]:
        annotated = Annotation.objects.filter(review=OuterRef("pk"))
        open_questions = Q()
        for question in self._schema.questions:
            if question.is_required:
                answered = Gold.objects.filter(review=OuterRef("pk"), question_id=question.id)
                open_questions |= Q(~Exists(answered))
        if not open_questions:
            return reviews.none()
        waiting = reviews.filter(
            open_questions, ~Exists(annotated), ~Exists(_had(self._person.pk)), ~Exists(_seated())
        )
        unready = self._unready_datasets()
        waiting = waiting.exclude(dataset_id__in=unready) if unready else waiting
        return waiting.filter(is_labelled=True).exclude(split=Review.Split.TEST)

    # --- Everything -------------------------------------------------------------------------------

    def thoroughly(self) -> Found:
        """Go through everything that windows may have missed; rests after a long vain look."""
        key = self._key("nothing")
        if cache.get(key):
            return
        if found := self._suitable(0, ALL):
            yield found
        if found := self._few(self.of_part(Part.UNRANKED)):
            # The next look begins here.
            cache.set(self._key("unranked"), found[0], REST_SECONDS)
            yield found
        if self._is_long():
            cache.set(key, True, REST_SECONDS)

    def _is_long(self) -> bool:
        opened = OpenReview.objects.filter(project=self._project).order_by("review")
        unranked = Review.objects.filter(
            project=self._project, is_labelled=False, ranked_by=None
        ).order_by("id")
        return any(len(rows.values_list("id")[MANY : MANY + 1]) for rows in (opened, unranked))

    # --- Helpers ----------------------------------------------------------------------------------

    def _few(self, reviews: QuerySet[Review]) -> list[int]:
        return list(reviews.values_list("id", flat=True)[:FEW])

    def _shown(self, ids: list[int]) -> list[int]:
        """Leave out reviews whose data set is not shown (any more); keep the order."""
        unready = self._unready_datasets()
        if not unready or not ids:
            return ids
        hidden = Review.objects.filter(pk__in=ids, dataset_id__in=unready)
        gone = set(hidden.values_list("pk", flat=True))
        return [each for each in ids if each not in gone]

    def _unready_datasets(self) -> tuple[int, ...]:
        # A list of the few that are not ready, not a join: the queue's index must stay in charge.
        if self._unready is None:
            some = self._pool().unready_dataset is not None
            found = compiled.numbers(_unready, project=self._project.pk) if some else ()
            self._unready = tuple(found)
        return self._unready

    def _pool(self) -> _Pool:
        if self._known_pool is None:
            self._known_pool = _Pool(*compiled.rows(_pool, project=self._project.pk)[0])
        return self._known_pool

    def _key(self, what: str) -> str:
        return f"labelling.{what}.{self._project.pk}.{self._person.pk}"


# --- What is looked up for everybody who asks: by id, compiled once -------------------------------


def _glance(*, project: int, person: int, now: datetime) -> "QuerySet[Project, Any]":
    mine = Assignment.objects.filter(project=project, annotator=person)
    quotas = Membership.objects.filter(project=project, user=person, daily_quota__isnull=False)
    return Project.objects.filter(pk=project).values_list(
        _first(mine.filter(state=_State.LEASED)),
        _first(mine.filter(state=_State.RESERVED)),
        _first(quotas),
        _first(seats.overdue(project=project, now=now)),
    )


def _pool(*, project: int) -> "QuerySet[Project, Any]":
    ranked = Review.objects.filter(project=project, is_labelled=False, ranked_by__isnull=False)
    return Project.objects.filter(pk=project).values_list(
        _first(_unranked(project).order_by("id")),
        _first(_unranked(project).order_by("-id")),
        # In the order of its index, or the primary key is walked.
        _first(ranked.filter(is_control=False).order_by("-priority", "id")),
        _first(OpenReview.objects.filter(project=project).order_by("review")),
        _first(Dataset.objects.filter(project=project, is_ready=False)),
    )


def _first(found: "QuerySet[Any]") -> Subquery:
    return Subquery(found.values("id")[:1])


def _reserved(*, project: int, person: int) -> "QuerySet[Assignment, Any]":
    mine = Assignment.objects.filter(project=project, annotator=person, state=_State.RESERVED)
    return mine.order_by("id").values_list("id")[:1]


def _opened_end(size: int, *, project: int, start: int) -> "QuerySet[OpenReview, Any]":
    rows = OpenReview.objects.filter(project=project, review__gte=start)
    return rows.order_by("review").values_list("review_id")[size : size + 1]


def _opened(*, project: int, person: int, start: int, end: int) -> "QuerySet[OpenReview, Any]":
    said = Annotation.objects.filter(review=OuterRef("review"), annotator=person)
    asked = said.filter(is_asked_again=True)
    busy = Assignment.objects.filter(
        annotator=person,
        review=OuterRef("review"),
        state__in=[_State.RESERVED, _State.LEASED, _State.SKIPPED],
    )
    new = Q(~Exists(said), ~Exists(_had(person, "review")))
    again = Q(Exists(asked), ~Exists(busy), cause=OpenReview.Cause.AGAIN)
    within = OpenReview.objects.filter(project=project, review__gte=start, review__lt=end)
    matching = within.filter(new | again).order_by("review")
    return matching.values_list("review_id", "cause")[: 10 * FEW]


def _of_part(
    part: Part, unready: tuple[int, ...], *, project: int, person: int
) -> QuerySet[Review]:
    """Return the reviews of one part in order, with those that others are at left out.

    Each part walks an index of its own: review_control_queue, review_queue, review_unranked_queue.
    """
    reviews = Review.objects.filter(project=project, is_labelled=False)
    # Those whose import has not ended well are not to be seen.
    reviews = reviews.exclude(dataset_id__in=unready) if unready else reviews
    if part is Part.CONTROL:
        reviews = reviews.filter(is_control=True).order_by("id")
    else:
        is_unranked = part is Part.UNRANKED
        reviews = reviews.filter(is_control=False, ranked_by__isnull=is_unranked)
        reviews = reviews.exclude(split=Review.Split.TEST)
        reviews = reviews.order_by("id") if is_unranked else reviews.order_by("-priority", "id")
    return reviews.filter(~Exists(_had(person)), ~Exists(_seated()))


def _few_of(
    part: Part, unready: tuple[int, ...], *, project: int, person: int
) -> "QuerySet[Review, Any]":
    return _of_part(part, unready, project=project, person=person).values_list("id")[:FEW]


def _few_within(
    unready: tuple[int, ...], *, project: int, person: int, start: int, end: int
) -> "QuerySet[Review, Any]":
    reviews = _of_part(Part.UNRANKED, unready, project=project, person=person)
    return reviews.filter(id__gte=start, id__lt=end).values_list("id")[:FEW]


def _unranked_after(size: int, *, project: int, start: int, high: int) -> "QuerySet[Review, Any]":
    # PostgreSQL walks the primary key when it takes many to be waiting, then not to the very end.
    reviews = _unranked(project).filter(id__gte=start, id__lte=high)
    return reviews.order_by("id").values_list("id")[size : size + 1]


def _unranked(project: int) -> QuerySet[Review]:
    return Review.objects.filter(project=project, is_labelled=False, ranked_by=None)


def _unready(*, project: int) -> "QuerySet[Dataset, Any]":
    return Dataset.objects.filter(project=project, is_ready=False).values_list("pk")


def _had(person: int, review: str = "pk") -> QuerySet[Assignment]:
    return Assignment.objects.filter(annotator=person, review=OuterRef(review), state__in=_HAD)


def _seated() -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        review=OuterRef("pk"), state__in=[_State.RESERVED, _State.LEASED]
    )
