"""Two models on the same rows: how far apart they are, and how far apart they would have to be.

Differences are always the second model's figure minus the first one's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.core.engines.base import Floats
from ml.core.intervals import Z, drawn_sums, wilson_bounds

#: The 80 % quantile of the normal distribution: a difference is seen four times out of five.
_Z_POWER: Final = 0.8416212335729143
_REPETITIONS: Final = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its 95 % interval, the test's p and the smallest one that would show.

    `p` and the bounds are None where nothing can be said; `smallest` is None when the rows are too
    few for any difference to show, or the two never differ.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    test: str
    smallest: float | None
    n: int


# --- Right or wrong -------------------------------------------------------------------------------


def proportions(both: int, lost: int, won: int, neither: int) -> Difference:
    """Compare shares of rows that are right.

    both, lost, won, neither: rows that both have right, only the first, only the second, none.
    """
    n = both + lost + won + neither
    if not n:
        return Difference(math.nan, None, None, None, "mcnemar", None, 0)
    low, high = newcombe(both, lost, won, neither)
    return Difference(
        value=(won - lost) / n,
        low=low,
        high=high,
        p=mcnemar(lost, won),
        test="mcnemar",
        smallest=smallest_shift(n, (lost + won) / n),
        n=n,
    )


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p of McNemar's test (1947): are both kinds of change as likely?"""
    changed, fewer = lost + won, min(lost, won)
    if lost == won:
        return 1.0
    logs = np.array([_log_choose(changed, k) for k in range(fewer + 1)]) - changed * math.log(2)
    return min(1.0, 2 * float(np.exp(logs).sum()))


def newcombe(both: int, lost: int, won: int, neither: int) -> tuple[float, float]:
    """Return the 95 % interval of a difference of paired shares.

    Wilson intervals of the two shares joined by their correlation (Newcombe, 1998, method 10); it
    has a width even where nothing changed.
    """
    n = both + lost + won + neither
    second, first = (both + won) / n, (both + lost) / n
    phi = _correlation(both, lost, won, neither)
    low_2, high_2 = _wilson_reach(second, n)
    low_1, high_1 = _wilson_reach(first, n)
    down = math.sqrt(max(0.0, low_2**2 - 2 * phi * low_2 * high_1 + high_1**2))
    up = math.sqrt(max(0.0, high_2**2 - 2 * phi * high_2 * low_1 + low_1**2))
    return max(-1.0, second - first - down), min(1.0, second - first + up)


def smallest_shift(n: int, changed: float) -> float | None:
    """Return the smallest difference of shares that McNemar's test shows four times out of five.

    changed: share of rows on which the models differ in being right. Solves Connor's formula for
    the size of a sample (1987) for the difference; one that is larger than `changed` means that
    more rows would change. Fewer than six changes never reach p < 0.05, hence the floor.
    """
    low, high = 0.0, 1.0
    if _needed(1.0, changed) > n:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _needed(middle, changed) > n else (low, middle)
    shift = max(high, 6 / n)
    return shift if shift <= 1 else None


def _needed(shift: float, changed: float) -> float:
    if shift <= 0:
        return math.inf
    share = max(changed, shift)
    top = Z * math.sqrt(share) + _Z_POWER * math.sqrt(max(0.0, share - shift**2))
    return (top / shift) ** 2


def _correlation(both: int, lost: int, won: int, neither: int) -> float:
    n = both + lost + won + neither
    margins = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    if not margins:
        return 0.0
    product = both * neither - lost * won
    # The continuity correction of method 10: only what exceeds chance counts as agreement.
    corrected = max(0.0, product - n / 2) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def _wilson_reach(share: float, n: int) -> tuple[float, float]:
    """Return how far Wilson's interval (1927) reaches below and above a share."""
    low, high = wilson_bounds(share, n)
    return share - low, high - share


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


# --- Any score ------------------------------------------------------------------------------------


def bootstrapped(
    first: Floats, second: Floats, statistic: Callable[[Floats], Floats]
) -> Difference:
    """Compare two models by any function of column sums, on rows drawn with replacement.

    first, second: [rows, columns], what each row adds to either model's sums; statistic: sums
    [draws, columns] to values [draws], NaN where undefined. The same rows are drawn for both
    (paired bootstrap, Efron and Tibshirani, 1993); p is twice the smaller tail beyond nought.
    """
    n, width = first.shape
    if not n:
        return Difference(math.nan, None, None, None, "bootstrap", None, 0)
    joined = np.hstack([first, second])

    def shift(sums: Floats) -> Floats:
        return np.asarray(statistic(sums[:, width:]) - statistic(sums[:, :width]))

    value = float(shift(joined.sum(axis=0, keepdims=True))[0])
    drawn = shift(drawn_sums(joined, _REPETITIONS))
    drawn = drawn[np.isfinite(drawn)]
    if n < 2 or not len(drawn):
        return Difference(value, None, None, None, "bootstrap", None, n)
    low, high = np.quantile(drawn, [0.025, 0.975])
    spread = float(drawn.std())
    return Difference(
        value=value,
        low=float(low),
        high=float(high),
        p=_tails(drawn),
        test="bootstrap",
        smallest=(Z + _Z_POWER) * spread if spread > 1e-12 else None,
        n=n,
    )


def _tails(drawn: Floats) -> float:
    count = len(drawn)
    below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
    # Counting the observation itself keeps p above nought (Davison and Hinkley, 1997).
    return min(1.0, 2 * (min(below, above) + 1) / (count + 1))


def holm(values: list[float]) -> list[float]:
    """Return p values adjusted for their number (Holm, 1979), in the order given."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = highest
    return adjusted
