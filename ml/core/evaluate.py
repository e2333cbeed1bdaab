"""Calibrate a model on validation rows and measure it on test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.core.answers import Prediction, predictions
from ml.core.baselines import majority
from ml.core.calibration import Calibration, calibrate
from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, answered
from ml.core.diagnostics import Judged, confidence_metrics, details, reliability_of
from ml.core.intervals import wilson
from ml.core.limits import check_limits
from ml.core.metrics import confusion_table, measure
from ml.core.scores import Model, Scores


@dataclass(frozen=True)
class Measured:
    """Hold the calibrations, the test predictions and the metrics of every question."""

    calibrations: dict[str, Calibration]
    predictions: list[dict[str, Prediction]]
    questions: dict[str, dict[str, Any]]


def fit_calibrations(model: Model, examples: Sequence[Example]) -> dict[str, Calibration]:
    """Return the calibration of every head, from the validation rows."""
    rows = [example for example in examples if example.split == "validation"]
    scores = model.scores([example.text for example in rows])
    found = {}
    for head in model.heads:
        chosen = [i for i, example in enumerate(rows) if head.question in example.answers]
        answers = [rows[i].answers[head.question] for i in chosen]
        width = _spread(head, answered(examples, head.question, "train"))
        own = subset(scores[head.question], chosen)
        found[head.question] = calibrate(head, own, answers, fallback_width=width)
    return found


def measure_model(model: Model, examples: Sequence[Example], *, in_detail: bool = True) -> Measured:
    """Calibrate on validation rows, predict the test rows and measure every question on them.

    In detail, a question's `details` hold what charts show: curves, reliability, slices.
    """
    calibrations = fit_calibrations(model, examples)
    rows = [example for example in examples if example.split == "test"]
    texts = [example.text for example in rows]
    scores = model.scores(texts)
    found: list[dict[str, Prediction]] = [{} for _ in rows]
    questions = {}
    for head in model.heads:
        key = head.question
        given = predictions(head, scores[key], calibrations[key], texts)
        for row, prediction in zip(found, given, strict=True):
            row[key] = prediction
        judged = _judged(head, rows, given)
        questions[key] = _measure_question(judged)
        if judged.examples and in_detail:
            own = details(judged, model.heads)
            own["calibration"] = _calibrated(judged, scores[key], calibrations[key], rows)
            questions[key]["details"] = own
    return Measured(calibrations, found, questions)


def majority_metrics(
    heads: Sequence[HeadConfig], examples: Sequence[Example]
) -> dict[str, dict[str, Any]]:
    """Return the metrics of the constant answer, per question that has test rows."""
    found = {}
    for head in heads:
        rows = answered(examples, head.question, "test")
        if rows:
            constant = majority(head, answered(examples, head.question, "train"))
            gold = [example.answers[head.question] for example in rows]
            found[head.question] = measure(head, gold, constant.answers([e.text for e in rows]))
    return found


def subset(scores: Scores, rows: Sequence[int]) -> Scores:
    """Return the scores of some rows."""
    if isinstance(scores, list):
        return [scores[row] for row in rows]
    return scores[np.array(rows, dtype=np.int64)]


def _judged(head: HeadConfig, rows: Sequence[Example], given: Sequence[Prediction]) -> Judged:
    chosen = [i for i, example in enumerate(rows) if head.question in example.answers]
    return Judged(head, [rows[i] for i in chosen], [given[i] for i in chosen])


def _measure_question(judged: Judged) -> dict[str, Any]:
    head, n = judged.head, len(judged.examples)
    result: dict[str, Any] = {"kind": head.kind.value, "n": n, "model": None}
    if not n:
        return {**result, "note": "No test review has an answer, so nothing could be measured."}
    gold, found = judged.gold, judged.found
    result["model"] = _figures(judged)
    table = confusion_table(head, gold, found)
    return {**result, "confusion": table} if table else result


def _figures(judged: Judged) -> dict[str, Any]:
    head = judged.head
    texts = [example.text for example in judged.examples]
    figures = measure(head, judged.gold, judged.found, texts)
    if head.kind is Kind.NUMBER:
        figures["coverage"] = _coverage(judged)
    sure = confidence_metrics(judged)
    for option, own in sure.pop("per_option", {}).items():
        figures["per_option"][option] |= own
    figures |= sure
    check_limits(figures)
    return figures


def _coverage(judged: Judged) -> dict[str, Any]:
    hits = [
        prediction["low"] <= float(gold) <= prediction["high"]
        for gold, prediction in zip(judged.gold, judged.predictions, strict=True)
        if isinstance(gold, int | float)
    ]
    return wilson(sum(hits), len(hits))


def _calibrated(
    judged: Judged, scores: Scores, calibration: Calibration, rows: Sequence[Example]
) -> dict[str, Any]:
    """Return the calibration, and the error that confidences would have without it."""
    head = judged.head
    found = calibration.to_json()
    if head.kind is Kind.NUMBER:
        return found
    given = predictions(head, scores, calibration.raw, [example.text for example in rows])
    return {**found, "ece_before": reliability_of(_judged(head, rows, given)).ece}


def _spread(head: HeadConfig, examples: Sequence[Example]) -> float:
    if head.kind is not Kind.NUMBER or not examples:
        return 0.0
    values = [example.answers[head.question] for example in examples]
    return 1.645 * float(np.std([v for v in values if isinstance(v, int | float)]))


def outcome(
    measured: Mapping[str, dict[str, Any]], baselines: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the questions of the metrics with the baselines beside each model."""
    return {
        question: {
            **result,
            "baselines": {
                name: own[question] for name, own in baselines.items() if question in own
            },
        }
        for question, result in measured.items()
    }
