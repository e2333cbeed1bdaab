"""Every figure against scikit-learn, scipy or seqeval, on random and on degenerate answers."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import seqeval.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from seqeval.scheme import IOB2
from sklearn import calibration as reference_bins
from sklearn import metrics as reference

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.data import SpanAnswer
from ml.core.errors import ImpossibleFigureError
from ml.core.limits import check_limits
from ml.core.metrics import measure
from ml.core.ranking import (
    GRID,
    auc,
    average_precision,
    precision_recall_curve,
    ranking_metrics,
    roc_curve,
)
from ml.core.reliability import brier, expected_calibration_error, log_loss, reliability
from ml.core.tagger import word_ranges

CLOSE = 1e-9
OPTIONS = ("a", "b", "c", "d")
CHOICE = HeadConfig("q", Kind.CHOICE, OPTIONS)
TOPICS = HeadConfig("q", Kind.MULTICHOICE, OPTIONS)
RATING = HeadConfig("q", Kind.NUMBER, minimum=1, maximum=5, is_integer=True)
AGE = HeadConfig("q", Kind.NUMBER)
NAMES = HeadConfig("q", Kind.SPANS, ("LOC", "PER"))
TAGS = ["O", *(f"{part}-{option}" for option in NAMES.options for part in "BI")]

few = settings(max_examples=15, deadline=None)
pairs = st.lists(st.tuples(st.sampled_from(OPTIONS), st.sampled_from(OPTIONS)), min_size=1)
ratings = st.lists(
    st.tuples(st.integers(1, 5), st.floats(1, 5).map(lambda x: round(x, 2))), min_size=1
)
ranked = st.lists(st.tuples(st.booleans(), st.integers(0, 20).map(lambda x: x / 20)), min_size=1)


@pytest.fixture(autouse=True)
def _silent_reference() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def same(figure: Any, expected: float) -> bool:
    """Tell whether a figure is what the reference says; what it leaves undefined is None."""
    value = figure["value"] if isinstance(figure, dict) else figure
    if math.isnan(expected):
        return value is None
    return value is not None and abs(value - expected) <= CLOSE


def assert_option(own: Any, expected: Sequence[float]) -> None:
    """Expect precision, recall, F1 and support of an option."""
    for name, value in zip(("precision", "recall", "f1", "n"), expected, strict=True):
        assert same(own[name], value)


@few
@given(pairs)
def test_choice(rows: list[tuple[str, str]]) -> None:
    gold, found = map(list, zip(*rows, strict=True))

    measured = measure(CHOICE, gold, found)

    known = sorted(set(gold))
    for average in ("macro", "weighted"):
        expected: Any = reference.precision_recall_fscore_support(
            gold, found, labels=known, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            assert same(measured[f"{average}_{name}"], value)
    assert same(measured["accuracy"], reference.accuracy_score(gold, found))
    assert same(measured["micro_f1"], reference.f1_score(gold, found, average="micro"))
    mcc = reference.matthews_corrcoef(gold, found) if len(known) > 1 else math.nan
    assert same(measured["mcc"], mcc)
    each: Any = reference.precision_recall_fscore_support(
        gold, found, labels=known, average=None, zero_division=np.nan
    )
    for option, *figures in zip(known, *each, strict=True):
        assert_option(measured["per_option"][option], figures)
    for option in set(OPTIONS) - set(known):
        assert measured["per_option"][option]["f1"] is None


@few
@given(ratings)
def test_number(rows: list[tuple[int, float]]) -> None:
    gold, found = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    whole = np.rint(found)

    measured = measure(RATING, gold.tolist(), found.tolist())

    assert same(measured["mae"], reference.mean_absolute_error(gold, found))
    assert same(measured["rmse"], reference.root_mean_squared_error(gold, found))
    assert same(measured["rounded_mae"], reference.mean_absolute_error(gold, whole))
    assert same(measured["rounded_accuracy"], reference.accuracy_score(gold, whole))
    if len(set(gold)) > 1:
        assert same(measured["r2"], reference.r2_score(gold, found))
    if len(rows) > 1:
        assert same(measured["spearman"], stats.spearmanr(gold, found).statistic)
    kappa = reference.cohen_kappa_score(gold, whole, labels=[1, 2, 3, 4, 5], weights="quadratic")
    assert same(measured["quadratic_kappa"], kappa)
    each = [np.abs(whole - gold)[gold == value].mean() for value in set(gold)]
    assert same(measured["macro_mae"], float(np.mean(each)))


def test_numbers_without_a_range() -> None:
    chance = np.random.default_rng(5)
    gold = chance.normal(43, 12, 80)
    found = gold + chance.normal(0, 9, 80)

    measured = measure(AGE, gold.tolist(), found.tolist())

    assert same(measured["spearman"], float(stats.spearmanr(gold, found).statistic))
    assert same(measured["r2"], reference.r2_score(gold, found))
    assert "quadratic_kappa" not in measured


@few
@given(st.lists(st.tuples(*[st.booleans()] * 8), min_size=1))
def test_multichoice(rows: list[tuple[bool, ...]]) -> None:
    table = np.array(rows, dtype=int)
    gold, found = table[:, :4], table[:, 4:]
    wanted, given_sets = (
        [frozenset(o for o, has in zip(OPTIONS, row, strict=True) if has) for row in half]
        for half in (gold, found)
    )

    measured = measure(TOPICS, wanted, given_sets)

    known = np.asarray(gold.any(axis=0))
    assert same(measured["hamming_loss"], reference.hamming_loss(gold, found))
    assert same(measured["exact_match"], reference.accuracy_score(gold, found))
    for average, columns in (("micro", np.full(4, True)), ("macro", known)):
        # A single column is no longer a matrix of labels to the reference.
        if known.any() and columns.sum() > 1:
            missing = np.nan if average == "micro" else 0
            expected: Any = reference.precision_recall_fscore_support(
                gold[:, columns], found[:, columns], average=average, zero_division=missing
            )
            for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
                assert same(measured[f"{average}_{name}"], value)
    each: Any = reference.precision_recall_fscore_support(
        gold, found, average=None, zero_division=np.nan
    )
    for option, *figures in zip(OPTIONS, *each, strict=True):
        own = measured["per_option"][option]
        if figures[-1]:
            assert_option(own, figures)
        else:
            assert own["f1"] is own["recall"]["value"] is None


@few
@given(ranked)
def test_ranking(rows: list[tuple[bool, float]]) -> None:
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))

    area, precision = auc(targets, scores), average_precision(targets, scores)

    if 0 < targets.sum() < len(targets):
        assert same(area, reference.roc_auc_score(targets, scores))
        x, y, _ = reference.roc_curve(targets, scores, drop_intermediate=False)
        own = roc_curve(targets, scores)
        assert np.allclose(own.x, x, atol=CLOSE)
        assert np.allclose(own.y, y, atol=CLOSE)
    else:
        assert math.isnan(area)
    if targets.any():
        assert same(precision, reference.average_precision_score(targets, scores))
        y, x, _ = reference.precision_recall_curve(targets, scores)
        own = precision_recall_curve(targets, scores)
        assert np.allclose(own.x[1:], x[::-1][1:], atol=CLOSE)
        assert np.allclose(own.y[1:], y[::-1][1:], atol=CLOSE)
    else:
        assert math.isnan(precision)


def test_mean_ranking_figures_are_those_of_one_option_against_the_rest() -> None:
    chance = np.random.default_rng(8)
    gold = chance.integers(0, 3, 120)
    scores = chance.dirichlet(np.ones(3), 120)
    targets = np.eye(3)[gold]

    areas, precisions = ranking_metrics(targets, scores)

    expected = reference.roc_auc_score(gold, scores, multi_class="ovr", average="macro")
    assert same(areas[0], expected)
    assert same(precisions[0], reference.average_precision_score(targets, scores))
    assert areas[0]["low"] < areas[0]["value"] < areas[0]["high"]


def test_ranking_by_an_option_without_examples_is_left_out_of_the_mean() -> None:
    targets = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    scores = np.array([[0.9, 0.5], [0.1, 0.5], [0.8, 0.5]])

    areas, precisions = ranking_metrics(targets, scores)

    assert [each["value"] for each in areas] == [1.0, 1.0, None]
    assert [each["value"] for each in precisions] == [1.0, 1.0, None]


def test_curves_are_kept_on_one_grid() -> None:
    curve = roc_curve(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1]))

    heights = curve.heights()

    assert len(heights) == len(GRID)
    assert heights[0] == 0.5
    assert heights[GRID.index(0.5)] == 1.0
    assert heights[-1] == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_calibration(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sure = chance.random(400).round(2)
    right = (chance.random(400) < sure**2).astype(float)

    measured = reliability(sure, right)

    shares, means = reference_bins.calibration_curve(right, sure, n_bins=15, strategy="quantile")
    assert np.allclose([b["value"] for b in measured.bins], shares, atol=CLOSE)
    assert np.allclose([b["confidence"] for b in measured.bins], means, atol=1e-6)
    sizes = np.array([b["n"] for b in measured.bins])
    assert same(measured.ece, float((sizes * np.abs(shares - means)).sum() / 400))
    assert same(expected_calibration_error(sure, right), measured.ece["value"])
    both = np.stack([1 - sure, sure], axis=1)
    wanted = np.stack([1 - right, right], axis=1)
    assert same(brier(both, wanted), 2 * reference.brier_score_loss(right, sure))
    sure = sure.clip(0.01, 0.99)
    given_to_right = np.where(right == 1, sure, 1 - sure)
    assert same(log_loss(given_to_right), reference.log_loss(right, sure))


def test_few_answers_share_few_bins() -> None:
    measured = reliability(np.linspace(0, 1, 30), np.ones(30))

    assert len(measured.bins) == 1
    assert measured.bins[0]["n"] == 30


def test_nothing_is_calibrated_without_answers() -> None:
    assert reliability(np.zeros(0), np.zeros(0)).ece["value"] is None


def drawn_tags(chance: np.random.Generator) -> list[str]:
    return [TAGS[tag] for tag in bio.viterbi(chance.normal(size=(8, len(TAGS))))]


def spans_of(tags: list[str]) -> tuple[SpanAnswer, ...]:
    found = bio.decode(np.array([TAGS.index(tag) for tag in tags]))
    return tuple(SpanAnswer(s.first * 3, s.last * 3 - 1, NAMES.options[s.option]) for s in found)


@pytest.mark.parametrize("seed", range(4))
def test_spans(seed: int) -> None:
    chance = np.random.default_rng(seed)
    gold, found = ([drawn_tags(chance) for _ in range(12)] for _ in range(2))
    texts = [" ".join(["ab"] * 8)] * 12

    measured = measure(NAMES, list(map(spans_of, gold)), list(map(spans_of, found)), texts)

    report = seqeval.metrics.classification_report(
        gold, found, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
    )
    for average in ("micro", "macro"):
        for name, key in (("f1", "f1-score"), ("precision", "precision"), ("recall", "recall")):
            assert same(measured[f"{average}_{name}"], report[f"{average} avg"][key])
    for option in NAMES.options:
        named = report[option]
        assert_option(
            measured["per_option"][option],
            [named[key] for key in ("precision", "recall", "f1-score", "support")],
        )
    assert same(measured["token_accuracy"], seqeval.metrics.accuracy_score(gold, found))


def test_words_of_the_token_figures_are_those_of_the_tagger() -> None:
    assert word_ranges("ab ab").tolist() == [[0, 2], [3, 5]]


def test_a_span_that_overlaps_counts_in_the_overlap_figures_only() -> None:
    gold = (SpanAnswer(0, 4, "LOC"), SpanAnswer(6, 9, "PER"))
    found = (SpanAnswer(0, 5, "LOC"), SpanAnswer(9, 10, "PER"), SpanAnswer(6, 9, "LOC"))

    measured = measure(NAMES, [gold], [found])

    assert measured["micro_f1"]["value"] == 0
    assert measured["overlap_recall"]["value"] == 0.5
    assert same(measured["overlap_precision"], 1 / 3)
    assert same(measured["overlap_f1"], 0.4)


@pytest.mark.parametrize(
    ("name", "value"), [("macro_precision", 6.98), ("r2", 1.5), ("mae", -0.1), ("mcc", -1.1)]
)
def test_an_impossible_figure_is_refused(name: str, value: float) -> None:
    figure = {"value": value, "low": None, "high": None, "n": 4}

    with pytest.raises(ImpossibleFigureError, match=name):
        check_limits({"per_option": {"a": {name: figure}}})


def test_exchanged_bounds_are_refused() -> None:
    with pytest.raises(ImpossibleFigureError, match="mae"):
        check_limits({"mae": {"value": 0.5, "low": 0.7, "high": 0.3, "n": 4}})


def test_a_value_may_lie_beyond_its_interval() -> None:
    check_limits({"ece": {"value": 0.02, "low": 0.03, "high": 0.06, "n": 4}})
