"""May a version become the champion? A pure decision that says why, in words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ml.core.comparison import MACRO_F1, Comparison, PairedMeasure
from ml.core.paired import holm
from ml.measures import name_of

#: Beyond this, a difference is taken for chance.
LEVEL = 0.05
_UNCOMPARED = (
    "The gate is shut: the champion is in quarantine, and the two share no test review whose gold "
    "could measure them. Whoever promotes all the same says why."
)


class Verdict(StrEnum):
    """What the rows say about one question."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "no difference shown"
    LOST = "no longer answered"
    NEW = "newly answered"
    UNMEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Judged:
    """One question with its verdict and the sentence that explains it."""

    key: str
    name: str
    verdict: Verdict
    words: str
    comparison: Comparison | None = None

    @property
    def speaks_against(self) -> bool:
        """Tell whether this question keeps the gate shut."""
        return self.verdict in {Verdict.WORSE, Verdict.LOST}


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a promotion needs no override, and why."""

    is_open: bool
    words: str
    questions: tuple[Judged, ...]

    @property
    def against(self) -> tuple[Judged, ...]:
        """Return the questions that keep it shut."""
        return tuple(each for each in self.questions if each.speaks_against)


@dataclass(frozen=True, slots=True)
class Pair:
    """One question of either version, and how they compare where both answer it."""

    key: str
    name: str
    is_before: bool
    is_after: bool
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class _Tested:
    """One figure with its p value, adjusted for how many were tested."""

    measure: PairedMeasure
    p: float

    @property
    def verdict(self) -> Verdict:
        """Return what the figure says by itself."""
        if self.p >= LEVEL or not self.measure.gain:
            return Verdict.OPEN
        return Verdict.BETTER if self.measure.gain > 0 else Verdict.WORSE


def judge(pairs: Iterable[Pair], *, is_champion_trusted: bool = True) -> Gate:
    """Open the gate unless a question got worse beyond chance or is no longer answered.

    A choice is judged by its macro F1 as well as by its accuracy, which hides that a rare option is
    never found any more. Several figures are several chances to be wrong, so their p values are
    adjusted together (Holm); a figure without one is no such chance. Too few rows keep nobody out,
    but the words say that nothing could have been seen; only where the champion is in quarantine
    and nothing at all was measured does somebody have to say why it is replaced.
    """
    rows = list(pairs)
    tests = _tested([_measured(each) for each in rows])
    judged = tuple(_judged(each, own) for each, own in zip(rows, tests, strict=True))
    against = [each for each in judged if each.speaks_against]
    if not against and not is_champion_trusted and not any(tests):
        return Gate(False, _UNCOMPARED, judged)
    return Gate(not against, _summary(judged, against), judged)


def _measured(pair: Pair) -> list[PairedMeasure]:
    """Return the figures to judge by; one that is not a number was not measured."""
    deciding = pair.comparison.deciding if pair.comparison else ()
    return [each for each in deciding if math.isfinite(each.difference.value)]


def _tested(measured: Sequence[Sequence[PairedMeasure]]) -> list[list[_Tested]]:
    """Return every question's figures with their p values, adjusted over all questions."""
    known = [m.difference.p for own in measured for m in own if m.difference.p is not None]
    adjusted = iter(holm(known))
    return [
        [_Tested(m, 1.0 if m.difference.p is None else next(adjusted)) for m in own]
        for own in measured
    ]


def _judged(pair: Pair, tested: Sequence[_Tested]) -> Judged:
    if not pair.is_after:
        words = f"{pair.name}: the champion answers it, this version does not."
        return Judged(pair.key, pair.name, Verdict.LOST, words)
    if not pair.is_before:
        words = f"{pair.name}: only this version answers it."
        return Judged(pair.key, pair.name, Verdict.NEW, words)
    if not tested:
        words = f"{pair.name}: {_unmeasured(pair.comparison)}"
        return Judged(pair.key, pair.name, Verdict.UNMEASURED, words, pair.comparison)
    found = {each.verdict for each in tested}
    # Worse at one figure is worse, whatever the other one says.
    verdict = next((v for v in (Verdict.WORSE, Verdict.BETTER) if v in found), Verdict.OPEN)
    first, *others = (f"{_change(each.measure)} {_meaning(each)}" for each in tested)
    words = " ".join([f"{pair.name}: {first}", *(each[0].upper() + each[1:] for each in others)])
    return Judged(pair.key, pair.name, verdict, words, pair.comparison)


def _unmeasured(found: Comparison | None) -> str:
    measure = found.headline if found else None
    if measure is None:
        return "no test review with gold was answered by both."
    n, name = measure.difference.n, name_of(measure.name)
    whose = "the one test review" if n == 1 else f"the {n:,} test reviews"
    return f"{name} cannot be measured, since the gold of {whose} that both have answered is empty."


def _change(measure: PairedMeasure) -> str:
    difference, name = measure.difference, name_of(measure.name)
    if measure.name == MACRO_F1:
        name = f"{name}, in which rare options weigh as much as common ones,"
    n = f"n {difference.n:,}"
    if not difference.value:
        bounds = _bounds(measure)
        return f"{name} is the same for both ({bounds}{n})."
    verb = "rose" if difference.value > 0 else "fell"
    return f"{name} {verb} by {abs(difference.value):.3f} ({_bounds(measure)}{n})."


def _bounds(measure: PairedMeasure) -> str:
    difference = measure.difference
    if difference.low is None or difference.high is None:
        return ""
    return f"95 % interval {difference.low:+.3f} to {difference.high:+.3f}, "


def _meaning(tested: _Tested) -> str:
    difference, p = tested.measure.difference, tested.p
    test = "McNemar's test" if difference.test == "mcnemar" else "paired bootstrap"
    if tested.verdict is not Verdict.OPEN:
        return f"That is {tested.verdict} by more than chance explains ({test}, {said_p(p)})."
    smallest = difference.smallest
    if smallest is None:
        return "These rows can show no difference, however large."
    return (
        f"Chance explains that ({test}, {said_p(p)}); a difference of {smallest:.3f} or more would "
        "have been seen four times out of five."
    )


def said_p(p: float) -> str:
    """Write a p value as people do."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _summary(judged: Sequence[Judged], against: Sequence[Judged]) -> str:
    if against:
        names = ", ".join(each.name for each in against)
        return f"The gate is shut: {names} would get worse. Whoever promotes all the same says why."
    better = [each.name for each in judged if each.verdict is Verdict.BETTER]
    if better:
        return f"The gate is open: better at {', '.join(better)}, and nothing got worse."
    if any(each.verdict is Verdict.OPEN for each in judged):
        return "The gate is open: no difference beyond chance could be seen on these rows."
    return "The gate is open, unproven: the two share no test review whose gold could measure them."
