"""What an index beside the reviews finds, in the order of a page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from reviews.models import Review
from reviews.place import Place

#: How the number of stretches grows that are looked through at once, and where it ends.
_STRETCH_GROWTH, _LAST_STRETCHES = 4, 64
#: How many matches an index is asked for at first, how fast that grows, and where it ends.
_FIRST_WINDOW, _GROWTH, _LAST_WINDOW = 200, 5, 20_000


@dataclass(frozen=True, slots=True)
class Stretches:
    """How an index keeps to stretches of ids: for when it checks more than a page can wait for."""

    #: Ids that are alike but for so many bits make a stretch.
    bits: int
    #: What follows the statement; its parameter is a list of stretches by number.
    condition: str
    #: SELECT of an id, such as MAX(id), up to its WHERE; the project is its parameter.
    nearest: str
    project: int


@dataclass(frozen=True, slots=True)
class Matches:
    """The reviews that an index yields for one question: ids by the window, or a condition."""

    #: SELECT of ids up to its WHERE and what follows; the name of the ids' column; parameters.
    statement: str
    key: str
    parameters: tuple[int | str, ...]
    #: Whether to ask the index first and the reviews afterwards, or the database joins them better.
    is_first: bool = True
    #: The statement that windows are cut from, where it is another.
    walk: str = ""
    #: How many are asked for at first; more cost little where finding them costs most.
    first: int = _FIRST_WINDOW
    #: How to look near a page before anywhere else, where it is worth it.
    stretches: Stretches | None = None
    #: Tells of a text whether it matches, where that is sooner done than asking the index of one
    #: review after another.
    reads: Callable[[str], bool] | None = None

    def narrow(self, reviews: QuerySet[Review], place: Place) -> QuerySet[Review]:
        """Keep the reviews that match, beyond `place`."""
        beyond, places = place.condition(self.key)
        found = RawSQL(self.statement + beyond, (*self.parameters, *places))  # noqa: S611
        return reviews.filter(pk__in=found)

    def among(self, ids: Sequence[int]) -> list[int]:
        """Return those of `ids` that match, in the same order."""
        if self.reads is not None:
            texts = Review.objects.filter(pk__in=ids).values_list("pk", "text")
            fit = {pk for pk, text in texts.iterator() if self.reads(text)}
            return [pk for pk in ids if pk in fit]
        marks = ", ".join(["%s"] * len(ids))
        found = set(self._ask(f"{self.statement} AND {self.key} IN ({marks})", ids))
        return [pk for pk in ids if pk in found]

    def count(self, *, limit: int) -> int:
        """Count what matches, up to `limit`."""
        statement = f"SELECT COUNT(*) FROM ({self.statement} LIMIT %s) counted"  # noqa: S608
        return self._ask(statement, [limit])[0]

    def windows(self, place: Place) -> Iterator[Sequence[int]]:
        """Yield ids of what matches beyond `place`, in the order of its page.

        Windows grow, so that a page behind many other filters still takes few of them.
        """
        if self.stretches is not None:
            yield from _cut(self._by_stretches(self.stretches, place), self.first)
            return
        for size in _sizes(self.first):
            ids = self._next(place, size)
            if ids:
                yield ids
            if len(ids) < size:
                return
            place = place.moved(ids[-1])

    def _next(self, place: Place, size: int) -> list[int]:
        beyond, places = place.condition(self.key)
        order = "ASC" if place.is_upwards else "DESC"
        statement = f"{self.walk or self.statement}{beyond} ORDER BY {self.key} {order} LIMIT %s"
        return self._ask(statement, [*places, size])

    def _by_stretches(self, stretches: Stretches, place: Place) -> Iterator[list[int]]:
        """Yield all that matches in a stretch of ids, then in the next few, in more and more."""
        count = 1
        while (number := self._stretch(stretches, place)) is not None:
            first = number if place.is_upwards else number - count + 1
            numbers = list(range(first, first + count))
            beyond, places = place.condition(self.key)
            ids = self._ask(self.statement + beyond + stretches.condition, [*places, numbers])
            yield sorted(ids, reverse=not place.is_upwards)
            end = first + count if place.is_upwards else first
            place = place.moved((end << stretches.bits) - place.is_upwards)
            count = min(count * _STRETCH_GROWTH, _LAST_STRETCHES)

    def _stretch(self, stretches: Stretches, place: Place) -> int | None:
        """Return the number of the next stretch that has anything."""
        beyond, places = place.condition(self.key)
        nearest = stretches.nearest.format("MIN" if place.is_upwards else "MAX")
        with connection.cursor() as cursor:
            cursor.execute(nearest + beyond, [stretches.project, *places])
            (found,) = cursor.fetchone()
        return None if found is None else found >> stretches.bits

    def _ask(self, statement: str, more: Sequence[int | list[int]]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*self.parameters, *more])
            return [number for (number,) in cursor.fetchall()]


def _sizes(size: int) -> Iterator[int]:
    while True:
        yield size
        size = min(size * _GROWTH, _LAST_WINDOW)


def _cut(found: Iterable[list[int]], first: int) -> Iterator[Sequence[int]]:
    """Cut what was found at once into windows."""
    sizes = _sizes(first)
    for ids in found:
        start = 0
        while start < len(ids):
            size = next(sizes)
            yield ids[start : start + size]
            start += size
