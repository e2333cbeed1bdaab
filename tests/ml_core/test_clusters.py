"""Spans and ticks come several to a review: their intervals hold what they claim all the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example, SpanAnswer
from ml.core.diagnostics import Judged, reliability_of
from ml.core.engines.base import Floats
from ml.core.intervals import clustered, wilson
from ml.core.metrics import measure
from ml.core.reliability import reliability

EACH = 8
REVIEWS = 40
TRIES = 60
RIGHT = 0.7
SURE = 0.9
NAMES = HeadConfig("q", Kind.SPANS, ("LOC",), polarities=("bad", "good"))
TOPICS = HeadConfig("q", Kind.MULTICHOICE, tuple("abcdefgh"))
#: Shares of 60 intervals at 95 %: as if ticks and spans were independent, half of them held.
FEWEST_THAT_HOLD = 0.85


def spans(*, is_right: bool = True, polarity: str = "good") -> tuple[SpanAnswer, ...]:
    """Return eight spans that are all right, or all end too late."""
    ends = 3 if is_right else 4
    return tuple(SpanAnswer(5 * i, 5 * i + ends, "LOC", polarity) for i in range(EACH))


def judged(head: HeadConfig, gold: Sequence[Answer], predictions: Sequence[Any]) -> Judged:
    rows = [Example(i, "x" * 40, "test", {"q": answer}) for i, answer in enumerate(gold)]
    return Judged(head, rows, predictions)


def held(figures: Sequence[dict[str, Any]], truth: float) -> float:
    return float(np.mean([figure["low"] <= truth <= figure["high"] for figure in figures]))


def test_intervals_of_spans_hold_when_those_of_a_review_are_right_or_wrong_together() -> None:
    chance = np.random.default_rng(6)
    measured = []
    for _ in range(TRIES):
        found = [
            spans(is_right=bool(right), polarity="good" if liked else "bad")
            for right, liked in chance.random((REVIEWS, 2)) < RIGHT
        ]
        measured.append(measure(NAMES, [spans()] * REVIEWS, found))

    for name in ("precision", "recall"):
        figures = [each["per_option"]["LOC"][name] for each in measured]
        assert held(figures, RIGHT) >= FEWEST_THAT_HOLD
        assert figures[0]["n"] == REVIEWS * EACH
    assert held([each["polarity_accuracy"] for each in measured], RIGHT) >= FEWEST_THAT_HOLD


def test_calibration_of_spans_holds_when_those_of_a_review_are_right_or_wrong_together() -> None:
    chance = np.random.default_rng(7)
    found = []
    for _ in range(TRIES):
        gold: list[Answer] = [spans(is_right=bool(r)) for r in chance.random(REVIEWS) < RIGHT]
        sure = [
            {"start": s.start, "end": s.end, "option": "LOC", "confidence": SURE} for s in spans()
        ]
        found.append(reliability_of(judged(NAMES, gold, [sure] * REVIEWS)))

    assert held([each.ece for each in found], SURE - RIGHT) >= FEWEST_THAT_HOLD
    assert held([each.bins[0] for each in found], RIGHT) >= FEWEST_THAT_HOLD
    assert found[0].ece["n"] == found[0].bins[0]["n"] == REVIEWS * EACH


def test_calibration_of_ticks_holds_when_those_of_a_review_are_right_or_wrong_together() -> None:
    chance = np.random.default_rng(8)
    sure = {"probabilities": dict.fromkeys(TOPICS.options, SURE)}
    found = []
    for _ in range(TRIES):
        gold: list[Answer] = [
            frozenset(TOPICS.options if right else ()) for right in chance.random(REVIEWS) < RIGHT
        ]
        found.append(reliability_of(judged(TOPICS, gold, [sure] * REVIEWS)))

    assert held([each.ece for each in found], SURE - RIGHT) >= FEWEST_THAT_HOLD
    assert held([each.bins[0] for each in found], RIGHT) >= FEWEST_THAT_HOLD
    assert found[0].ece["n"] == found[0].bins[0]["n"] == REVIEWS * EACH


def test_spans_that_come_one_to_a_review_have_wilsons_interval() -> None:
    hits, totals = np.array([1.0, 0, 1, 0, 1]), np.array([1.0, 1, 1, 0, 1])

    assert clustered(hits, totals) == wilson(3, 4)


@pytest.mark.parametrize(
    ("hits", "share"),
    [(np.array([4.0, 4.0, 4.0]), 1.0), (np.array([2.0, 2.0, 2.0]), 0.5), (np.array([2.0]), 0.5)],
    ids=["all right", "half of every review", "one review"],
)
def test_reviews_that_are_all_alike_are_one_trial_each(hits: Floats, share: float) -> None:
    found = clustered(hits, np.full(len(hits), 4.0))

    expected = wilson(share * len(hits), len(hits))
    assert found == {**expected, "n": 4 * len(hits)}


def test_reviews_without_spans_are_passed_over() -> None:
    sure, right = np.array([0.9, 0.9, 0.8]), np.array([1.0, 0.0, 1.0])

    found = reliability(sure, right, np.array([0, 2, 0, 1, 0]))

    assert found.ece["value"] == pytest.approx(0.2)
    assert found.bins[0]["n"] == found.ece["n"] == 3
