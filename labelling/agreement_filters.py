"""What a page or a program asks about agreement, read from a query string."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol
from urllib.parse import urlencode

from common.errors import Invalid
from labelling.agreement_report import OF_PAIRS, SHOWN
from labelling.agreement_rows import Chosen
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.models import Dataset

NAMES = frozenset({"question", "dataset", "person", "since", "measure"})
OF_REVIEWS = frozenset({"one", "other", "option", "show", "after"})
_MAX_ID_DIGITS = 18


class Query(Protocol):
    """What Django's QueryDict can do that is needed here."""

    def get(self, key: str, default: str, /) -> str:
        """Return the last value of a parameter."""
        ...

    def getlist(self, key: str, /) -> list[str]:
        """Return every value of a parameter."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters with the questions that they name, and the measure for pairs of people."""

    chosen: Chosen
    questions: tuple[QuestionSnapshot, ...]
    measure: str

    def measure_of(self, question: QuestionSnapshot) -> str:
        """Return the measure for pairs: the one asked for where it fits the question."""
        fitting = OF_PAIRS[question.kind]
        return self.measure if self.measure in fitting else fitting[0]

    def query(self, **more: object) -> str:
        """Return a query string with the same reviews and people, and more."""
        pairs: list[tuple[str, object]] = [("person", who) for who in sorted(self.chosen.people)]
        if self.chosen.dataset is not None:
            pairs.append(("dataset", self.chosen.dataset.pk))
        if self.chosen.since is not None:
            pairs.append(("since", self.chosen.since.isoformat()))
        return "?" + urlencode([*pairs, *((name, value) for name, value in more.items() if value)])


def asked_of(project: Project, schema: SchemaSnapshot, query: Query) -> Asked:
    """Return what a query string asks for; raise Invalid for what makes no sense."""
    measure = query.get("measure", "")
    known = {key for keys in OF_PAIRS.values() for key in keys}
    if measure and measure not in known:
        raise Invalid.of("measure", f"There is no measure {measure[:50]!r}. Known: {_all(known)}.")
    return Asked(_chosen(project, query), _questions(schema, query), measure)


def _questions(schema: SchemaSnapshot, query: Query) -> tuple[QuestionSnapshot, ...]:
    keys = [key for key in query.getlist("question") if key]
    for key in keys:
        if schema.question(key) is None:
            known = [question.key for question in schema.questions]
            raise Invalid.of(
                "question", f"This project has no question {key[:50]!r}. Questions: {_all(known)}."
            )
    return tuple(each for each in schema.questions if not keys or each.key in keys)


def _all(words: "set[str] | list[str]") -> str:
    return ", ".join(sorted(words)) or "none"


def _chosen(project: Project, query: Query) -> Chosen:
    return Chosen(
        dataset=_dataset(project, query.get("dataset", "")),
        people=frozenset(row_number("person", raw) for raw in query.getlist("person") if raw),
        since=_since(query.get("since", "")),
    )


def _dataset(project: Project, raw: str) -> Dataset | None:
    if not raw:
        return None
    number = row_number("dataset", raw)
    dataset = Dataset.objects.filter(project=project, is_ready=True, pk=number).first()
    if dataset is None:
        raise Invalid.of("dataset", f"This project has no data set {number}.")
    return dataset


def _since(raw: str) -> date | None:
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise Invalid.of("since", f"{raw[:50]!r} is no date such as 2026-01-31.") from None


def row_number(name: str, raw: str) -> int:
    """Return an id; raise Invalid for what no row can have."""
    if not (raw.isascii() and raw.isdigit() and len(raw) <= _MAX_ID_DIGITS):
        raise Invalid.of(name, f"{name} is a number, not {raw[:50]!r}.")
    return int(raw)


# --- The reviews behind a figure ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """Which figure the reviews are asked for."""

    pair: tuple[int, ...]
    option: str
    show: str
    #: Reviews below this id come next.
    after: int | None


def cell_of(question: QuestionSnapshot, query: Query) -> Cell:
    """Return which figure's reviews a query string asks for; raise Invalid where it is none."""
    ends = [query.get("one", ""), query.get("other", "")]
    if any(ends) and not all(ends):
        raise Invalid.of("other", "A pair of people has one and other; name both or neither.")
    option, show = query.get("option", ""), query.get("show", "") or SHOWN[0]
    steps = {str(step) for step in question.steps}
    if option and question.option(option) is None and option not in steps:
        raise Invalid.of("option", f"{question.name} has no option {option[:50]!r}.")
    if show not in SHOWN:
        raise Invalid.of("show", f"show is one of {', '.join(SHOWN)}, not {show[:50]!r}.")
    after = query.get("after", "")
    return Cell(
        pair=tuple(row_number("one", end) for end in ends if end),
        option=option,
        show=show,
        after=row_number("after", after) if after else None,
    )
