import random

import numpy as np
import pytest
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from sklearn import metrics as oracle

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.data import SpanAnswer
from ml.core.metrics import confusion_table, measure
from ml.core.metrics_choice import confusion

CHOICE = HeadConfig("q", Kind.CHOICE, ("a", "b", "c", "never"))
TOPICS = HeadConfig("q", Kind.MULTICHOICE, ("x", "y", "never"))
RATING = HeadConfig("q", Kind.NUMBER, minimum=1, maximum=5, is_integer=True)
NAMES = HeadConfig("q", Kind.SPANS, ("LOC", "PER", "ORG"), polarities=("bad", "good"))


def drawn_choices(seed: int, count: int = 200) -> tuple[list[str], list[str]]:
    chance = random.Random(seed)
    gold = chance.choices("abc", weights=(6, 3, 1), k=count)
    return gold, [g if chance.random() < 0.7 else chance.choice("abc") for g in gold]


def test_choice_figures_equal_the_reference_library() -> None:
    gold, found = drawn_choices(1)

    measured = measure(CHOICE, gold, found)

    expected = oracle.classification_report(gold, found, output_dict=True)
    assert measured["accuracy"]["value"] == pytest.approx(expected["accuracy"], abs=1e-6)
    for name, key in (("f1", "f1-score"), ("precision", "precision"), ("recall", "recall")):
        value = measured[f"macro_{name}"]["value"]
        assert value == pytest.approx(expected["macro avg"][key], abs=1e-6)
    for option in "abc":
        own = measured["per_option"][option]
        assert own["f1"] == pytest.approx(expected[option]["f1-score"], abs=1e-6)
        assert own["recall"]["value"] == pytest.approx(expected[option]["recall"], abs=1e-6)
        assert own["n"] == expected[option]["support"]


def test_an_option_without_examples_has_no_figure_and_no_part_in_the_mean() -> None:
    measured = measure(CHOICE, ["a", "b"], ["a", "never"])

    assert measured["per_option"]["never"]["n"] == 0
    assert measured["per_option"]["never"]["f1"] is None
    assert measured["macro_recall"]["value"] == 0.5


def test_a_confusion_matrix_has_gold_down_and_found_across() -> None:
    table = confusion(("a", "b"), ["a", "a", "b"], ["a", "b", "b"])

    assert table.tolist() == [[1, 1], [0, 1]]


def test_a_whole_number_scale_is_confused_after_rounding_into_its_range() -> None:
    table = confusion_table(RATING, [5.0, 1.0], [5.4, 1.6])

    assert table is not None
    assert table["rows"][4][4] == 1
    assert table["rows"][0][1] == 1


def test_number_figures_equal_the_reference_library() -> None:
    chance = np.random.default_rng(3)
    gold = chance.integers(1, 6, 100).astype(float)
    found = np.clip(gold + chance.normal(0, 1, 100), 1, 5)

    measured = measure(RATING, gold.tolist(), found.tolist())

    assert measured["mae"]["value"] == pytest.approx(oracle.mean_absolute_error(gold, found))
    assert measured["rmse"]["value"] == pytest.approx(oracle.root_mean_squared_error(gold, found))
    assert measured["r2"]["value"] == pytest.approx(oracle.r2_score(gold, found), abs=1e-6)
    rounded = oracle.mean_absolute_error(gold, np.rint(found))
    assert measured["rounded_mae"]["value"] == pytest.approx(rounded)


def test_a_constant_gold_has_no_r2() -> None:
    assert measure(RATING, [3.0, 3.0, 3.0], [3.0, 2.0, 3.0])["r2"]["value"] is None


def test_multichoice_figures_equal_the_reference_library() -> None:
    chance = np.random.default_rng(4)
    gold = chance.random((150, 2)) < (0.5, 0.2)
    found = gold ^ (chance.random((150, 2)) < 0.2)
    wanted, given = [
        [frozenset(o for o, has in zip("xy", row, strict=True) if has) for row in table]
        for table in (gold, found)
    ]

    measured = measure(TOPICS, wanted, given)

    for name in ("micro", "macro"):
        value = measured[f"{name}_f1"]["value"]
        assert value == pytest.approx(oracle.f1_score(gold, found, average=name), abs=1e-6)
    # The third option is right in every row and counts among all cells.
    hamming = oracle.hamming_loss(gold, found) * 2 / 3
    assert measured["hamming_loss"]["value"] == pytest.approx(hamming, abs=1e-6)
    assert measured["per_option"]["never"]["f1"] is None


def drawn_tags(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return random valid taggings; found ones are gold ones with some words retagged."""
    chance = np.random.default_rng(seed)
    names = ["O", *(f"{p}-{o}" for o in NAMES.options for p in "BI")]

    def valid(scores: np.ndarray) -> list[str]:
        return [names[tag] for tag in bio.viterbi(scores)]

    scores = [chance.normal(size=(12, len(names))) for _ in range(40)]
    moved = [s + chance.normal(scale=0.5, size=s.shape) for s in scores]
    return [valid(s) for s in scores], [valid(s) for s in moved]


def spans_of(tags: list[str]) -> tuple[SpanAnswer, ...]:
    names = ["O", *(f"{p}-{o}" for o in NAMES.options for p in "BI")]
    found = bio.decode(np.array([names.index(tag) for tag in tags]))
    return tuple(SpanAnswer(s.first * 3, s.last * 3 - 1, NAMES.options[s.option]) for s in found)


@pytest.mark.parametrize("seed", range(5))
def test_span_figures_equal_strict_iob2_matching_of_the_reference_library(seed: int) -> None:
    gold, found = drawn_tags(seed)

    measured = measure(NAMES, [spans_of(t) for t in gold], [spans_of(t) for t in found])

    expected = classification_report(
        gold, found, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
    )
    for name in ("micro", "macro"):
        for figure, key in (("f1", "f1-score"), ("precision", "precision"), ("recall", "recall")):
            value = measured[f"{name}_{figure}"]["value"]
            assert value == pytest.approx(expected[f"{name} avg"][key], abs=1e-6)
            assert 0 <= value <= 1
    for option in NAMES.options:
        f1 = measured["per_option"][option]["f1"]
        assert f1 == pytest.approx(expected[option]["f1-score"], abs=1e-6)


def test_a_span_with_a_wrong_end_or_option_is_wrong() -> None:
    gold = (SpanAnswer(0, 4, "LOC"), SpanAnswer(6, 9, "PER"))
    found = (SpanAnswer(0, 5, "LOC"), SpanAnswer(6, 9, "ORG"))

    measured = measure(NAMES, [gold], [found])

    assert measured["spans"] == {"gold": 2, "found": 2, "exact": 0}
    assert measured["micro_f1"]["value"] == 0


def test_polarity_is_judged_on_spans_that_were_found_exactly() -> None:
    gold = (SpanAnswer(0, 4, "LOC", "good"), SpanAnswer(6, 9, "PER", "bad"))
    found = (SpanAnswer(0, 4, "LOC", "bad"), SpanAnswer(6, 8, "PER", "bad"))

    measured = measure(NAMES, [gold], [found])

    assert measured["polarity_accuracy"]["value"] == 0
    assert measured["polarity_accuracy"]["n"] == 1


def test_texts_without_any_span_have_no_f1() -> None:
    measured = measure(NAMES, [(), ()], [(), (SpanAnswer(0, 4, "LOC"),)])

    assert measured["headline"]["value"] is None
    assert measured["micro_precision"]["value"] == 0


def test_figures_stay_between_their_limits_on_any_draw() -> None:
    gold, found = drawn_choices(9, count=7)

    measured = measure(CHOICE, gold, found)

    for name in ("accuracy", "macro_f1", "macro_precision", "macro_recall"):
        own = measured[name]
        assert 0 <= own["low"] <= own["value"] <= own["high"] <= 1
        assert own["n"] == 7
