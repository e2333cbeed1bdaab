"""The bulk action that labels: one's own answers about many reviews, until they are undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from labelling import bulk
from labelling.answers import to_json
from labelling.selectors import current_schema, schema_to_answer
from labelling.snapshot import QuestionSnapshot
from projects.models import Project, Role
from reviews.bulk import Doer, Field
from reviews.models import BulkAction

_PREFIX = "answer."


def _fields(project: Project) -> list[Field]:
    """Return a field for every question that many texts can share an answer to."""
    questions = current_schema(project).questions
    return [_field(question) for question in questions if question.kind != "spans"]


def _field(question: QuestionSnapshot) -> Field:
    kinds = {"choice": "choice", "multichoice": "several"}
    steps = tuple((str(step), str(step)) for step in question.steps)
    options = tuple((option.key, option.name) for option in question.options) or steps
    kind = kinds.get(question.kind, "choice" if steps else "number")
    return Field(f"{_PREFIX}{question.key}", question.name, kind, options)


def _read(project: Project, given: Mapping[str, Any] | QueryDict) -> dict[str, Any]:
    """Return the answers in the API's shape, checked; raise Invalid."""
    schema = schema_to_answer(project)
    raw = _from_form(project, given) if isinstance(given, QueryDict) else given.get("answers")
    return {"answers": to_json(bulk.check_answers(schema, raw or {}), schema)}


def _from_form(project: Project, form: QueryDict) -> dict[str, Any]:
    """Leave out what nobody filled in: nothing ticked is no answer here."""
    found: dict[str, Any] = {}
    for question in current_schema(project).questions:
        values = [value for value in form.getlist(_PREFIX + question.key) if value]
        if values and question.kind == "multichoice":
            found[question.key] = values
        elif values:
            found[question.key] = _number(values[0]) if question.kind == "number" else values[0]
    return found


def _number(raw: str) -> float | str:
    try:
        return float(raw)
    except ValueError:
        return raw


def _do(action: BulkAction, ids: Sequence[int]) -> tuple[int, int]:
    assert action.created_by is not None  # noqa: S101  (whoever asked for it; see reviews.bulk)
    return bulk.label_reviews(
        project=action.project,
        actor=action.created_by,
        action=action,
        review_ids=ids,
        answers=action.params["answers"],
    )


def _undo(action: BulkAction) -> None:
    bulk.undo_labels(action=action)


def _words(action: BulkAction) -> str:
    said = [f"{key}: {_shown(value)}" for key, value in action.params["answers"].items()]
    return "labelled with " + ", ".join(said)


def _shown(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


DOER = Doer(
    name="Label",
    button="Label them",
    at_least=Role.REVIEWER,
    fields=_fields,
    read=_read,
    do=_do,
    undo=_undo,
    words=_words,
    skips="annotated by you before, held by somebody, or of the control slice",
)
