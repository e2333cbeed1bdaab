"""A reviewer decides what is true about a review: gold that no consensus changes, until taken back.

A decision names the one that it replaces, as the page showed it, so that of two reviewers who
decide at once one is told what the other has said. It may leave questions open; about those what
people said goes on counting.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, FieldError, Invalid, NotVisible
from common.text import normalise
from labelling import gold, seats
from labelling.answers import Answers, Fault, parse_one, to_json
from labelling.lineage import reading
from labelling.models import (
    Adjudication,
    Annotation,
    Gold,
    GoldSource,
    GoldSpan,
    OpenReview,
    QualityCheck,
)
from labelling.selectors import current_schema, snapshot_of
from labelling.snapshot import SchemaSnapshot
from labelling.versions import freeze, hold_version
from projects.models import Project
from reviews.members import hold_shown
from reviews.models import Review


def holding(project: Project, review_id: int) -> Adjudication | None:
    """Return the decision about a review that holds, its reviewer loaded."""
    rows = Adjudication.objects.filter(project=project, review=review_id, ended_at=None)
    return rows.select_related("reviewer", "schema").first()


@transaction.atomic
def adjudicate(
    *,
    review: Review,
    reviewer: User,
    schema_version: int,
    answers: Any,
    reason: str = "",
    replaces: int | None = None,
) -> Adjudication:
    """Make answers, in the API's shape, the gold of a review; return the decision.

    `replaces` is the id of the decision that the reviewer has seen, None for none. Deciding the
    same again changes nothing. Raises Invalid for answers that do not fit or none at all, Conflict
    for another version of the questions and when another reviewer was faster.
    """
    review = _held(review)
    project = review.project
    schema = hold_version(project=project, version=schema_version)
    values = _parsed(schema, answers, review.text)
    before = holding(project, review.pk)
    said = to_json(values, schema)
    if before is not None and before.pk != replaces:
        if _is_same(before, reviewer, schema, said):
            return before
        raise _faster(before)
    if before is None and replaces is not None:
        raise Conflict("The decision that you saw was taken back meanwhile. Look at the review.")
    if before is not None:
        _end(before)
    made = _insert(
        Adjudication(
            project=project,
            review=review,
            schema_id=schema.id,
            reviewer=reviewer,
            answers=said,
            reason=normalise(reason)[:1000],
        )
    )
    freeze(schema_id=schema.id)
    kept = {} if before is None else _now(before, before.imported, schema, review.text)
    replaced = _set_gold(review, schema, values, kept)
    made.imported = replaced
    made.save(update_fields=["imported"])
    audit.record(
        actor=reviewer,
        project_id=project.pk,
        action="review.adjudicated",
        subject=f"review {review.pk}",
        adjudication=made.pk,
        replaces=replaces,
        imported=replaced,
    )
    return made


@transaction.atomic
def take_back(*, review: Review, reviewer: User, adjudication_id: int | None = None) -> None:
    """End the decision that holds; what people said, or an import, makes the gold again.

    A quality check is none any more: there is nothing that answers could be measured by.
    Raises NotVisible when there is none, Conflict when another one than `adjudication_id` holds.
    """
    review = _held(review)
    project = review.project
    schema = hold_version(project=project)
    before = holding(project, review.pk)
    if before is None:
        raise NotVisible("No decision about this review holds.")
    if adjudication_id is not None and before.pk != adjudication_id:
        raise _faster(before)
    _end(before)
    _clear(review)
    _bring_back(review, schema, _now(before, before.imported, schema, review.text))
    spoken = gold.spoken_about(review, schema)
    gold.recompute(review, schema, spoken)
    gold.mark_labelled(project, schema, [review.pk], is_removal=True, spoken={review.pk: spoken})
    was_check = bool(QualityCheck.objects.filter(review=review).delete()[0])
    if was_check:
        _open_again(project, review)
    audit.record(
        actor=reviewer,
        project_id=project.pk,
        action="adjudication.taken_back",
        subject=f"review {review.pk}",
        adjudication=before.pk,
        answers=before.answers,
        was_check=was_check,
    )


def exchange_imported(
    schema: SchemaSnapshot,
    texts: Mapping[int, str],
    rows: Iterable[tuple[int, Mapping[str, Any]]],
) -> None:
    """Have what an import had said before come back when a decision ends, not what it said then.

    `rows` are what `imported.update_gold` returned, about reviews that are held, `texts` by id.
    """
    changes = {review_id: change["answers"] for review_id, change in rows if change.get("answers")}
    decisions = Adjudication.objects.filter(review__in=changes.keys() & texts, ended_at=None)
    for decision in decisions.exclude(imported={}).select_related("schema"):
        text = texts[decision.review_id]
        kept = _exchanged(decision, changes[decision.review_id], schema, text)
        if kept != decision.imported:
            decision.imported = kept
            decision.save(update_fields=["imported"])


def _exchanged(
    decision: Adjudication, change: Mapping[str, Any], schema: SchemaSnapshot, text: str
) -> dict[str, Any]:
    """Return what is kept with a decision, answers that an undone import gave exchanged."""
    found: dict[str, Any] = {}
    for key, value in decision.imported.items():
        now = to_json(_now(decision, {key: value}, schema, text), schema)
        undone = next((each for each in now if change.get(each, [])[1:] == [now[each]]), None)
        if undone is None:
            found[key] = value
            continue
        before = change[undone][0]
        # It is kept in the words of the decision's questions, if it can be said in them.
        if to_json(_now(decision, {key: before}, schema, text), schema) == {undone: before}:
            found[key] = before
    return found


# --- Helpers ------------------------------------------------------------------------------------


def _open_again(project: Project, review: Review) -> None:
    """Open a review for others that had been closed to become a quality check."""
    review.refresh_from_db(fields=["is_labelled"])
    people = seats.answered_by(review)
    if people and len(people) < seats.wanted(project, review.pk):
        OpenReview.objects.get_or_create(
            review=review, defaults={"project": project, "cause": OpenReview.Cause.OVERLAP}
        )


def _held(review: Review) -> Review:
    """Lock the review, which must still be shown: everything about it comes one after the other."""
    locked = Review.objects.select_for_update(of=("self",)).select_related("project")
    found = locked.filter(pk=review.pk).first()
    if found is None or not hold_shown(found.dataset_id):
        raise Conflict("The data set of this review was removed. Go on with the next one.")
    return found


def _parsed(schema: SchemaSnapshot, raw: Any, text: str) -> Answers:
    """Return the decided answers; questions may stay open, but not all of them."""
    if not isinstance(raw, Mapping):
        raise Invalid.of("answers", "Answers are an object: question key to answer.")
    values: Answers = {}
    errors = []
    for key, given in raw.items():
        question = schema.question(str(key))
        if question is None:
            words = f"Version {schema.version} has no question {str(key)[:60]!r}."
            errors.append(FieldError(f"answers.{str(key)[:60]}", words))
        elif given is not None:
            try:
                value = parse_one(question, given, text)
            except Fault as fault:
                errors.append(FieldError(f"answers.{key}", str(fault)))
            else:
                assert value is not None  # noqa: S101  (only of what is left out)
                values[question.key] = value
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=tuple(errors))
    if not values:
        raise Invalid.of("answers", "Decide at least one question.")
    return values


def _is_same(
    before: Adjudication, reviewer: User, schema: SchemaSnapshot, said: Mapping[str, Any]
) -> bool:
    """Tell whether a request came twice: the same person decided the same."""
    return (
        before.reviewer_id == reviewer.pk
        and before.schema_id == schema.id
        and before.answers == said
    )


def _faster(before: Adjudication) -> Conflict:
    return Conflict(
        f"{before.reviewer.shown_name} has decided this review meanwhile. Look at that decision; "
        "deciding again replaces it."
    )


def _end(before: Adjudication) -> None:
    Adjudication.objects.filter(pk=before.pk, ended_at=None).update(ended_at=timezone.now())


def _insert(made: Adjudication) -> Adjudication:
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # one_adjudication_holds_per_review
        raise Conflict("Somebody has decided this review at the same moment. Look again.") from None
    return made


def _set_gold(
    review: Review, schema: SchemaSnapshot, values: Answers, kept: Answers
) -> dict[str, Any]:
    """Write the decided answers as gold and settle the rest; return what an import had said.

    `kept` is what the decision before had put aside of it.
    """
    _clear(review)
    _bring_back(review, schema, kept)
    decided = [question for question in schema.questions if question.key in values]
    imported = gold.held(review.project, schema, [review.pk], source=GoldSource.IMPORTED)
    lost = {key: value for key, value in imported.get(review.pk, {}).items() if key in values}
    ids = [question.id for question in decided]
    Gold.objects.filter(review=review, question__in=ids).delete()
    GoldSpan.objects.filter(review=review, question__in=ids).delete()
    gold.write_gold(
        review.project,
        [(review.pk, question, values[question.key]) for question in decided],
        source=GoldSource.ADJUDICATED,
    )
    spoken = gold.spoken_about(review, schema)
    gold.recompute(review, schema, spoken)
    gold.mark_labelled(review.project, schema, [review.pk], spoken={review.pk: spoken})
    return to_json(lost, schema)


def _clear(review: Review) -> None:
    """Take away what an earlier decision has made gold, whichever version of a question it was."""
    decided = Gold.objects.filter(review=review, source=GoldSource.ADJUDICATED)
    questions = set(decided.values_list("question_id", flat=True))
    decided.delete()
    GoldSpan.objects.filter(review=review, question__in=questions).delete()


def _bring_back(review: Review, schema: SchemaSnapshot, imported: Answers) -> None:
    """Make imported answers gold again where there is none."""
    taken = set(Gold.objects.filter(review=review).values_list("question_id", flat=True))
    given = [
        (review.pk, question, imported[question.key])
        for question in schema.questions
        if question.key in imported and question.id not in taken
    ]
    gold.write_gold(review.project, given, source=GoldSource.IMPORTED)


def _now(
    decision: Adjudication, raw: Mapping[str, Any], schema: SchemaSnapshot, text: str
) -> Answers:
    """Return what was kept with a decision as answers to the questions of `schema`."""
    values: Answers = {}
    for question in snapshot_of(decision.schema).questions:
        if raw.get(question.key) is None:
            continue
        try:
            value = parse_one(question, raw[question.key], text)
        except Fault:  # the text is another than it was
            continue
        if value is not None:
            values[question.key] = value
    return reading(decision.schema, schema).carry(values)


def decided_now(decision: Adjudication, schema: SchemaSnapshot, text: str) -> dict[str, Any]:
    """Return what of a decision still stands under `schema`, in the API's shape."""
    return to_json(_now(decision, decision.answers, schema, text), schema)


def said_about(project: Project, review: Review) -> list[tuple[Annotation, Answers]]:
    """Return what people said about a review, oldest first, as answers to the current questions."""
    schema = current_schema(project)
    return [
        (each, gold.read_answers(each, schema))
        for each in gold.annotations_of([review.pk])
        if not each.is_check
    ]
