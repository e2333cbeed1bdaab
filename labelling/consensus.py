"""What several people's answers come to.

Answers are given in the order in which people first answered. A tie goes to whoever answered
first: that is deterministic and, unlike the order of the options, favours no option.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import median
from typing import Literal, TypeVar, cast

from labelling.answers import AnswerValue
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue

_Vote = TypeVar("_Vote", bound=Hashable)


#: When answers become gold by themselves; the values of projects.models.GoldPolicy.
Policy = Literal["majority", "unanimous", "adjudicated"]


def of_question(
    question: QuestionSnapshot, given: Sequence[AnswerValue], *, policy: Policy = "majority"
) -> AnswerValue | None:
    """Return what is held for true of one question.

    None when nobody answered it, and when the policy leaves it to a reviewer: where answers differ
    (unanimous), or always (adjudicated).
    """
    if not given or policy == "adjudicated":
        return None
    if policy == "unanimous":
        return given[0] if are_equal(given) else None
    if question.kind == "choice":
        return majority(cast("Sequence[str]", given))
    if question.kind == "number":
        return middle(cast("Sequence[float]", given), is_integer=question.is_integer)
    if question.kind == "multichoice":
        return by_option(cast("Sequence[frozenset[str]]", given))
    return by_range(cast("Sequence[tuple[SpanValue, ...]]", given))


def are_equal(given: Sequence[AnswerValue]) -> bool:
    """Tell whether everybody gave the same answer; spans are equal by range, option, polarity."""
    return all(value == given[0] for value in given)


def majority(votes: Sequence[_Vote]) -> _Vote:
    """Return the vote given most often; of several, the one that was given first."""
    # Counter keeps the order of first sight, and max returns the first of equals.
    counts = Counter(votes)
    return max(counts, key=lambda vote: counts[vote])


def middle(numbers: Sequence[float], *, is_integer: bool) -> float:
    """Return the median.

    Between two middle values of a whole-number question it is the one closer to the first
    answer (the lower one when both are as close), because the mean might not be an answer.
    """
    if not is_integer or len(numbers) % 2:
        return float(median(numbers))
    ordered = sorted(numbers)
    low, high = ordered[len(ordered) // 2 - 1], ordered[len(ordered) // 2]
    return low if abs(numbers[0] - low) <= abs(numbers[0] - high) else high


def by_option(given: Sequence[frozenset[str]]) -> frozenset[str]:
    """Return every option that more than half chose; at exactly half the first answer decides."""
    options = frozenset().union(*given)
    return frozenset(
        option for option in options if _carried([option in chosen for chosen in given])
    )


def by_range(given: Sequence[tuple[SpanValue, ...]]) -> tuple[SpanValue, ...]:
    """Return every exact range and option that more than half marked, half as `by_option`.

    Its polarity is the majority's among those who marked it.
    """
    marked = [{(span.start, span.end, span.option): span for span in spans} for spans in given]
    ranges = {mark for spans in marked for mark in spans}
    return tuple(
        sorted(
            _with_polarity([spans[mark] for spans in marked if mark in spans])
            for mark in ranges
            if _carried([mark in spans for spans in marked])
        )
    )


def _carried(votes: Sequence[bool]) -> bool:
    yes = sum(votes)
    return votes[0] if 2 * yes == len(votes) else 2 * yes > len(votes)


def _with_polarity(same: Sequence[SpanValue]) -> SpanValue:
    polarity = majority([span.polarity for span in same])
    return next(span for span in same if span.polarity == polarity)
