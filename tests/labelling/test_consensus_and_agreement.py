"""What several answers come to."""

import pytest

from labelling import consensus
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
