"""Full-text search over a project's reviews: as a filter, and page by page.

Frequent words must not have all that they occur in sorted for a page of fifty, nor rare ones have
a million reviews walked. PostgreSQL knows how common the commonest words are and guesses the rest
too high, so what it expects decides whether the GIN index is asked before anything else. SQLite
would collect every match. `Matches` hands them out newest first in both cases.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from projects.models import Project
from reviews import search_index
from reviews.filters import Asked
from reviews.models import Review
from reviews.words import Query, as_fts, as_tsquery, parse

#: Up to so many expected matches are looked up in the GIN index before anything else.
_RARE = 10_000
#: How many matches an index is asked for at first, how fast that grows, and where it ends.
_FIRST_WINDOW, _GROWTH, _LAST_WINDOW = 200, 5, 20_000


def by_words(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep the reviews whose text fits what `asked` searches for; see reviews.words."""
    return reviews.filter(_condition(asked.project, parse(asked.value)))


def _condition(project: Project, query: Query) -> Q:
    fits = _postgresql(project, query) if connection.vendor == "postgresql" else _sqlite(query)
    datasets = search_index.missing_in(project)
    if not datasets or search_index.are_too_many(datasets):
        return fits
    missing = list(search_index.unindexed(datasets))
    beside = [pk for pk, text in missing if query.matches(text)]
    if query.wanted:
        return fits | Q(pk__in=beside) if beside else fits
    # Nothing but exceptions: what no index knows of has passed them unseen.
    return fits & ~Q(pk__in=[pk for pk, _ in missing]) | Q(pk__in=beside)


_IN_FTS = "SELECT rowid FROM reviews_search WHERE reviews_search MATCH %s"
_IN_GIN = (
    "SELECT review_id FROM reviews_search "
    "WHERE project_id = %s AND document @@ to_tsquery('simple', %s)"
)
# OFFSET keeps PostgreSQL from walking the newest reviews before it has searched.
_RARE_FIRST = f"SELECT review_id FROM ({_IN_GIN} OFFSET 0) found WHERE TRUE"  # noqa: S608


def _postgresql(project: Project, query: Query) -> Q:
    return Q(pk__in=RawSQL(_IN_GIN, (project.pk, as_tsquery(query))))  # noqa: S611  (parameters)


def _sqlite(query: Query) -> Q:
    if query.wanted:
        return Q(pk__in=RawSQL(_IN_FTS, (_expression(query),)))  # noqa: S611  (parameters)
    unwanted = as_fts(query.unwanted, "OR")
    return ~Q(pk__in=RawSQL(_IN_FTS, (unwanted,)))  # noqa: S611  (parameters)


def _expression(query: Query) -> str:
    """Write a whole query for FTS5, which can take terms only away from others."""
    wanted = as_fts(query.wanted)
    return f"({wanted}) NOT ({as_fts(query.unwanted, 'OR')})" if query.unwanted else wanted


# --- Page by page ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Matches:
    """What an index finds for one query, in the order of a page."""

    statement: str
    #: Name of the column with the id, and what to search for.
    key: str
    parameters: tuple[int | str, ...]
    #: Whether to ask the index first and the reviews afterwards, or the database joins them better.
    is_first: bool = True

    def narrow(
        self, reviews: QuerySet[Review], *, after: int | None = None, before: int | None = None
    ) -> QuerySet[Review]:
        """Keep the reviews that match; the place is said twice, since PostgreSQL infers it not."""
        statement, parameters = self._beyond(before if before is not None else after, before)
        return reviews.filter(pk__in=RawSQL(statement, parameters))  # noqa: S611  (parameters)

    def _beyond(self, place: int | None, before: int | None) -> tuple[str, list[int | str]]:
        if place is None:
            return self.statement, [*self.parameters]
        sign = "<" if before is None else ">"
        return f"{self.statement} AND {self.key} {sign} %s", [*self.parameters, place]

    def windows(self, *, after: int | None, before: int | None) -> Iterator[Sequence[int]]:
        """Yield ids of what matches, newest first below `after`, or oldest first above `before`.

        Windows grow, so that a page behind many other filters still takes few of them.
        """
        size, upwards = _FIRST_WINDOW, before is not None
        place = before if upwards else after
        while True:
            ids = self._next(place, size, upwards=upwards)
            if ids:
                yield ids
            if len(ids) < size:
                return
            place, size = ids[-1], min(size * _GROWTH, _LAST_WINDOW)

    def _next(self, place: int | None, size: int, *, upwards: bool) -> list[int]:
        statement, parameters = self._beyond(place, place if upwards else None)
        order = "ASC" if upwards else "DESC"
        with connection.cursor() as cursor:
            cursor.execute(f"{statement} ORDER BY {self.key} {order} LIMIT %s", [*parameters, size])
            return [pk for (pk,) in cursor.fetchall()]


def matches_for(project: Project, text: str) -> Matches | None:
    """Return what walks the matches of a query; None where the filter by itself is as good."""
    query = parse(text)
    missing = search_index.missing_in(project)
    if missing and not search_index.are_too_many(missing):
        return None
    if connection.vendor == "postgresql":
        parameters = (project.pk, as_tsquery(query))
        is_rare = _is_rare(parameters)
        statement = _RARE_FIRST if is_rare else _IN_GIN
        return Matches(statement, "review_id", parameters, is_first=is_rare)
    return Matches(_IN_FTS, "rowid", (_expression(query),)) if query.wanted else None


def _is_rare(parameters: tuple[int | str, ...]) -> bool:
    """Tell whether PostgreSQL expects few matches, for which it does not look at any row."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {_IN_GIN}", parameters)
        (plan,) = cursor.fetchone()
    rows: int = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]
    return rows <= _RARE
