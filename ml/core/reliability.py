"""Whether confidences mean what they say: of 100 answers at 0.8, are 80 right?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.core.engines.base import Floats
from ml.core.intervals import Estimate, bootstrap, nothing, ratio, wilson

_BINS = 15
# With fewer in each bin, chance alone makes an error of calibration.
_FEWEST_A_BIN = 20


@dataclass(frozen=True)
class Reliability:
    """Hold bins of like confidence and the expected calibration error."""

    bins: list[dict[str, Any]]
    """Each with n, the mean confidence, and the share that is right with its interval."""
    ece: Estimate
    """Mean gap between confidence and share over bins, by their n (Naeini et al., 2015)."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"bins": self.bins, "ece": self.ece}


def reliability(confidences: Floats, is_right: Floats) -> Reliability:
    """Compare confidences [n] with whether they were right, 0/1 [n], in bins of equal mass.

    At most 15 bins, fewer where they would hold less than 20 each.
    """
    n = len(confidences)
    if not n:
        return Reliability([], nothing(0))
    place, count = _bins(confidences)
    rows = np.zeros((n, 3 * count))
    rows[np.arange(n), place] = 1.0
    rows[np.arange(n), count + place] = confidences
    rows[np.arange(n), 2 * count + place] = is_right
    (ece,) = bootstrap(rows, lambda sums: _error(sums, count))
    sizes, totals, hits = np.split(rows.sum(axis=0), 3)
    bins = [
        {"confidence": round(float(totals[i] / sizes[i]), 6), **wilson(int(hits[i]), int(sizes[i]))}
        for i in range(count)
        if sizes[i]
    ]
    return Reliability(bins, _widened(ece))


def expected_calibration_error(confidences: Floats, is_right: Floats) -> float:
    """Return the figure of `reliability` without its interval."""
    place, count = _bins(confidences)
    sums = [np.bincount(place, w, count) for w in (None, confidences, is_right)]
    return float(_error(np.concatenate(sums)[None].astype(np.float64), count)[0, 0])


def brier(probabilities: Floats, targets: Floats) -> Estimate:
    """Return the mean squared distance of probabilities from 0/1 targets, both [n, options].

    From 0 to 2 for options that exclude each other (Brier, 1950).
    """
    distances = ((probabilities - targets) ** 2).sum(axis=1)
    return _mean(distances)


def log_loss(probabilities: Floats) -> Estimate:
    """Return the mean of -log of the probabilities [n] that the right answers were given."""
    return _mean(-np.log(np.clip(probabilities, 1e-6, 1.0)))


def _mean(values: Floats) -> Estimate:
    rows = np.stack([values, np.ones(len(values))], axis=1)
    (found,) = bootstrap(rows, lambda sums: ratio(sums[:, :1], sums[:, 1:]))
    return found


def _bins(confidences: Floats) -> tuple[np.ndarray, int]:
    count = int(np.clip(len(confidences) // _FEWEST_A_BIN, 1, _BINS))
    edges = np.percentile(confidences, np.linspace(0, 1, count + 1)[1:-1] * 100)
    # Equal confidences share a bin, so some bins may stay empty.
    return np.searchsorted(edges, confidences, side="left"), count


def _error(sums: Floats, count: int) -> Floats:
    sizes, totals, hits = (sums[:, i * count : (i + 1) * count] for i in range(3))
    gaps = np.abs(totals - hits).sum(axis=1)
    return ratio(gaps, sizes.sum(axis=1))[:, None]


def _widened(estimate: Estimate) -> Estimate:
    # Draws scatter more than what they are drawn from, so that their gaps are larger ones.
    if estimate["low"] is None:
        return estimate
    return {**estimate, "low": min(estimate["low"], estimate["value"])}
