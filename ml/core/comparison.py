"""One question answered by two models about the same reviews: what differs, and is it chance?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer
from ml.core.engines.base import Floats
from ml.core.intervals import ratio
from ml.core.metrics_choice import averaged, mean_known
from ml.core.paired import Difference, bootstrapped, proportions

LOWER_IS_BETTER: Final = frozenset({"mae"})
MACRO_F1: Final = "macro_f1"


@dataclass(frozen=True, slots=True)
class PairedMeasure:
    """One figure of both models and the difference between them."""

    name: str
    before: float
    after: float
    difference: Difference

    @property
    def is_lower_better(self) -> bool:
        """Tell whether a fall is a gain."""
        return self.name in LOWER_IS_BETTER

    @property
    def gain(self) -> float:
        """Return the difference with its sign such that more is better."""
        return -self.difference.value if self.is_lower_better else self.difference.value


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Rows by who was right; `changed` are those with another answer, right or not."""

    both: int
    lost: int
    won: int
    neither: int
    changed: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question on `n` rows; the first measure is the headline."""

    kind: Kind
    n: int
    measures: tuple[PairedMeasure, ...]
    #: None for a number that need not be whole: there is no right or wrong.
    outcomes: Outcomes | None

    @property
    def headline(self) -> PairedMeasure | None:
        """Return the measure that stands for the question; None without rows."""
        return self.measures[0] if self.measures else None

    @property
    def deciding(self) -> tuple[PairedMeasure, ...]:
        """Return the measures to decide by: the headline, and macro F1 beside an accuracy."""
        return self.measures[:1] + tuple(m for m in self.measures[1:] if m.name == MACRO_F1)


def compare(
    head: HeadConfig,
    gold: Sequence[Answer],
    before: Sequence[Answer],
    after: Sequence[Answer],
) -> Comparison:
    """Compare the answers of two models, parallel to gold.

    Shares of right rows are compared by McNemar's test, every other figure by a paired bootstrap.
    Where spans have a polarity, it has to be right too: in the headline and in the outcomes.
    """
    if not gold:
        return Comparison(head.kind, 0, (), None)
    found = _outcomes(head, gold, before, after)
    measures: list[PairedMeasure] = []
    match head.kind:
        case Kind.CHOICE:
            measures.append(_share("accuracy", found))
            measures.append(_scored(MACRO_F1, _option_sums, _macro_f1, (gold, before, after)))
        case Kind.NUMBER:
            measures.append(_scored("mae", _error_sums, _mean, (gold, before, after)))
            if head.is_integer:
                measures.append(_share("rounded_accuracy", found))
        case Kind.MULTICHOICE:
            measures.append(_scored("micro_f1", _set_sums, _f1, (gold, before, after)))
            measures.append(_share("exact_match", found))
        case Kind.SPANS:
            if head.polarities:
                sums = partial(_set_sums, has_polarity=True)
                measures.append(_scored("polar_f1", sums, _f1, (gold, before, after)))
            measures.append(_scored("micro_f1", _set_sums, _f1, (gold, before, after)))
    is_loose = head.kind is Kind.NUMBER and not head.is_integer
    return Comparison(head.kind, len(gold), tuple(measures), None if is_loose else found)


def is_right(head: HeadConfig, gold: Answer, found: Answer) -> bool:
    """Tell whether an answer is exactly the gold one; whole numbers after rounding."""
    return plain(head, gold) == plain(head, _beside(gold, found))


def plain(head: HeadConfig, answer: Answer) -> object:
    """Return an answer in a form in which equal answers are equal."""
    if head.kind is Kind.NUMBER and isinstance(answer, int | float):
        return int(np.rint(answer)) if head.is_integer else float(answer)
    if isinstance(answer, tuple):
        return _as_set(answer, has_polarity=bool(head.polarities))
    return answer


def _outcomes(
    head: HeadConfig, gold: Sequence[Answer], before: Sequence[Answer], after: Sequence[Answer]
) -> Outcomes:
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    changed = 0
    for wanted, first, second in zip(gold, before, after, strict=True):
        counts[is_right(head, wanted, first), is_right(head, wanted, second)] += 1
        changed += plain(head, first) != plain(head, second)
    return Outcomes(
        both=counts[True, True],
        lost=counts[True, False],
        won=counts[False, True],
        neither=counts[False, False],
        changed=changed,
    )


def _share(name: str, found: Outcomes) -> PairedMeasure:
    n = found.both + found.lost + found.won + found.neither
    difference = proportions(found.both, found.lost, found.won, found.neither)
    return PairedMeasure(
        name, (found.both + found.lost) / n, (found.both + found.won) / n, difference
    )


def _scored(
    name: str,
    sums: Callable[[Sequence[Answer], Sequence[Answer], Sequence[Answer]], tuple[Floats, Floats]],
    statistic: Callable[[Floats], Floats],
    rows: tuple[Sequence[Answer], Sequence[Answer], Sequence[Answer]],
) -> PairedMeasure:
    first, second = sums(*rows)
    ends = [float(statistic(one.sum(axis=0, keepdims=True))[0]) for one in (first, second)]
    return PairedMeasure(name, ends[0], ends[1], bootstrapped(first, second, statistic))


# --- What a row adds to the sums ------------------------------------------------------------------


def _option_sums(
    gold: Sequence[Answer], before: Sequence[Answer], after: Sequence[Answer]
) -> tuple[Floats, Floats]:
    """Return [rows, 3 x options] of hits, gold and found for the options that gold has."""
    options = sorted({str(answer) for answer in gold})
    wanted = _one_hot(gold, options)
    found = [_one_hot(one, options) for one in (before, after)]
    first, second = (np.hstack([wanted * one, wanted, one]) for one in found)
    return first, second


def _one_hot(answers: Sequence[Answer], options: Sequence[str]) -> Floats:
    place = {option: index for index, option in enumerate(options)}
    table = np.zeros((len(answers), len(options)))
    for row, answer in enumerate(answers):
        if (column := place.get(str(answer))) is not None:
            table[row, column] = 1
    return table


def _error_sums(
    gold: Sequence[Answer], before: Sequence[Answer], after: Sequence[Answer]
) -> tuple[Floats, Floats]:
    """Return [rows, 2] of absolute errors and ones."""
    wanted, first, second = (_numbers(one) for one in (gold, before, after))
    ones = np.ones(len(wanted))
    return (
        np.column_stack([np.abs(first - wanted), ones]),
        np.column_stack([np.abs(second - wanted), ones]),
    )


def _set_sums(
    gold: Sequence[Answer],
    before: Sequence[Answer],
    after: Sequence[Answer],
    *,
    has_polarity: bool = False,
) -> tuple[Floats, Floats]:
    """Return [rows, 3] of hits, gold and found: options, or spans counted strictly."""

    def tally(one: Answer, given: Answer) -> tuple[int, int, int]:
        wanted = _as_set(one, has_polarity=has_polarity)
        marked = _as_set(_beside(one, given), has_polarity=has_polarity)
        return len(wanted & marked), len(wanted), len(marked)

    first, second = (
        np.array([tally(*pair) for pair in zip(gold, found, strict=True)], dtype=np.float64)
        for found in (before, after)
    )
    return first, second


def _beside(gold: Answer, found: Answer) -> Answer:
    """Return an answer without polarity where gold has the same span without: nobody gave any."""
    if not isinstance(gold, tuple) or not isinstance(found, tuple):
        return found
    unsaid = {(span.start, span.end, span.option) for span in gold if not span.polarity}
    return tuple(
        replace(span, polarity="") if (span.start, span.end, span.option) in unsaid else span
        for span in found
    )


def _as_set(answer: Answer, *, has_polarity: bool) -> frozenset[object]:
    if isinstance(answer, frozenset):
        return frozenset(answer)
    if isinstance(answer, tuple):
        return frozenset(
            (span.start, span.end, span.option, span.polarity if has_polarity else "")
            for span in answer
        )
    return frozenset({answer})


def _numbers(answers: Sequence[Answer]) -> Floats:
    return np.array([float(a) for a in answers if isinstance(a, int | float)])


# --- Figures of sums, [draws, columns] to [draws] -------------------------------------------------


def _mean(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 1])


def _f1(sums: Floats) -> Floats:
    hits, gold, found = sums.T
    return np.where(gold + found > 0, ratio(2 * hits, gold + found), np.nan)


def _macro_f1(sums: Floats) -> Floats:
    hits, gold, found = np.split(sums, 3, axis=1)
    # A draw without an option's gold says nothing about it.
    return mean_known(averaged(hits, gold, found)[0])
