"""Everything that people have done about one review, in the order in which it happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labelling import answers as answers_json
from labelling import gold
from labelling.models import Adjudication, Annotation, AnnotationRevision, Assignment, Flag
from labelling.selectors import schema_of, schema_version
from labelling.snapshot import SchemaSnapshot
from projects.models import Project
from reviews import bulk
from reviews.models import BulkChange, Review, ReviewChange

_State = Assignment.State


@dataclass(frozen=True, slots=True)
class Restorable:
    """An earlier revision, and the one that a person sees as the present while looking at it."""

    annotation_id: int
    number: int
    present: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody did at some time."""

    at: datetime
    #: answered, changed, restored, skipped, withdrawn, reserved, flagged, resolved, decided,
    #: ended, imported, updated or bulk.
    kind: str
    #: Empty for what nobody in particular did.
    who: str
    words: str
    note: str = ""
    #: In the API's shape, with the questions that they answer.
    answers: dict[str, Any] = field(default_factory=dict)
    schema: SchemaSnapshot | None = None
    restorable: Restorable | None = None


def of_review(project: Project, review: Review) -> list[Event]:
    """Return what has happened to a review of the project, oldest first; reviewers may see it."""
    events = [
        *_of_import(review),
        *_of_annotations(project, review),
        *_of_assignments(project, review),
        *_of_flags(project, review),
        *_of_decisions(project, review),
        *_of_bulk_actions(project, review),
    ]
    return sorted(events, key=lambda event: event.at)


def _of_import(review: Review) -> Iterator[Event]:
    if review.import_job is not None:
        name = review.import_job.upload.original_name
        yield Event(review.import_job.created_at, "imported", "", f"Imported from {name}")
    changes = ReviewChange.objects.filter(review=review).select_related("import_job__upload")
    for change in changes:
        name = change.import_job.upload.original_name
        words = f"Brought up to date by the import of {name}"
        yield Event(change.import_job.created_at, "updated", "", words)


# --- Annotations ----------------------------------------------------------------------------------


def _of_annotations(project: Project, review: Review) -> Iterator[Event]:
    said = [each for each in gold.annotations_of([review.pk]) if each.project_id == project.pk]
    kept: dict[int, list[AnnotationRevision]] = {}
    rows = AnnotationRevision.objects.filter(annotation__in=[each.pk for each in said])
    for row in rows.select_related("schema", "replaced_by").order_by("number"):
        kept.setdefault(row.annotation_id, []).append(row)
    for annotation in said:
        yield from _of_annotation(project, annotation, kept.get(annotation.pk, []))


def _of_annotation(
    project: Project, annotation: Annotation, earlier: Sequence[AnnotationRevision]
) -> Iterator[Event]:
    """Yield one event a revision: what it said, since when, and who made it of the one before."""
    name = annotation.annotator.shown_name
    before: AnnotationRevision | None = None
    for revision in earlier:
        at, kind, who, words = _maker(annotation, before, name)
        yield Event(
            at=at,
            kind=kind,
            who=who,
            words=words,
            note=revision.note,
            answers=revision.answers,
            schema=schema_version(project, revision.schema.version),
            restorable=Restorable(annotation.pk, revision.number, annotation.revision),
        )
        before = revision
    schema = schema_of(annotation)
    at, kind, who, words = _maker(annotation, before, name)
    yield Event(
        at=at,
        kind=kind,
        who=who,
        words=words,
        note=annotation.note,
        answers=answers_json.to_json(gold.read_answers(annotation, schema), schema),
        schema=schema,
    )


def _maker(
    annotation: Annotation, before: AnnotationRevision | None, name: str
) -> tuple[datetime, str, str, str]:
    """Say when, how and by whom what came after `before` was made."""
    if before is None:
        return annotation.created_at, "answered", name, _first_words(annotation)
    by = before.replaced_by
    who = by.shown_name if by is not None else "somebody who is gone"
    if by is not None and by.pk != annotation.annotator_id:
        return before.replaced_at, "restored", who, f"Restored earlier answers of {name}"
    return before.replaced_at, "changed", who, "Changed the answers"


def _first_words(annotation: Annotation) -> str:
    if annotation.import_job_id is not None:
        return "Answered, as the imported file has it"
    if annotation.bulk_action_id is not None:
        return "Answered, with many others at once"
    return "Answered a quality check" if annotation.is_check else "Answered"


# --- The rest -------------------------------------------------------------------------------------


def _of_assignments(project: Project, review: Review) -> Iterator[Event]:
    rows = Assignment.objects.filter(project=project, review=review).select_related(
        "annotator", "reserved_by"
    )
    for row in rows:
        name = row.annotator.shown_name
        if row.source == Assignment.Source.RESERVED:
            by = row.reserved_by.shown_name if row.reserved_by else ""
            yield Event(row.created_at, "reserved", by, f"Reserved for {name}")
        if row.state == _State.SKIPPED and row.ended_at:
            yield Event(row.ended_at, "skipped", name, "Skipped", row.reason)
        elif row.state == _State.WITHDRAWN and row.ended_at:
            words = f"{name} is asked to answer again: the questions have changed"
            if row.reason:
                words = f"{name} will not answer again"
            yield Event(row.ended_at, "withdrawn", "", words, row.reason)


def _of_flags(project: Project, review: Review) -> Iterator[Event]:
    rows = Flag.objects.filter(project=project, review=review)
    for row in rows.select_related("person", "resolved_by"):
        yield Event(row.created_at, "flagged", row.person.shown_name, "Flagged", row.note)
        if row.resolved_at is not None:
            by = row.resolved_by.shown_name if row.resolved_by else "somebody who is gone"
            words = f"Resolved the flag of {row.person.shown_name}"
            yield Event(row.resolved_at, "resolved", by, words)


def _of_decisions(project: Project, review: Review) -> Iterator[Event]:
    rows = Adjudication.objects.filter(project=project, review=review)
    for row in rows.select_related("reviewer", "schema"):
        yield Event(
            at=row.created_at,
            kind="decided",
            who=row.reviewer.shown_name,
            words="Decided what is held for true",
            note=row.reason,
            answers=row.answers,
            schema=schema_version(project, row.schema.version),
        )
        if row.ended_at is not None:
            words = f"The decision of {row.reviewer.shown_name} stopped to hold"
            yield Event(row.ended_at, "ended", "", words)


def _of_bulk_actions(project: Project, review: Review) -> Iterator[Event]:
    rows = BulkChange.objects.filter(review=review, action__project=project)
    for row in rows.select_related("action__created_by"):
        action = row.action
        by = action.created_by.shown_name if action.created_by else "somebody who is gone"
        words = bulk.doer_of(action.kind).words(action)
        yield Event(action.created_at, "bulk", by, words[:1].upper() + words[1:])
