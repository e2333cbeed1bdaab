"""Give many reviews the same answers at once, and take them back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from common.errors import FieldError, Invalid
from labelling import gold, writing
from labelling.answers import Answers, Fault, parse_one
from labelling.imported import write_answers
from labelling.models import Annotation, Assignment
from labelling.selectors import schema_to_answer
from labelling.snapshot import SchemaSnapshot
from labelling.versions import freeze, hold_version
from projects.models import Project
from reviews.models import BulkAction, Review

#: Reviews that are locked, written and counted together.
SLICE = 1000

_COLUMNS = (
    "id", "project_id", "review_id", "annotator_id", "schema_id", "created_at", "updated_at",
    "note", "bulk_action_id",
)  # fmt: skip


def check_answers(schema: SchemaSnapshot, raw: Any) -> Answers:
    """Return answers for many reviews, given in the API's shape; questions may stay open.

    Raises Invalid naming every wrong field, for spans (each text has its own), and for none at all.
    """
    if not isinstance(raw, Mapping):
        raise Invalid.of("answers", "Answers are an object: question key to answer.")
    answers: Answers = {}
    errors = []
    for key, value in raw.items():
        try:
            answer = _check_one(schema, str(key), value)
        except Fault as fault:
            errors.append(FieldError(f"answers.{key}", str(fault)))
        else:
            answers |= answer
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=tuple(errors))
    if not answers:
        raise Invalid.of("answers", "Answer at least one question.")
    return answers


def _check_one(schema: SchemaSnapshot, key: str, raw: Any) -> Answers:
    question = schema.question(key)
    if question is None:
        raise Fault(f"Version {schema.version} has no question {key[:60]!r}.")
    if question.kind == "spans":
        raise Fault("Spans are marked in one text; they cannot be the same in many.")
    value = None if raw is None else parse_one(question, raw, "")
    return {} if value is None else {key: value}


@transaction.atomic
def label_reviews(
    *,
    project: Project,
    actor: User,
    action: BulkAction,
    review_ids: Sequence[int],
    answers: Any,
) -> tuple[int, int]:
    """Write an annotation of `actor` with the same answers about each review; recompute gold.

    `answers` has the API's shape and may leave questions open: such a review stays in the queue.
    Left out are reviews that the person has annotated, that somebody else holds at the moment,
    and those of the control slice, which measure what people say without a model's hint. Returns
    how many were labelled and how many left out. In one transaction; a job calls it batch by batch
    in effects of its own. Raises Invalid as `check_answers` does.
    """
    check_answers(schema_to_answer(project), answers)
    ids = sorted(set(review_ids))
    labelled = sum(
        _label_slice(project, actor, action, ids[start : start + SLICE], answers)
        for start in range(0, len(ids), SLICE)
    )
    return labelled, len(ids) - labelled


def _label_slice(
    project: Project, actor: User, action: BulkAction, ids: Sequence[int], raw: Any
) -> int:
    held = gold.hold_reviews(project, ids)
    schema = hold_version(project=project)
    values = check_answers(schema, raw)
    left_out = _left_out(held, actor)
    free = [number for number in held if number not in left_out]
    if free:
        freeze(schema_id=schema.id)
        _write(project, actor, action, schema, free, values)
        gold.recompute_many(project, schema, free)
    return len(free)


def _left_out(review_ids: Collection[int], actor: User) -> set[int]:
    control = Review.objects.filter(pk__in=review_ids, is_control=True)
    mine = Annotation.objects.filter(review_id__in=review_ids, annotator=actor)
    theirs = Assignment.objects.filter(
        review_id__in=review_ids,
        state=Assignment.State.LEASED,
        lease_until__gte=timezone.now(),
    ).exclude(annotator=actor)
    return {
        *control.values_list("pk", flat=True),
        *mine.values_list("review_id", flat=True),
        *theirs.values_list("review_id", flat=True),
    }


def _write(
    project: Project,
    actor: User,
    action: BulkAction,
    schema: SchemaSnapshot,
    review_ids: Sequence[int],
    values: Answers,
) -> None:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ids = writing.take_ids(Annotation, len(review_ids))
    writing.insert(
        Annotation,
        _COLUMNS,
        (
            (number, project.pk, review_id, actor.pk, schema.id, now, now, "", action.pk)
            for number, review_id in zip(ids, review_ids, strict=True)
        ),
    )
    write_answers(schema, [(number, values) for number in ids])


@transaction.atomic
def undo_labels(*, action: BulkAction) -> int:
    """Take back every annotation of a bulk action that is still as it was; return how many.

    What the person has gone over since is theirs and stays. Reviews that nobody else has labelled
    go back to the queue.
    """
    removed = 0
    while found := _annotations_of(action):
        reviews = [review_id for _, review_id in found]
        gold.hold_reviews(action.project, reviews)
        schema = hold_version(project=action.project)
        Annotation.objects.filter(
            pk__in=[number for number, _ in found], bulk_action=action
        ).delete()
        gold.recompute_many(action.project, schema, reviews, is_removal=True)
        removed += len(found)
    return removed


def _annotations_of(action: BulkAction) -> list[tuple[int, int]]:
    rows = Annotation.objects.filter(project=action.project, bulk_action=action)
    return list(rows.order_by("review_id").values_list("id", "review_id")[:SLICE])
