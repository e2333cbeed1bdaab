"""Read delimited text of unknown make: encoding, delimiter, header, records with their lines.

Nothing here trusts the file. A cell may be a megabyte long, a quote may never close, a byte may
belong to no character: each costs one record, which comes back with its reason, and never the
rest of the file. Memory is bounded by MAX_RECORD_CHARS, whatever the file's size.

There are two lanes. The careful one takes a record at a time and knows what to do about each; the
fast one takes a large piece of the file at once and gives up, before anything of it is used, when
anything is odd about it: then that piece goes through the careful lane. Both end a piece between
two records, so they may take turns.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, BinaryIO, TextIO

from common.errors import Invalid
from common.text import normalise
from reviews.tables import (
    MAX_CELL_CHARS,
    MAX_COLUMNS,
    MAX_NAME_CHARS,
    MAX_RECORD_CHARS,
    Format,
    Record,
    Table,
)

# What stands for bytes that are no character: a lone surrogate, which no valid file contains.
_MARK = "\udcff"
_MARKING = "reviews.mark"
#: What the fast lane takes at once; less than the longest record, so that it never meets that.
_PIECE_CHARS = 3_500_000
_SOME = 2_000
#: What ends a line for str.splitlines and not in a file.
_OTHER_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def open_table(binary: BinaryIO, chosen: Format) -> Table:
    """Start reading `binary`; raise Invalid when it is empty or its header cannot be used."""
    records = read_records(binary, chosen)
    first = next(records, None)
    if first is None:
        raise Invalid.of("file", "The file is empty. Choose a file with a row for every review.")
    if first.error:
        raise Invalid.of("file", f"Line {first.line} cannot be read as the header: {first.error}.")
    if len(first.cells) > MAX_COLUMNS:
        raise Invalid.of(
            "file", f"The file has {len(first.cells):,} columns; at most {MAX_COLUMNS:,} are read."
        )
    if chosen.has_header:
        return Table(name_columns(first.cells), records)
    return Table(name_columns([""] * len(first.cells)), _again(first, records))


def _again(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest


def name_columns(cells: list[str]) -> list[str]:
    """Return a distinct name for every cell of a header; nameless ones become "column N"."""
    names: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        wanted = readable(normalise(cell))[:MAX_NAME_CHARS].strip() or f"column {number}"
        name, copy = wanted, 1
        while name in taken:
            copy += 1
            name = f"{wanted} ({copy})"
        taken.add(name)
        names.append(name)
    return names


def readable(text: str) -> str:
    """Replace what stands for undecodable bytes by the character for "unknown"."""
    return text.replace(_MARK, "\ufffd")


# --- Records ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records without fault: their cells, and where they stand in the file."""

    cells: list[list[str]]
    #: With the blank lines, which are no records.
    _rows: list[list[str]]
    #: On which the first of the rows starts.
    line: int
    line_count: int

    def lines(self) -> list[int]:
        """Return the line on which each record starts."""
        found, line = [], self.line
        is_simple = self.line_count == len(self._rows)
        for cells in self._rows:
            if cells:
                found.append(line)
            line += 1 if is_simple else 1 + sum(map(_breaks, cells))
        return found


class _TooLong(Exception):
    """The record has outgrown MAX_RECORD_CHARS."""


class _Unclosed(Exception):
    """The file ended inside quotes."""


class _Lines(Iterator[str]):
    """Hand lines to a csv reader and keep those of the present record, to take them back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._chars = 0
        self.record: list[str] = []
        self.number = 0

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            if self.record:
                raise _Unclosed
            raise StopIteration
        self.number += 1
        self.record.append(line)
        self._chars += len(line)
        if self._chars > MAX_RECORD_CHARS:
            raise _TooLong
        return line

    def start(self) -> None:
        """Forget the lines of the record before."""
        self.record.clear()
        self._chars = 0

    @property
    def has_waiting(self) -> bool:
        """Tell whether there are lines that were put back."""
        return bool(self._waiting)

    def put(self, piece: str) -> None:
        """Put whole lines back that were read from the stream by others."""
        for line in _split(piece):
            self._waiting.append(self._fit(line))

    def take_back(self) -> str:
        """Put all but the first line of the record back; return the first."""
        first, *rest = self.record
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        self.start()
        return first

    def _read(self) -> str:
        return self._fit(self._stream.readline(MAX_RECORD_CHARS + 1))

    def _fit(self, line: str) -> str:
        """Cut a line that is longer than any record, and pass over what is left of it."""
        if len(line) > MAX_RECORD_CHARS:
            if line[-1] not in "\r\n":
                self._skip_line()
            line = line[: MAX_RECORD_CHARS + 1]
        return line.replace("\x00", "") if "\x00" in line else line

    def _skip_line(self) -> None:
        while piece := self._stream.readline(1 << 20):
            if piece[-1] in "\r\n":
                return


def read_records(binary: BinaryIO, chosen: Format) -> Iterator[Record]:
    """Yield every record that is not blank, header included; a bad one carries its error.

    A record may span lines only when its quotes are right. Where they are not, its first line
    alone is refused and reading goes on with the second.
    """
    stream = _stream(binary, chosen)
    try:
        yield from _careful(_Lines(stream), chosen)
    finally:
        if not binary.closed:
            stream.detach()  # the file is the caller's and stays open


def read_pieces(binary: BinaryIO, chosen: Format) -> Iterator[list[Record] | Piece]:
    """Yield the same records as `read_records`, many at a time, and fast where that is safe."""
    stream = _stream(binary, chosen)
    lines = _Lines(stream)
    try:
        while piece := _take(stream, chosen.quote):
            found = _at_once(piece, chosen, line=lines.number + 1)
            if found is not None:
                lines.number += found.line_count
                yield found
                continue
            lines.put(piece)
            careful = _careful(lines, chosen)
            while records := _some(careful, lines):
                yield records
    finally:
        if not binary.closed:
            stream.detach()


def _some(careful: Iterator[Record], lines: _Lines) -> list[Record]:
    """Return records until there are a few thousand or the lines that were put back are used up."""
    found: list[Record] = []
    while lines.has_waiting and len(found) < _SOME:
        record = next(careful, None)
        if record is None:
            break
        found.append(record)
    return found


def _stream(binary: BinaryIO, chosen: Format) -> io.TextIOWrapper:
    codecs.register_error(_MARKING, _mark)
    # The limit is the process's; records are bounded by their own, larger than any cell's.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS + 1))
    return io.TextIOWrapper(binary, _codec(chosen.encoding), errors=_MARKING, newline="")


# --- The fast lane ----------------------------------------------------------------------------


def _take(stream: TextIO, quote: str) -> str:
    """Read some whole lines, most likely up to the end of a record; "" at the end of the file."""
    piece = stream.read(_PIECE_CHARS)
    if piece and piece[-1] != "\n":
        piece += stream.readline(MAX_RECORD_CHARS + 1)
    # Quotes come in pairs, unless they stand for inches: a guess that only costs time.
    if piece.count(quote) % 2:
        more: list[str] = []
        chars = 0
        while chars < _PIECE_CHARS and (line := stream.readline(MAX_RECORD_CHARS + 1)):
            more.append(line)
            chars += len(line)
            if line.count(quote) % 2:
                break
        piece += "".join(more)
    return piece


def _at_once(piece: str, chosen: Format, *, line: int) -> Piece | None:
    """Parse a piece that starts on `line`; None when anything about it asks for care."""
    if len(piece) > MAX_RECORD_CHARS or "\x00" in piece or _MARK in piece:
        return None
    reader: Any = _reader(_split(piece), chosen)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    if max(map(len, chain.from_iterable(rows)), default=0) > MAX_CELL_CHARS:
        return None
    cells = [row for row in rows if row] if [] in rows else rows
    return Piece(cells, rows, line, reader.line_num)


def _split(piece: str) -> Iterator[str]:
    """Return the lines of a piece, which end where those of a file do."""
    if any(char in piece for char in _OTHER_ENDS):
        return io.StringIO(piece, newline="")
    return iter(piece.splitlines(keepends=True))


def _breaks(cell: str) -> int:
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


# --- The careful lane -------------------------------------------------------------------------


def _careful(lines: _Lines, chosen: Format) -> Iterator[Record]:
    reader = _reader(lines, chosen)
    while True:
        lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong, _Unclosed) as trouble:
            mended = _mend(lines, trouble, chosen)
            # The old reader still stands in the middle of a record.
            reader = _reader(lines, chosen)
            yield replace(mended, line=lines.number)
            continue
        if cells:
            yield _checked(Record(lines.number - len(lines.record) + 1, cells))


def _reader(lines: Iterator[str], chosen: Format, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=chosen.delimiter,
        quotechar=chosen.quote,
        strict=strict,
        # With a space for delimiter, a space at the start of a cell is the end of an empty one.
        skipinitialspace=chosen.delimiter != " ",
    )


def _mend(lines: _Lines, trouble: Exception, chosen: Format) -> Record:
    """Return what can be made of the first line of a record with bad quotes."""
    count = len(lines.record)
    first = lines.take_back()
    if count == 1 and isinstance(trouble, csv.Error):
        # Quotes inside one line, such as: "5" screen" - what everybody else accepts, we do too.
        return _checked(Record(0, next(_reader(iter([first]), chosen, strict=False), [])))
    if count == 1 and isinstance(trouble, _TooLong):
        reason = f"the line is longer than {MAX_RECORD_CHARS:,} characters"
    else:
        reason = "a quote opens here and is not closed as it should be"
    return Record(0, [readable(first.rstrip("\r\n")[:MAX_CELL_CHARS])], reason)


def _checked(record: Record) -> Record:
    """Refuse a record with a cell that is too long or bytes that are not text."""
    cells = record.cells
    if sum(map(len, cells)) > MAX_CELL_CHARS and max(map(len, cells)) > MAX_CELL_CHARS:
        longest = max(range(len(cells)), key=lambda index: len(cells[index]))
        reason = (
            f"cell {longest + 1} has {len(cells[longest]):,} characters, "
            f"at most {MAX_CELL_CHARS:,} are allowed"
        )
        short = [readable(cell[:MAX_CELL_CHARS]) for cell in cells]
        return Record(record.line, short, reason)
    if any(_MARK in cell for cell in cells):
        reason = "it contains bytes that are no characters in the chosen encoding"
        return Record(record.line, [readable(cell) for cell in cells], reason)
    return record


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _MARK, error.end


def _codec(encoding: str) -> str:
    # A byte-order mark is no part of the first column's name.
    return "utf-8-sig" if encoding == "utf-8" else encoding
