"""Two versions side by side, made ready for the page that compares them."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from common.charts import Axis, Chart, Series
from labelling.snapshot import QuestionSnapshot
from ml.comparing import Compared, Row, Together, flips_of
from ml.core.comparison import Outcomes, PairedMeasure, plain
from ml.core.data import Answer
from ml.gate import Judged, said_p
from ml.measures import name_of
from projects.models import Project
from reviews.selectors import visible_reviews

#: Flipped reviews that the page itself shows for a question; links lead to the others.
_SHOWN = 12
_EXCERPT = 160
_MOST_OPTIONS = 12


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One figure of both versions with the difference and what the test says.

    A figure is None where it could not be measured.
    """

    name: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: str
    smallest: float | None
    is_lower_better: bool
    is_gain: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of reviews, or a change of it, with its shade and the reviews behind it."""

    number: int
    text: str
    shade: str
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """A square of cells with names on both sides."""

    options: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    #: The heat chart that is saved as a picture and as CSV.
    saved: Chart


@dataclass(frozen=True, slots=True)
class Flip:
    """One review that the versions answer differently."""

    url: str
    excerpt: str
    gold: str
    before: str
    after: str
    kind: str


@dataclass(frozen=True, slots=True)
class QuestionPanel:
    """One question of the comparison."""

    judged: Judged
    n: int = 0
    measures: tuple[MeasureRow, ...] = ()
    differences: Chart | None = None
    outcomes: Outcomes | None = None
    #: Addresses of the reviews that were lost, won, changed.
    urls: tuple[tuple[str, str], ...] = ()
    shifts: Table | None = None
    transitions: Table | None = None
    flips: tuple[Flip, ...] = ()

    @property
    def url_of(self) -> dict[str, str]:
        """Return the addresses by kind, for a template."""
        return dict(self.urls)


def panels_of(project: Project, both: Together) -> list[QuestionPanel]:
    """Return a panel for every question that either version answers."""
    compared = {each.question.key: each for each in both.questions}
    excerpts = _excerpts(project, compared.values())
    return [
        _panel(project, both, each, compared[each.key], excerpts)
        if each.key in compared
        else QuestionPanel(each)
        for each in both.gate.questions
    ]


def _panel(
    project: Project,
    both: Together,
    judged: Judged,
    compared: Compared,
    excerpts: dict[int, str],
) -> QuestionPanel:
    found = compared.comparison
    links = _Links(
        reverse("reviews:list", args=[project.slug]),
        compared.question.key,
        both.before.number,
        both.after.number,
    )
    options = _options(compared)
    measures = tuple(_measure(each) for each in found.measures)
    return QuestionPanel(
        judged=judged,
        n=found.n,
        measures=measures,
        differences=_differences(compared.question, measures, links),
        outcomes=found.outcomes,
        urls=tuple((kind, links.flipped(kind)) for kind in ("lost", "won", "changed")),
        shifts=_shifts(compared, options, links) if options and found.n else None,
        transitions=_transitions(compared, options, links) if options and found.n else None,
        flips=tuple(_flip(project, compared, row, excerpts) for row in _first_flips(compared)),
    )


def _measure(measure: PairedMeasure) -> MeasureRow:
    found = measure.difference
    return MeasureRow(
        name=name_of(measure.name),
        before=_known(measure.before),
        after=_known(measure.after),
        difference=_known(found.value),
        low=found.low,
        high=found.high,
        p="" if found.p is None else said_p(found.p),
        smallest=found.smallest,
        is_lower_better=measure.is_lower_better,
        is_gain=measure.gain > 0,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _differences(
    question: QuestionSnapshot, measures: tuple[MeasureRow, ...], links: "_Links"
) -> Chart | None:
    """Draw the differences with their intervals, where there are any."""
    known = [each for each in measures if each.difference is not None]
    if not known:
        return None
    return Chart(
        id=f"differences-{question.key}",
        title=f"{question.name}: version {links.after} minus version {links.before}",
        kind="bar",
        labels=[
            f"{each.name}, lower is better" if each.is_lower_better else each.name for each in known
        ],
        series=[
            Series(
                "Difference",
                [each.difference for each in known],
                low=[_end(each, each.low) for each in known],
                high=[_end(each, each.high) for each in known],
            )
        ],
        y=Axis("Difference"),
        note="An interval that holds nought may be chance.",
        is_horizontal=True,
    )


def _end(measure: MeasureRow, end: float | None) -> float | None:
    return end if end is not None and math.isfinite(end) else measure.difference


# --- Matrices -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Links:
    base: str
    key: str
    before: int
    after: int

    def flipped(self, kind: str) -> str:
        """Return where the reviews are that changed in this way."""
        return self._to({f"flipped.{self.key}": f"{self.before}:{self.after}:{kind}"})

    def cell(self, gold: str, found: str) -> str:
        """Return where the test reviews of a cell of the second version's confusion are."""
        query = {"split": "test", f"answer.{self.key}": gold, f"predicted.{self.key}": found}
        return self._to(query | {"model": str(self.after)})

    def _to(self, query: dict[str, str]) -> str:
        return f"{self.base}?{urlencode(query)}"


def _options(compared: Compared) -> tuple[tuple[str, str], ...]:
    """Return (key, name) of the answers that make a matrix; none where there are too many."""
    question = compared.question
    if question.kind == "choice":
        found = tuple((option.key, option.name) for option in question.options)
    else:
        found = tuple((str(step), str(step)) for step in compared.head.scale)
    return found if len(found) <= _MOST_OPTIONS else ()


def _key(compared: Compared, answer: Answer) -> str:
    return str(plain(compared.head, answer))


def _shifts(compared: Compared, options: tuple[tuple[str, str], ...], links: _Links) -> Table:
    """Return the second version's confusion matrix minus the first one's."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in compared.rows:
        gold = _key(compared, row.gold)
        counts[gold, _key(compared, row.after)] += 1
        counts[gold, _key(compared, row.before)] -= 1
    most = max((abs(number) for number in counts.values()), default=0)
    names = _Names(
        f"shifts-{compared.question.key}",
        f"{compared.question.name}: change of the confusion matrix, "
        f"version {links.after} minus version {links.before}",
        "Predicted",
        "Gold",
    )
    return _table(
        names,
        options,
        lambda gold, found: Cell(
            counts[gold, found],
            f"{counts[gold, found]:+d}" if counts[gold, found] else "0",
            _diverging(counts[gold, found], most, is_good=gold == found),
            links.cell(gold, found) if counts[gold, found] else "",
        ),
    )


def _transitions(compared: Compared, options: tuple[tuple[str, str], ...], links: _Links) -> Table:
    """Return how many reviews went from which answer to which."""
    counts = Counter((_key(compared, r.before), _key(compared, r.after)) for r in compared.rows)
    moved = max((n for (first, second), n in counts.items() if first != second), default=0)

    def cell(first: str, second: str) -> Cell:
        number = counts[first, second]
        if first == second or not number:
            return Cell(number, f"{number:,}", "heat-0", "")
        shade = f"heat-{min(6, 1 + 6 * number // max(moved, 1))}"
        return Cell(number, f"{number:,}", shade, links.flipped(f"{first}:{second}"))

    names = _Names(
        f"moves-{compared.question.key}",
        f"{compared.question.name}: who moved where",
        f"To, version {links.after}",
        f"From, version {links.before}",
    )
    return _table(names, options, cell)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a square and its axes are called where it is saved."""

    id: str
    title: str
    across: str
    down: str


def _table(
    names: _Names, options: tuple[tuple[str, str], ...], cell: Callable[[str, str], Cell]
) -> Table:
    shown = tuple(name for _, name in options)
    rows = tuple(tuple(cell(first, second) for second, _ in options) for first, _ in options)
    saved = Chart(
        id=names.id,
        title=names.title,
        kind="heat",
        labels=shown,
        series=[
            Series(name, [each.number for each in row], shades=[each.shade for each in row])
            for name, row in zip(shown, rows, strict=True)
        ],
        x=Axis(names.across, scale="category"),
        y=Axis(names.down, scale="category"),
    )
    return Table(options=shown, rows=tuple(zip(shown, rows, strict=True)), saved=saved)


def _diverging(number: int, most: int, *, is_good: bool) -> str:
    """Return the shade: positive where more became right or fewer wrong, whatever the count."""
    if not number or not most:
        return "diverge-0"
    step = min(3, 1 + 3 * abs(number) // (most + 1))
    return f"diverge-{'p' if (number > 0) == is_good else 'n'}{step}"


# --- Reviews that flipped -------------------------------------------------------------------------


def _first_flips(compared: Compared) -> list[Row]:
    """Return some of the reviews that changed; what was lost comes first."""
    lost, won = compared.flips("lost"), compared.flips("won")
    known = {row.review_id for row in (*lost, *won)}
    others = [row for row in compared.flips("changed") if row.review_id not in known]
    return [*lost[: _SHOWN // 2], *won, *others][:_SHOWN]


def _excerpts(project: Project, compared: Iterable[Compared]) -> dict[int, str]:
    ids = {row.review_id for each in compared for row in _first_flips(each)}
    texts = visible_reviews(project).filter(pk__in=ids).values_list("pk", "text")
    return {pk: f"{text[:_EXCERPT]}…" if len(text) > _EXCERPT else text for pk, text in texts}


def _flip(project: Project, compared: Compared, row: Row, excerpts: dict[int, str]) -> Flip:
    kinds = flips_of(compared.head, row)
    return Flip(
        url=reverse("reviews:detail", args=[project.slug, row.review_id]),
        excerpt=excerpts.get(row.review_id, ""),
        gold=words_of(compared.question, row.gold),
        before=words_of(compared.question, row.before),
        after=words_of(compared.question, row.after),
        kind=next(kind for kind in ("lost", "won", "changed") if kind in kinds),
    )


def words_of(question: QuestionSnapshot, answer: Answer) -> str:
    """Write an answer in a few words."""
    if isinstance(answer, tuple):
        polarities = Counter(span.polarity for span in answer if span.polarity)
        said = ", ".join(f"{count} {polarity}" for polarity, count in sorted(polarities.items()))
        return f"{len(answer)} span{'' if len(answer) == 1 else 's'}{said and f' ({said})'}"
    if isinstance(answer, frozenset):
        return ", ".join(_name(question, key) for key in sorted(answer)) or "none"
    if isinstance(answer, float):
        return f"{answer:.0f}" if question.is_integer else f"{answer:.2f}"
    return _name(question, str(answer))


def _name(question: QuestionSnapshot, key: str) -> str:
    option = question.option(key)
    return option.name if option else key
