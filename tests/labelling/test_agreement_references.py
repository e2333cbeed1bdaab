"""Measures of agreement against reference libraries, and what must hold whatever the answers."""

import random
from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from labelling import agreement, alpha, gwet, kappa, span_agreement
from labelling.bootstrap import Figure, Measure, figure
from labelling.ratings import Ratings, ratings_of
from labelling.spans import SpanValue

QUICK = settings(deadline=None, max_examples=50)

#: Up to four answers to each of some items, as numbers.
TABLES = st.lists(st.lists(st.integers(1, 4), max_size=4), min_size=1, max_size=12)
FULL = st.lists(st.tuples(*[st.integers(1, 4)] * 3), min_size=2, max_size=12)
PAIRS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=15)
SETS = st.lists(
    st.lists(st.frozensets(st.sampled_from("abcd")), min_size=2, max_size=2),
    min_size=1,
    max_size=8,
)

ALPHAS: dict[str, Callable[[Ratings], Measure]] = {
    "nominal": alpha.nominal_alpha,
    "ordinal": alpha.ordinal_alpha,
    "interval": alpha.interval_alpha,
}
OF_RATINGS: dict[str, Callable[[Ratings], Measure]] = {
    "percent": agreement.percent,
    "fleiss": kappa.fleiss_kappa,
    "ac1": gwet.ac1,
    "ac2": gwet.ac2,
    **ALPHAS,
}


def of(measure: Measure) -> Figure:
    return figure(measure, resamples=0)


@pytest.mark.parametrize("level", ALPHAS)
@QUICK
@given(items=TABLES)
def test_alpha_is_that_of_krippendorff(level: str, items: list[list[int]]) -> None:
    found = of(ALPHAS[level](ratings_of(items)))

    if found.value is not None:
        rows = [[*item, *[np.nan] * (4 - len(item))] for item in items]
        table = np.array(rows, dtype=float).T
        expected = krippendorff.alpha(table, level_of_measurement=level)  # type: ignore[arg-type]  # its words
        assert found.value == pytest.approx(float(expected), abs=1e-9)


@QUICK
@given(items=SETS)
def test_alpha_of_sets_is_that_of_nltk(items: list[list[frozenset[str]]]) -> None:
    found = of(alpha.masi_alpha(ratings_of(items)))
    said = [
        (str(who), str(item), answer)
        for item, answers in enumerate(items)
        for who, answer in enumerate(answers)
    ]

    if found.value is not None:
        assert found.value == pytest.approx(AnnotationTask(said, distance=_masi).alpha(), abs=1e-9)


def _masi(one: frozenset[str], other: frozenset[str]) -> float:
    """NLTK's own rounds thirds to two digits and divides by nothing for two empty sets."""
    if one == other:
        return 0.0
    shared = len(one & other)
    monotony = 2 / 3 if shared == min(len(one), len(other)) else 1 / 3 if shared else 0.0
    return 1 - shared / len(one | other) * monotony


@QUICK
@given(items=FULL)
def test_fleiss_kappa_is_that_of_statsmodels(items: list[tuple[int, ...]]) -> None:
    found = of(kappa.fleiss_kappa(ratings_of(items)))

    if found.value is not None:
        counts, _ = inter_rater.aggregate_raters(np.array(items))
        expected = inter_rater.fleiss_kappa(counts)
        assert found.value == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize(("power", "weights"), [(0, None), (1, "linear"), (2, "quadratic")])
@QUICK
@given(pairs=PAIRS)
def test_cohens_kappa_is_that_of_scikit_learn(
    power: int, weights: str | None, pairs: list[tuple[int, int]]
) -> None:
    found = of(kappa.cohen_kappa(pairs, power=power))

    if found.value is not None:
        one, other = zip(*pairs, strict=True)
        expected = cohen_kappa_score(one, other, weights=weights, labels=[1, 2, 3, 4])
        assert found.value == pytest.approx(float(expected), abs=1e-9)


def test_numbers_are_weighed_by_their_difference_and_not_by_their_place() -> None:
    pairs = [(1, 1), (1, 10), (10, 10), (2, 2), (2, 1)]
    order = [1, 2, 10]
    table = np.zeros((3, 3))
    for one, other in pairs:
        table[order.index(one), order.index(other)] += 1
    expected = inter_rater.cohens_kappa(table, weights=np.array(order), wt="fc")

    found = of(kappa.cohen_kappa(pairs, power=2))

    assert found.value == pytest.approx(float(expected.kappa))


# --- Whatever people say --------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_RATINGS)
@QUICK
@given(items=TABLES, seed=st.integers(0, 99))
def test_neither_order_of_items_nor_of_people_matters(
    name: str, items: list[list[int]], seed: int
) -> None:
    shuffled = [random.Random(f"{seed}{place}").sample(i, len(i)) for place, i in enumerate(items)]
    random.Random(seed).shuffle(shuffled)

    found = figure(OF_RATINGS[name](ratings_of(items)), resamples=50)

    assert found == figure(OF_RATINGS[name](ratings_of(shuffled)), resamples=50)


@pytest.mark.parametrize("name", ["percent", "fleiss", "ac1", "nominal"])
@QUICK
@given(items=TABLES, names=st.permutations(["w", "x", "y", "z"]))
def test_names_do_not_matter(name: str, items: list[list[int]], names: list[str]) -> None:
    renamed = [[names[answer - 1] for answer in item] for item in items]

    _same(of(OF_RATINGS[name](ratings_of(items))), of(OF_RATINGS[name](ratings_of(renamed))))


@pytest.mark.parametrize("name", ["interval", "ordinal", "ac2"])
@QUICK
@given(items=TABLES)
def test_a_scale_may_be_moved_stretched_and_turned_round(name: str, items: list[list[int]]) -> None:
    moved = [[100 - 7 * answer for answer in item] for item in items]

    _same(of(OF_RATINGS[name](ratings_of(items))), of(OF_RATINGS[name](ratings_of(moved))))


@pytest.mark.parametrize("name", OF_RATINGS)
@QUICK
@given(items=TABLES)
def test_figures_lie_in_their_range_or_are_not_there(name: str, items: list[list[int]]) -> None:
    found = figure(OF_RATINGS[name](ratings_of(items)), resamples=50)

    assert (found.value is None) == bool(found.reason)
    for number in (found.value, found.low, found.high):
        assert number is None or (np.isfinite(number) and number <= 1 + 1e-9)
    if name == "percent" and found.value is not None:
        assert found.value >= 0
    if all(len(set(item)) < 2 for item in items) and found.value is not None:
        assert found.value == pytest.approx(1)


@QUICK
@given(pairs=PAIRS)
def test_kappa_is_the_same_from_either_side(pairs: list[tuple[int, int]]) -> None:
    turned = [(other, one) for one, other in pairs]
    for power in (0, 1, 2):
        found = of(kappa.cohen_kappa(pairs, power=power))

        _same(found, of(kappa.cohen_kappa(turned, power=power)))
        assert found.value is None or -1 - 1e-9 <= found.value <= 1 + 1e-9


MARKED = st.lists(
    st.builds(
        lambda start, length, option: SpanValue(start, start + length, option),
        st.integers(0, 12),
        st.integers(1, 6),
        st.sampled_from("ab"),
    ),
    max_size=5,
    unique=True,
)


@QUICK
@given(one=MARKED, other=MARKED, seed=st.integers(0, 9))
def test_spans_match_the_same_from_either_side_in_any_order(
    one: list[SpanValue], other: list[SpanValue], seed: int
) -> None:
    mixed = random.Random(seed).sample(one, len(one))
    exact, overlapping = span_agreement.exact(one, other), span_agreement.overlapping(one, other)

    assert exact == span_agreement.exact(other, mixed)
    assert overlapping == span_agreement.overlapping(other, mixed)
    assert exact <= overlapping <= min(len(one), len(other))


def _same(one: Figure, other: Figure) -> None:
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert other.value == pytest.approx(one.value, abs=1e-9)


# --- Intervals ------------------------------------------------------------------------------------


def _made_up(count: int) -> list[list[int]]:
    draw = random.Random(5)
    truth = [draw.randrange(3) for _ in range(count)]
    return [[a if draw.random() < 0.8 else draw.randrange(3) for _ in range(3)] for a in truth]


def test_drawing_patterns_is_drawing_items() -> None:
    """The interval from patterns against one from items drawn in plain Python."""
    items = _made_up(200)
    draw = random.Random(1)
    values = []
    for _ in range(400):
        drawn = [items[draw.randrange(len(items))] for _ in items]
        values.append(of(alpha.nominal_alpha(ratings_of(drawn))).value)
    low, high = np.quantile(np.array(values, dtype=float), [0.025, 0.975])

    found = figure(alpha.nominal_alpha(ratings_of(items)))

    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)


def test_items_that_are_all_different_are_drawn_as_well() -> None:
    numbers: list[Any] = [
        [place * 1.0, place + random.Random(place).gauss(0, 30)] for place in range(200)
    ]

    found = figure(alpha.interval_alpha(ratings_of(numbers)))

    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0.5 < found.low < found.value < found.high < 1


def test_more_items_make_it_narrower_and_the_same_seed_makes_it_the_same() -> None:
    few, many = (figure(alpha.nominal_alpha(ratings_of(_made_up(n)))) for n in (50, 2000))

    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert many.high - many.low < (few.high - few.low) / 3
    assert many == figure(alpha.nominal_alpha(ratings_of(_made_up(2000))))
