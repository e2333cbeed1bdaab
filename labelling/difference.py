"""How far answers to one review lie apart, and who marked which span: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from labelling.answers import Answers, AnswerValue
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue, overlap

# --- How far apart ------------------------------------------------------------------------------


def distance(question: QuestionSnapshot, one: AnswerValue, other: AnswerValue) -> float:
    """Return how far two answers lie apart, from 0 (equal) to 1.

    Numbers by the width of their scale, options by Jaccard's distance, spans by one less the F1 of
    those that are equal in range, option and polarity.
    """
    if isinstance(one, float) and isinstance(other, float):
        return _number_distance(question, one, other)
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        union = one | other
        return 1 - len(one & other) / len(union) if union else 0.0
    if isinstance(one, tuple) and isinstance(other, tuple):
        total = len(one) + len(other)
        return 1 - 2 * len(set(one) & set(other)) / total if total else 0.0
    return float(one != other)


def _number_distance(question: QuestionSnapshot, one: float, other: float) -> float:
    if one == other:
        return 0.0
    if question.minimum is not None and question.maximum is not None:
        width = question.maximum - question.minimum
    else:
        width = max(abs(one), abs(other))
    return min(1.0, abs(one / width - other / width)) if width else 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the answers to one review lie apart."""

    #: From 0 to 1: the mean over the questions that two people or more have answered.
    score: float
    #: The keys of the questions whose answers differ, in the order of the schema.
    questions: tuple[str, ...]
    #: The positions of the statements that differ from another one's.
    people: frozenset[int]


def difference(questions: Sequence[QuestionSnapshot], spoken: Sequence[Answers]) -> Difference:
    """Return how far what several people said lies apart, over these questions."""
    scores: list[float] = []
    differing: list[str] = []
    people: set[int] = set()
    for question in questions:
        given = [(at, said[question.key]) for at, said in enumerate(spoken) if question.key in said]
        pairs = [
            (distance(question, a, b), {at, other})
            for (at, a), (other, b) in combinations(given, 2)
        ]
        if not pairs:
            continue
        scores.append(sum(apart for apart, _ in pairs) / len(pairs))
        # Different answers may lie no distance apart that a float holds.
        if any(a != b for (_, a), (_, b) in combinations(given, 2)):
            differing.append(question.key)
            people.update(*(pair for apart, pair in pairs if apart))
    score = sum(scores) / len(scores) if scores else 0.0
    return Difference(score, tuple(differing), frozenset(people))


# --- Spans beside each other ----------------------------------------------------------------------

#: "all": everybody has exactly this span; "option": the same range, called something else;
#: "bounds": others have a span with this option that overlaps it; "only": nobody else has it.
Standing = Literal["all", "option", "bounds", "only"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One span, the people (by position) who marked exactly that, and how it stands to others'."""

    span: SpanValue
    people: tuple[int, ...]
    standing: Standing


def marks(given: Mapping[int, Sequence[SpanValue]]) -> list[Mark]:
    """Return every different span of several people with who marked it, in reading order.

    Polarity counts as part of what a span is called.
    """
    by_span: dict[SpanValue, list[int]] = {}
    for person, spans in given.items():
        for span in spans:
            by_span.setdefault(span, []).append(person)
    return [
        Mark(span, tuple(people), _standing(span, people, given))
        for span, people in sorted(by_span.items())
    ]


def _standing(
    span: SpanValue, people: Sequence[int], given: Mapping[int, Sequence[SpanValue]]
) -> Standing:
    if len(people) == len(given):
        return "all"
    others = [each for person in given if person not in people for each in given[person]]
    if any((each.start, each.end) == (span.start, span.end) for each in others):
        return "option"
    if any(each.option == span.option and overlap(each, span) for each in others):
        return "bounds"
    return "only"
