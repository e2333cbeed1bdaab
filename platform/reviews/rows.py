"""Decide about one record: a review to be, or a refusal with column, reason and value."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.text import normalise, text_hash
from reviews.dates import parse_date
from reviews.mapping import ColumnMapping
from reviews.parsing import readable
from reviews.tables import MAX_CELL_CHARS, Record

#: Product and author names are cut to this; a longer one is kept whole in the metadata.
MAX_LABEL_CHARS = 200
_MAX_VALUE_CHARS = 500

ParseAnswer = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that can become a review."""

    row_number: int
    text: str
    text_hash: str
    metadata: str  # JSON
    product: str
    author: str
    reviewed_at: date | None
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot, and why."""

    row_number: int
    line: int
    column: str
    reason: str
    value: str
    cells: Sequence[str]


class _Refusal(Exception):
    def __init__(self, reason: str, *, column: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.column, self.reason, self.value = column, reason, value


class RowReader:
    """A mapping, compiled for one file: columns to places."""

    def __init__(
        self,
        mapping: ColumnMapping,
        columns: Sequence[str],
        *,
        parse_answer: ParseAnswer,
        day_first: bool,
    ) -> None:
        places = {name: index for index, name in enumerate(columns)}
        self._width = len(columns)
        self._text = [places[name] for name in mapping.text]
        self._text_names = ", ".join(mapping.text)[:MAX_LABEL_CHARS]
        self._separator = mapping.separator
        self._answers = [(name, places[name], key) for name, key in mapping.answers.items()]
        self._metadata = [(name, places[name]) for name in mapping.metadata or ()]
        self._date = places.get(mapping.date)
        self._product = places.get(mapping.product)
        self._author = places.get(mapping.author)
        self._names = list(columns)
        self._parse_answer = parse_answer
        self._day_first = day_first

    def read(self, record: Record, row_number: int) -> Accepted | Rejected:
        """Return what becomes of the record that is the file's `row_number`th row (from 1)."""
        try:
            return self._accept(record, row_number)
        except _Refusal as refusal:
            return Rejected(
                row_number=row_number,
                line=record.line,
                column=refusal.column,
                reason=refusal.reason[:500],
                value=refusal.value[:_MAX_VALUE_CHARS],
                cells=record.cells,
            )

    def _accept(self, record: Record, row_number: int) -> Accepted:
        cells = record.cells
        if record.error:
            raise _Refusal(record.error, value=cells[0] if cells else "")
        if len(cells) != self._width:
            raise _Refusal(f"the row has {_counted(len(cells))}, the header has {self._width}")
        text = self._joined(cells)
        metadata = {name: value for name, at in self._metadata if (value := normalise(cells[at]))}
        return Accepted(
            row_number=row_number,
            text=text,
            text_hash=text_hash(text),
            product=self._label(cells, self._product, metadata),
            author=self._label(cells, self._author, metadata),
            reviewed_at=self._day(cells),
            answers=self._answered(cells),
            metadata=json.dumps(metadata, ensure_ascii=False),
        )

    def _joined(self, cells: Sequence[str]) -> str:
        parts = [part for at in self._text if (part := normalise(cells[at]))]
        # Joining may bring a combining mark next to a letter: compose once more.
        text = parts[0] if len(parts) == 1 else normalise(self._separator.join(parts))
        if not text:
            raise _Refusal("there is no text", column=self._text_names)
        if len(text) > MAX_CELL_CHARS:
            raise _Refusal(
                f"the text has {len(text):,} characters, at most {MAX_CELL_CHARS:,} are allowed",
                column=self._text_names,
                value=text,
            )
        return text

    def _label(self, cells: Sequence[str], at: int | None, metadata: dict[str, str]) -> str:
        if at is None:
            return ""
        value = " ".join(normalise(cells[at]).split())
        if len(value) > MAX_LABEL_CHARS:
            metadata[self._names[at]] = value
        return value[:MAX_LABEL_CHARS]

    def _day(self, cells: Sequence[str]) -> date | None:
        if self._date is None or not cells[self._date].strip():
            return None
        raw = cells[self._date]
        try:
            return parse_date(raw, day_first=self._day_first)
        except ValueError as error:
            raise _Refusal(str(error), column=self._names[self._date], value=raw) from None

    def _answered(self, cells: Sequence[str]) -> dict[str, Any]:
        answers = {}
        for name, at, key in self._answers:
            raw = normalise(cells[at])
            try:
                answer = self._parse_answer(key, raw)
            except ValueError as error:
                raise _Refusal(str(error), column=name, value=raw) from None
            if answer is not None:
                answers[key] = answer
        return answers


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells:,} cells"


def as_kept(rejected: Rejected) -> str:
    """Return the cells of a rejected row as JSON that every database takes."""
    cells = [
        readable(cell)[:MAX_CELL_CHARS].encode("utf-8", "replace").decode()
        for cell in rejected.cells
    ]
    return json.dumps(cells, ensure_ascii=False)
