"""What several answers come to, and how far they agree."""

import pytest

from labelling import agreement, consensus
from labelling.presets import PRESETS
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue

QUESTIONS = {question.key: question for question in PRESETS["product-reviews"].questions}


def span(start: int, end: int, polarity: str = "") -> SpanValue:
    return SpanValue(start, end, "price", polarity, "x" * (end - start))


@pytest.mark.parametrize(
    ("votes", "wins"),
    [
        (["a"], "a"),
        (["a", "b", "b"], "b"),
        (["b", "a"], "b"),
        (["c", "a", "b", "a", "b"], "a"),
    ],
    ids=["one", "majority", "tie goes to the first", "tie behind a lone vote"],
)
def test_majority(votes: list[str], wins: str) -> None:
    assert consensus.majority(votes) == wins


@pytest.mark.parametrize(
    ("numbers", "is_integer", "middle"),
    [
        ([4.0], True, 4.0),
        ([1.0, 5.0, 4.0], True, 4.0),
        ([4.0, 5.0], True, 4.0),
        ([5.0, 4.0], True, 5.0),
        ([3.0, 1.0, 2.0, 5.0], True, 3.0),
        ([4.0, 5.0], False, 4.5),
    ],
    ids=["one", "odd", "first is lower", "first is higher", "four", "mean of the middle"],
)
def test_the_median_of_numbers(numbers: list[float], is_integer: bool, middle: float) -> None:
    assert consensus.middle(numbers, is_integer=is_integer) == middle


def test_options_are_decided_one_by_one_and_ties_go_to_the_first() -> None:
    given = [frozenset({"price", "quality"}), frozenset({"price", "shipping"})]

    assert consensus.by_option(given) == {"price", "quality"}
    assert consensus.by_option([*given, frozenset({"shipping"})]) == {"price", "shipping"}


def test_spans_need_the_exact_range_of_more_than_half() -> None:
    given = [(span(0, 5),), (span(0, 5, "positive"), span(6, 9)), (span(0, 5, "positive"),)]

    assert consensus.by_range(given) == (span(0, 5, "positive"),)


def test_nobody_answered_means_nothing_is_held_for_true() -> None:
    assert consensus.of_question(QUESTIONS["sentiment"], []) is None


def test_every_kind_has_its_rule() -> None:
    def of(key: str, *given: object) -> object:
        question: QuestionSnapshot = QUESTIONS[key]
        return consensus.of_question(question, list(given))  # type: ignore[arg-type]

    assert of("sentiment", "positive", "positive", "neutral") == "positive"
    assert of("rating", 1.0, 5.0, 4.0) == 4.0
    assert of("aspects", frozenset({"price"})) == {"price"}
    assert of("aspect_spans", (span(1, 2),)) == (span(1, 2),)


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, missing data.
_X = None
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _X, _X, _X],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _X, 3],
    [_X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _X],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _X],
]


def test_alpha_is_what_krippendorff_computes() -> None:
    nominal = agreement.krippendorff_alpha(OBSERVERS)
    interval = agreement.krippendorff_alpha(OBSERVERS, agreement.interval)

    assert nominal.value == pytest.approx(0.743, abs=5e-4)
    assert interval.value == pytest.approx(0.849, abs=5e-4)
    assert nominal.item_count == 11


def test_kappa_is_what_cohen_defines() -> None:
    # Two raters on 50 proposals: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no; kappa is 0.40.
    one = ["y"] * 25 + ["n"] * 25
    other = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15

    result = agreement.cohen_kappa(one, other)

    assert result.value == pytest.approx(0.4)
    assert agreement.percent([one, other]).value == pytest.approx(0.7)
    assert result.item_count == 50


@pytest.mark.parametrize(
    "ratings",
    [[[1, None], [None, 2]], [["a", "a"], ["a", "a"]], [[]], []],
    ids=["no unit with two", "always the same", "no unit", "nobody"],
)
def test_alpha_is_undefined_rather_than_invented(ratings: list[list[object]]) -> None:
    assert agreement.krippendorff_alpha(ratings).value is None


def test_kappa_is_undefined_when_both_always_say_the_same() -> None:
    assert agreement.cohen_kappa(["a", "a"], ["a", "a"]).value is None
    assert agreement.cohen_kappa([None], ["a"]).value is None


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ({"a"}, {"a"}, 0.0),
        (set(), set(), 0.0),
        ({"a"}, {"a", "b"}, 1 - 2 / 3 * 1 / 2),
        ({"a", "c"}, {"a", "b"}, 1 - 1 / 3 * 1 / 3),
        ({"a"}, {"b"}, 1.0),
    ],
    ids=["equal", "both empty", "subset", "crossing", "disjoint"],
)
def test_masi_distance(one: set[str], other: set[str], distance: float) -> None:
    assert agreement.masi(frozenset(one), frozenset(other)) == pytest.approx(distance)
