"""Scores to the predictions that people and programs see, and predictions back to answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ml.core import bio
from ml.core.calibration import Calibration, biased, span_confidence
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, SpanAnswer
from ml.core.engines.base import Floats
from ml.core.numeric import sigmoid, softmax
from ml.core.scores import Model, Scores, WordScores

# A choice, multichoice or number gives an object, spans give a list of objects.
Prediction = Any
_DIGITS: Final = 6


def predict(
    model: Model, calibrations: Mapping[str, Calibration], texts: Sequence[str]
) -> list[dict[str, Prediction]]:
    """Return one object per text with one prediction per question."""
    scores = model.scores(texts)
    rows: list[dict[str, Prediction]] = [{} for _ in texts]
    for head in model.heads:
        calibration = calibrations[head.question]
        found = predictions(head, scores[head.question], calibration, texts)
        for row, prediction in zip(rows, found, strict=True):
            row[head.question] = prediction
    return rows


def predictions(
    head: HeadConfig, scores: Scores, calibration: Calibration, texts: Sequence[str]
) -> list[Prediction]:
    """Return the predictions of one head, one per text, in the shapes of the REST contract."""
    if isinstance(scores, list):
        pairs = zip(scores, texts, strict=True)
        return [_spans(head, one, calibration, text) for one, text in pairs]
    if head.kind is Kind.CHOICE:
        return [_choice(head, row) for row in softmax(scores / calibration.temperature)]
    if head.kind is Kind.MULTICHOICE:
        found = sigmoid(scores / calibration.temperature)
        return [_multichoice(head, row, calibration) for row in found]
    return [_number(head, float(row[0]), calibration) for row in scores]


def to_answer(head: HeadConfig, prediction: Prediction) -> Answer:
    """Return the answer that a prediction stands for."""
    match head.kind:
        case Kind.CHOICE:
            return str(prediction["option"])
        case Kind.MULTICHOICE:
            return frozenset(prediction["selected"])
        case Kind.NUMBER:
            return float(prediction["value"])
        case Kind.SPANS:
            return tuple(
                SpanAnswer(p["start"], p["end"], p["option"], p.get("polarity", ""))
                for p in prediction
            )


def _choice(head: HeadConfig, row: Floats) -> Prediction:
    best = int(row.argmax())
    return {
        "option": head.options[best],
        "confidence": _rounded(row[best]),
        "probabilities": _by_option(head, row),
    }


def _multichoice(head: HeadConfig, row: Floats, calibration: Calibration) -> Prediction:
    pairs = zip(head.options, row, calibration.thresholds, strict=True)
    selected = [option for option, p, threshold in pairs if p >= threshold]
    return {"selected": selected, "probabilities": _by_option(head, row)}


def _number(head: HeadConfig, value: float, calibration: Calibration) -> Prediction:
    ends = np.clip(
        [value, value - calibration.half_width, value + calibration.half_width],
        head.minimum,
        head.maximum,
    )
    return dict(zip(("value", "low", "high"), map(_rounded, ends), strict=True))


def _spans(
    head: HeadConfig, scores: WordScores, calibration: Calibration, text: str
) -> list[Prediction]:
    tags = biased(scores.tags, calibration.outside_bias)
    probabilities = softmax(tags)
    return [
        _span(head, scores, span, text, span_confidence(calibration, probabilities, span))
        for span in bio.decode(bio.viterbi(tags))
    ]


def _span(
    head: HeadConfig, scores: WordScores, span: bio.WordSpan, text: str, confidence: float
) -> Prediction:
    start, end = int(scores.ranges[span.first, 0]), int(scores.ranges[span.last - 1, 1])
    words = slice(span.first, span.last)
    prediction = {
        "start": start,
        "end": end,
        "text": text[start:end],
        "option": head.options[span.option],
        "confidence": _rounded(confidence),
    }
    if head.polarities:
        best = int(scores.polarities[words].mean(axis=0).argmax())
        prediction["polarity"] = head.polarities[best]
    return prediction


def _by_option(head: HeadConfig, row: Floats) -> dict[str, float]:
    return dict(zip(head.options, map(_rounded, row), strict=True))


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
