"""Renew reviews that are there with what a repeated row says, so that it can be undone."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from reviews.answers import AnswerSink
from reviews.decided import Rows
from reviews.models import ImportJob, Review, ReviewChange

#: A row that repeats the text of a review: its place among the rows, and the review's id.
Target = tuple[int, int]


def renew(work: ImportJob, sink: AnswerSink, rows: Rows, targets: Sequence[Target]) -> set[int]:
    """Give reviews the metadata, product, author, date and answers of rows with the same text.

    What a row leaves empty stays as it was. What was there before this import is kept in
    ReviewChange. Returns the places of the rows that had something to say.
    """
    reviews = Review.objects.in_bulk({number for _, number in targets})
    telling = [(at, reviews[number]) for at, number in targets if _tells(rows, at)]
    if not telling:
        return set()
    answers: dict[int, dict[str, Any]] = {}
    before = {review.pk: _state(review) for _, review in telling}
    for at, review in telling:
        _change(review, rows, at)
        if rows.given[at].answers:
            answers.setdefault(review.pk, {}).update(rows.given[at].answers)
    for number, said in sink.before_and_update(list(answers.items())).items():
        before[number]["answers"] = said
    changed = {review.pk: review for _, review in telling}
    Review.objects.bulk_update(
        changed.values(),
        ["metadata", "product", "author", "reviewed_at"],
        batch_size=500,
    )
    _remember(work, changed, before)
    return {at for at, _ in telling}


def _tells(rows: Rows, at: int) -> bool:
    return bool(
        rows.given[at].answers
        or rows.metadata[at] != "{}"
        or rows.products[at]
        or rows.authors[at]
        or rows.days[at]
    )


def _state(review: Review) -> dict[str, Any]:
    return {
        "metadata": dict(review.metadata),
        "product": review.product,
        "author": review.author,
        "reviewed_at": review.reviewed_at and review.reviewed_at.isoformat(),
        # What AnswerSink.restore takes.
        "answers": {},
    }


def _change(review: Review, rows: Rows, at: int) -> None:
    review.metadata = {**review.metadata, **json.loads(rows.metadata[at])}
    review.product = rows.products[at] or review.product
    review.author = rows.authors[at] or review.author
    day = rows.days[at]
    review.reviewed_at = date.fromisoformat(day) if day else review.reviewed_at


def _remember(
    work: ImportJob, changed: Mapping[int, Review], before: Mapping[int, dict[str, Any]]
) -> None:
    """Keep what was there; reviews of this import go when it is undone and need nothing."""
    ReviewChange.objects.bulk_create(
        (
            ReviewChange(import_job=work, review=review, before=before[number])
            for number, review in changed.items()
            if review.import_job_id != work.pk
        ),
        # A later row about the same review: the first one saw what was there before.
        ignore_conflicts=True,
        batch_size=500,
    )
