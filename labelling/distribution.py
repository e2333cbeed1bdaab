"""Which answers are given how often: to every question, by all and by each person."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from labelling import chi_square
from labelling.models import Annotation, Answer, Span
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from projects.models import Project

#: In one hundred comparisons of people who do not differ, so many look as if they did.
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Cell:
    """How many answers of somebody had one value."""

    count: int
    n: int
    #: 1: more often than chance gives, -1: less often, 0: neither, or too little to tell.
    stands_out: int = 0

    @property
    def percent(self) -> float | None:
        """Return the share; None without answers."""
        return 100 * self.count / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a question: all people's cell, then each person's."""

    name: str
    colour: int
    overall: Cell
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """The answers to one question."""

    question: QuestionSnapshot
    people: tuple[User, ...]
    n: int
    n_by_person: tuple[int, ...]
    rows: tuple[Row, ...]
    #: Whether people differ beyond chance, in words.
    finding: str
    #: Whether several rows can be true of one answer.
    is_several: bool = False


#: Person to value to count, and person to number of answers.
Counts = Mapping[int, Mapping[str, int]]


def distributions(project: Project) -> list[Distribution]:
    """Return the answers to each of the current questions; what was said in bulk is left out."""
    schema = current_schema(project)
    said = Annotation.objects.filter(
        project=project, bulk_action=None, review__dataset__is_ready=True
    )
    totals = _totals(said)
    found = User.objects.filter(pk__in={pk for pk, _ in totals})
    users = sorted(found, key=lambda user: (user.shown_name.casefold(), user.pk))
    return [_of_question(question, said, users, totals) for question in schema.questions]


def _totals(said: QuerySet[Annotation]) -> dict[tuple[int, str], int]:
    """Return how many annotations of each person answer each question, of whatever version."""
    rows = (
        Answer.objects.filter(annotation__in=said)
        .order_by()
        .values_list("annotation__annotator", "question__key")
        .annotate(number=Count("annotation", distinct=True))
    )
    return {(pk, key): number for pk, key, number in rows}


def _of_question(
    question: QuestionSnapshot,
    said: QuerySet[Annotation],
    users: Sequence[User],
    totals: Mapping[tuple[int, str], int],
) -> Distribution:
    n_by_person = tuple(totals.get((user.pk, question.key), 0) for user in users)
    if question.kind == "number":
        names, counts = _numbers(question, said)
    else:
        rows = Span.objects if question.kind == "spans" else Answer.objects
        names, counts = _options(question), _by_option(rows.filter(_about(question, said)))
    table = [[counts.get(user.pk, {}).get(key, 0) for key, _, _ in names] for user in users]
    is_several = question.kind in {"multichoice", "spans"}
    marks = _marks(table, n_by_person, is_several=is_several)
    return Distribution(
        question=question,
        people=tuple(users),
        n=sum(n_by_person),
        n_by_person=n_by_person,
        rows=tuple(_rows(names, table, n_by_person, marks)),
        finding=_finding(names, table, n_by_person, is_several=is_several),
        is_several=is_several,
    )


Names = Sequence[tuple[str, str, int]]


def _options(question: QuestionSnapshot) -> Names:
    return [(option.key, option.name, option.colour) for option in question.options]


def _about(question: QuestionSnapshot, said: QuerySet[Annotation]) -> Q:
    return Q(annotation__in=said, question__key=question.key, question__kind=question.kind)


def _by_option(rows: "QuerySet[Answer] | QuerySet[Span]") -> Counts:
    """Count annotations by person and option: of many spans with one option, one counts."""
    counts: dict[int, dict[str, int]] = {}
    found = (
        rows.filter(option__isnull=False)
        .order_by()
        .values_list("annotation__annotator", "option__key")
        .annotate(number=Count("annotation", distinct=True))
    )
    for pk, key, number in found:
        counts.setdefault(pk, {})[key] = number
    return counts


def _numbers(question: QuestionSnapshot, said: QuerySet[Annotation]) -> tuple[Names, Counts]:
    """Count numbers step by step, or in quarters of all that was answered."""
    found = (
        Answer.objects.filter(_about(question, said), number__isnull=False)
        .order_by()
        .values_list("annotation__annotator", "number")
        .annotate(times=Count("pk"))
    )
    given = [(pk, number, times) for pk, number, times in found if number is not None]
    if question.steps:
        names: Names = [(str(step), str(step), 0) for step in question.steps]
        return names, _tallied((pk, f"{number:g}", times) for pk, number, times in given)
    limits = _quarters(given)
    names = [(str(index), words, 0) for index, words in enumerate(_in_words(limits))]
    return names, _tallied(
        (pk, str(sum(number > limit for limit in limits)), times) for pk, number, times in given
    )


def _quarters(given: Sequence[tuple[int, float, int]]) -> list[float]:
    every = [number for _, number, times in given for _ in range(times)]
    if len(every) < 2:
        return [median(every)] if every else []
    return sorted(set(quantiles(every, n=4, method="inclusive")))


def _in_words(limits: Sequence[float]) -> list[str]:
    if not limits:
        return []
    middle = [f"above {low:g} to {high:g}" for low, high in itertools.pairwise(limits)]
    return [f"up to {limits[0]:g}", *middle, f"above {limits[-1]:g}"]


def _tallied(given: Iterable[tuple[int, str, int]]) -> Counts:
    counts: dict[int, Counter[str]] = {}
    for pk, value, times in given:
        counts.setdefault(pk, Counter())[value] += times
    return counts


def _rows(
    names: Names,
    table: Sequence[Sequence[int]],
    n_by_person: Sequence[int],
    marks: Sequence[Sequence[int]],
) -> Iterable[Row]:
    for index, (_, name, colour) in enumerate(names):
        cells = tuple(
            Cell(row[index], n, mark[index])
            for row, n, mark in zip(table, n_by_person, marks, strict=True)
        )
        yield Row(name, colour, Cell(sum(cell.count for cell in cells), sum(n_by_person)), cells)


# --- Beyond chance --------------------------------------------------------------------------------


def _marks(
    table: Sequence[Sequence[int]], n_by_person: Sequence[int], *, is_several: bool
) -> list[list[int]]:
    """Say of each person and value whether it stands out, in the shape of `table`."""
    if not is_several:
        return chi_square.stands_out(table)
    by_value = [
        chi_square.stands_out(each, at_once=_width(table)) for each in _yes_no(table, n_by_person)
    ]
    return [[marks[person][0] for marks in by_value] for person in range(len(table))]


def _yes_no(
    table: Sequence[Sequence[int]], n_by_person: Sequence[int]
) -> list[list[tuple[int, int]]]:
    """Return for each value who gave it how often, and how often not."""
    return [
        [(row[index], max(0, n - row[index])) for row, n in zip(table, n_by_person, strict=True)]
        for index in range(_width(table))
    ]


def _width(table: Sequence[Sequence[int]]) -> int:
    return len(table[0]) if table else 0


def _finding(
    names: Names,
    table: Sequence[Sequence[int]],
    n_by_person: Sequence[int],
    *,
    is_several: bool,
) -> str:
    if sum(1 for n in n_by_person if n) < 2:
        return "Fewer than two people have answered it; there is nothing to compare."
    if not is_several:
        found = chi_square.compare(table)
        return _in_sentence(found) if found else _TOO_FEW
    tests = [chi_square.compare(each) for each in _yes_no(table, n_by_person)]
    if not any(tests):
        return _TOO_FEW
    limit = ALPHA / sum(1 for each in tests if each)
    differ = [
        f"{name} ({_figures(each)})"
        for (_, name, _), each in zip(names, tests, strict=True)
        if each and each.p < limit
    ]
    if not differ:
        return "People do not differ beyond what chance gives, whichever option one looks at."
    return f"People differ beyond chance in how often they choose {'; '.join(differ)}."


_TOO_FEW = "Too few answers to tell whether people differ beyond chance."


def _in_sentence(found: chi_square.Compared) -> str:
    if found.p < ALPHA:
        return f"People differ beyond chance ({_figures(found)})."
    return f"People do not differ beyond what chance gives ({_figures(found)})."


def _figures(found: chi_square.Compared) -> str:
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    return f"chi-square {found.statistic:.1f}, {found.freedom} degrees of freedom, {p}"
