"""Pages of reviews by keyset, newest first: as fast at the end of a million as at the beginning."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Left

from projects.models import Project
from reviews import origins, search
from reviews.filters import apply_filters
from reviews.matches import Matches
from reviews.models import Dataset, Review
from reviews.patience import patience
from reviews.place import ANYWHERE, Place
from reviews.selectors import visible_reviews

SIZE = 50
#: What a row of the table shows of a text, and one letter more to tell that it goes on.
EXCERPT_CHARS = 221
ROW_FIELDS = (
    "dataset_id", "row_number", "product", "author", "reviewed_at", "split", "is_control",
    "is_labelled",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Some reviews, newest first, and where the pages before and after begin (None: nowhere)."""

    reviews: list[Review]
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reviews, before a page is cut: a filtered queryset, and maybe an index to meet it."""

    reviews: QuerySet[Review]
    matches: Matches | None = None
    #: A second index, which is asked about what the first one yields.
    also: Matches | None = None

    def rows(self, *, after: int | None, before: int | None, size: int) -> list[Review]:
        """Return `size` reviews, newest first below `after`, or oldest first above `before`."""
        place = Place(after=after, before=before)
        ordered = self.reviews.order_by("pk" if place.is_upwards else "-pk")
        if self.matches is not None and self.matches.is_first:
            found: list[Review] = []
            for ids in self._windows(self.matches, place):
                found += ordered.filter(pk__in=ids)[: size - len(found)]
                if len(found) == size:
                    break
            return found
        if self.matches is not None:
            ordered = self.matches.narrow(ordered, place)
        return list(ordered.filter(place.beyond("pk"))[:size])

    def ids(self, *, after: int | None, size: int, has_limit: bool = True) -> list[int]:
        """Return the ids of the `size` newest below `after`; raise TooSlow if there is a limit."""
        bare = replace(self, reviews=self.reviews.only("pk"))
        with patience() if has_limit else nullcontext():
            return [review.pk for review in bare.rows(after=after, before=None, size=size)]

    def excerpts(self, needs: Collection[str] = ()) -> "Wanted":
        """Leave behind what a row of the table does not show: a text may have a million letters.

        Every row has the fields of ROW_FIELDS, those in `needs`, and `excerpt`.
        """
        light = self.reviews.only(*ROW_FIELDS, *needs).annotate(excerpt=Left("text", EXCERPT_CHARS))
        return replace(self, reviews=light)

    def count(self, *, limit: int) -> int:
        """Count them up to `limit`, which stands for that many or more; raise TooSlow."""
        with patience():
            if self.matches is None or not self.matches.is_first:
                found = self.reviews
                if self.matches is not None:
                    found = self.matches.narrow(found, ANYWHERE)
                return found.order_by()[:limit].count()
            seen = 0
            for ids in self._windows(self.matches, ANYWHERE):
                seen += self.reviews.filter(pk__in=ids).count()
                if seen >= limit:
                    return limit
            return seen

    def _windows(self, matches: Matches, place: Place) -> Iterator[Sequence[int]]:
        windows = matches.windows(place)
        return map(self.also.among, windows) if self.also is not None else windows


def wanted(
    project: Project, asked: Iterable[tuple[str, str]], *, place: Place = ANYWHERE
) -> Wanted:
    """Return the visible reviews that fit every (name, value); raise Invalid as filters do.

    A page far down is found sooner if its `place` is known.
    """
    pairs = list(asked)
    words = [value for name, value in pairs if name == "q" and value.strip("\x00")]
    found = search.matches_for(project, words[0]) if len(words) == 1 else None
    rest = [(name, value) for name, value in pairs if found is None or name != "q"]
    visible = _below_unready(visible_reviews(project), project)
    reviews = apply_filters(visible, project, rest, place=place)
    of = origins.matches_for(project, rest)
    # Asking about one match after another is worth it while they are few, or words are no start.
    if of is None or (found is not None and found.is_first and not of.are_few()):
        return Wanted(reviews, found)
    return Wanted(reviews, of.matches, also=found)


def _below_unready(reviews: QuerySet[Review], project: Project) -> QuerySet[Review]:
    """Start below what an import under way (or one being undone) has put on top.

    They are not visible; without this, a page would walk over all of theirs to the first that is.
    """
    if not Dataset.objects.filter(project=project, is_ready=False).exists():
        return reviews
    mine = Review.objects.filter(dataset=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    ready = Dataset.objects.filter(project=project, is_ready=True).annotate(last=Subquery(mine))
    last: int | None = ready.aggregate(newest=Max("last"))["newest"]
    return reviews.filter(pk__lte=last or 0)


def page_of(chosen: Wanted, *, after: int | None, before: int | None, size: int = SIZE) -> Page:
    """Cut a page below the id `after`, or just above the id `before`; raise TooSlow."""
    with patience():
        found = chosen.rows(after=after, before=before, size=size + 1)
    has_more, shown = len(found) > size, found[:size]
    if before is not None:
        shown.reverse()
        return Page(shown, shown[0].pk if shown and has_more else None, _last(shown))
    first = shown[0].pk if shown and after is not None else None
    return Page(shown, first, _last(shown) if has_more else None)


def _last(shown: list[Review]) -> int | None:
    return shown[-1].pk if shown else None
