"""Reads: the questions, what is held for true, what people said, what comes next."""

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from django.db.models import Count, QuerySet

from common.errors import NotReady
from labelling.models import Annotation, Gold, GoldSpan, LabelSchema, Question
from labelling.snapshot import Kind, OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.models import Review

CHUNK = 1000


# --- The questions ----------------------------------------------------------------------------


def current_schema(project: Project) -> SchemaSnapshot:
    """Return the newest version of the project's questions (version 0 without any)."""
    latest = (
        LabelSchema.objects.filter(project=project)
        .order_by("-version")
        .values_list("id", "version", "created_at")
        .first()
    )
    if latest is None:
        return SchemaSnapshot(version=0)
    return _snapshot(*latest)


def schema_version(project: Project, version: int) -> SchemaSnapshot | None:
    """Return one version of the project's questions."""
    found = (
        LabelSchema.objects.filter(project=project, version=version)
        .values_list("id", "version", "created_at")
        .first()
    )
    return _snapshot(*found) if found else None


def schema_of(annotation: Annotation) -> SchemaSnapshot:
    """Return the questions that an annotation answered; its `schema` should be loaded."""
    schema = annotation.schema
    return _snapshot(schema.pk, schema.version, schema.created_at)


def schema_to_answer(project: Project) -> SchemaSnapshot:
    """Return the newest questions; raise NotReady while there are none."""
    schema = current_schema(project)
    if not schema.questions:
        raise NotReady(
            "This project asks nothing yet. An owner adds questions under Label, Questions."
        )
    return schema


# The rows of a version never change once written, so its content may be kept. The time of making
# is part of the key because a database that rolled back gives the same id again.
@lru_cache(maxsize=256)
def _snapshot(schema_id: int, version: int, made_at: datetime) -> SchemaSnapshot:  # noqa: ARG001
    schema = LabelSchema.objects.prefetch_related("questions__options").get(pk=schema_id)
    return SchemaSnapshot(
        version=version,
        questions=tuple(_question(row) for row in schema.questions.all()),
        guidelines=schema.guidelines,
        id=schema_id,
    )


def _question(row: Question) -> QuestionSnapshot:
    return QuestionSnapshot(
        key=row.key,
        name=row.name,
        kind=cast("Kind", row.kind),
        options=tuple(
            OptionSnapshot(
                key=option.key,
                name=option.name,
                colour=option.colour,
                hot_key=option.hot_key,
                id=option.pk,
            )
            for option in row.options.all()
        ),
        instructions=row.instructions,
        is_required=row.is_required,
        minimum=row.minimum,
        maximum=row.maximum,
        is_integer=row.is_integer,
        has_polarity=row.has_polarity,
        id=row.pk,
    )


# --- Gold: what training reads ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoldSpanValue:
    """A span that is held for true; `polarity` is "" where none is asked."""

    start: int
    end: int
    option: str
    polarity: str = ""


GoldValue = str | float | frozenset[str] | tuple[GoldSpanValue, ...]


@dataclass(frozen=True, slots=True)
class GoldExample:
    """A review with every answer that is held for true; questions without one are absent.

    A choice is an option's key, a number a float, a multichoice a (maybe empty) frozenset of
    keys, spans a (maybe empty) tuple ordered by start.
    """

    review_id: int
    text: str
    split: str
    answers: dict[str, GoldValue]


def gold_examples(
    project: Project, question_keys: Collection[str] | None = None
) -> Iterator[GoldExample]:
    """Stream the reviews that have gold for the current questions, ordered by review id.

    Only reviews of ready data sets count; memory stays flat in their number.
    """
    questions = _asked(current_schema(project), question_keys)
    for chunk in _chunks(_gold_review_ids(project, questions).iterator(chunk_size=CHUNK)):
        reviews = Review.objects.filter(pk__in=chunk).values_list("id", "text", "split")
        answers = gold_answers(project, questions=questions.values(), review_ids=chunk)
        for review_id, text, split in reviews.order_by("id"):
            yield GoldExample(review_id, text, split, answers.get(review_id, {}))


def gold_answers(
    project: Project, *, questions: Collection[QuestionSnapshot], review_ids: Collection[int]
) -> dict[int, dict[str, GoldValue]]:
    """Return the gold of some reviews: review id to question key to value."""
    by_id = {question.id: question for question in questions}
    answers: dict[int, dict[str, GoldValue]] = {}
    rows = Gold.objects.filter(
        project=project, review_id__in=review_ids, question_id__in=by_id
    ).values_list("review_id", "question_id", "option__key", "number")
    for review_id, question_id, option, number in rows:
        _add(answers.setdefault(review_id, {}), by_id[question_id], option, number)
    _add_spans(answers, project, by_id, review_ids)
    return answers


def gold_counts(project: Project) -> dict[str, dict[str, int]]:
    """Return how many reviews have gold: question key to split to count (0 where none)."""
    schema = current_schema(project)
    counts = {question.key: dict.fromkeys(Review.Split.values, 0) for question in schema.questions}
    rows = (
        Gold.objects.filter(
            project=project,
            question_id__in=[question.id for question in schema.questions],
            review__dataset__is_ready=True,
        )
        .values_list("question__key", "review__split")
        .annotate(review_count=Count("review_id", distinct=True))
    )
    for key, split, review_count in rows:
        counts[key][split] = review_count
    return counts


def _asked(
    schema: SchemaSnapshot, question_keys: Collection[str] | None
) -> dict[int, QuestionSnapshot]:
    return {
        question.id: question
        for question in schema.questions
        if question_keys is None or question.key in question_keys
    }


def _gold_review_ids(
    project: Project, questions: dict[int, QuestionSnapshot]
) -> "QuerySet[Gold, int]":
    return (
        Gold.objects.filter(
            project=project, question_id__in=questions, review__dataset__is_ready=True
        )
        .order_by("review_id")
        .values_list("review_id", flat=True)
        .distinct()
    )


def _chunks(ids: Iterator[int]) -> Iterator[list[int]]:
    while chunk := list(itertools.islice(ids, CHUNK)):
        yield chunk


def _add(
    answers: dict[str, GoldValue],
    question: QuestionSnapshot,
    option: str | None,
    number: float | None,
) -> None:
    """Fold one row of gold into the answers of its review."""
    if question.kind == "choice" and option is not None:
        answers[question.key] = option
    elif question.kind == "number" and number is not None:
        answers[question.key] = number
    elif question.kind == "multichoice":
        before = cast("frozenset[str]", answers.get(question.key, frozenset()))
        answers[question.key] = before | ({option} if option is not None else set())
    elif question.kind == "spans":
        answers.setdefault(question.key, ())


def _add_spans(
    answers: dict[int, dict[str, GoldValue]],
    project: Project,
    by_id: dict[int, QuestionSnapshot],
    review_ids: Collection[int],
) -> None:
    rows = (
        GoldSpan.objects.filter(project=project, review_id__in=review_ids, question_id__in=by_id)
        .order_by("review_id", "start", "end", "option_id")
        .values_list("review_id", "question_id", "start", "end", "option__key", "polarity")
    )
    for review_id, question_id, start, end, option, polarity in rows:
        of_review = answers.setdefault(review_id, {})
        key = by_id[question_id].key
        before = cast("tuple[GoldSpanValue, ...]", of_review.get(key, ()))
        of_review[key] = (*before, GoldSpanValue(start, end, option, polarity))
