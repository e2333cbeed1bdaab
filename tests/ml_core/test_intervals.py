import numpy as np
import pytest

from ml.core.intervals import bootstrap, wilson


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


def test_the_bootstrap_of_a_mean_is_close_to_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    rows = np.stack([values, np.ones(400)], axis=1)

    (found,) = bootstrap(rows, lambda sums: sums[:, :1] / sums[:, 1:])

    reach = 1.96 * values.std() / 20
    assert found["low"] == pytest.approx(values.mean() - reach, abs=0.05)
    assert found["high"] == pytest.approx(values.mean() + reach, abs=0.05)


def test_the_bootstrap_gives_the_same_interval_every_time() -> None:
    rows = np.random.default_rng(2).random((50, 1))

    assert bootstrap(rows, lambda sums: sums) == bootstrap(rows, lambda sums: sums)


def test_one_row_has_a_value_and_no_interval() -> None:
    (found,) = bootstrap(np.array([[3.0]]), lambda sums: sums)

    assert found == {"value": 3.0, "low": None, "high": None, "n": 1}
