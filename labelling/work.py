"""What annotators do with a review that they hold: answer it, pass it on, keep it."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common import compiled
from common.errors import Conflict, NotVisible
from common.text import normalise
from labelling import answers as answers_json
from labelling import gold, revisions, seats
from labelling.answers import Answers
from labelling.leases import MAX_PLACE, end, lease_time, renew
from labelling.models import Annotation, Assignment, Gold, OpenReview
from labelling.selectors import count_labelled, schema_of, schema_to_answer
from labelling.snapshot import SchemaSnapshot
from labelling.versions import hold_to_answer, stale
from projects.models import Project
from reviews.members import hold_shown, hold_shown_review
from reviews.models import Review

_State, _Source = Assignment.State, Assignment.Source


@transaction.atomic
def heartbeat(*, assignment: Assignment, annotator: User) -> Assignment:
    """Renew all that a person holds; a lease that has run out comes back while a seat is free.

    Raises Conflict when the assignment has ended or the review went to somebody else.
    """
    now = timezone.now()
    renew(assignment.project, annotator, now)
    assignment = _mine(assignment, annotator)
    if assignment.state in (_State.EXPIRED, _State.RESERVED):
        _revive(assignment, annotator, now)
    elif assignment.state != _State.LEASED:
        raise Conflict(f"This review was {assignment.state} already. Ask for the next one.")
    return assignment


def _revive(assignment: Assignment, annotator: User, now: datetime) -> None:
    _take_seat(assignment, now)
    project = assignment.project
    places = set(
        Assignment.objects.filter(
            project=project, annotator=annotator, state=_State.LEASED
        ).values_list("place", flat=True)
    )
    free = [place for place in range(MAX_PLACE + 1) if place not in places]
    # What was in front comes back to the front or not at all; what was fetched ahead finds a place.
    if not free or (assignment.place == 0 and 0 in places):
        raise Conflict("You hold another review by now. Go on with that one.")
    assignment.place = assignment.place if assignment.place in free else free[-1]
    assignment.state = _State.LEASED
    assignment.ended_at = None
    assignment.lease_until = now + lease_time(project)
    try:
        with transaction.atomic():
            assignment.save(update_fields=["state", "ended_at", "lease_until", "seat", "place"])
    except IntegrityError:  # one_lease_per_person_and_place: the next one came at that moment
        raise Conflict("You hold another review by now. Go on with that one.") from None


@transaction.atomic
def skip(*, assignment: Assignment, annotator: User, reason: str = "") -> Assignment:
    """Pass on a review; it is not served to this person again. Skipping twice changes nothing.

    Who skips a review that they were asked to answer again leaves it to somebody else; what they
    said before stands as far as it still reads.
    """
    assignment = _mine(assignment, annotator)
    if assignment.state == _State.SUBMITTED:
        raise Conflict("You have answered this review already. Edit that annotation instead.")
    if assignment.state == _State.SKIPPED:
        return assignment
    assignment.reason = normalise(reason)[:300]
    end(assignment, _State.SKIPPED, timezone.now())
    if assignment.source == _Source.AGAIN:
        _open_or_close(
            assignment.project, assignment.review, _standing(assignment.review, annotator)
        )
    _audit(assignment, "review.skipped", reason=assignment.reason)
    return assignment


@transaction.atomic
def take_up_again(*, assignment: Assignment, annotator: User) -> Assignment:
    """Undo a skip: the review is in front of the person again, before what they hold by now.

    Raises Conflict when it was not skipped, or when as many others as should have it by now.
    """
    now = timezone.now()
    assignment = _mine(assignment, annotator)
    if assignment.state != _State.SKIPPED:
        raise Conflict(f"This review was {assignment.state}, not skipped.")
    if not hold_shown(assignment.review.dataset_id):
        raise Conflict("The data set of this review was removed. Go on with the next one.")
    try:
        _take_seat(assignment, now)
    except Conflict:
        raise Conflict("As many others as should have this review by now. Go on.") from None
    held = Assignment.objects.select_for_update(of=("self",)).filter(
        project=assignment.project, annotator=annotator, state=_State.LEASED
    )
    places = {each.place: each for each in held}
    free = [place for place in range(1, MAX_PLACE + 1) if place not in places]
    if not free:
        raise Conflict("You hold as many reviews as you can. Answer one of them first.")
    try:
        with transaction.atomic():
            if 0 in places:
                held.filter(pk=places[0].pk).update(place=free[0])
            assignment.state, assignment.place, assignment.ended_at = _State.LEASED, 0, None
            assignment.lease_until = now + lease_time(assignment.project)
            assignment.save(update_fields=["state", "place", "ended_at", "lease_until", "seat"])
    except IntegrityError:  # one_lease_per_person_and_place: another page of theirs was faster
        raise Conflict("You hold another review by now. Go on with that one.") from None
    if assignment.source == _Source.AGAIN:
        # They are asked again, and stay so if this lease runs out too.
        OpenReview.objects.update_or_create(
            review=assignment.review,
            defaults={"project": assignment.project, "cause": OpenReview.Cause.AGAIN},
        )
    _audit(assignment, "review.taken_up_again")
    return assignment


@dataclass(frozen=True, slots=True)
class Submitted:
    """An annotation as it was kept, with the questions and the answers as they were read."""

    annotation: Annotation
    schema: SchemaSnapshot
    answers: Answers


def submit(*, assignment: Assignment, annotator: User, **said: Any) -> Annotation:
    """Keep what somebody says, as `submit_and_read` does, and return the annotation."""
    return submit_and_read(assignment=assignment, annotator=annotator, **said).annotation


@transaction.atomic
def submit_and_read(
    *,
    assignment: Assignment,
    annotator: User,
    schema_version: int,
    answers: Any,
    seconds: float | None = None,
    note: str = "",
    saw_suggestions: bool | None = None,
    suggested_by: int | None = None,
) -> Submitted:
    """Keep what `annotator` says about the review of an assignment, and recompute its gold.

    `answers` has the API's shape; `saw_suggestions` and `suggested_by` say whether a model's
    proposals were on the page, and which version's. Submitting the same again returns the same
    annotation. A lease that has run out does no harm while the review has a free seat. Raises
    Invalid for answers that do not fit, Conflict for another version of the questions, for other
    answers than before, and when the review has gone to as many others as should answer it.
    """
    is_shown = hold_shown_review(assignment.review_id)
    assignment = _locked(assignment, annotator)
    if not is_shown:
        raise Conflict("The data set of this review was removed. Go on with the next one.")
    standing = _standing(assignment.review, annotator)
    before = _said_by(assignment.review, annotator) if standing.has_mine else None
    if before is not None and _is_final(before, assignment):
        repeated(before, schema_version, answers)
        said = schema_of(before)
        values = answers_json.parse(said, answers, assignment.review.text)
        return Submitted(before, said, values)
    schema = check_version(assignment.project, schema_version)
    values = answers_json.parse(schema, answers, assignment.review.text)
    now = timezone.now()
    if assignment.state != _State.LEASED or assignment.lease_until < now:
        _take_seat(assignment, now)
    annotation = before or Annotation(
        project=assignment.project, annotator=annotator, created_at=now
    )
    if before is not None:
        revisions.keep(before, by=annotator, now=now)
        gold.clear_answers(before)
    annotation.review = assignment.review
    annotation.schema_id = schema.id
    annotation.updated_at = now
    annotation.seconds = _seconds(assignment, now, seconds)
    annotation.note = normalise(note)[:1000]
    annotation.bulk_action = None
    annotation.is_asked_again = False
    annotation.saw_suggestions = saw_suggestions
    annotation.suggested_by = suggested_by
    annotation.is_check = assignment.source == _Source.CHECK
    annotation.save()
    end(assignment, _State.SUBMITTED, now)
    settle(annotation, schema, values, standing)
    _audit(assignment, "annotation.submitted", annotation=annotation.pk)
    return Submitted(annotation, schema, values)


def _is_final(before: Annotation, assignment: Assignment) -> bool:
    """Tell whether what a person has said about a review stands, so that it is edited or repeated.

    What they said about many reviews at once they may say again, looking at this one; and what
    they were asked again, after a change of the questions, they answer again.
    """
    if before.bulk_action_id is not None:
        return False
    return assignment.source != _Source.AGAIN or not before.is_asked_again


# --- Shared with the other writes -----------------------------------------------------------------


def check_version(project: Project, version: int) -> SchemaSnapshot:
    """Return the current questions; raise Conflict when `version` is another one."""
    schema = schema_to_answer(project)
    if version != schema.version:
        raise stale(version, schema.version)
    return schema


def annotation_by(review: Review, annotator: User) -> Annotation | None:
    """Return what one person said about a review, answers loaded."""
    return _said_by(review, annotator) if _standing(review, annotator).has_mine else None


def _said_by(review: Review, annotator: User) -> Annotation | None:
    said = gold.annotations_of([review.pk])
    return next((each for each in said if each.annotator_id == annotator.pk), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is about a locked review before somebody answers it: mostly nothing."""

    has_mine: bool
    #: Whether anybody else has said anything, quality checks included.
    has_others: bool
    has_gold: bool
    is_open: bool


def _standing(review: Review, annotator: User) -> Standing:
    looked = compiled.rows(_looked, review=review.pk, person=annotator.pk)
    return Standing(*(each is not None for each in looked[0]))


def _looked(*, review: int, person: int) -> "QuerySet[Review, Any]":
    said = Annotation.objects.filter(review=review)
    return Review.objects.filter(pk=review).values_list(
        Subquery(said.filter(annotator=person).values("id")[:1]),
        Subquery(said.exclude(annotator=person).values("id")[:1]),
        Subquery(Gold.objects.filter(review=review).values("question_id")[:1]),
        Subquery(OpenReview.objects.filter(review=review).values("id")[:1]),
    )


def repeated(before: Annotation, schema_version: int, answers: Any) -> Annotation:
    """Return what a person has said before, if it is the same; raise Conflict if it is not."""
    schema = schema_of(before)
    if schema.version == schema_version:
        again = answers_json.parse(schema, answers, before.review.text)
        if again == gold.read_answers(before, schema):
            return before
    raise Conflict(
        "You have answered this review before, differently. Edit that annotation instead."
    )


def hold_review(review_id: int) -> None:
    """Lock a review until the transaction ends, without reading it."""
    compiled.rows(_held_review, review=review_id)


def _held_review(*, review: int) -> "QuerySet[Review, Any]":
    return Review.objects.select_for_update().filter(pk=review).values_list("pk")


def locked_review(review_id: int) -> Review:
    """Lock a review until the transaction ends, project loaded.

    Everything about one review happens one after the other, so that "a seat is free" holds.
    """
    return (
        Review.objects.select_for_update(of=("self",)).select_related("project").get(pk=review_id)
    )


def locked_annotation(annotation_id: int) -> Annotation:
    """Lock the review of an annotation and return the annotation as it is from then on.

    Raises NotVisible when it was taken back at this moment, with the bulk action that it came from.
    """
    annotations = Annotation.objects.select_related("review", "project").filter(pk=annotation_id)
    before = annotations.first()
    if before is not None:
        hold_review(before.review_id)
        before = annotations.first()
    if before is None:
        raise NotVisible("These answers were taken back meanwhile.")
    return before


def settle(
    annotation: Annotation,
    schema: SchemaSnapshot,
    values: Answers,
    standing: Standing | None = None,
) -> None:
    """Write a checked annotation's answers, what they come to, and whether more are wanted.

    `standing` is what there was before about the (locked) review; looked up unless given.
    """
    review = annotation.review
    gold.write_answers(annotation, schema, values)
    policy = hold_to_answer(project=annotation.project, schema=schema)
    if annotation.is_check:
        return
    if not review.is_labelled:
        transaction.on_commit(partial(count_labelled, annotation.project))
    standing = standing or _standing(review, annotation.annotator)
    spoken = gold.spoken_about(review, schema) if standing.has_others else [values]
    gold.recompute(review, schema, spoken, policy=policy, has_gold=standing.has_gold)
    _open_or_close(annotation.project, review, standing)


def _open_or_close(project: Project, review: Review, standing: Standing) -> None:
    """Say whether a review that was just answered, or passed on, wants more answers."""
    wanted = seats.wanted(project, review.pk)
    opened = OpenReview.objects.filter(review=review)
    if not standing.is_open:
        is_first = not standing.has_others
        if wanted > 1 and (is_first or len(seats.answered_by(review)) < wanted):
            overlap = OpenReview.Cause.OVERLAP
            OpenReview.objects.create(review=review, project=project, cause=overlap)
        return
    if opened.filter(cause=OpenReview.Cause.AGAIN).exists() and seats.is_still_asked(review):
        return
    if len(seats.answered_by(review)) >= wanted:
        opened.delete()
    else:
        opened.update(cause=OpenReview.Cause.OVERLAP)


# --- Helpers --------------------------------------------------------------------------------------


def _mine(assignment: Assignment, annotator: User) -> Assignment:
    """Lock the assignment's review, then the assignment; somebody else's is not visible."""
    hold_review(assignment.review_id)
    return _locked(assignment, annotator)


def _locked(assignment: Assignment, annotator: User) -> Assignment:
    locked = compiled.first(
        _held, related=("review", "project"), assignment=assignment.pk, person=annotator.pk
    )
    if locked is None:
        raise NotVisible
    locked.annotator = annotator
    return locked


def _held(*, assignment: int, person: int) -> QuerySet[Assignment]:
    held = Assignment.objects.select_for_update(of=("self",))
    return held.filter(pk=assignment, annotator=person)


def _take_seat(assignment: Assignment, now: datetime) -> None:
    """Give a late one a seat, if there is one; raise Conflict when the review is in other hands."""
    # The same person may have been given the same review once more since.
    Assignment.objects.filter(
        review=assignment.review_id,
        annotator=assignment.annotator_id,
        state__in=[_State.LEASED, _State.RESERVED],
    ).exclude(pk=assignment.pk).update(state=_State.EXPIRED, ended_at=now)
    if assignment.source == _Source.CHECK or assignment.state == _State.RESERVED:
        return
    review, person = assignment.review, assignment.annotator
    overdue = Assignment.objects.filter(
        review=review, state=_State.LEASED, lease_until__lt=now
    ).exclude(pk=assignment.pk)
    # Others may have fallen silent here as well, and nobody has come to notice.
    seats.expire(overdue, now)
    is_again = assignment.source == _Source.AGAIN
    seat = seats.free_seat(assignment.project, review, person, is_again=is_again)
    if seat is None:
        raise _gone(assignment)
    assignment.seat = seat


def _gone(assignment: Assignment) -> Conflict:
    if seats.answered_by(assignment.review) - {assignment.annotator_id}:
        return Conflict(
            "Your time for this review ran out and somebody else has labelled it since. "
            "Your answers are not kept: go on with the next review."
        )
    return Conflict(
        "Your time for this review ran out and somebody else is at it now. "
        "Nothing of yours was lost here, but it is not kept: go on with the next review."
    )


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
