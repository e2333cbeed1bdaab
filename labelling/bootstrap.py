"""Figures with 95 % intervals: a measure tells what it is when items count more or less often.

A measure takes weights, one row a resample and one column a pattern of items, and returns one
value a row, NaN where it is undefined. With the items as they are it gives the figure, with items
drawn again and again (Efron 1979, the percentile bootstrap) its interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

RESAMPLES: Final = 1000
#: The same data give the same interval, today and tomorrow.
SEED: Final = 20_041
#: Weights times patterns that are held in memory at a time.
_BLOCK: Final = 2_000_000
#: An interval that leaves out more of the resamples than this would be too narrow.
_MAX_UNDEFINED: Final = 0.1

NO_PAIR: Final = "No review has answers of two people."


@dataclass(frozen=True, slots=True)
class Measure:
    """How a value follows from weights, and what to say where it cannot be computed."""

    of_weights: Callable[[Floats], Floats]
    #: How many items have each pattern.
    repeats: Ints
    #: Items that the value rests on.
    item_count: int
    #: Why there is no value, when there is none although there are items.
    undefined: str
    #: Numbers that one weight costs: bounds the memory.
    width: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval and its n, or the reason why there is none."""

    value: float | None
    item_count: int
    low: float | None = None
    high: float | None = None
    reason: str = ""


def figure(measure: Measure, *, resamples: int = RESAMPLES, seed: int = SEED) -> Figure:
    """Return the value of a measure with its interval; without resamples there is no interval."""
    count = measure.item_count
    if not count:
        return Figure(None, 0, reason=NO_PAIR)
    value = measure.of_weights(measure.repeats[np.newaxis].astype(float))[0]
    if np.isnan(value):
        return Figure(None, count, reason=measure.undefined)
    low, high = _interval(measure, resamples, seed) if count > 1 else (None, None)
    return Figure(float(value), count, low, high)


def _interval(measure: Measure, resamples: int, seed: int) -> tuple[float | None, float | None]:
    blocks = _drawn(measure, resamples, np.random.default_rng(seed))
    values = np.concatenate([np.empty(0), *map(measure.of_weights, blocks)])
    defined = values[~np.isnan(values)]
    if not len(defined) or len(defined) < (1 - _MAX_UNDEFINED) * resamples:
        return None, None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _drawn(measure: Measure, resamples: int, random: np.random.Generator) -> Iterator[Floats]:
    """Yield weights: as many items as there are, drawn with replacement, counted by pattern."""
    repeats = measure.repeats
    count = int(repeats.sum())
    rows = max(1, _BLOCK // max(len(repeats), measure.width))
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        if 2 * len(repeats) > count:  # hardly two items are alike
            yield _drawn_one_by_one(repeats, block, random)
        else:
            yield random.multinomial(count, repeats / count, size=block).astype(float)


def _drawn_one_by_one(repeats: Ints, block: int, random: np.random.Generator) -> Floats:
    patterns = np.repeat(np.arange(len(repeats)), repeats)
    chosen = patterns[random.integers(len(patterns), size=(block, len(patterns)))]
    places = chosen + len(repeats) * np.arange(block)[:, np.newaxis]
    counted = np.bincount(places.ravel(), minlength=block * len(repeats))
    return counted.reshape(block, len(repeats)).astype(float)


def ratio(
    above: Floats, below: Floats, repeats: Ints, *, item_count: int, undefined: str
) -> Measure:
    """Measure a sum over items divided by another."""
    # Patterns that add the same to both sums are one: hardly two reviews have the same spans, but
    # there are few numbers of equal pairs, and few patterns are drawn in no time.
    same, places = np.unique(np.array([above, below]), axis=1, return_inverse=True)
    counts = np.bincount(places.ravel(), weights=repeats, minlength=same.shape[1])

    def of_weights(weights: Floats) -> Floats:
        return divided(weights @ same[0], weights @ same[1])

    return Measure(of_weights, counts.astype(np.int64), item_count, undefined)


def divided(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where the divisor is zero but for rounding."""
    is_defined = np.abs(below) > 1e-12
    return np.where(is_defined, above / np.where(is_defined, below, 1.0), np.nan)
