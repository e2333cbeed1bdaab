"""Read delimited text of unknown make: encoding, delimiter, header, records with their lines.

Nothing here trusts the file. A cell may be a megabyte long, a quote may never close, a byte may
belong to no character: each costs one record, which comes back with its reason, and never the
rest of the file. Memory is bounded by MAX_RECORD_CHARS, whatever the file's size.

This is the careful lane, which takes a record at a time; reviews.pieces has a fast one.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Protocol

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
MARKING = "reviews.mark"


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


class _TooLong(Exception):
    """The record has outgrown MAX_RECORD_CHARS."""


class _Unclosed(Exception):
    """The file ended inside quotes."""


class HasLines(Protocol):
    """Text that is read line by line, line ends kept, such as an io.TextIOWrapper."""

    def readline(self, size: int, /) -> str:
        """Return the next line, or so much of a longer one; "" at the end."""
        ...


class Lines(Iterator[str]):
    """Hand lines to a csv reader and keep those of the present record, to take them back."""

    def __init__(self, stream: HasLines) -> None:
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
    prepare()
    stream = io.TextIOWrapper(binary, codec_of(chosen.encoding), errors=MARKING, newline="")
    try:
        yield from careful_records(Lines(stream), chosen)
    finally:
        if not binary.closed:
            stream.detach()  # the file is the caller's and stays open


def prepare() -> None:
    """Set what reading takes in this process; doing it again changes nothing."""
    codecs.register_error(MARKING, _mark)
    # The limit is the process's; records are bounded by their own, larger than any cell's.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS + 1))


def careful_records(lines: Lines, chosen: Format) -> Iterator[Record]:
    """Yield the records of lines, each with its error; between two, none of the next is taken."""
    reader = csv_reader(lines, chosen)
    while True:
        lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong, _Unclosed) as trouble:
            mended = _mend(lines, trouble, chosen)
            # The old reader still stands in the middle of a record.
            reader = csv_reader(lines, chosen)
            yield replace(mended, line=lines.number)
            continue
        if cells:
            yield _checked(Record(lines.number - len(lines.record) + 1, cells))


def csv_reader(lines: Iterator[str], chosen: Format, *, strict: bool = True) -> Iterator[list[str]]:
    """Return what parses lines in the way that was chosen."""
    return csv.reader(
        lines,
        delimiter=chosen.delimiter,
        quotechar=chosen.quote,
        strict=strict,
        # With a space for delimiter, a space at the start of a cell is the end of an empty one.
        skipinitialspace=chosen.delimiter != " ",
    )


def _mend(lines: Lines, trouble: Exception, chosen: Format) -> Record:
    """Return what can be made of the first line of a record with bad quotes."""
    count = len(lines.record)
    first = lines.take_back()
    if count == 1 and isinstance(trouble, csv.Error):
        # Quotes inside one line, such as: "5" screen" - what everybody else accepts, we do too.
        return _checked(Record(0, next(csv_reader(iter([first]), chosen, strict=False), [])))
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


def codec_of(encoding: str) -> str:
    """Return Python's name of an encoding."""
    # A byte-order mark is no part of the first column's name.
    return "utf-8-sig" if encoding == "utf-8" else encoding
