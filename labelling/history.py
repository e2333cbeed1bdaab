"""Bring back what an annotation said before, as a change of its own."""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from common.errors import Conflict, NotAllowed, NotVisible
from labelling import answers as answers_json
from labelling import gold, revisions
from labelling.answers import Answers, Fault
from labelling.models import Annotation, AnnotationRevision
from labelling.selectors import schema_version
from labelling.snapshot import SchemaSnapshot
from labelling.versions import hold_version
from projects.models import Membership, Project


@transaction.atomic
def restore(
    *, membership: Membership, annotation: Annotation, number: int, seen: int
) -> Annotation:
    """Have an annotation say again what its revision `number` said; nothing is deleted.

    The answers stay answers to the questions that they were given to. `seen` is the revision that
    the person looked at. Raises NotAllowed below reviewer, NotVisible for a revision that is not
    there, Conflict when somebody has changed the annotation since or an answer no longer fits.
    """
    if not membership.can_review:
        raise NotAllowed("Reviewers restore what somebody said before. Ask one of them.")
    project = membership.project
    texts = gold.hold_reviews(project, [annotation.review_id])
    if annotation.review_id not in texts:  # its data set was removed at that moment
        raise NotVisible
    annotation = _loaded(project, annotation.pk)
    earlier = annotation.revisions.select_related("schema").filter(number=number).first()
    if earlier is None:
        raise NotVisible("There is no such earlier revision.")
    if annotation.revision != seen:
        raise Conflict(
            "Somebody has changed these answers since you opened the page. "
            "Look at the history again, then restore."
        )
    schema = schema_version(project, earlier.schema.version)
    assert schema is not None  # noqa: S101  (a revision restricts its version's removal)
    values = _values(schema, earlier, texts[annotation.review_id])
    now = timezone.now()
    revisions.keep(annotation, by=membership.user, now=now)
    annotation.updated_at = now
    _write(annotation, earlier, schema, values)
    gold.recompute_many(project, hold_version(project=project), [annotation.review_id])
    audit.record(
        actor=membership.user,
        project_id=project.pk,
        action="annotation.restored",
        subject=f"review {annotation.review_id}",
        annotation=annotation.pk,
        revision=number,
    )
    return annotation


def annotation_of(project: Project, annotation_id: int) -> Annotation:
    """Return one annotation of the project's shown reviews; raise NotVisible without one."""
    shown = Annotation.objects.filter(project=project, review__dataset__is_ready=True)
    found = shown.select_related("project").filter(pk=annotation_id).first()
    if found is None:
        raise NotVisible
    return found


def _loaded(project: Project, annotation_id: int) -> Annotation:
    return (
        Annotation.objects.select_related("schema", "annotator")
        .prefetch_related(
            "answers__question", "answers__option", "spans__question", "spans__option"
        )
        .get(pk=annotation_id, project=project)
    )


def _values(schema: SchemaSnapshot, earlier: AnnotationRevision, text: str) -> Answers:
    values: Answers = {}
    for question in schema.questions:
        raw = earlier.answers.get(question.key)
        if raw is None:
            continue
        try:
            value = answers_json.parse_one(question, raw, text)
        except Fault as fault:
            raise Conflict(f"It cannot be restored: {question.name}: {fault}") from None
        if value is not None:
            values[question.key] = value
    return values


def _write(
    annotation: Annotation, earlier: AnnotationRevision, schema: SchemaSnapshot, values: Answers
) -> None:
    annotation.schema_id = schema.id
    annotation.note = earlier.note
    # A reviewer stands behind it now: undoing a bulk action does not take it away.
    annotation.bulk_action = None
    annotation.save(update_fields=["schema", "note", "updated_at", "bulk_action", "revision"])
    gold.clear_answers(annotation)
    gold.write_answers(annotation, schema, values)
