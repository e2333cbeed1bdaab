"""May a version become the champion? A pure decision that says why, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ml.core.comparison import Comparison, PairedMeasure
from ml.core.paired import holm
from ml.measures import name_of

#: Beyond this, a difference is taken for chance.
LEVEL = 0.05


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


def judge(pairs: Iterable[Pair]) -> Gate:
    """Open the gate unless a question got worse beyond chance or is no longer answered.

    Several questions are several chances to be wrong, so p values are adjusted (Holm). Too few
    rows keep nobody out, but the words say that nothing could have been seen.
    """
    rows = list(pairs)
    tested = [
        each.comparison.headline.difference.p
        for each in rows
        if each.comparison and each.comparison.headline
    ]
    adjusted = iter(holm([1.0 if p is None else p for p in tested]))
    judged = tuple(
        _judged(each, next(adjusted) if each.comparison and each.comparison.headline else 1.0)
        for each in rows
    )
    against = [each for each in judged if each.speaks_against]
    return Gate(not against, _summary(judged, against), judged)


def _judged(pair: Pair, p: float) -> Judged:
    if not pair.is_after:
        words = f"{pair.name}: the champion answers it, this version does not."
        return Judged(pair.key, pair.name, Verdict.LOST, words)
    if not pair.is_before:
        words = f"{pair.name}: only this version answers it."
        return Judged(pair.key, pair.name, Verdict.NEW, words)
    measure = pair.comparison.headline if pair.comparison else None
    if measure is None:
        words = f"{pair.name}: no test review with gold was answered by both."
        return Judged(pair.key, pair.name, Verdict.UNMEASURED, words, pair.comparison)
    verdict = Verdict.OPEN
    if p < LEVEL and measure.gain:
        verdict = Verdict.BETTER if measure.gain > 0 else Verdict.WORSE
    words = f"{pair.name}: {_change(measure)} {_meaning(measure, verdict, p)}"
    return Judged(pair.key, pair.name, verdict, words, pair.comparison)


def _change(measure: PairedMeasure) -> str:
    difference, name = measure.difference, name_of(measure.name)
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


def _meaning(measure: PairedMeasure, verdict: Verdict, p: float) -> str:
    test = "McNemar's test" if measure.difference.test == "mcnemar" else "paired bootstrap"
    if verdict is not Verdict.OPEN:
        return f"That is {verdict} by more than chance explains ({test}, {said_p(p)})."
    smallest = measure.difference.smallest
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
    return "The gate is open, unproven: the two share no test review with gold to compare them on."
