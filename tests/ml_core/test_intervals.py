import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from ml.core.engines.base import Floats
from ml.core.intervals import Estimate, bootstrap, bootstrap_ranks, bootstrap_table, ratio, wilson
from ml.core.reliability import reliability

MANY = 200_000
Z_95 = 1.959964


def mean(sums: Floats) -> Floats:
    return ratio(sums[:, :-1], sums[:, -1:])


def with_ones(values: Floats) -> Floats:
    return np.column_stack([values, np.ones(len(values))])


def width(found: Estimate) -> float:
    return float(found["high"] - found["low"])


def cost(work: Callable[[], list[Estimate]]) -> tuple[list[Estimate], float, float]:
    """Return what work returns, the most memory that it held, MB, and processor seconds."""
    tracemalloc.start()
    start = time.process_time()
    try:
        found = work()
        return found, tracemalloc.get_traced_memory()[1] / 1e6, time.process_time() - start
    finally:
        tracemalloc.stop()


def test_wilson_gives_the_textbook_interval() -> None:
    # 134 right of 150, the figure that an earlier system reported as 0.8933 without an interval.
    found = wilson(134, 150)

    assert found["value"] == pytest.approx(0.8933, abs=1e-4)
    assert (found["low"], found["high"]) == (
        pytest.approx(0.834, abs=1e-3),
        pytest.approx(0.933, abs=1e-3),
    )


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5)])
def test_wilson_stays_within_0_and_1_at_the_ends(hits: int, n: int) -> None:
    found = wilson(hits, n)

    assert 0 <= found["low"] < found["high"] <= 1


def test_a_proportion_of_nothing_has_no_value() -> None:
    assert wilson(0, 0) == {"value": None, "low": None, "high": None, "n": 0}


def _few_values(chance: np.random.Generator) -> tuple[list[Estimate], Floats]:
    """Return intervals of means, and how far a normal one reaches to either side."""
    values = chance.integers(0, 2, size=(400, 1)) * np.ones(10)
    return bootstrap(with_ones(values), mean), Z_95 * values.std(axis=0) / 20


def _distinct_values(chance: np.random.Generator) -> tuple[list[Estimate], Floats]:
    values = chance.normal(10, 2, size=(400, 10))
    return bootstrap(with_ones(values), mean), Z_95 * values.std(axis=0) / 20


def _table(chance: np.random.Generator) -> tuple[list[Estimate], Floats]:
    table = chance.integers(20, 60, size=(3, 4))
    n = table.sum()
    shares = table.ravel() / n
    found = bootstrap_table(table, lambda tables: tables.reshape(len(tables), -1) / n)
    return found, Z_95 * np.sqrt(shares * (1 - shares) / n)


def _ranks(chance: np.random.Generator) -> tuple[list[Estimate], Floats]:
    values = chance.normal(size=(400, 10))
    return bootstrap_ranks(400, lambda weights: weights @ values / 400), (
        Z_95 * values.std(axis=0) / 20
    )


@pytest.mark.parametrize("drawn", [_few_values, _distinct_values, _table, _ranks])
def test_an_interval_reaches_as_far_as_the_normal_one_of_95_percent(
    drawn: Callable[[np.random.Generator], tuple[list[Estimate], Floats]],
) -> None:
    found, reach = drawn(np.random.default_rng(1))

    # An interval of 90 % reaches 0.84 of it, one of 99 % reaches 1.31.
    low = [each["value"] - each["low"] for each in found] / reach
    high = [each["high"] - each["value"] for each in found] / reach
    assert low.mean() == pytest.approx(1, abs=0.08)
    assert high.mean() == pytest.approx(1, abs=0.08)


def test_the_bootstrap_gives_the_same_interval_every_time() -> None:
    rows = np.random.default_rng(2).random((50, 1))

    assert bootstrap(rows, lambda sums: sums) == bootstrap(rows, lambda sums: sums)


def test_one_row_has_a_value_and_no_interval() -> None:
    (found,) = bootstrap(np.array([[3.0]]), lambda sums: sums)

    assert found == {"value": 3.0, "low": None, "high": None, "n": 1}


@pytest.mark.parametrize("digits", [0, 15], ids=["few distinct values", "all distinct"])
def test_the_bootstrap_of_many_rows_is_bounded_in_memory_and_time(digits: int) -> None:
    values = np.random.default_rng(3).normal(size=MANY).round(digits)

    (found,), most, seconds = cost(lambda: bootstrap(with_ones(values), mean))

    assert most < 100
    assert seconds < 30
    expected = 2 * Z_95 * values.std() / MANY**0.5
    assert width(found) == pytest.approx(expected, rel=0.1)


def test_the_bootstrap_of_the_order_of_many_rows_is_bounded_in_memory() -> None:
    values = np.random.default_rng(4).normal(size=MANY // 2)

    (found,), most, _ = cost(
        lambda: bootstrap_ranks(len(values), lambda weights: weights @ values[:, None])
    )

    assert most < 50
    assert width(found) == pytest.approx(2 * Z_95 * values.std() * len(values) ** 0.5, rel=0.2)


def test_the_bootstrap_of_a_table_of_many_options_is_bounded_in_memory() -> None:
    table = np.eye(500, dtype=np.int64)

    _, most, _ = cost(lambda: bootstrap_table(table, lambda tables: tables.sum(axis=2)[:, :1]))

    assert most < 100


def test_calibration_of_many_ticks_is_bounded_in_memory() -> None:
    chance = np.random.default_rng(5)
    sure = chance.random(MANY)
    right = (chance.random(MANY) < sure).astype(np.float64)

    _, most, _ = cost(lambda: [reliability(sure, right, np.full(MANY // 8, 8)).ece])

    assert most < 100
