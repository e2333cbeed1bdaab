"""95 % intervals: Wilson for shares of reviews, a seeded bootstrap over reviews for all else."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from ml.core.engines.base import Floats, Ints

#: The 97.5 % quantile of the normal distribution.
Z: Final = 1.959963984540054
_REPETITIONS: Final = 1000
# Ranks must be found anew in every draw, which costs more than sums.
_RANK_REPETITIONS: Final = 200
# Draws that are held at once: fewer where they are wide, so that no more numbers than this are.
_CHUNK: Final = 50
_BLOCK: Final = 1_000_000
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


def clustered(hits: Floats, totals: Floats) -> Estimate:
    """Return the share hits / totals of what may come several to a review, such as spans.

    hits, totals: [reviews]. What one review holds is no independent draw, so that reviews are
    drawn with all that they hold; n counts what they hold.
    """
    n, reviews = int(totals.sum()), int((totals > 0).sum())
    if n == reviews:
        return wilson(float(hits.sum()), n)
    rows = np.column_stack([hits, totals])
    (found,) = bootstrap(rows, lambda sums: ratio(sums[:, :1], sums[:, 1:]), n=n)
    if found["low"] != found["high"]:
        return found
    # Where all draws are alike they hide the chance of others: Wilson, each review one trial.
    share = float(hits.sum()) / n
    return estimate(share, *wilson_bounds(share, reviews), n)


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
    return _estimates(values, statistic(drawn_sums(rows, _REPETITIONS)), count)


def drawn_sums(rows: Floats, repetitions: int) -> Floats:
    """Return the sums of seeded draws of rows with replacement, [repetitions, columns].

    rows: [rows, columns]; equal ones are drawn together.
    """
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    chance, n = np.random.default_rng(_SEED), len(rows)
    # Few rows are equal: counting drawn places is seven times faster than a multinomial.
    is_varied = 4 * len(distinct) > n
    kept = rows if is_varied else distinct
    parts = []
    for size in _chunks(repetitions, len(kept)):
        weights = (
            _counted(chance, n, size)
            if is_varied
            else chance.multinomial(n, counts / n, size=size).astype(np.float64)
        )
        parts.append(weights @ kept)
    return np.vstack(parts)


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
    for size in _chunks(_REPETITIONS, table.size):
        tables = np.zeros((size, table.size))
        tables[:, filled] = chance.multinomial(n, shares, size=size)
        parts.append(statistic(tables.reshape(size, *table.shape)))
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
        statistic(chance.multinomial(n, equal, size=size).astype(np.float64))
        for size in _chunks(_RANK_REPETITIONS, n)
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


def _chunks(repetitions: int, width: int) -> Iterator[int]:
    """Yield how many draws of `width` numbers to hold at once, until there are `repetitions`."""
    most = min(_CHUNK, max(1, _BLOCK // width))
    for start in range(0, repetitions, most):
        yield min(most, repetitions - start)


def _counted(chance: np.random.Generator, n: int, size: int) -> Floats:
    """Return how often each of n rows was drawn, [size, n]."""
    weights = np.empty((size, n))
    for draw in weights:
        draw[:] = np.bincount(chance.integers(0, n, size=n), minlength=n)
    return weights


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
