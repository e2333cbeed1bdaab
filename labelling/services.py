"""Writes: hand out reviews, take answers, keep what is held for true."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, NotVisible
from common.text import normalise
from labelling import answers as answers_json
from labelling import gold, revisions
from labelling.leases import fetch_ahead, next_assignment, release
from labelling.models import Annotation
from labelling.ranking import Suggested, rank_reviews, store_suggestions
from labelling.selectors import schema_to_answer
from labelling.versions import apply_preset, create_version
from labelling.work import (
    annotation_by,
    check_version,
    heartbeat,
    locked_annotation,
    locked_review,
    repeated,
    settle,
    skip,
    submit,
    submit_and_read,
    take_up_again,
)
from reviews.models import Review

__all__ = [
    "Suggested",
    "annotation_by",
    "apply_preset",
    "check_version",
    "create_version",
    "edit",
    "fetch_ahead",
    "heartbeat",
    "next_assignment",
    "rank_reviews",
    "record_annotation",
    "release",
    "skip",
    "store_suggestions",
    "submit",
    "submit_and_read",
    "take_up_again",
]


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
    annotation = locked_annotation(annotation.pk)
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
    annotation.is_asked_again = False
    annotation.save(
        update_fields=[
            "schema", "updated_at", "note", "bulk_action", "is_asked_again", "revision",
        ]
    )  # fmt: skip
    gold.clear_answers(annotation)
    settle(annotation, schema, values)
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
    review = locked_review(review.pk)
    schema = schema_to_answer(review.project)
    values = answers_json.parse(schema, answers, review.text)
    before = annotation_by(review, annotator)
    if before is not None:
        return repeated(before, schema.version, answers)
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
    settle(annotation, schema, values)
    audit.record(
        actor=annotator,
        project_id=review.project_id,
        action="annotation.recorded",
        subject=f"review {review.pk}",
        annotation=annotation.pk,
    )
    return annotation
