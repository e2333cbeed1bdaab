"""95 % intervals: Wilson for proportions, a seeded bootstrap over rows for everything else."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ml.core.engines.base import Floats, Ints

#: The 97.5 % quantile of the normal distribution.
Z: Final = 1.959963984540054
_REPETITIONS: Final = 1000
# Ranks must be found anew in every draw, which costs more than sums.
_RANK_REPETITIONS: Final = 200
_CHUNK: Final = 50
_SEED: Final = 20_240_229
_DIGITS: Final = 12

# {"value", "low", "high", "n"}; the first three are None when nothing can be said.
Estimate = dict[str, Any]


def wilson(hits: float, n: int) -> Estimate:
    """Return a proportion with its Wilson score interval (Wilson, 1927)."""
    if n == 0:
        return nothing(0)
    share = hits / n
    return estimate(share, *wilson_bounds(share, n), n)


def wilson_bounds(share: float, n: int) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share of n rows."""
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


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
    return _estimates(values, drawn, count)


def bootstrap_table(table: Ints, statistic: Callable[[Floats], Floats]) -> list[Estimate]:
    """Return estimates of statistics of a table of counts.

    Drawing rows with replacement is drawing cells by their share, whatever the number of rows.
    statistic: tables [draws, *table.shape] to values [draws, statistics], NaN where undefined.
    """
    n = int(table.sum())
    values = statistic(table[None].astype(np.float64))[0]
    if n < 2:
        return [estimate(value, math.nan, math.nan, n) for value in values]
    chance = np.random.default_rng(_SEED)
    filled = np.flatnonzero(table)
    shares = table.ravel()[filled] / n
    parts = []
    for _ in range(_REPETITIONS // _CHUNK):
        tables = np.zeros((_CHUNK, table.size))
        tables[:, filled] = chance.multinomial(n, shares, size=_CHUNK)
        parts.append(statistic(tables.reshape(_CHUNK, *table.shape)))
    return _estimates(values, np.concatenate(parts), n)


def bootstrap_ranks(n: int, statistic: Callable[[Floats], Floats]) -> list[Estimate]:
    """Return estimates of statistics that depend on the order of rows.

    statistic: weights [draws, n], how often each row was drawn, to values [draws, statistics],
    NaN where undefined. Percentile intervals of 200 seeded draws.
    """
    values = statistic(np.ones((1, n)))[0]
    if n < 2:
        return [estimate(value, math.nan, math.nan, n) for value in values]
    chance = np.random.default_rng(_SEED)
    equal = np.full(n, 1 / n)
    drawn = [
        statistic(chance.multinomial(n, equal, size=_CHUNK).astype(np.float64))
        for _ in range(_RANK_REPETITIONS // _CHUNK)
    ]
    return _estimates(values, np.concatenate(drawn), n)


def estimate(value: float, low: float, high: float, n: int) -> Estimate:
    """Return an estimate as JSON, with None for what is not a number."""
    named = {"value": value, "low": low, "high": high}
    return {k: round(float(v), _DIGITS) if math.isfinite(v) else None for k, v in named.items()} | {
        "n": int(n)
    }


def nothing(n: int) -> Estimate:
    """Return the estimate of what has no examples."""
    return {"value": None, "low": None, "high": None, "n": n}


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Return top / bottom, NaN where bottom is 0."""
    result: Floats = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)
    return result


def _estimates(values: Floats, drawn: Floats, n: int) -> list[Estimate]:
    return [
        estimate(value, *_percentiles(draws), n)
        for value, draws in zip(values, drawn.T, strict=True)
    ]


def _percentiles(draws: Floats) -> tuple[float, float]:
    defined = draws[np.isfinite(draws)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
