"""Decide about a whole batch at once, a column at a time; the same as row by row, and far faster.

Cells repeat: what a rating, a product or a date becomes is worked out once and looked up after
that. Rows that are odd in any way, and mappings that need more than this, go through the
RowReader, which also words the reason of every refusal.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from itertools import compress, repeat
from operator import is_, not_
from typing import Any, TypeVar

from common.coded import Coded, constant, mapped, zipped
from common.text import normalise
from reviews.batches import Batch, Cells
from reviews.columns import Columns
from reviews.dates import parse_date
from reviews.decided import NOTHING_GIVEN, Decided, Given, Rows
from reviews.mapping import ColumnMapping
from reviews.rows import MAX_LABEL_CHARS, Accepted, ParseAnswer, Rejected, RowReader, raw_hash
from reviews.tables import MAX_CELL_CHARS
from reviews.values import Values

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
#: Says whether answers leave nothing to ask.
IsComplete = Callable[[Any], bool]

_MEMO_ENTRIES = 20_000
_MEMO_CHARS = 200


class _Odd:
    """Stands where a cell needs the care of the RowReader."""


_ODD: Any = _Odd()


class _Memo(dict[Key, Value]):
    """What a cell becomes, worked out when it is first asked for; short cells only are kept."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> Value:
        value = self._make(key)
        if _chars(key) <= _MEMO_CHARS:
            if len(self) >= _MEMO_ENTRIES:
                self.clear()
            self[key] = value
        return value


def _chars(key: Any) -> int:
    return sum(map(len, key)) if isinstance(key, tuple) else len(key)


class BatchReader:
    """A mapping, compiled for the columns of one file."""

    def __init__(
        self,
        mapping: ColumnMapping,
        columns: Sequence[str],
        *,
        parse_answer: ParseAnswer,
        is_complete: IsComplete,
        day_first: bool,
    ) -> None:
        self._rows = RowReader(mapping, columns, parse_answer=parse_answer, day_first=day_first)
        self._is_complete = is_complete
        self._parse_answer = parse_answer
        self._day_first = day_first
        self._separator = mapping.separator
        self._width = len(columns)
        self._is_plain = not mapping.cleaning and not mapping.annotator
        self._values = Values(mapping.values)
        places = {name: index for index, name in enumerate(columns)}
        self._text = [places[name] for name in mapping.text]
        self._asked = [
            (name, places[name], key) for name, key in mapping.answers.items() if name in places
        ]
        self._date = places.get(mapping.date)
        self._labels = [places.get(mapping.product), places.get(mapping.author)]
        self._metadata = [places[name] for name in mapping.metadata or ()]
        self._given = _Memo(self._answers)
        self._days = _Memo(self._day)
        self._label = _Memo(_label)
        self._fragments = [_Memo(_fragment(name)) for name in mapping.metadata or ()]

    def read(self, batch: Batch) -> Decided:
        """Return what becomes of the batch's rows."""
        if not self._is_plain or batch.said:
            return self._finished(batch, Rows(), range(len(batch)))
        odd = set(batch.errors) | self._of_other_width(batch.cells)
        places = [at for at in range(len(batch)) if at not in odd]
        cells = [batch.cells[at] for at in places] if odd else batch.cells
        rows, more = self._by_column(cells, places, batch.first_row)
        return self._finished(batch, rows, sorted((*odd, *more)))

    def _of_other_width(self, cells: Cells) -> set[int]:
        if isinstance(cells, Columns):
            return set() if len(cells.columns) == self._width else set(range(len(cells)))
        if set(map(len, cells)) <= {self._width}:
            return set()
        return {at for at, row in enumerate(cells) if len(row) != self._width}

    def _finished(self, batch: Batch, rows: Rows, left: Sequence[int]) -> Decided:
        """Add the rows that are left, decided about one by one."""
        rejected: list[Rejected] = []
        if left:
            accepted: list[Accepted] = []
            for at, record in batch.records(left):
                outcome = self._rows.read(record, batch.first_row + at)
                (rejected if isinstance(outcome, Rejected) else accepted).append(outcome)  # type: ignore[arg-type]
            if accepted:
                given = [self._given_of(row.answers) for row in accepted]
                rows = rows.with_accepted(accepted, given)
        return Decided(rows, rejected, batch.first_row, len(batch), batch.position)

    def _by_column(self, cells: Cells, places: list[int], first_row: int) -> tuple[Rows, list[int]]:
        """Return what can be decided about here, and the places of the rows that cannot."""
        if not len(cells):
            return Rows(), []
        columns: Sequence[Sequence[str]] = (
            cells.columns if isinstance(cells, Columns) else list(zip(*cells, strict=True))
        )
        raws, texts = self._texts(columns)
        count = len(texts)
        given = self._answered(columns, count)
        days = self._dated(columns, count)
        products, authors = (self._labelled(columns, at, count) for at in self._labels)
        bad = _bad_texts(texts) | _odd(given) | _odd(days) | _odd(products) | _odd(authors)
        rows = Rows(
            numbers=[first_row + at for at in places],
            texts=texts,
            digests=[hashlib.sha256(text.encode()).digest() for text in texts],
            originals=_originals(raws, texts),
            metadata=self._described(columns, count),
            products=_settled(products, ""),
            authors=_settled(authors, ""),
            days=_settled(days, None),
            given=_settled(given, NOTHING_GIVEN),
            said=constant((), count),
        )
        if not bad:
            return rows, []
        fine = [at for at in range(count) if at not in bad]
        return rows.at(fine), [places[at] for at in sorted(bad)]

    # --- Columns ------------------------------------------------------------------------------

    def _texts(self, columns: Sequence[Sequence[str]]) -> tuple[Sequence[str], list[str]]:
        """Return the texts as the file has them, and as they are stored."""
        parts = [normalised(columns[at]) for at in self._text]
        if len(parts) == 1:
            return columns[self._text[0]], parts[0]
        joined = [self._separator.join(filter(None, each)) for each in zip(*parts, strict=True)]
        raw = [
            self._separator.join(compress(cells, each))
            for cells, each in zip(
                zip(*(columns[at] for at in self._text), strict=True),
                zip(*parts, strict=True),
                strict=True,
            )
        ]
        # Joining may bring a combining mark next to a letter: compose once more. What is one cell
        # alone is normalised already and stays.
        return raw, normalised(joined)

    def _answered(self, columns: Sequence[Sequence[str]], count: int) -> Sequence[Given]:
        if not self._asked:
            return constant(NOTHING_GIVEN, count)
        cells = zipped([columns[at] for _, at, _ in self._asked])
        return mapped(cells, self._given.__getitem__)

    def _answers(self, cells: tuple[str, ...]) -> Given:
        answers = {}
        for (name, _, key), raw in zip(self._asked, cells, strict=True):
            try:
                answer = self._parse_answer(key, self._values.of(name, normalise(raw)))
            except ValueError:
                return _ODD  # type: ignore[no-any-return]
            if isinstance(answer, tuple):  # spans move with the text
                return _ODD  # type: ignore[no-any-return]
            if answer is not None:
                answers[key] = answer
        return self._given_of(answers)

    def _given_of(self, answers: Any) -> Given:
        return Given(answers, self._is_complete(answers)) if answers else NOTHING_GIVEN

    def _dated(self, columns: Sequence[Sequence[str]], count: int) -> Sequence[str | None]:
        if self._date is None:
            return constant(None, count)
        return mapped(columns[self._date], self._days.__getitem__)

    def _day(self, raw: str) -> str | None:
        if not raw.strip():
            return None
        try:
            return parse_date(raw, day_first=self._day_first).isoformat()
        except ValueError:
            return _ODD  # type: ignore[no-any-return]

    def _labelled(
        self, columns: Sequence[Sequence[str]], at: int | None, count: int
    ) -> Sequence[str]:
        if at is None:
            return constant("", count)
        return mapped(columns[at], self._label.__getitem__)

    def _described(self, columns: Sequence[Sequence[str]], count: int) -> Sequence[str]:
        if not self._metadata:
            return constant("{}", count)
        parts = zipped(
            [
                mapped(columns[at], memo.__getitem__)
                for at, memo in zip(self._metadata, self._fragments, strict=True)
            ]
        )
        return mapped(parts, lambda each: f"{{{', '.join(filter(None, each))}}}")


def _label(raw: str) -> str:
    value = " ".join(normalise(raw).split())
    # A longer one is kept whole in the metadata.
    return value if len(value) <= MAX_LABEL_CHARS else _ODD


def _fragment(name: str) -> Callable[[str], str]:
    key = json.dumps(name, ensure_ascii=False)

    def make(raw: str) -> str:
        value = normalise(raw)
        return f"{key}: {json.dumps(value, ensure_ascii=False)}" if value else ""

    return make


def normalised(texts: Sequence[str]) -> list[str]:
    """Return common.text.normalise of every text; for most it comes to stripping them."""
    if any("\r" in text or "\x00" in text for text in texts):
        return list(map(normalise, texts))
    are_ascii = list(map(str.isascii, texts))
    if all(are_ascii):
        return list(map(str.strip, texts))
    return [
        text.strip() if is_ascii else normalise(text)
        for text, is_ascii in zip(texts, are_ascii, strict=True)
    ]


def _originals(raws: Sequence[str], texts: Sequence[str]) -> Sequence[str]:
    # What there is nothing to strip from is the same object most of the time.
    if all(map(is_, raws, texts)) or all(map(str.__eq__, raws, texts)):
        return constant("", len(texts))
    return ["" if raw == text else raw_hash(raw) for raw, text in zip(raws, texts, strict=True)]


def _bad_texts(texts: Sequence[str]) -> set[int]:
    bad: set[int] = set()
    if not all(texts):
        bad.update(compress(range(len(texts)), map(not_, texts)))
    if max(map(len, texts)) > MAX_CELL_CHARS:
        bad.update(at for at, text in enumerate(texts) if len(text) > MAX_CELL_CHARS)
    return bad


def _settled(values: Sequence[Any], instead: Any) -> Sequence[Any]:
    """Put `instead` where a value that is kept for its column is odd.

    Rows that have it are decided about elsewhere, but what is kept is worked on with the rest.
    """
    if not isinstance(values, Coded) or not any(map(is_, values.values, repeat(_ODD))):
        return values
    return mapped(values, lambda value: instead if value is _ODD else value)


def _odd(values: Sequence[Any]) -> set[int]:
    if isinstance(values, Coded) and not any(map(is_, values.values, repeat(_ODD))):
        return set()
    if not any(map(is_, values, repeat(_ODD))):
        return set()
    return {at for at, value in enumerate(values) if value is _ODD}
