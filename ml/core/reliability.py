"""Whether confidences mean what they say: of 100 answers at 0.8, are 80 right?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.core.engines.base import Floats, Ints
from ml.core.intervals import Estimate, bootstrap, clustered, nothing, ratio

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


def reliability(confidences: Floats, is_right: Floats, sizes: Ints | None = None) -> Reliability:
    """Compare confidences [n] with whether they were right, 0/1 [n], in bins of equal mass.

    sizes [reviews]: how many of the n belong to each review, in order; one each without them.
    Intervals are over reviews. At most 15 bins, fewer where they would hold less than 20 each.
    """
    n = len(confidences)
    if not n:
        return Reliability([], nothing(0))
    place, count = _bins(confidences)
    sizes = np.ones(n, dtype=np.int64) if sizes is None else sizes
    cells = np.repeat(np.arange(len(sizes)), sizes) * count + place

    def by_review(values: Floats) -> Floats:
        """Return the sums of values [n] by review and bin, [reviews, bins]."""
        sums = np.bincount(cells, values, len(sizes) * count)
        return np.asarray(sums, dtype=np.float64).reshape(-1, count)

    (ece,) = bootstrap(np.column_stack([by_review(confidences - is_right), sizes]), _error, n=n)
    totals = np.bincount(place, confidences, count)
    shares = map(clustered, by_review(is_right).T, by_review(np.ones(n)).T)
    bins = [
        {"confidence": round(float(total / share["n"]), 6), **share}
        for total, share in zip(totals, shares, strict=True)
        if share["n"]
    ]
    return Reliability(bins, _widened(ece))


def expected_calibration_error(confidences: Floats, is_right: Floats) -> float:
    """Return the figure of `reliability` without its interval."""
    place, count = _bins(confidences)
    gaps = np.bincount(place, confidences - is_right, count)
    return float(_error(np.append(gaps, len(confidences))[None])[0, 0])


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


def _error(sums: Floats) -> Floats:
    """Return the error of [draws, bins + 1]: confidence less right answers by bin, and n."""
    return ratio(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])[:, None]


def _widened(estimate: Estimate) -> Estimate:
    # Draws scatter more than what they are drawn from, so that their gaps are larger ones.
    if estimate["low"] is None:
        return estimate
    return {**estimate, "low": min(estimate["low"], estimate["value"])}
