"""Write Label Studio's JSON: a list of tasks, an annotation for each person who labelled one.

Shapes: https://labelstud.io/guide/task_format. Offsets count UTF-16 code units, as its pages do.
Who said it stands in `completed_by` as an address, the only name its importer resolves; what a
model says stands under `predictions`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from reviews.formats.jsonlines import encode
from reviews.formats.plan import Exported, Plan, Writer
from reviews.labels import Labels, QuestionInfo


class LabelStudioWriter(Writer):
    """One task a review."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._is_first = True

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        for review in reviews:
            task = encode(self._task(review))
            self._binary.write(("[\n" if self._is_first else ",\n").encode() + task.encode())
            self._is_first = False

    def _task(self, review: Exported) -> dict[str, Any]:
        data: dict[str, Any] = {"text": review.text}
        for name in self._plan.facts:
            if value := getattr(review, name):
                data[name] = value
        for key, value in self._plan.kept(review.metadata).items():
            data[f"metadata.{key}" if key in data else key] = value
        task: dict[str, Any] = {"id": review.id, "data": data, "annotations": []}
        if self._plan.labels == "model":
            task["predictions"] = [self._prediction(review, each) for each in review.labels]
        else:
            task["annotations"] = [self._annotation(review, each) for each in review.labels]
        return task

    def _annotation(self, review: Exported, labels: Labels) -> dict[str, Any]:
        annotation: dict[str, Any] = {"result": list(self._results(review.text, labels))}
        annotation["was_cancelled"] = False
        annotation["ground_truth"] = self._plan.labels == "gold"
        if self._plan.names_people:
            annotation["completed_by"] = {"email": labels.annotator}
        return annotation

    def _prediction(self, review: Exported, labels: Labels) -> dict[str, Any]:
        version = f"version {labels.version}" if labels.version is not None else "model"
        return {"model_version": version, "result": list(self._results(review.text, labels))}

    def _results(self, text: str, labels: Labels) -> Iterator[dict[str, Any]]:
        units: list[int] | None = None
        for question in self._plan.questions:
            answer = labels.answers.get(question.key)
            if answer is None:
                continue
            if question.kind != "spans":
                yield _result(question, _TYPES[question.kind], _value(question, answer))
                continue
            units = units or _units(text)
            for number, span in enumerate(answer):
                result = _result(question, "labels", _span(span, units))
                yield result | {"id": f"{question.key}-{number}"}

    def close(self) -> None:
        """Complete the file."""
        self._binary.write(b"[]\n" if self._is_first else b"\n]\n")


_TYPES = {"choice": "choices", "multichoice": "choices", "number": "number"}


def _result(question: QuestionInfo, kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": question.key,
        "from_name": question.key,
        "to_name": "text",
        "type": kind,
        "value": value,
    }


def _value(question: QuestionInfo, answer: Any) -> dict[str, Any]:
    if question.kind == "number":
        return {"number": int(answer) if float(answer).is_integer() else answer}
    return {"choices": [answer] if isinstance(answer, str) else list(answer)}


def _span(span: Mapping[str, Any], units: list[int]) -> dict[str, Any]:
    value = {
        "start": units[span["start"]],
        "end": units[span["end"]],
        "text": span["text"],
        "labels": [span["option"]],
    }
    # It keeps what it does not know, and so does our importer.
    return value | ({"polarity": span["polarity"]} if span.get("polarity") else {})


def _units(text: str) -> list[int]:
    """Return for every place between characters how many UTF-16 code units stand before it."""
    if text.isascii():
        return list(range(len(text) + 1))
    places, at = [0], 0
    for char in text:
        at += 2 if char > "\uffff" else 1
        places.append(at)
    return places
