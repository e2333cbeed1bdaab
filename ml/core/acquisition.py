"""Which reviews to label next: those the model is least sure of, over all questions at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.core.answers import Prediction
from ml.core.engines.base import Floats


def score(predictions: Sequence[Mapping[str, Prediction]]) -> Floats:
    """Return one score in 0..1 per review, higher where a label would teach more.

    Each question's uncertainty becomes a rank percentile among the reviews, so that no question
    drowns the others, and the percentiles are averaged. A choice is as uncertain as its two best
    options are close (margin: Scheffer et al., 2001; strongest for text in Schröder et al., 2022),
    a multichoice as its three least certain options, a number as its interval is wide or its value
    lies between whole steps, spans as the least certain span is.
    """
    questions = list(predictions[0]) if predictions else []
    return rank({q: [uncertainty(p[q]) for p in predictions] for q in questions})


def rank(uncertainties: Mapping[str, Sequence[float] | Floats]) -> Floats:
    """Return what `score` does from uncertainties per question, one value a review each.

    A pool that is too large to keep its predictions keeps these instead.
    """
    ranks = [_percentiles(np.asarray(values)) for values in uncertainties.values()]
    return np.asarray(np.mean(ranks, axis=0)) if ranks else np.zeros(0)


def uncertainty(prediction: Prediction) -> float:
    """Return how unsure one prediction is; comparable only within a question."""
    if isinstance(prediction, list):
        return _spans_uncertainty(prediction)
    if "value" in prediction:
        return float(prediction["high"] - prediction["low"])
    probabilities = list(prediction["probabilities"].values())
    if "selected" in prediction:
        return _labels_uncertainty(probabilities)
    best, second = sorted(probabilities, reverse=True)[:2]
    return float(1.0 - (best - second))


def entropy(prediction: Mapping[str, Any]) -> float:
    """Return the entropy in nats of a choice's probabilities (Shannon, 1948)."""
    shares = np.array(list(prediction["probabilities"].values()), dtype=np.float64)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _labels_uncertainty(probabilities: Sequence[float]) -> float:
    # The mean over all options would be ruled by the many that are surely absent.
    unsure = sorted((1 - abs(2 * p - 1) for p in probabilities), reverse=True)[:3]
    return float(np.mean(unsure))


def _spans_uncertainty(spans: Sequence[Mapping[str, Any]]) -> float:
    # A text without spans says nothing either way: it ranks below any doubtful span.
    return 1.0 - min((float(span["confidence"]) for span in spans), default=1.0)


def _percentiles(values: Floats) -> Floats:
    """Return mid-rank percentiles in 0..1; equal values share theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    result: Floats = ((below + (counts - 1) / 2) / max(len(values) - 1, 1))[inverse]
    return result if len(values) > 1 else np.full(1, 0.5)
