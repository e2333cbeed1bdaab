"""Whether groups answer differently beyond chance: Pearson's chi-square test. Pure.

Own arithmetic because the web process does without scipy; tests hold it to scipy's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

Table = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Compared:
    """The statistic, its degrees of freedom, and how often chance alone gives as much or more."""

    statistic: float
    freedom: int
    p: float


def compare(table: Table) -> Compared | None:
    """Test that the rows have the same shares of the columns; None where too little is known.

    Rows and columns without counts are left out. Too little is less than two of either, or
    expected counts so low that the test misleads (Cochran's rule: one in five below 5, or any
    below 1).
    """
    kept = _filled(table)
    expected = _expected(kept)
    cells = [each for row in expected for each in row]
    if len(kept) < 2 or len(kept[0]) < 2 or not _is_enough(cells):
        return None
    statistic = sum(
        (seen - wanted) ** 2 / wanted
        for seen_row, wanted_row in zip(kept, expected, strict=True)
        for seen, wanted in zip(seen_row, wanted_row, strict=True)
    )
    freedom = (len(kept) - 1) * (len(kept[0]) - 1)
    return Compared(statistic, freedom, tail(statistic, freedom))


def _filled(table: Table) -> list[list[int]]:
    rows = [list(row) for row in table if sum(row)]
    columns = (
        [index for index in range(len(rows[0])) if any(row[index] for row in rows)] if rows else []
    )
    return [[row[index] for index in columns] for row in rows]


def _expected(table: Table) -> list[list[float]]:
    total = sum(map(sum, table))
    columns = [sum(column) for column in zip(*table, strict=True)]
    return [[sum(row) * column / total for column in columns] for row in table]


def _is_enough(expected: Sequence[float]) -> bool:
    low = sum(1 for each in expected if each < 5)
    return min(expected) >= 1 and low * 5 <= len(expected)


def stands_out(table: Table, *, at_once: int = 1) -> list[list[int]]:
    """Say of each cell whether it is more (1) or less (-1) than chance gives, else 0.

    By adjusted residuals, at 5 % for all cells together (Bonferroni) of as many such tables as are
    looked at `at_once`; expected counts below 5 never stand out.
    """
    rows, columns = [sum(row) for row in table], [sum(each) for each in zip(*table, strict=True)]
    total = sum(rows)
    compared = sum(1 for row in rows if row) * sum(1 for column in columns if column)
    if not compared:
        return [[0 for _ in row] for row in table]
    limit = NormalDist().inv_cdf(1 - 0.025 / (compared * at_once))
    return [
        [_sign(seen, rows[i], columns[j], total, limit) for j, seen in enumerate(row)]
        for i, row in enumerate(table)
    ]


def _sign(seen: int, row: int, column: int, total: int, limit: float) -> int:
    expected = row * column / total
    spread = expected * (1 - row / total) * (1 - column / total)
    if expected < 5 or spread <= 0:
        return 0
    residual = (seen - expected) / math.sqrt(spread)
    return (residual > limit) - (residual < -limit)


def tail(statistic: float, freedom: int) -> float:
    """Return how often a chi-square of `freedom` degrees is `statistic` or more.

    The upper incomplete gamma function: its series below the mean, a continued fraction above
    (Numerical Recipes, 6.2).
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1 - front * _series(a, x) if x < a + 1 else front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    k = a
    while abs(term) > abs(total) * 1e-15:
        k += 1
        term *= x / k
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    result = d
    for i in range(1, 10_000):
        factor = -i * (i - a)
        b += 2
        d = 1 / (factor * d + b or tiny)
        c = b + factor / c or tiny
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result
