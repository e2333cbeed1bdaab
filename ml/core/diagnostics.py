"""What lies behind a question's figures: curves, reliability, residuals, and slices of the rows."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ml.core.answers import Prediction, to_answer
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example
from ml.core.engines.base import Floats
from ml.core.metrics import HEADLINES, measure, selections
from ml.core.ranking import GRID, precision_recall_curve, ranking_metrics, roc_curve
from ml.core.reliability import Reliability, brier, log_loss, reliability

_MOST_POINTS = 400
_RESIDUAL_BINS = 21
_MOST_PRODUCTS = 10
_FEWEST_A_SLICE = 5
#: Steps of a scale or options of a choice whose answers make slices.
_MOST_ANSWERS = 10
#: Words of a review, from short to long; the last has no end.
_LENGTHS = ((0, 20, "up to 20 words"), (21, 60, "21 to 60 words"), (61, 120, "61 to 120 words"))
_LONG = "over 120 words"


@dataclass(frozen=True)
class Judged:
    """Hold the rows of one question: examples that answer it, and what was predicted."""

    head: HeadConfig
    examples: Sequence[Example]
    predictions: Sequence[Prediction]

    @property
    def gold(self) -> list[Answer]:
        """Return the gold answers."""
        return [example.answers[self.head.question] for example in self.examples]

    @property
    def found(self) -> list[Answer]:
        """Return the predicted answers."""
        return [to_answer(self.head, prediction) for prediction in self.predictions]

    def of(self, rows: Sequence[int]) -> "Judged":
        """Return some of the rows."""
        return Judged(
            self.head,
            [self.examples[row] for row in rows],
            [self.predictions[row] for row in rows],
        )


def confidence_metrics(judged: Judged) -> dict[str, Any]:
    """Return the figures that need probabilities; `per_option` holds those of options."""
    found: dict[str, Any] = {}
    if judged.head.kind is not Kind.NUMBER:
        found["ece"] = reliability_of(judged).ece
    if judged.head.kind not in {Kind.CHOICE, Kind.MULTICHOICE}:
        return found
    targets, probabilities = _tables(judged)
    areas, precisions = ranking_metrics(targets, probabilities)
    found |= {"macro_auc": areas[0], "mean_average_precision": precisions[0]}
    if judged.head.kind is Kind.CHOICE:
        found["brier"] = brier(probabilities, targets)
        found["log_loss"] = log_loss((probabilities * targets).sum(axis=1))
    found["per_option"] = {
        option: {"auc": area, "average_precision": precision}
        for option, area, precision in zip(
            judged.head.options, areas[1:], precisions[1:], strict=True
        )
    }
    return found


def reliability_of(judged: Judged) -> Reliability:
    """Return the reliability of the answer given, of every tick, or of every span found.

    Ticks and spans of one review are drawn together.
    """
    match judged.head.kind:
        case Kind.CHOICE:
            sure = np.array([p["confidence"] for p in judged.predictions])
            pairs = zip(judged.gold, judged.found, strict=True)
            return reliability(sure, np.array([float(g == f) for g, f in pairs]))
        case Kind.MULTICHOICE:
            targets, probabilities = _tables(judged)
            ticks = np.full(len(targets), targets.shape[1])
            return reliability(probabilities.ravel(), targets.ravel(), ticks)
        case Kind.SPANS:
            spans = np.array([len(found) for found in judged.predictions], dtype=np.int64)
            return reliability(*span_confidences(judged.gold, judged.predictions), spans)
        case Kind.NUMBER:
            return reliability(np.zeros(0), np.zeros(0))


def span_confidences(
    gold: Sequence[Answer], predictions: Sequence[Prediction]
) -> tuple[Floats, Floats]:
    """Return how sure every span found was, and whether it was right, both [spans]."""
    sure, right = [], []
    for answer, found in zip(gold, predictions, strict=True):
        wanted = {(s.start, s.end, s.option) for s in answer} if isinstance(answer, tuple) else ()
        for span in found:
            sure.append(float(span["confidence"]))
            right.append(float((span["start"], span["end"], span["option"]) in wanted))
    return np.array(sure), np.array(right)


def details(judged: Judged, heads: Sequence[HeadConfig]) -> dict[str, Any]:
    """Return what charts show of a question; the gold of `heads` makes slices."""
    found: dict[str, Any] = {"slices": list(slices(judged, heads))}
    if judged.head.kind is Kind.NUMBER:
        return found | _residuals(judged)
    found["reliability"] = reliability_of(judged).bins
    if judged.head.kind is not Kind.SPANS:
        found["curves"] = _curves(judged)
    return found


def slices(judged: Judged, heads: Sequence[HeadConfig]) -> Iterator[dict[str, Any]]:
    """Yield the headline of groups of rows: by length, by short gold answers, by product."""
    name = HEADLINES[judged.head.kind]
    for by, order, label in _groupings(judged.head, heads):
        groups: dict[str, list[int]] = {}
        for row, example in enumerate(judged.examples):
            if group := label(example):
                groups.setdefault(group, []).append(row)
        for group, rows in _ordered(order, groups):
            own = judged.of(rows)
            figure = measure(judged.head, own.gold, own.found)[name]
            yield {"by": by, "name": group, **figure, "n": len(rows)}


def _groupings(
    own: HeadConfig, heads: Sequence[HeadConfig]
) -> Iterator[tuple[str, Sequence[str], Callable[[Example], str]]]:
    """Yield what to group by, the groups in their order, and the group of an example.

    A choice is not grouped by its own gold: within one option no other can be found.
    """
    yield "length", [*(name for _, _, name in _LENGTHS), _LONG], _length
    for head in heads:
        is_own_choice = head.kind is Kind.CHOICE and head.question == own.question
        answers = _short_answers(head)
        if 1 < len(answers) <= _MOST_ANSWERS and not is_own_choice:
            yield f"answer.{head.question}", answers, partial(_given, head.question)
    yield "product", (), lambda example: example.product


def _short_answers(head: HeadConfig) -> list[str]:
    return list(head.options) if head.kind is Kind.CHOICE else list(map(str, head.scale))


def _length(example: Example) -> str:
    count = len(example.text.split())
    return next((name for _, high, name in _LENGTHS if count <= high), _LONG)


def _given(question: str, example: Example) -> str:
    answer = example.answers.get(question)
    return str(round(answer)) if isinstance(answer, int | float) else str(answer or "")


def _ordered(order: Sequence[str], groups: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    """Return the groups in an order; without one the largest, none of them tiny."""
    if order:
        return [(name, groups[name]) for name in order if name in groups]
    largest = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [item for item in largest[:_MOST_PRODUCTS] if len(item[1]) >= _FEWEST_A_SLICE]


def _tables(judged: Judged) -> tuple[Floats, Floats]:
    """Return targets 0/1 and probabilities, both [rows, options]."""
    options = judged.head.options
    if judged.head.kind is Kind.MULTICHOICE:
        targets = selections(judged.head, judged.gold)
    else:
        targets = np.array([[float(g == o) for o in options] for g in judged.gold])
    rows = [[p["probabilities"][o] for o in options] for p in judged.predictions]
    return targets, np.array(rows, dtype=np.float64)


def _curves(judged: Judged) -> dict[str, Any]:
    targets, probabilities = _tables(judged)
    options = {}
    for place, option in enumerate(judged.head.options):
        wanted, scores = targets[:, place], probabilities[:, place]
        if 0 < wanted.sum() < len(wanted):
            options[option] = {
                "roc": roc_curve(wanted, scores).heights(),
                "pr": precision_recall_curve(wanted, scores).heights(),
            }
    return {"grid": list(GRID), "options": options}


def _residuals(judged: Judged) -> dict[str, Any]:
    rows = [
        [example.id, float(gold), round(float(found), 4)]
        for example, gold, found in zip(judged.examples, judged.gold, judged.found, strict=True)
        if isinstance(gold, int | float) and isinstance(found, int | float)
    ]
    counts, edges = np.histogram([found - gold for _, gold, found in rows], bins=_RESIDUAL_BINS)
    points = rows
    if len(rows) > _MOST_POINTS:
        points = random.Random(0).sample(rows, _MOST_POINTS)  # noqa: S311 - a sample, no secret
    return {
        "scatter": sorted(points),
        "residuals": {"edges": [round(float(e), 6) for e in edges], "counts": counts.tolist()},
    }
