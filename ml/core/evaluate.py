"""Calibrate a model on validation rows and measure it on test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.core.answers import Prediction, predictions, to_answer
from ml.core.baselines import majority
from ml.core.calibration import Calibration, calibrate
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example, answered
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


def measure_model(model: Model, examples: Sequence[Example]) -> Measured:
    """Calibrate on validation rows, predict the test rows and measure every question on them."""
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
        questions[key] = _measure_question(head, rows, given)
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


def _measure_question(
    head: HeadConfig, rows: Sequence[Example], given: Sequence[Prediction]
) -> dict[str, Any]:
    pairs = [
        (example.answers[head.question], to_answer(head, prediction))
        for example, prediction in zip(rows, given, strict=True)
        if head.question in example.answers
    ]
    result: dict[str, Any] = {"kind": head.kind.value, "n": len(pairs), "model": None}
    if not pairs:
        return {**result, "note": "No test review has an answer, so nothing could be measured."}
    gold, found = _unzipped(pairs)
    result["model"] = measure(head, gold, found)
    if head.kind is Kind.NUMBER:
        result["model"]["coverage"] = _coverage(head, rows, given)
    table = confusion_table(head, gold, found)
    return {**result, "confusion": table} if table else result


def _coverage(
    head: HeadConfig, rows: Sequence[Example], given: Sequence[Prediction]
) -> dict[str, Any]:
    from ml.core.intervals import wilson

    hits = [
        prediction["low"] <= float(answer) <= prediction["high"]
        for example, prediction in zip(rows, given, strict=True)
        if isinstance(answer := example.answers.get(head.question), int | float)
    ]
    return wilson(sum(hits), len(hits))


def _unzipped(pairs: Sequence[tuple[Answer, Answer]]) -> tuple[list[Answer], list[Answer]]:
    return [gold for gold, _ in pairs], [found for _, found in pairs]


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
