"""Find reviews that a person may get next. Looks without locks; who takes one checks again.

Every look is bounded, so that it takes as long among a million reviews as among ten thousand:
indexes are walked, and where a walk may pass many reviews that do not suit this person (their own,
those of the test split) it is cut into windows. Only when nothing was found anywhere does one look
go through everything, and then not again for a while.
"""

import random
from collections.abc import Iterator

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from labelling import seats
from labelling.models import CHECK_SEATS, Annotation, Assignment, Gold, OpenReview, QualityCheck
from labelling.queue import Part
from labelling.snapshot import SchemaSnapshot
from projects.models import Project
from reviews.models import Review

#: Reviews that are offered at once: who finds one taken tries the next.
FEW = 8
#: Rows that a window of a walk passes: a small one first, which is mostly enough.
WINDOWS = (50, 500)
#: A thorough look through more rows than this is not repeated for so long, when it found nothing.
MANY = 2000
REST_SECONDS = 30
_State = Assignment.State
#: States after which a review is not served to the same person again.
_HAD = [_State.RESERVED, _State.LEASED, _State.SUBMITTED, _State.SKIPPED]

Found = Iterator[list[int]]


class Waiting:
    """What waits in a project for one person."""

    def __init__(self, project: Project, person: User, schema: SchemaSnapshot) -> None:
        self._project = project
        self._person = person
        self._schema = schema
        self._unready: list[int] | None = None

    # --- What comes before fresh reviews ----------------------------------------------------------

    def reserved(self) -> Assignment | None:
        """Return the oldest review that is reserved for this person."""
        mine = Assignment.objects.filter(
            project=self._project, annotator=self._person, state=_State.RESERVED
        )
        return mine.order_by("id").first()

    def checks(self) -> list[int]:
        """Return some quality checks that this person has not met, in random order."""
        annotated = Annotation.objects.filter(review=OuterRef("review"), annotator=self._person)
        rows = QualityCheck.objects.filter(
            ~Exists(annotated), ~Exists(self._had("review")), project=self._project
        )
        ids = list(rows.values_list("review_id", flat=True)[:1000])
        random.shuffle(ids)
        return self._shown(ids[:FEW])

    def opened(self) -> Found:
        """Yield reviews with answers that want this person's, a few at a time."""
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
        rows = OpenReview.objects.filter(project=self._project, review__gte=place)
        ids = rows.order_by("review").values_list("review_id", flat=True)
        end = next(iter(ids[size : size + 1]), 0)
        if end:
            rows = rows.filter(review__lt=end)
        found = self._suitable(rows)
        # As long as there is something here, the next look begins here as well.
        return found, place if found else end

    def _suitable(self, rows: QuerySet[OpenReview]) -> list[int]:
        said = Annotation.objects.filter(review=OuterRef("review"), annotator=self._person)
        stale = said.filter(is_check=False).exclude(schema=self._schema.id)
        busy = Assignment.objects.filter(
            annotator=self._person,
            review=OuterRef("review"),
            state__in=[_State.RESERVED, _State.LEASED, _State.SKIPPED],
        )
        new = Q(~Exists(said), ~Exists(self._had("review")))
        again = Q(Exists(stale), ~Exists(busy), cause=OpenReview.Cause.AGAIN)
        matching = rows.filter(new | again).order_by("review")
        ids = list(matching.values_list("review_id", "cause")[: 10 * FEW])
        counts = seats.seated_counts([review_id for review_id, _ in ids])
        free = [
            review_id
            for review_id, cause in ids
            if cause == OpenReview.Cause.AGAIN
            or counts.get(review_id, 0) < seats.wanted(self._project, review_id)
        ]
        return self._shown(free[:FEW])

    # --- Fresh reviews ----------------------------------------------------------------------------

    def fresh(self, part: Part) -> Found:
        """Yield reviews of one part, a few at a time, first come first."""
        if part is Part.UNRANKED:
            yield from self._unranked()
        elif part is Part.JOINED:
            yield self._joined()
        elif part is Part.IMPORTED:
            yield self._imported()
        else:
            yield self._few(self.of_part(part))

    def of_part(self, part: Part) -> QuerySet[Review]:
        """Return the reviews of one part in order, with those that others are at left out.

        Each part walks an index of its own: review_control_queue, review_queue,
        review_unranked_queue.
        """
        reviews = self._visible().filter(is_labelled=False)
        if part is Part.CONTROL:
            reviews = reviews.filter(is_control=True).order_by("id")
        else:
            is_unranked = part is Part.UNRANKED
            reviews = reviews.filter(is_control=False, ranked_by__isnull=is_unranked)
            reviews = reviews.exclude(split=Review.Split.TEST)
            reviews = reviews.order_by("id") if is_unranked else reviews.order_by("-priority", "id")
        return reviews.filter(~Exists(self._had()), ~Exists(self._seated()))

    def _unranked(self) -> Found:
        """Walk from a random place, or from where a thorough look has found something.

        An index in random order would cost every import more than these looks cost the queue.
        """
        everything = (
            Review.objects.filter(project=self._project, is_labelled=False, ranked_by=None)
            .order_by("id")
            .values_list("id", flat=True)
        )
        low, high = everything.first(), everything.last()
        if low is None or high is None:
            return
        place: int = cache.get(self._key("unranked")) or random.randint(low, high)  # noqa: S311
        reviews = self.of_part(Part.UNRANKED)
        for start, size in ((place, WINDOWS[0]), (place, WINDOWS[1]), (low, WINDOWS[1])):
            end = next(iter(everything.filter(id__gte=start)[size : size + 1]), high + 1)
            yield self._few(reviews.filter(id__gte=start, id__lt=end))

    def _joined(self) -> list[int]:
        """Return fresh reviews that others hold and on which a seat is free."""
        if self._project.overlap_count == 1:
            return []
        held = Assignment.objects.filter(
            ~Exists(self._had("review")),
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
            open_questions, ~Exists(annotated), ~Exists(self._had()), ~Exists(self._seated())
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
        if found := self._suitable(OpenReview.objects.filter(project=self._project)):
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

    def _had(self, review: str = "pk") -> QuerySet[Assignment]:
        return Assignment.objects.filter(
            annotator=self._person, review=OuterRef(review), state__in=_HAD
        )

    def _seated(self) -> QuerySet[Assignment]:
        return Assignment.objects.filter(
            review=OuterRef("pk"), state__in=[_State.RESERVED, _State.LEASED]
        )

    def _visible(self) -> QuerySet[Review]:
        """Return the project's reviews, without those whose import has not ended well."""
        unready = self._unready_datasets()
        reviews = Review.objects.filter(project=self._project)
        return reviews.exclude(dataset_id__in=unready) if unready else reviews

    def _shown(self, ids: list[int]) -> list[int]:
        """Leave out reviews whose data set is not shown (any more); keep the order."""
        unready = self._unready_datasets()
        if not unready or not ids:
            return ids
        hidden = Review.objects.filter(pk__in=ids, dataset_id__in=unready)
        gone = set(hidden.values_list("pk", flat=True))
        return [each for each in ids if each not in gone]

    def _unready_datasets(self) -> list[int]:
        # A list of the few that are not ready, not a join: the queue's index must stay in charge.
        if self._unready is None:
            unready = self._project.datasets.filter(is_ready=False)
            self._unready = list(unready.values_list("pk", flat=True))
        return self._unready

    def _key(self, what: str) -> str:
        return f"labelling.{what}.{self._project.pk}.{self._person.pk}"
