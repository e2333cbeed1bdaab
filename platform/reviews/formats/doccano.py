"""Write doccano's JSONL: the text, `label` with the answers to one question, the metadata.

doccano's projects ask one question. Its exports have a file for each annotator; here `username`
stands on every line, as older versions of it wrote it.
"""

from collections.abc import Iterable
from typing import Any, BinaryIO

from reviews.formats.jsonlines import as_line
from reviews.formats.plan import Exported, Plan, Writer
from reviews.labels import Labels

#: Names that mean something to doccano, or to those who read its files.
_TAKEN = frozenset(
    {"label", "labels", "entities", "spans", "annotations", "relations", "data"}
    | {"annotator", "username", "user"}
)


class DoccanoWriter(Writer):
    """One line a review, or one for each person who labelled it."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._key = plan.question.key if plan.question else ""

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        for review in reviews:
            said = [each for each in review.labels if self._key in each.answers]
            for labels in said or (Labels("", {}),):
                self._binary.write(as_line(self._line(review, labels)).encode())

    def _line(self, review: Exported, labels: Labels) -> dict[str, Any]:
        line: dict[str, Any] = {"id": review.id, "text": review.text}
        line["label"] = _label(labels.answers.get(self._key))
        if self._plan.names_people and labels.annotator:
            line["username"] = labels.annotator
        for name in self._plan.facts:
            if value := getattr(review, name):
                line[name] = value
        for key, value in self._plan.kept(review.metadata).items():
            line[f"metadata.{key}" if key in line or key in _TAKEN else key] = value
        return line

    def close(self) -> None:
        """Complete the file."""


def _label(answer: Any) -> list[Any]:
    if answer is None:
        return []
    if isinstance(answer, list):
        return [each if isinstance(each, str) else _span(each) for each in answer]
    return [str(int(answer)) if isinstance(answer, float) and answer.is_integer() else str(answer)]


def _span(span: dict[str, Any]) -> list[Any]:
    return [span["start"], span["end"], span["option"]]
