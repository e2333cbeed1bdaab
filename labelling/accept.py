"""Take over what a model suggests about many reviews where it is confident, as a bulk action.

What is written is an annotation of the person who asked for it, marked with the action, so that
`bulk.undo_labels` takes it back. Nothing is written over what people or a file have said, nor on
control reviews and the test split, which measure people and models apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from common.errors import Invalid
from labelling import gold, writing
from labelling.answers import Answers, Fault, parse_one
from labelling.imported import write_answers
from labelling.models import Annotation, Assignment, Gold, QualityCheck, Suggestion
from labelling.selectors import current_schema, schema_to_answer
from labelling.snapshot import SchemaSnapshot
from labelling.versions import freeze, hold_version
from projects.models import Project
from reviews import members
from reviews.models import BulkAction, Dataset, Review
from reviews.selectors import visible_reviews

SLICE = 1000

_COLUMNS = (
    "id", "project_id", "review_id", "annotator_id", "schema_id", "created_at", "updated_at",
    "note", "bulk_action_id", "saw_suggestions", "suggested_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose suggestions to take over: of these questions, where the model is so confident."""

    questions: tuple[str, ...]
    threshold: float

    def params(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"questions": list(self.questions), "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class DryRun:
    """What taking over would do now: reviews that would get an answer, and answers by question."""

    review_count: int
    by_question: Mapping[str, int]


def wish_from(project: Project, *, questions: Sequence[Any], threshold: Any) -> Wish:
    """Check what was asked for; raise Invalid for what cannot be done."""
    schema = schema_to_answer(project)
    keys = tuple(dict.fromkeys(str(key) for key in questions if key))
    unknown = [key for key in keys if schema.question(key) is None]
    if unknown:
        raise Invalid.of("questions", f"This project has no question {unknown[0][:50]!r}.")
    if not keys:
        raise Invalid.of("questions", "Choose the questions whose suggestions to accept.")
    return Wish(keys, _threshold(threshold))


def _threshold(raw: Any) -> float:
    try:
        value = float(raw)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        shown = "nothing" if raw in (None, "") else repr(str(raw)[:40])
        raise Invalid.of(
            "threshold", f"The confidence is a number from 0 to 1, such as 0.95, not {shown}."
        )
    return value


def dataset_named(project: Project, raw: str) -> Dataset | None:
    """Return the data set that an address names by its number; None for all of them."""
    if not raw:
        return None
    is_number = raw.isascii() and raw.isdigit() and len(raw) < 19
    ready = Dataset.objects.filter(project=project, is_ready=True)
    found = ready.filter(pk=int(raw)).first() if is_number else None
    if found is None:
        raise Invalid.of("dataset", f"There is no data set {raw[:20]!r}. Choose one of the list.")
    return found


def dry_run(*, project: Project, actor: User, wish: Wish, dataset: Dataset | None = None) -> DryRun:
    """Count what `accept` would do now to a data set, or to all reviews; nothing is changed.

    Suggestions that the questions no longer allow are among them; they are left out when it is
    done.
    """
    reviews = members.reviews_in(dataset) if dataset is not None else visible_reviews(project)
    rows = _acceptable(current_schema(project), reviews, actor, wish).order_by()
    counts = rows.values_list("question_key").annotate(number=Count("pk"))
    return DryRun(
        review_count=rows.aggregate(number=Count("review", distinct=True))["number"],
        by_question=dict.fromkeys(wish.questions, 0) | dict(counts),
    )


@transaction.atomic
def accept(
    *,
    project: Project,
    actor: User,
    action: BulkAction,
    review_ids: Sequence[int],
    wish: Wish,
) -> tuple[int, int]:
    """Answer reviews as suggested; return how many were answered and how many left as they are.

    In one transaction; a job calls it batch by batch in effects of its own.
    """
    ids = sorted(set(review_ids))
    answered = sum(
        _accept_slice(project, actor, action, ids[start : start + SLICE], wish)
        for start in range(0, len(ids), SLICE)
    )
    return answered, len(ids) - answered


def _accept_slice(
    project: Project, actor: User, action: BulkAction, ids: Sequence[int], wish: Wish
) -> int:
    texts = gold.hold_reviews(project, ids)
    schema = hold_version(project=project)
    reviews = Review.objects.filter(project=project, pk__in=texts)
    given: dict[int, Answers] = {}
    versions: dict[int, int] = {}
    for row in _acceptable(schema, reviews, actor, wish).order_by("review_id", "question_key"):
        answer = _parsed(schema, row, texts[row.review_id])
        if answer:
            given.setdefault(row.review_id, {}).update(answer)
            known = versions.get(row.review_id, row.model_version)
            versions[row.review_id] = max(known, row.model_version)
    if given:
        freeze(schema_id=schema.id)
        _write(project, actor, action, schema, given, versions)
        gold.recompute_many(project, schema, list(given))
    return len(given)


def _acceptable(
    schema: SchemaSnapshot, reviews: QuerySet[Review], actor: User, wish: Wish
) -> QuerySet[Suggestion]:
    """Return the suggestions that may be taken over, each about a review that nobody is at."""
    held = Assignment.objects.filter(
        review=OuterRef("pk"),
        state=Assignment.State.LEASED,
        lease_until__gte=timezone.now(),
    ).exclude(annotator=actor)
    free = reviews.filter(
        ~Exists(Annotation.objects.filter(review=OuterRef("pk"))),
        ~Exists(QualityCheck.objects.filter(review=OuterRef("pk"))),
        ~Exists(held),
        is_control=False,
    ).exclude(split=Review.Split.TEST)
    known = Gold.objects.filter(
        review=OuterRef("review"),
        question__key=OuterRef("question_key"),
        question__schema=schema.id,
    )
    return Suggestion.objects.filter(
        ~Exists(known),
        review__in=free.order_by(),
        question_key__in=wish.questions,
        confidence__gte=wish.threshold,
    )


def _parsed(schema: SchemaSnapshot, row: Suggestion, text: str) -> Answers:
    question = schema.question(row.question_key)
    if question is None:
        return {}
    try:
        value = parse_one(question, row.value, text)
    except Fault:  # suggested before the questions were changed
        return {}
    return {} if value is None else {row.question_key: value}


def _write(
    project: Project,
    actor: User,
    action: BulkAction,
    schema: SchemaSnapshot,
    given: Mapping[int, Answers],
    versions: Mapping[int, int],
) -> None:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ids = writing.take_ids(Annotation, len(given))
    writing.insert(
        Annotation,
        _COLUMNS,
        (
            (number, project.pk, review_id, actor.pk, schema.id, now, now, "", action.pk,
             True, versions[review_id])
            for number, review_id in zip(ids, given, strict=True)
        ),
    )  # fmt: skip
    write_answers(schema, zip(ids, given.values(), strict=True))
