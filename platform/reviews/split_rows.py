"""Write splits and groups of many reviews: a few statements for thousands of rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count

from reviews.members import reviews_in
from reviews.models import Dataset, Review

_ROWS = 20_000
_REVIEWS = "reviews_review"


def set_splits(changes: Mapping[str, Sequence[int]]) -> None:
    """Give reviews (by id) their splits, in the caller's transaction."""
    among = "= ANY(%s)" if _is_postgresql() else "IN (SELECT value FROM json_each(%s))"
    statement = f"UPDATE {_REVIEWS} SET split = %s WHERE id {among}"  # noqa: S608  (our names)
    with connection.cursor() as cursor:
        for split, ids in changes.items():
            for some in _slices(ids):
                cursor.execute(statement, [split, _listed(some)])


def set_groups(groups: Sequence[tuple[int, int | None]]) -> None:
    """Give reviews (by id) their groups, in the caller's transaction."""
    values: list[Any]
    if _is_postgresql():
        source = "SELECT unnest(%s::bigint[]) AS id, unnest(%s::bigint[]) AS group_key"
        values = [[each for each, _ in groups], [each for _, each in groups]]
    else:
        source = """SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]')
                    AS group_key FROM json_each(%s)"""
        values = [json.dumps(groups)]
    statement = f"""
        UPDATE {_REVIEWS} SET group_key = found.group_key FROM ({source}) AS found
        WHERE {_REVIEWS}.id = found.id
    """  # noqa: S608  (only our own names are put together)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def inherit(dataset: Dataset) -> None:
    """Give cleaned copies the split and the group of their originals."""
    statement = f"""
        UPDATE {_REVIEWS} SET split = original.split, group_key = original.group_key
        FROM {_REVIEWS} AS original
        WHERE {_REVIEWS}.dataset_id = %s AND original.id = {_REVIEWS}.derived_from_id
          AND original.project_id = {_REVIEWS}.project_id
          AND (original.split <> {_REVIEWS}.split
               OR original.group_key IS DISTINCT FROM {_REVIEWS}.group_key)
    """  # noqa: S608  (only our own names are put together)
    with connection.cursor() as cursor:
        cursor.execute(statement, [dataset.pk])


def split_counts(dataset: Dataset) -> dict[str, int]:
    """Count a data set's reviews by split, and those of the control slice."""
    reviews = reviews_in(dataset)
    by_split = reviews.values_list("split").annotate(Count("id")).order_by("split")
    return {**dict(by_split), "control": reviews.filter(is_control=True).count()}


def grouped_count(dataset: Dataset) -> int:
    """Count the reviews of a data set that have near duplicates."""
    return Review.objects.filter(dataset=dataset, group_key__isnull=False).count()


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _listed(ids: Sequence[int]) -> list[int] | str:
    return list(ids) if _is_postgresql() else json.dumps(ids)


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), _ROWS):
        yield ids[at : at + _ROWS]
