"""Answers as rows of gold, in bulk, for one version of a label schema."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelling.models import GoldSource
from labelling.snapshot import SchemaSnapshot
from projects.models import Project

#: Columns that differ between rows.
VARYING = ("review_id", "question_id", "slot", "option_id", "number")
#: (question, slot, option, number): a row of gold but for its review.
Row = tuple[int, int, int | None, float | None]
Given = Mapping[str, Any]

_LINES = 2_000
#: Imports give rows with the same cells the same answers; what those become is kept for so many.
_KEPT = 5_000


class GoldRows:
    """Turns the answers of reviews (by id) into rows, as an insert takes them and as COPY does."""

    def __init__(self, project: Project, schema: SchemaSnapshot) -> None:
        self.schema = schema
        #: Columns that are the same for all rows.
        self.same: dict[str, int | str] = {
            "source": GoldSource.IMPORTED.value,
            "project_id": project.pk,
        }
        self._tail = "".join(f"\t{value}" for value in self.same.values()) + "\n"
        self._questions = {each.key: each for each in schema.questions}
        self._option_ids = {
            each.key: {option.key: option.id for option in each.options}
            for each in schema.questions
        }
        #: By the identity of answers, which are kept beside so that it stays theirs.
        self._rows: dict[int, tuple[Given, list[Row]]] = {}
        self._lines: dict[int, tuple[Given, str]] = {}

    def inserted(self, rows: Sequence[tuple[int, Given]]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of VARYING."""
        for review_id, given in rows:
            for row in self._rows_of(given):
                yield review_id, *row

    def copied(self, rows: Sequence[tuple[int, Given]]) -> Iterator[bytes]:
        """Yield lines of COPY with all columns, some thousand at a time."""
        kept = self._lines
        for start in range(0, len(rows), _LINES):
            lines = [
                (kept.get(id(given)) or self._line_of(given))[1].replace("\x00", str(review_id))
                for review_id, given in rows[start : start + _LINES]
            ]
            yield "".join(lines).encode()

    def _line_of(self, given: Given) -> tuple[Given, str]:
        """Return the lines of some answers, with NUL where the review's id belongs."""
        line = "".join(
            f"\x00\t{question}\t{slot}\t{_or_null(option)}\t{_or_null(number)}{self._tail}"
            for question, slot, option, number in self._rows_of(given)
        )
        if len(self._lines) >= _KEPT:
            self._lines.clear()
        self._lines[id(given)] = given, line
        return given, line

    def _rows_of(self, given: Given) -> list[Row]:
        kept = self._rows.get(id(given))
        if kept is not None:
            return kept[1]
        rows = [row for key, value in given.items() for row in self._gold(key, value)]
        if len(self._rows) >= _KEPT:
            self._rows.clear()
        self._rows[id(given)] = given, rows
        return rows

    def _gold(self, key: str, value: Any) -> Iterator[Row]:
        if value is None or key not in self._questions:
            return
        question, options = self._questions[key].id, self._option_ids[key]
        if isinstance(value, float):
            yield question, 0, None, value
        elif isinstance(value, tuple) or not value:
            yield question, 0, None, None
        else:
            keys = (value,) if isinstance(value, str) else sorted(value)
            known = (options[each] for each in keys if each in options)
            yield from ((question, option, option, None) for option in known)


def _or_null(value: float | None) -> str:
    return r"\N" if value is None else repr(value)
