"""How well probabilities order reviews, whatever the threshold: ROC and precision-recall."""

from dataclasses import dataclass

import numpy as np

from ml.core.engines.base import Floats
from ml.core.intervals import Estimate, bootstrap_ranks, ratio
from ml.core.metrics_choice import mean_known

#: Curves are kept at these shares, so that those of several options have one axis.
GRID = tuple(round(step / 50, 2) for step in range(51))


@dataclass(frozen=True)
class Curve:
    """Points of a curve from left to right: x and y [points]."""

    x: Floats
    y: Floats

    def heights(self) -> list[float]:
        """Return the height at every share of GRID: of the last point not beyond it."""
        places = np.searchsorted(self.x, np.array(GRID) + 1e-12, side="right") - 1
        return [round(float(self.y[max(place, 0)]), 6) for place in places]


def roc_curve(targets: Floats, scores: Floats) -> Curve:
    """Return true against false positive rate of targets 0/1 [n] by scores [n]."""
    hits, misses = _passed(targets, scores)
    return Curve(_share(misses), _share(hits))


def precision_recall_curve(targets: Floats, scores: Floats) -> Curve:
    """Return precision against recall, from the highest score down, as measured."""
    hits, misses = _passed(targets, scores)
    precision = hits[1:] / (hits[1:] + misses[1:])
    recall = _share(hits)
    return Curve(recall, np.concatenate([precision[:1], precision]))


def auc(targets: Floats, scores: Floats) -> float:
    """Return the area under the ROC curve, NaN where one of the two classes is missing."""
    return float(_figures(np.ones((1, len(targets))), targets, scores)[0, 0])


def average_precision(targets: Floats, scores: Floats) -> float:
    """Return the mean precision over the steps of recall, NaN without a positive."""
    return float(_figures(np.ones((1, len(targets))), targets, scores)[0, 1])


def ranking_metrics(targets: Floats, scores: Floats) -> tuple[list[Estimate], list[Estimate]]:
    """Return estimates of the AUC and of the average precision per option, the mean first.

    targets 0/1 and scores: [n, options]. The means are over options that have both a positive and
    a negative (AUC) or a positive (average precision).
    """

    def statistic(weights: Floats) -> Floats:
        columns = zip(targets.T, scores.T, strict=True)
        both = np.stack([_figures(weights, wanted, given) for wanted, given in columns], axis=2)
        areas, precisions = both[:, 0], both[:, 1]
        means = mean_known(areas), mean_known(precisions)
        return np.column_stack([means[0], areas, means[1], precisions])

    values = bootstrap_ranks(len(targets), statistic)
    return values[: len(values) // 2], values[len(values) // 2 :]


def _passed(targets: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return how many positives and negatives pass each distinct score, from none to all."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(targets[order])[is_last]
    misses = np.cumsum(1 - targets[order])[is_last]
    return np.concatenate([[0.0], hits]), np.concatenate([[0.0], misses])


def _share(counts: Floats) -> Floats:
    return counts / counts[-1] if counts[-1] else np.full(len(counts), np.nan)


def _figures(weights: Floats, targets: Floats, scores: Floats) -> Floats:
    """Return AUC and average precision, rows counted by weights [draws, n], as [draws, 2]."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)
    drawn, wanted = weights[:, order], targets[order]
    hits = np.cumsum(drawn * wanted, axis=1)[:, is_last]
    misses = np.cumsum(drawn * (1 - wanted), axis=1)[:, is_last]
    more_hits = np.diff(hits, axis=1, prepend=0.0)
    more_misses = np.diff(misses, axis=1, prepend=0.0)
    # A negative is beaten by the positives above it, and by half of those beside it.
    beaten = (more_misses * (hits - more_hits / 2)).sum(axis=1)
    area = ratio(beaten, hits[:, -1] * misses[:, -1])
    precision = np.nan_to_num(ratio(hits, hits + misses))
    mean = ratio((more_hits * precision).sum(axis=1), hits[:, -1])
    return np.column_stack([area, mean])
