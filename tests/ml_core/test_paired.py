"""Paired comparisons, against scipy, statsmodels, scikit-learn and published formulas."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from ml.core.comparison import compare
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, SpanAnswer
from ml.core.paired import bootstrapped, holm, mcnemar, newcombe, proportions, smallest_shift

MOOD = HeadConfig("mood", Kind.CHOICE, options=("good", "bad", "mixed"))
STARS = HeadConfig("stars", Kind.NUMBER, minimum=1, maximum=5, is_integer=True)


@pytest.mark.parametrize(
    ("lost", "won"), [(0, 0), (5, 0), (0, 6), (3, 10), (59, 6), (150, 86), (700, 640)]
)
def test_mcnemar_is_exact(lost: int, won: int) -> None:
    reference = reference_mcnemar([[40, lost], [won, 30]], exact=True)

    assert mcnemar(lost, won) == pytest.approx(reference.pvalue, rel=1e-9)


def test_newcombe_agrees_with_the_plain_interval_on_many_rows() -> None:
    both, lost, won, neither = 79_400, 15_000, 8_600, 57_000
    n = both + lost + won + neither
    shift = (won - lost) / n
    error = math.sqrt(lost + won - (won - lost) ** 2 / n) / n

    low, high = newcombe(both, lost, won, neither)

    assert (low, high) == pytest.approx((shift - 1.96 * error, shift + 1.96 * error), abs=1e-4)


def test_newcombe_has_a_width_where_nothing_changed() -> None:
    low, high = newcombe(20, 0, 0, 0)

    # Twenty of twenty: Wilson's lower bound is 0.839, for either model.
    assert low == pytest.approx(-0.161, abs=1e-3)
    assert high == pytest.approx(0.161, abs=1e-3)


def test_newcombe_covers_the_truth_nineteen_times_out_of_twenty() -> None:
    chance = np.random.default_rng(1)
    shares = [0.62, 0.06, 0.12, 0.20]
    tables = chance.multinomial(150, shares, size=2000)

    hits = [low <= 0.06 <= high for low, high in (newcombe(*map(int, row)) for row in tables)]

    assert 0.935 <= np.mean(hits) <= 0.985


def test_the_smallest_shift_is_seen_four_times_out_of_five() -> None:
    n, changed = 800, 0.15
    shift = smallest_shift(n, changed)
    assert shift is not None
    chance = np.random.default_rng(2)
    won, lost = (changed + shift) / 2, (changed - shift) / 2
    tables = chance.multinomial(n, [0.6, lost, won, 0.4 - changed], size=2000)

    seen = np.mean([stats.binomtest(int(c), int(b + c)).pvalue < 0.05 for _, b, c, _ in tables])

    assert seen == pytest.approx(0.8, abs=0.035)


@pytest.mark.parametrize(
    ("n", "changed", "least"), [(12, 0.0, 0.5), (5, 0.2, None), (1, 0.0, None)]
)
def test_few_rows_show_only_huge_shifts_or_none(
    n: int, changed: float, least: float | None
) -> None:
    shift = smallest_shift(n, changed)

    assert shift is None if least is None else shift is not None and shift >= least


def test_the_bootstrap_of_a_mean_agrees_with_the_paired_t_test() -> None:
    chance = np.random.default_rng(3)
    first = chance.normal(1.0, 0.5, 400)
    second = first + chance.normal(0.05, 0.4, 400)
    ones = np.ones(400)

    found = bootstrapped(
        np.column_stack([first, ones]),
        np.column_stack([second, ones]),
        lambda sums: sums[:, 0] / sums[:, 1],
    )

    wanted = stats.ttest_rel(second, first)
    bounds = wanted.confidence_interval()
    assert found.value == pytest.approx(float((second - first).mean()), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=0.004)
    assert found.p == pytest.approx(wanted.pvalue, abs=0.02)
    assert found.smallest == pytest.approx(2.8016 * (second - first).std() / 20, rel=0.05)


def test_holm_adjusts_as_statsmodels_does() -> None:
    values = [0.04, 0.001, 0.03, 0.5]

    assert holm(values) == pytest.approx(list(multipletests(values, method="holm")[1]))


def test_a_choice_is_compared_by_accuracy_and_macro_f1() -> None:
    chance = np.random.default_rng(4)
    gold = [str(each) for each in chance.choice(["good", "bad", "mixed"], 300)]
    before, after = (
        [g if chance.random() < share else "good" for g in gold] for share in (0.6, 0.8)
    )

    found = compare(MOOD, gold, before, after)

    accuracy, macro = found.measures
    assert accuracy.after == pytest.approx(np.mean([a == b for a, b in zip(gold, after)]))  # noqa: B905
    assert macro.before == pytest.approx(f1_score(gold, before, average="macro"), abs=1e-9)
    assert macro.after == pytest.approx(f1_score(gold, after, average="macro"), abs=1e-9)
    assert accuracy.difference.p is not None
    assert accuracy.difference.p < 0.001
    assert found.outcomes is not None
    assert found.outcomes.both + found.outcomes.lost == round(accuracy.before * 300)


def test_a_lower_error_is_a_gain() -> None:
    gold: list[Answer] = [1.0, 2.0, 3.0, 4.0] * 10
    before: list[Answer] = [2.0, 3.0, 4.0, 5.0] * 10

    found = compare(STARS, gold, before, gold)

    mae, exact = found.measures
    assert mae.difference.value == pytest.approx(-1.0)
    assert mae.gain == pytest.approx(1.0)
    assert exact.after == 1.0


def test_spans_are_counted_strictly() -> None:
    head = HeadConfig("spans", Kind.SPANS, options=("price",))
    span, shorter = (SpanAnswer(0, end, "price") for end in (5, 4))

    found = compare(head, [(span,), ()], [(shorter,), ()], [(span,), (span,)])

    (f1,) = found.measures
    assert (f1.before, f1.after) == pytest.approx((0.0, 2 / 3))
    assert found.outcomes is not None
    assert (found.outcomes.won, found.outcomes.lost, found.outcomes.changed) == (1, 1, 2)


def test_a_wrong_polarity_is_a_wrong_span() -> None:
    head = HeadConfig("spans", Kind.SPANS, options=("price",), polarities=("positive", "negative"))
    good, bad = ((SpanAnswer(0, 5, "price", each),) for each in ("positive", "negative"))

    found = compare(head, [good] * 200, [good] * 200, [bad] * 200)

    polar, places = found.measures
    assert (polar.before, polar.after) == (1.0, 0.0)
    assert (places.before, places.after) == (1.0, 1.0)
    assert found.headline is polar
    assert found.outcomes is not None
    assert (found.outcomes.lost, found.outcomes.changed) == (200, 200)


def test_a_polarity_that_gold_does_not_have_is_not_held_against_a_span() -> None:
    head = HeadConfig("spans", Kind.SPANS, options=("price",), polarities=("positive", "negative"))
    gold = [(SpanAnswer(0, 5, "price"), SpanAnswer(9, 12, "price", "negative"))]
    given = [(SpanAnswer(0, 5, "price", "positive"), SpanAnswer(9, 12, "price", "negative"))]

    found = compare(head, gold, [()], given)

    assert found.measures[0].after == 1.0
    assert found.outcomes is not None
    assert (found.outcomes.won, found.outcomes.changed) == (1, 1)


def test_without_rows_nothing_is_said() -> None:
    found = compare(MOOD, [], [], [])

    assert found.headline is None
    assert proportions(0, 0, 0, 0).p is None
