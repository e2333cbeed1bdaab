"""The bulk action that takes over a model's suggestions above a confidence, until it is undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from labelling import accept, bulk
from labelling.selectors import current_schema
from projects.models import Project, Role
from reviews.bulk import Doer, Field
from reviews.models import BulkAction

KIND = "accept"


def _fields(project: Project) -> list[Field]:
    questions = current_schema(project).questions
    options = tuple((question.key, question.name) for question in questions)
    hint = "From 0 to 1. Suggestions below it stay suggestions."
    return [
        Field("questions", "Questions", "several", options),
        Field("threshold", "Confidence, at least", "number", hint=hint),
    ]


def _read(project: Project, given: Mapping[str, Any] | QueryDict) -> dict[str, Any]:
    if isinstance(given, QueryDict):
        questions: Sequence[Any] = given.getlist("questions")
    else:
        questions = given.get("questions") or []
    wish = accept.wish_from(project, questions=questions, threshold=given.get("threshold"))
    return wish.params()


def _wish(action: BulkAction) -> accept.Wish:
    return accept.Wish(tuple(action.params["questions"]), float(action.params["threshold"]))


def _do(action: BulkAction, ids: Sequence[int]) -> tuple[int, int]:
    assert action.created_by is not None  # noqa: S101  (whoever asked for it; see reviews.bulk)
    return accept.accept(
        project=action.project,
        actor=action.created_by,
        action=action,
        review_ids=ids,
        wish=_wish(action),
    )


def _undo(action: BulkAction) -> None:
    bulk.undo_labels(action=action)


def _words(action: BulkAction) -> str:
    wish = _wish(action)
    return f"answered as a model suggests ({', '.join(wish.questions)}; {wish.threshold:g} or more)"


DOER = Doer(
    name="Accept suggestions",
    button="Accept them",
    at_least=Role.REVIEWER,
    fields=_fields,
    read=_read,
    do=_do,
    undo=_undo,
    words=_words,
    skips=(
        "no suggestion that sure, answered or held by somebody, of the control slice, "
        "of the test split, or a quality check"
    ),
)
