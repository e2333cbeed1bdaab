"""Decide about one record: a review to be, or a refusal with column, reason and value."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from common.text import normalise, text_hash
from reviews.answers import ImportedSpan
from reviews.cleaning import joined, joined_with_offsets
from reviews.dates import parse_date
from reviews.mapping import ColumnMapping
from reviews.offsets import Offsets
from reviews.parsing import readable
from reviews.tables import MAX_CELL_CHARS, Record
from reviews.values import Values

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
    #: What holds for true, by question.
    answers: Mapping[str, Any]
    #: SHA-256 in hex of the text as the file has it where that is another one; else "".
    original_hash: str = ""
    #: What people said: the annotator's name and answers by question.
    said: tuple[tuple[str, Mapping[str, Any]], ...] = ()


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


@dataclass(frozen=True, slots=True)
class _Text:
    """The text that is stored and that of the file."""

    stored: str
    raw: str


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
        self._mapping = mapping
        self._width = len(columns)
        self._text = [places[name] for name in mapping.text]
        self._text_names = ", ".join(mapping.text)[:MAX_LABEL_CHARS]
        self._spans_about = _spans_about(mapping.text)
        asked = mapping.answers.items()
        self._answers = [(name, places[name], key) for name, key in asked if name in places]
        self._fields = {name: key for name, key in asked if name not in places}
        self._metadata = [(name, places[name]) for name in mapping.metadata or ()]
        self._date = places.get(mapping.date)
        self._product = places.get(mapping.product)
        self._author = places.get(mapping.author)
        self._annotator = places.get(mapping.annotator)
        self._names = list(columns)
        self._values = Values(mapping.values)
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
        accepted = Accepted(
            row_number=row_number,
            text=text.stored,
            text_hash=text_hash(text.stored),
            product=self._label(cells, self._product, metadata),
            author=self._label(cells, self._author, metadata),
            reviewed_at=self._day(cells),
            answers={},
            metadata=json.dumps(metadata, ensure_ascii=False),
            original_hash="" if text.raw == text.stored else raw_hash(text.raw),
        )
        return self._with_answers(accepted, record, text)

    def _joined(self, cells: Sequence[str]) -> _Text:
        steps, separator = self._mapping.cleaning, self._mapping.separator
        wanted = [cells[at] for at in self._text]
        text = joined(wanted, separator, steps)
        if not text:
            why = "there is no text" if not any(map(normalise, wanted)) else "nothing of it is left"
            raise _Refusal(why, column=self._text_names)
        if len(text) > MAX_CELL_CHARS:
            raise _Refusal(
                f"the text has {len(text):,} characters, at most {MAX_CELL_CHARS:,} are allowed",
                column=self._text_names,
                value=text,
            )
        raw = separator.join(cell for cell in wanted if joined([cell], "", steps))
        return _Text(text, raw)

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

    def _with_answers(self, row: Accepted, record: Record, text: _Text) -> Accepted:
        """Add what the columns and the file's own labels say: for true, or by an annotator."""
        given = self._answered(record.cells, text)
        said: dict[str, dict[str, Any]] = {}
        who = "" if self._annotator is None else normalise(record.cells[self._annotator])
        if given:
            said[who[:MAX_LABEL_CHARS]] = given
        for each in record.said:
            found = self._from_fields(each.answers, record.cells, text)
            if found:
                name = normalise(each.annotator)[:MAX_LABEL_CHARS]
                said[name] = {**said.get(name, {}), **found}
        answers = said.pop("", {})
        return replace(row, answers=answers, said=tuple(said.items()))

    def _answered(self, cells: Sequence[str], text: _Text) -> dict[str, Any]:
        answers = {}
        for name, at, key in self._answers:
            answer = self._answer(name, key, normalise(cells[at]), cells, text)
            if answer is not None:
                answers[key] = answer
        return answers

    def _from_fields(
        self, raw: Mapping[str, str], cells: Sequence[str], text: _Text
    ) -> dict[str, Any]:
        answers = {}
        for name, key in self._fields.items():
            answer = self._answer(name, key, raw.get(name, ""), cells, text)
            if answer is not None:
                answers[key] = answer
        return answers

    def _answer(self, name: str, key: str, raw: str, cells: Sequence[str], text: _Text) -> Any:
        try:
            answer = self._parse_answer(key, self._values.of(name, raw))
        except ValueError as error:
            raise _Refusal(str(error), column=name, value=raw) from None
        if not isinstance(answer, tuple):
            return answer
        try:
            return self._moved(answer, cells, text)
        except ValueError as error:
            raise _Refusal(str(error), column=name, value=raw) from None

    def _moved(
        self, spans: tuple[ImportedSpan, ...], cells: Sequence[str], text: _Text
    ) -> tuple[ImportedSpan, ...]:
        """Return spans of a cell as spans of the text that is stored."""
        if not spans:
            return ()
        wanted = [cells[at] for at in self._text]
        _, moves = joined_with_offsets(wanted, self._mapping.separator, self._mapping.cleaning)
        about, offsets = wanted[self._spans_about], moves[self._spans_about]
        moved = (_move(span, about, offsets, text.stored) for span in spans)
        return tuple(dict.fromkeys(moved))


def _move(span: ImportedSpan, cell: str, offsets: Offsets, text: str) -> ImportedSpan:
    where = f"the span from {span.start} to {span.end}"
    if not 0 <= span.start < span.end <= len(cell):
        raise ValueError(f"{where} lies outside the text, which has {len(cell):,} characters")
    moved = offsets.move(span.start, span.end)
    if moved is None or moved[0] >= moved[1]:
        raise ValueError(f"nothing is left of {where}")
    start, end = moved
    if not text[start:end].strip():
        raise ValueError(f"nothing is left of {where}")
    return replace(span, start=start, end=end)


def _spans_about(names: Sequence[str]) -> int:
    """Return which text column spans count in: that called text, else the last, after titles."""
    folded = [name.strip().casefold() for name in names]
    return folded.index("text") if "text" in folded else len(folded) - 1


def raw_hash(raw: str) -> str:
    """Return the SHA-256 of a text as a file has it, half letters included."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells:,} cells"


def as_kept(rejected: Rejected) -> str:
    """Return the cells of a rejected row as JSON that every database takes."""
    cells = [
        readable(cell)[:MAX_CELL_CHARS].encode("utf-8", "replace").decode()
        for cell in rejected.cells
    ]
    return json.dumps(cells, ensure_ascii=False)
