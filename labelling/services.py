"""Writes: hand out reviews, take answers, keep what is held for true."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, NotVisible
from common.text import normalise
from labelling import answers as answers_json
from labelling import gold, revisions
from labelling.answers import Answers
from labelling.leases import end, fetch_ahead, is_done, lease_time, next_assignment
from labelling.models import Annotation, Assignment
from labelling.ranking import Suggested, rank_reviews, store_suggestions
from labelling.selectors import count_labelled, schema_of, schema_to_answer
from labelling.snapshot import SchemaSnapshot
from labelling.versions import apply_preset, create_version, freeze, hold_version, stale
from projects.models import Project
from reviews.members import hold_shown
from reviews.models import Review

__all__ = [
    "Suggested",
    "apply_preset",
    "create_version",
    "edit",
    "fetch_ahead",
    "heartbeat",
    "next_assignment",
    "rank_reviews",
    "record_annotation",
    "skip",
    "store_suggestions",
    "submit",
]

_State = Assignment.State


# --- What annotators do with a review -------------------------------------------------------------


@transaction.atomic
def heartbeat(*, assignment: Assignment, annotator: User) -> Assignment:
    """Renew a lease; one that has run out comes back while nobody else has the review.

    Raises Conflict when the assignment has ended or the review went to somebody else.
    """
    assignment = _mine(assignment, annotator)
    now = timezone.now()
    if assignment.state == _State.EXPIRED:
        _check_free(assignment, now)
        # What is still leased here has run out as well, and nobody has come to notice.
        Assignment.objects.filter(review_id=assignment.review_id, state=_State.LEASED).update(
            state=_State.EXPIRED, ended_at=now
        )
        if Assignment.objects.filter(
            project=assignment.project,
            annotator=annotator,
            state=_State.LEASED,
            place=assignment.place,
        ).exists():
            raise Conflict("You hold another review by now. Go on with that one.")
    elif assignment.state != _State.LEASED:
        raise Conflict(f"This review was {assignment.state} already. Ask for the next one.")
    assignment.state = _State.LEASED
    assignment.ended_at = None
    assignment.lease_until = now + lease_time(assignment.project)
    try:
        with transaction.atomic():
            assignment.save(update_fields=["state", "ended_at", "lease_until"])
    except IntegrityError:  # one_lease_per_person_and_place: the next one came at that moment
        raise Conflict("You hold another review by now. Go on with that one.") from None
    return assignment


@transaction.atomic
def skip(*, assignment: Assignment, annotator: User, reason: str = "") -> Assignment:
    """Pass on a review; it is not served to this person again. Skipping twice changes nothing."""
    assignment = _mine(assignment, annotator)
    if assignment.state == _State.SUBMITTED:
        raise Conflict("You have answered this review already. Edit that annotation instead.")
    if assignment.state == _State.SKIPPED:
        return assignment
    assignment.reason = normalise(reason)[:300]
    end(assignment, _State.SKIPPED, timezone.now())
    _audit(assignment, "review.skipped", reason=assignment.reason)
    return assignment


@transaction.atomic
def submit(
    *,
    assignment: Assignment,
    annotator: User,
    schema_version: int,
    answers: Any,
    seconds: float | None = None,
    note: str = "",
    saw_suggestions: bool | None = None,
    suggested_by: int | None = None,
) -> Annotation:
    """Keep what `annotator` says about the review of an assignment, and recompute its gold.

    `answers` has the API's shape; `saw_suggestions` and `suggested_by` say whether a model's
    proposals were on the page, and which version's. Submitting the same again returns the same
    annotation. A lease that has run out does no harm while nobody else holds or has labelled the
    review. Raises Invalid for answers that do not fit, Conflict for another version of the
    questions, for other answers than before, and when the review has gone to somebody else.
    """
    assignment = _mine(assignment, annotator)
    if not hold_shown(assignment.review.dataset_id):
        raise Conflict("The data set of this review was removed. Go on with the next one.")
    before = annotation_by(assignment.review, annotator)
    # What they said about many reviews at once they may say again, looking at this one.
    if before is not None and before.bulk_action_id is None:
        return _repeated(before, schema_version, answers)
    schema = check_version(assignment.project, schema_version)
    values = answers_json.parse(schema, answers, assignment.review.text)
    now = timezone.now()
    if assignment.state != _State.LEASED or assignment.lease_until < now:
        _check_free(assignment, now)
    if before is not None:
        revisions.keep(before, by=annotator, now=now)
    annotation = before or Annotation(
        project=assignment.project, annotator=annotator, created_at=now
    )
    annotation.review = assignment.review
    annotation.schema_id = schema.id
    annotation.updated_at = now
    annotation.seconds = _seconds(assignment, now, seconds)
    annotation.note = normalise(note)[:1000]
    annotation.bulk_action = None
    annotation.saw_suggestions = saw_suggestions
    annotation.suggested_by = suggested_by
    annotation.save()
    if before is not None:
        gold.clear_answers(annotation)
    end(assignment, _State.SUBMITTED, now)
    _settle(annotation, schema, values)
    _audit(assignment, "annotation.submitted", annotation=annotation.pk)
    return annotation


@transaction.atomic
def edit(
    *,
    annotation: Annotation,
    annotator: User,
    schema_version: int,
    answers: Any,
    note: str = "",
    revision: int | None = None,
) -> Annotation:
    """Change one's own annotation, answering the current questions; what it said is kept.

    `revision` is the one that the change was made on: Conflict when there is a newer one that says
    something else. Without it the change is made on whatever holds. Raises
    NotVisible for somebody else's, Invalid and Conflict as `submit` does.
    """
    if annotation.annotator_id != annotator.pk:
        raise NotVisible
    annotation = _locked_annotation(annotation.pk)
    schema = check_version(annotation.project, schema_version)
    values = answers_json.parse(schema, answers, annotation.review.text)
    note = normalise(note)[:1000]
    if revision is not None and revision != annotation.revision:
        if revisions.says(annotation, schema, values, note):
            return annotation  # the same change, come twice
        raise Conflict(
            "These answers were changed elsewhere since you opened them. "
            "Compare the two, and keep yours, take the others or edit."
        )
    now = timezone.now()
    revisions.keep(annotation, by=annotator, now=now)
    annotation.schema_id = schema.id
    annotation.updated_at = now
    annotation.note = note
    # It is their own word now: undoing the bulk action does not take it back.
    annotation.bulk_action = None
    annotation.save(update_fields=["schema", "updated_at", "note", "bulk_action", "revision"])
    gold.clear_answers(annotation)
    _settle(annotation, schema, values)
    audit.record(
        actor=annotator,
        project_id=annotation.project_id,
        action="annotation.edited",
        subject=f"review {annotation.review_id}",
        annotation=annotation.pk,
    )
    return annotation


@transaction.atomic
def record_annotation(
    *,
    review: Review,
    annotator: User,
    answers: Any,
    seconds: float | None = None,
    created_at: datetime | None = None,
) -> Annotation:
    """Keep a second opinion, or one that came in another way than through the queue.

    The same again returns the same annotation. Raises Conflict when this person has answered the
    review before, differently; Invalid as `submit` does.
    """
    review = _locked_review(review.pk)
    schema = schema_to_answer(review.project)
    values = answers_json.parse(schema, answers, review.text)
    before = annotation_by(review, annotator)
    if before is not None:
        return _repeated(before, schema.version, answers)
    now = timezone.now()
    annotation = Annotation.objects.create(
        project=review.project,
        review=review,
        annotator=annotator,
        schema_id=schema.id,
        created_at=created_at or now,
        updated_at=created_at or now,
        seconds=seconds,
    )
    _settle(annotation, schema, values)
    audit.record(
        actor=annotator,
        project_id=review.project_id,
        action="annotation.recorded",
        subject=f"review {review.pk}",
        annotation=annotation.pk,
    )
    return annotation


# --- Helpers ------------------------------------------------------------------------------------


def check_version(project: Project, version: int) -> SchemaSnapshot:
    """Return the current questions; raise Conflict when `version` is another one."""
    schema = schema_to_answer(project)
    if version != schema.version:
        raise stale(version, schema.version)
    return schema


def annotation_by(review: Review, annotator: User) -> Annotation | None:
    """Return what one person said about a review, answers loaded."""
    return next(
        (each for each in gold.annotations_of([review.pk]) if each.annotator_id == annotator.pk),
        None,
    )


def _mine(assignment: Assignment, annotator: User) -> Assignment:
    """Lock the assignment's review, then the assignment; somebody else's is not visible.

    Everything about one review happens one after the other, so that "nobody else has it" holds.
    """
    _locked_review(assignment.review_id)
    locked = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("review", "project")
        .filter(pk=assignment.pk, annotator=annotator)
        .first()
    )
    if locked is None:
        raise NotVisible
    return locked


def _locked_review(review_id: int) -> Review:
    return (
        Review.objects.select_for_update(of=("self",)).select_related("project").get(pk=review_id)
    )


def _locked_annotation(annotation_id: int) -> Annotation:
    annotation = Annotation.objects.select_related("review", "project").get(pk=annotation_id)
    _locked_review(annotation.review_id)
    return annotation


def _check_free(assignment: Assignment, now: datetime) -> None:
    review_id = assignment.review_id
    others = Assignment.objects.filter(
        review_id=review_id, state=_State.LEASED, lease_until__gte=now
    ).exclude(pk=assignment.pk)
    if others.exists():
        raise Conflict(
            "Your time for this review ran out and somebody else is at it now. "
            "Nothing of yours was lost here, but it is not kept: go on with the next review."
        )
    if is_done(Review.objects.get(pk=review_id)):
        raise Conflict(
            "Your time for this review ran out and somebody else has labelled it since. "
            "Your answers are not kept: go on with the next review."
        )


def _repeated(before: Annotation, schema_version: int, answers: Any) -> Annotation:
    schema = schema_of(before)
    if schema.version == schema_version:
        again = answers_json.parse(schema, answers, before.review.text)
        if again == gold.read_answers(before, schema):
            return before
    raise Conflict(
        "You have answered this review before, differently. Edit that annotation instead."
    )


def _settle(annotation: Annotation, schema: SchemaSnapshot, values: Answers) -> None:
    """Write a checked annotation's answers and what they come to."""
    review = annotation.review
    gold.write_answers(annotation, schema, values)
    if not review.is_labelled:
        transaction.on_commit(partial(count_labelled, annotation.project))
    hold_version(project=annotation.project, version=schema.version)
    freeze(schema_id=schema.id)
    others = Annotation.objects.filter(review=review).exclude(pk=annotation.pk)
    spoken = gold.spoken_about(review, schema) if others.exists() else [values]
    gold.recompute(review, schema, spoken)


def _seconds(assignment: Assignment, now: datetime, said: float | None) -> float:
    """Return the time spent: what the page measured, never more than has passed."""
    passed = (now - assignment.created_at).total_seconds()
    return round(min(passed, max(0.0, said)) if said is not None else passed, 2)


def _audit(assignment: Assignment, action: str, **detail: Any) -> None:
    audit.record(
        actor=assignment.annotator,
        project_id=assignment.project_id,
        action=action,
        subject=f"review {assignment.review_id}",
        **detail,
    )
