"""95 % intervals: Wilson for proportions, a seeded bootstrap over rows for everything else."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ml.core.engines.base import Floats

_Z: Final = 1.959963984540054
_REPETITIONS: Final = 1000
_SEED: Final = 20_240_229

# {"value", "low", "high", "n"}; the first three are None when nothing can be said.
Estimate = dict[str, Any]


def wilson(hits: float, n: int) -> Estimate:
    """Return a proportion with its Wilson score interval (Wilson, 1927)."""
    if n == 0:
        return nothing(0)
    share = hits / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return estimate(share, max(0.0, centre - reach), min(1.0, centre + reach), n)


def bootstrap(
    rows: Floats, statistic: Callable[[Floats], Floats], *, n: int | None = None
) -> list[Estimate]:
    """Return estimates of statistics that are functions of column sums.

    rows: [rows, columns], what each row adds to the sums; statistic: sums [draws, columns] to
    values [draws, statistics], NaN where undefined. Percentile intervals of 1,000 seeded draws of
    rows with replacement (Efron, 1979).
    """
    count = len(rows) if n is None else n
    values = statistic(rows.sum(axis=0, keepdims=True))[0]
    if len(rows) < 2:
        return [estimate(value, math.nan, math.nan, count) for value in values]
    chance = np.random.default_rng(_SEED)
    weights = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=_REPETITIONS)
    drawn = statistic(weights.astype(np.float64) @ rows)
    return [
        estimate(value, *_percentiles(draws), count)
        for value, draws in zip(values, drawn.T, strict=True)
    ]


def estimate(value: float, low: float, high: float, n: int) -> Estimate:
    """Return an estimate as JSON, with None for what is not a number."""
    named = {"value": value, "low": low, "high": high}
    return {k: round(float(v), 6) if math.isfinite(v) else None for k, v in named.items()} | {
        "n": int(n)
    }


def nothing(n: int) -> Estimate:
    """Return the estimate of what has no examples."""
    return {"value": None, "low": None, "high": None, "n": n}


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Return top / bottom, NaN where bottom is 0."""
    result: Floats = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)
    return result


def _percentiles(draws: Floats) -> tuple[float, float]:
    defined = draws[np.isfinite(draws)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
