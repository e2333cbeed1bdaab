"""What a model says about reviews that wait: which to label next, and what it would answer."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from jobs.lease import Lease
from labelling.models import Suggestion
from projects.models import Project
from reviews.models import Review

BATCH = 2000
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Suggested:
    """A model's answer to one question about one review, in the shape of the API's answers."""

    review_id: int
    question_key: str
    value: Any
    confidence: float | None = None


def rank_reviews(
    *,
    project: Project,
    scores: Iterable[tuple[int, float]],
    version: int,
    lease: Lease | None = None,
) -> int:
    """Set the priority of reviews (by id) as model version `version` ranks them; return how many.

    Committed batch by batch, each under the lease's fence when there is one. Ids of other
    projects change nothing.
    """
    now = timezone.now()
    table = Review._meta.db_table  # noqa: SLF001  (Django's public Model._meta API)
    statement = (
        f"UPDATE {table} SET priority = %s, ranked_by = %s, ranked_at = %s "  # noqa: S608
        "WHERE id = %s AND project_id = %s"
    )
    moment = connection.ops.adapt_datetimefield_value(now)
    ranked_count = 0
    for batch in _batches(scores):
        rows = [
            (float(priority), version, moment, review_id, project.pk)
            for review_id, priority in batch
        ]
        with _effect(lease), connection.cursor() as cursor:
            cursor.executemany(statement, rows)
        ranked_count += len(rows)
    return ranked_count


def store_suggestions(
    *,
    project: Project,
    rows: Iterable[Suggested],
    version: int,
    lease: Lease | None = None,
) -> int:
    """Keep what model version `version` would answer, in place of older proposals."""
    now = timezone.now()
    stored_count = 0
    for batch in _batches(rows):
        asked = {row.review_id for row in batch}
        known = set(
            Review.objects.filter(project=project, pk__in=asked).values_list("pk", flat=True)
        )
        suggestions = [
            Suggestion(
                review_id=row.review_id,
                question_key=row.question_key,
                value=row.value,
                confidence=row.confidence,
                model_version=version,
                created_at=now,
            )
            for row in batch
            if row.review_id in known
        ]
        with _effect(lease):
            Suggestion.objects.bulk_create(
                suggestions,
                update_conflicts=True,
                unique_fields=["review", "question_key"],
                update_fields=["value", "confidence", "model_version", "created_at"],
                batch_size=100,
            )
        stored_count += len(suggestions)
    return stored_count


def _effect(lease: Lease | None) -> AbstractContextManager[None]:
    return lease.effect() if lease is not None else transaction.atomic()


def _batches(rows: Iterable[_Row]) -> Iterator[Sequence[_Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch
