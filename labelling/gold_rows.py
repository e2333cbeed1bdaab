"""Answers as rows of gold, in bulk, for one version of a label schema."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common import binary_copy
from labelling.models import GoldSource
from labelling.snapshot import SchemaSnapshot
from projects.models import Project

#: Columns that differ between rows.
VARYING = ("review_id", "question_id", "slot", "option_id", "number")
#: (question, slot, option, number): a row of gold but for its review.
Row = tuple[int, int, int | None, float | None]
Given = Mapping[str, Any]

#: Stands for the review's id in rows that are kept.
_HOLE = binary_copy.bigint(0)
#: Imports give rows with the same cells the same answers; what those become is kept for so many.
_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class _Line:
    """The rows of some answers for COPY, and where in them the review's id belongs."""

    given: Given
    raw: bytes
    holes: list[int]


class GoldRows:
    """Turns the answers of reviews (by id) into rows, as an insert takes them and as COPY does."""

    def __init__(self, project: Project, schema: SchemaSnapshot) -> None:
        self.schema = schema
        #: Columns that are the same for all rows.
        self.same: dict[str, int | str] = {
            "source": GoldSource.IMPORTED.value,
            "project_id": project.pk,
        }
        self._tail = binary_copy.text(GoldSource.IMPORTED.value) + binary_copy.bigint(project.pk)
        self._head = (len(VARYING) + len(self.same)).to_bytes(2)
        self._questions = {each.key: each for each in schema.questions}
        self._option_ids = {
            each.key: {option.key: option.id for option in each.options}
            for each in schema.questions
        }
        #: By the identity of answers, which are kept beside so that it stays theirs.
        self._rows: dict[int, tuple[Given, list[Row]]] = {}
        self._places: dict[int, int] = {}
        self._lines: list[_Line] = []

    def inserted(self, rows: Sequence[tuple[int, Given]]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of VARYING."""
        for review_id, given in rows:
            for row in self._rows_of(given):
                yield review_id, *row

    def copied(self, rows: Sequence[tuple[int, Given]]) -> list[bytes]:
        """Return the parts of a binary COPY with all columns."""
        if not rows:
            return []
        ids, answers = zip(*rows, strict=True)
        places = self._places_of(answers)
        raw = bytearray().join([line.raw for line in map(self._lines.__getitem__, places)])
        sizes = np.array([len(line.raw) for line in self._lines])[places]
        starts = np.cumsum(sizes) - sizes
        digits = np.array(ids, ">i8").view(np.uint8).reshape(-1, 8)
        signs = np.frombuffer(raw, np.uint8)
        for number in range(max(len(line.holes) for line in self._lines)):
            holes = np.array([_nth(line.holes, number) for line in self._lines])[places]
            has_one = holes >= 0
            begins = (starts + holes)[has_one]
            signs[begins[:, None] + np.arange(8)] = digits[has_one]
        return [binary_copy.HEAD, bytes(raw), binary_copy.TAIL]

    def _places_of(self, answers: Sequence[Given]) -> list[int]:
        """Return where the lines of answers are kept."""
        if len(self._lines) > _KEPT:
            self._places.clear()
            self._lines.clear()
        for given in {id(given): given for given in answers}.values():
            if id(given) not in self._places:
                self._places[id(given)] = len(self._lines)
                self._lines.append(self._line_of(given))
        return list(map(self._places.__getitem__, map(id, answers)))

    def _line_of(self, given: Given) -> "_Line":
        raw, holes = b"", []
        for question, slot, option, number in self._rows_of(given):
            raw += self._head
            holes.append(len(raw) + len(_HOLE) - 8)
            raw += _HOLE + b"".join(map(binary_copy.bigint, (question, slot, option)))
            raw += binary_copy.double(number) + self._tail
        return _Line(given, raw, holes)

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


def _nth(holes: Sequence[int], number: int) -> int:
    return holes[number] if number < len(holes) else -1
