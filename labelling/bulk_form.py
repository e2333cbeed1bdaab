"""Labelling many reviews at once as one of the bulk actions of the review table."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from labelling.answers import to_json
from labelling.bulk import check_answers, label_reviews, undo_labels
from labelling.selectors import current_schema, schema_to_answer
from labelling.snapshot import QuestionSnapshot
from projects.models import Project, Role
from reviews.bulk import Doer, Field
from reviews.models import BulkAction

_KINDS = {"choice": "choice", "multichoice": "several", "number": "number"}
_START = "answer."


def doer() -> Doer:
    """Return how labelling in bulk is offered, done and undone."""
    return Doer(
        name="Label",
        button="Label",
        at_least=Role.REVIEWER,
        fields=_fields,
        read=_read,
        do=_do,
        undo=_undo,
        words=_words,
        skips="labelled by you before, held by somebody, or of the control slice",
    )


def _fields(project: Project) -> list[Field]:
    return [
        Field(
            name=f"{_START}{question.key}",
            label=question.name,
            kind=_KINDS[question.kind],
            options=tuple((option.key, option.name) for option in question.options),
            hint="Left open unless you answer it.",
        )
        for question in current_schema(project).questions
        if question.kind in _KINDS
    ]


def _read(project: Project, given: Mapping[str, Any] | QueryDict) -> dict[str, Any]:
    """Read the answers of a form (answer.KEY) or of a program ({"answers": {...}})."""
    schema = schema_to_answer(project)
    raw: Any = given.get("answers")
    if raw is None or isinstance(given, QueryDict):
        found = {each.key: _field(each, given) for each in schema.questions}
        raw = {key: value for key, value in found.items() if value is not None}
    return {"answers": to_json(check_answers(schema, raw), schema)}


def _field(question: QuestionSnapshot, given: Mapping[str, Any] | QueryDict) -> Any:
    name = f"{_START}{question.key}"
    if question.kind == "multichoice" and isinstance(given, QueryDict):
        return given.getlist(name) or None
    raw = given.get(name)
    if question.kind == "number" and isinstance(raw, str) and raw.strip():
        return _number(raw.strip())
    return raw if raw != "" else None


def _number(raw: str) -> float | str:
    """Return a number where it is one, else the text, which is then named in the error."""
    try:
        return float(raw.replace(",", "."))
    except ValueError:
        return raw


def _do(action: BulkAction, review_ids: Sequence[int]) -> tuple[int, int]:
    assert action.created_by is not None  # noqa: S101  (a person started it)
    return label_reviews(
        project=action.project,
        actor=action.created_by,
        action=action,
        review_ids=review_ids,
        answers=action.params["answers"],
    )


def _undo(action: BulkAction) -> None:
    undo_labels(action=action)


def _words(action: BulkAction) -> str:
    said = (f"{key}: {_said(value)}" for key, value in action.params["answers"].items())
    return f"labelled {'; '.join(said)}"[:300]


def _said(value: Any) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)
