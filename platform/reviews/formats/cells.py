"""Reviews as rows of a table: the columns of an export, and what stands in them.

Columns that say where a review stood in the project begin with `gloss_`; whoever imports the
file again leaves them out. Labels of several people make a row each.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from reviews.formats.plan import FACTS, Exported, Plan
from reviews.labels import Labels, QuestionInfo
from reviews.neutral import ID_COLUMN, OWN_PREFIX

#: Facts that mean nothing outside of the project.
_PLACE = ("dataset", "split")
_PLAIN = ("text", "product", "author", "date", "annotator")
_NOBODY = Labels("", {})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what its cells hold and how a cell is found."""

    name: str
    #: id, text, date, or the kind of a question.
    kind: str
    value: Callable[[Exported, Labels], Any]
    question: QuestionInfo | None = None


def columns_of(plan: Plan) -> list[Column]:
    """Return the columns in their order: id, text, facts, metadata, annotator, answers."""
    columns = [
        Column(ID_COLUMN, "id", lambda review, _: review.id),
        Column("text", "text", lambda review, _: review.text),
    ]
    columns += [_fact(name) for name in FACTS if name in plan.facts]
    answers = [_answer(question) for question in plan.questions]
    taken = {_folded(name) for name in (*_PLAIN, *(each.name for each in (*columns, *answers)))}
    columns += [_metadata(key, _free_name(key, taken)) for key in plan.metadata or ()]
    if plan.names_people:
        columns.append(Column("annotator", "text", lambda _, labels: labels.annotator))
    return columns + answers


def rows_of(
    reviews: Iterable[Exported], columns: Iterable[Column]
) -> Iterator[tuple[Exported, list[Any]]]:
    """Yield values by column: one row for a review, or for each person who labelled it."""
    values = [column.value for column in columns]
    for review in reviews:
        for labels in review.labels or (_NOBODY,):
            yield review, [value(review, labels) for value in values]


def _fact(name: str) -> Column:
    place = Exported._fields.index(name)
    shown = f"{OWN_PREFIX}{name}" if name in _PLACE else name
    kind = "date" if name == "date" else "text"
    return Column(shown, kind, lambda review, _: review[place])


def _metadata(key: str, name: str) -> Column:
    return Column(name, "text", lambda review, _: as_text(review.metadata.get(key)))


def _answer(question: QuestionInfo) -> Column:
    key = question.key
    name = f"answer.{key}" if _folded(key) in _PLAIN or key.startswith(OWN_PREFIX) else key
    return Column(name, question.kind, lambda _, labels: labels.answers.get(key), question)


def _free_name(key: str, taken: set[str]) -> str:
    """Return a name that no column has yet: a field of the metadata gives way to ours."""
    name, number = key, 2
    if _folded(key) in taken or key.startswith(OWN_PREFIX) or not key.strip():
        name = f"metadata.{key}"
    while _folded(name) in taken:
        name, number = f"metadata.{key}.{number}", number + 1
    taken.add(_folded(name))
    return name


def _folded(name: str) -> str:
    return name.strip().casefold()


def as_text(value: Any) -> str:
    """Return a value of the metadata as a cell: words as they are, all else as JSON."""
    if type(value) is str:
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def as_cell(value: Any) -> str:
    """Return an answer as a cell of a table of texts.

    Options stand side by side with a semicolon between them, unless one of them has such a sign;
    then, and for spans, the cell holds JSON. No option at all is [], no answer an empty cell.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not isinstance(value, list):
        return str(value)
    if value and all(isinstance(each, str) and _is_plain(each) for each in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _is_plain(option: str) -> bool:
    return option == option.strip() != "" and option[0] not in "[{" and not {";", "|"} & {*option}
