"""Agreement of a project as its page, its file and the API show it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.errors import NotVisible
from labelling import agreement_report as report
from labelling.agreement_filters import Asked, Cell
from labelling.agreement_report import KINDS, Named, OfOption
from labelling.agreement_rows import Answered, Person, Shared, shared_answers
from labelling.answers import AnswerValue
from labelling.bootstrap import Figure
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.selectors import visible_reviews

#: A wider matrix is no help: choose people to see others.
PEOPLE_ON_PAGE = 12
#: What files and programs get, which takes seconds.
PEOPLE_IN_FILE = 50
PAGE_SIZE = 30


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question's agreement by every measure that fits it."""

    question: QuestionSnapshot
    figures: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """How far two people agree."""

    one: Person
    other: Person
    figure: Figure


def rows(shared: Shared, questions: Iterable[QuestionSnapshot]) -> list[QuestionRow]:
    """Return agreement per question over reviews that at least two people answered."""
    return [
        QuestionRow(question, tuple(report.of_question(question, shared.answered(question.key))))
        for question in questions
    ]


def options(shared: Shared, question: QuestionSnapshot) -> list[OfOption]:
    """Return agreement on each option of a question."""
    return report.of_options(question, shared.answered(question.key))


# --- The matrix -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """Two people's figure with the address of the reviews behind it; None for nothing shared."""

    figure: Figure | None
    query: str = ""
    is_self: bool = False


def matrix(
    asked: Asked, question: QuestionSnapshot, people: Sequence[Person], found: Iterable[Pair]
) -> list[tuple[Person, list[MatrixCell]]]:
    """Return one row a person, one cell for each of the people."""
    figures: dict[frozenset[int], Figure] = {
        frozenset({pair.one.id, pair.other.id}): pair.figure for pair in found
    }

    def cell(row: Person, column: Person) -> MatrixCell:
        if row == column:
            return MatrixCell(None, is_self=True)
        query = asked.query(question=question.key, one=row.id, other=column.id)
        return MatrixCell(figures.get(frozenset({row.id, column.id})), query)

    return [(row, [cell(row, column) for column in people]) for row in people]


CSV_COLUMNS = (
    "question", "measure", "annotator", "annotator_id", "other_annotator", "other_annotator_id",
    "value", "low", "high", "review_count", "reason",
)  # fmt: skip


def csv_rows(
    question: QuestionSnapshot, measure: str, found: Iterable[Pair]
) -> Iterator[tuple[str, ...]]:
    """Yield the matrix for a file: one row for each two people."""
    for pair in found:
        figure = pair.figure
        numbers = (figure.value, figure.low, figure.high)
        yield (
            question.key,
            measure,
            pair.one.name,
            str(pair.one.id),
            pair.other.name,
            str(pair.other.id),
            *("" if number is None else f"{number:.6g}" for number in numbers),
            str(figure.item_count),
            figure.reason,
        )


# --- The reviews behind a figure ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What one person answered, in words."""

    person: Person
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BehindRow:
    """A review with the answers of the people whom the figure is about."""

    review_id: int
    text: str
    said: tuple[Said, ...]
    is_equal: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """One page of the reviews behind a figure."""

    rows: tuple[BehindRow, ...]
    count: int
    people: tuple[Person, ...]
    #: Where the next page begins; None on the last.
    after: int | None


def behind(
    project: Project, schema: SchemaSnapshot, asked: Asked, question: QuestionSnapshot, cell: Cell
) -> Behind:
    """Return the reviews that a figure rests on, newest first; NotVisible for unknown people."""
    shared = shared_answers(project, schema, asked.chosen, pair=cell.pair)
    people = {person.id: person for person in shared.people}
    if shared.said and not set(cell.pair) <= set(people):
        raise NotVisible
    answered = shared.answered(question.key)
    found = report.behind(answered, pair=cell.pair, option=cell.option, show=cell.show)
    left = [number for number in found if cell.after is None or number < cell.after]
    shown = left[:PAGE_SIZE]
    texts = dict(visible_reviews(project).filter(pk__in=shown).values_list("id", "text"))
    return Behind(
        rows=tuple(
            _behind_row(number, texts.get(number, ""), question, answered, people, cell)
            for number in shown
        ),
        count=len(found),
        people=tuple(people[who] for who in cell.pair if who in people),
        after=shown[-1] if len(left) > len(shown) else None,
    )


def _behind_row(
    review_id: int,
    text: str,
    question: QuestionSnapshot,
    answered: Answered,
    people: Mapping[int, Person],
    cell: Cell,
) -> BehindRow:
    said = answered[review_id]
    order = cell.pair or sorted(said)
    return BehindRow(
        review_id,
        text,
        tuple(Said(people[who], _words(question, said[who])) for who in order),
        report.is_equal([said[who] for who in order], cell.option),
    )


def _words(question: QuestionSnapshot, answer: AnswerValue) -> tuple[str, ...]:
    """Return an answer as people read it; nothing chosen or marked is one word too."""
    names = {option.key: option.name for option in question.options}
    if isinstance(answer, float):
        return (f"{answer:g}",)
    if isinstance(answer, str):
        return (names.get(answer, answer),)
    if isinstance(answer, frozenset):
        chosen = tuple(option.name for option in question.options if option.key in answer)
        return chosen or ("none of them",)
    marked = tuple(
        f"{names.get(span.option, span.option)}: “{span.text}” ({span.start}–{span.end})"
        for span in answer
    )
    return marked or ("nothing marked",)


def measures(question: QuestionSnapshot) -> list[tuple[str, str]]:
    """Return key and name of the measures that fit pairs of people."""
    return [(key, KINDS[key].name) for key in report.of_pairs_keys(question)]
