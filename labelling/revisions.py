"""What an annotation said before it was changed: nothing that was submitted is overwritten."""

from datetime import datetime

from accounts.models import User
from labelling import answers as answers_json
from labelling import gold
from labelling.answers import Answers
from labelling.models import Annotation, AnnotationRevision
from labelling.selectors import schema_of
from labelling.snapshot import SchemaSnapshot


def keep(annotation: Annotation, *, by: User, now: datetime) -> AnnotationRevision:
    """Keep what `annotation` says and count its revision up; the caller changes and saves it.

    The annotation's review must be locked. `by` is whoever makes the change.
    """
    schema = schema_of(annotation)
    kept = AnnotationRevision.objects.create(
        annotation=annotation,
        number=annotation.revision,
        schema_id=schema.id,
        answers=answers_json.to_json(gold.read_answers(annotation, schema), schema),
        note=annotation.note,
        created_at=annotation.updated_at,
        replaced_at=now,
        replaced_by=by,
    )
    annotation.revision += 1
    return kept


def says(annotation: Annotation, schema: SchemaSnapshot, values: Answers, note: str) -> bool:
    """Tell whether `annotation` answers the questions of `schema` with `values` and `note`."""
    return (
        annotation.schema_id == schema.id
        and annotation.note == note
        and gold.read_answers(annotation, schema) == values
    )
