"""Full-text search over a project's reviews: as a filter, and page by page.

Frequent words must not have all that they occur in sorted for a page of fifty, nor rare ones have
a million reviews walked. PostgreSQL knows how common the commonest words are and guesses the rest
too high, so what it expects decides whether the GIN index has to be asked first. SQLite would
collect every match; `Matches` hands them out newest first instead.
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
#: How many matches SQLite is asked for at first, and how fast that grows.
_FIRST_WINDOW, _GROWTH = 200, 5


def by_words(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep the reviews whose text fits what `asked` searches for; see reviews.words."""
    return reviews.filter(_condition(asked.project, parse(asked.value)))


def is_covered(project: Project) -> bool:
    """Tell whether the index, and what can be read beside it, holds all of a project's reviews."""
    return len(list(search_index.unindexed(search_index.missing_in(project)))) <= search_index.FEW


def _condition(project: Project, query: Query) -> Q:
    fits = _postgresql(project, query) if connection.vendor == "postgresql" else _sqlite(query)
    missing = list(search_index.unindexed(search_index.missing_in(project)))
    if not missing or len(missing) > search_index.FEW:
        return fits
    beside = [pk for pk, text in missing if query.matches(text)]
    if query.wanted:
        return fits | Q(pk__in=beside) if beside else fits
    # Nothing but exceptions: what no index knows of has passed them unseen.
    return fits & ~Q(pk__in=[pk for pk, _ in missing]) | Q(pk__in=beside)


def _postgresql(project: Project, query: Query) -> Q:
    statement = (
        "SELECT review_id FROM reviews_search "
        "WHERE project_id = %s AND document @@ to_tsquery('simple', %s)"
    )
    parameters = (project.pk, as_tsquery(query))
    if _expected(statement, parameters) <= _RARE:
        # OFFSET keeps PostgreSQL from joining before it has searched.
        statement += " OFFSET 0"
    return Q(pk__in=RawSQL(statement, parameters))  # noqa: S611  (parameters)


def _expected(statement: str, parameters: tuple[int | str, ...]) -> int:
    """Return how many rows PostgreSQL expects, which it does not look at any row for."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        (plan,) = cursor.fetchone()
    rows: int = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]
    return rows


def _sqlite(query: Query) -> Q:
    statement = "SELECT rowid FROM reviews_search WHERE reviews_search MATCH %s"
    if query.wanted:
        return Q(pk__in=RawSQL(statement, (_expression(query),)))  # noqa: S611  (parameters)
    unwanted = as_fts(query.unwanted, "OR")
    return ~Q(pk__in=RawSQL(statement, (unwanted,)))  # noqa: S611  (parameters)


def _expression(query: Query) -> str:
    """Write a whole query for FTS5, which can take terms only away from others."""
    wanted = as_fts(query.wanted)
    return f"({wanted}) NOT ({as_fts(query.unwanted, 'OR')})" if query.unwanted else wanted


# --- Page by page on SQLite -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Matches:
    """What SQLite's index finds for one query, in the order of the page."""

    expression: str

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
            place, size = ids[-1], size * _GROWTH

    def _next(self, place: int | None, size: int, *, upwards: bool) -> list[int]:
        beyond = "" if place is None else f"AND rowid {'>' if upwards else '<'} %s"
        order = "ASC" if upwards else "DESC"
        statement = (
            f"SELECT rowid FROM reviews_search WHERE reviews_search MATCH %s {beyond} "  # noqa: S608
            f"ORDER BY rowid {order} LIMIT %s"
        )
        parameters: list[int | str] = [self.expression, *([] if place is None else [place]), size]
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [pk for (pk,) in cursor.fetchall()]


def matches_for(project: Project, text: str) -> Matches | None:
    """Return what walks the matches of a query; None where the filter by itself is as good."""
    if connection.vendor == "postgresql":
        return None
    query = parse(text)
    if not query.wanted or search_index.missing_in(project):
        return None
    return Matches(_expression(query))
