"""How far answers lie apart, who marked which span, and what a policy makes of answers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelling import consensus
from labelling.answers import Answers, AnswerValue
from labelling.consensus import Policy
from labelling.difference import difference, distance, marks
from labelling.presets import PRESETS
from labelling.shares import wilson
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue

QUESTIONS = {question.key: question for question in PRESETS["product-reviews"].questions}
SPANS = QUESTIONS["aspect_spans"]


def span(start: int, end: int, option: str = "price", polarity: str = "") -> SpanValue:
    return SpanValue(start, end, option, polarity, "x" * (end - start))


def _values(question: QuestionSnapshot) -> st.SearchStrategy[AnswerValue]:
    keys = st.sampled_from([option.key for option in question.options] or ["none"])
    if question.kind == "choice":
        return keys
    if question.kind == "multichoice":
        return st.frozensets(keys, max_size=4)
    if question.kind == "number":
        return st.integers(1, 5).map(float)
    made = st.builds(
        lambda start, length, option: span(start, start + length, option),
        st.integers(0, 9),
        st.integers(1, 5),
        keys,
    )
    return st.frozensets(made, max_size=3).map(lambda found: tuple(sorted(found)))


_cases = st.sampled_from(list(QUESTIONS.values())).flatmap(
    lambda question: st.tuples(
        st.just(question), st.lists(_values(question), min_size=1, max_size=6)
    )
)


@given(_cases)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_distance_is_none_for_equals_and_never_beyond_one(
    case: tuple[QuestionSnapshot, list[AnswerValue]],
) -> None:
    question, values = case
    for one in values:
        for other in values:
            apart = distance(question, one, other)

            assert 0 <= apart <= 1
            assert apart == distance(question, other, one)
            assert (apart == 0) == (one == other)


@given(_cases)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_policy_makes_what_it_says(
    case: tuple[QuestionSnapshot, list[AnswerValue]],
) -> None:
    question, values = case

    def of(policy: Policy) -> AnswerValue | None:
        return consensus.of_question(question, values, policy=policy)

    assert of("adjudicated") is None
    if all(value == values[0] for value in values):
        assert of("unanimous") == of("majority") == values[0]
    else:
        assert of("unanimous") is None
        assert of("majority") is not None


@given(_cases)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_more_than_half_say_wholly_is_the_majority(
    case: tuple[QuestionSnapshot, list[AnswerValue]],
) -> None:
    question, values = case
    winner = values[0]
    votes = [winner] * (len(values) + 1) + values

    assert consensus.of_question(question, votes) == winner


def test_a_number_is_measured_by_its_scale_and_spans_by_what_they_share() -> None:
    rating = QUESTIONS["rating"]

    assert distance(rating, 1.0, 5.0) == 1
    assert distance(rating, 4.0, 5.0) == pytest.approx(0.25)
    assert distance(SPANS, (span(0, 2), span(3, 5)), (span(0, 2),)) == pytest.approx(1 / 3)
    assert distance(SPANS, (span(0, 2, polarity="positive"),), (span(0, 2),)) == 1
    assert distance(SPANS, (), ()) == 0


def test_only_questions_that_two_have_answered_count() -> None:
    questions = [QUESTIONS["sentiment"], QUESTIONS["rating"]]

    apart = difference(
        questions,
        [{"sentiment": "positive", "rating": 1.0}, {"sentiment": "negative"}, {}],
    )

    assert apart.score == 1
    assert apart.questions == ("sentiment",)
    assert apart.people == {0, 1}


def test_whoever_says_what_another_says_differs_from_the_third_only() -> None:
    said: list[Answers] = [{"rating": 1.0}, {"rating": 1.0}, {"rating": 5.0}]

    apart = difference([QUESTIONS["rating"]], said)

    assert apart.people == {0, 1, 2}
    assert apart.score == pytest.approx(2 / 3)


def test_spans_stand_to_each_other() -> None:
    both, mine, wide, narrow = span(0, 2), span(4, 6), span(8, 14), span(9, 12)
    named, renamed = span(20, 22), span(20, 22, "quality")

    found = marks({0: [both, mine, wide, named], 1: [both, narrow, renamed]})

    assert {(mark.span, mark.people, mark.standing) for mark in found} == {
        (both, (0, 1), "all"),
        (mine, (0,), "only"),
        (wide, (0,), "bounds"),
        (narrow, (1,), "bounds"),
        (named, (0,), "option"),
        (renamed, (1,), "option"),
    }


def test_intervals_are_the_published_ones() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I,
    # method 3: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
    for hits, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        share = wilson(hits, n)
        assert share.low == pytest.approx(low, abs=5e-5)
        assert share.high == pytest.approx(high, abs=5e-5)
    assert wilson(0, 0).is_too_few
    assert not wilson(10, 10).is_too_few
