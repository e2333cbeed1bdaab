"""Full-text search over a project's reviews: as a filter, and page by page.

Frequent words must not have all that they occur in sorted for a page of fifty, nor rare ones have
a million reviews walked. PostgreSQL knows how common the commonest words are and guesses the rest
too high, so what it expects decides whether the GIN index is asked before anything else. SQLite
would collect every match. `Matches` hands them out newest first in both cases.
"""

import json

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from projects.models import Project
from reviews import search_index
from reviews.filters import Asked
from reviews.matches import Matches, Stretches
from reviews.models import Review
from reviews.search_index import STRETCH_BITS
from reviews.words import Query, as_fts, as_tsquery, parse

#: Up to so many expected matches are looked up in the GIN index before anything else.
_RARE = 10_000
#: The same for phrases, of which only the words are expected: every place where they meet has to
#: be looked at, which is done near the page first when there may be more.
_RARE_PHRASE = 1_000


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
_IN_STRETCHES = f" AND ARRAY[review_id >> {STRETCH_BITS}] && %s::bigint[]"
_NEAREST = "SELECT {}(review_id) FROM reviews_search WHERE project_id = %s"
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


def matches_for(project: Project, text: str) -> Matches | None:
    """Return what walks the matches of a query; None where the filter by itself is as good."""
    query = parse(text)
    missing = search_index.missing_in(project)
    if missing and not search_index.are_too_many(missing):
        return None
    if connection.vendor == "postgresql":
        parameters = (project.pk, as_tsquery(query))
        expected = _expected(parameters)
        if query.has_phrase and expected > _RARE_PHRASE:
            near = Stretches(STRETCH_BITS, _IN_STRETCHES, _NEAREST, project.pk)
            return Matches(_IN_GIN, "review_id", parameters, stretches=near)
        is_rare = expected <= _RARE
        return Matches(_IN_GIN, "review_id", parameters, is_first=is_rare, walk=_RARE_FIRST)
    if not query.wanted:
        return None
    # FTS5 goes through the places of a phrase's words anew for every review it is asked about.
    reads = query.matches if query.has_phrase else None
    return Matches(_IN_FTS, "rowid", (_expression(query),), reads=reads)


def _expected(parameters: tuple[int | str, ...]) -> int:
    """Return how many matches PostgreSQL expects, for which it does not look at any row."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {_IN_GIN}", parameters)
        (plan,) = cursor.fetchone()
    rows: int = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]
    return rows
