"""What becomes of a prediction: a row to filter by, a suggestion to show, cells of a table."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml.core.config import HeadConfig, Kind

#: Names that a row of results uses itself; a question of that name is written `answer.NAME`.
RESERVED = frozenset({"id", "row", "text", "error"})

#: Where a prediction says its answer, by the kind of question; spans are a list of their own.
ANSWER_IN = {Kind.CHOICE: "option", Kind.NUMBER: "value", Kind.MULTICHOICE: "selected"}


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a prediction that have columns of their own."""

    option: str = ""
    number: float | None = None
    confidence: float | None = None


def stored(head: HeadConfig, prediction: Any) -> Stored:
    """Return what filters and lists need of a prediction in the contract's shape."""
    match head.kind:
        case Kind.CHOICE:
            return Stored(option=prediction["option"], confidence=prediction["confidence"])
        case Kind.NUMBER:
            value = float(prediction["value"])
            whole = str(round(value)) if head.is_integer else ""
            return Stored(option=whole, number=value)
        case Kind.MULTICHOICE:
            return Stored(confidence=_surest_of_all(prediction["probabilities"]))
        case Kind.SPANS:
            found = [float(span["confidence"]) for span in prediction]
            return Stored(confidence=min(found, default=None))


def _surest_of_all(probabilities: Mapping[str, float]) -> float | None:
    """Return how sure the least sure option is, in or out."""
    return min((max(p, 1 - p) for p in probabilities.values()), default=None)


def suggestion(head: HeadConfig, prediction: Any) -> Any:
    """Return a prediction as the answer that an annotator would send."""
    match head.kind:
        case Kind.CHOICE:
            return prediction["option"]
        case Kind.NUMBER:
            value = float(prediction["value"])
            return round(value) if head.is_integer else value
        case Kind.MULTICHOICE:
            return list(prediction["selected"])
        case Kind.SPANS:
            kept = ("start", "end", "text", "option", "polarity")
            return [{name: span[name] for name in kept if name in span} for span in prediction]


def column_name(question: str) -> str:
    """Return the name of a question among the columns of a row."""
    return f"answer.{question}" if question in RESERVED else question


def named(predictions: Mapping[str, Any]) -> dict[str, Any]:
    """Return predictions under names that do not collide with those of a row."""
    return {column_name(question): value for question, value in predictions.items()}


def flat_columns(heads: Iterable[HeadConfig]) -> dict[str, type]:
    """Return the columns of a table of predictions and what is in them, in order."""
    columns: dict[str, type] = {}
    for head in heads:
        name = column_name(head.question)
        match head.kind:
            case Kind.CHOICE:
                columns |= {name: str, f"{name}_confidence": float}
            case Kind.NUMBER:
                columns |= {name: float, f"{name}_low": float, f"{name}_high": float}
            case Kind.MULTICHOICE | Kind.SPANS:
                columns |= {name: str}
    return columns


def flat(heads: Iterable[HeadConfig], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of one row; several options and spans are JSON, so that nothing is lost."""
    cells: dict[str, Any] = {}
    for head in heads:
        name = column_name(head.question)
        prediction = row.get(name)
        if prediction is None:
            continue
        match head.kind:
            case Kind.CHOICE:
                cells[name] = prediction["option"]
                cells[f"{name}_confidence"] = prediction["confidence"]
            case Kind.NUMBER:
                cells[name] = prediction["value"]
                cells |= {f"{name}_{end}": prediction[end] for end in ("low", "high")}
            case Kind.MULTICHOICE:
                cells[name] = json.dumps(prediction["selected"], ensure_ascii=False)
            case Kind.SPANS:
                cells[name] = json.dumps(prediction, ensure_ascii=False)
    return cells
