"""Read delimited text fast: a large piece of the file at once, with care where anything is odd.

A piece ends where a line ends, most likely between two records. When anything about it asks for
care - bad quotes, a NUL, bytes that are no characters, a cell that is too long, a record that goes
on - then, before anything of it is used, the careful lane of reviews.parsing reads it instead, up
to the next end of a record. Both therefore yield the same, and may take turns.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import BinaryIO

import numpy as np

from reviews.columns import Columns
from reviews.parsing import (
    MARKING,
    Lines,
    careful_records,
    codec_of,
    csv_reader,
    prepare,
    read_records,
)
from reviews.tables import MAX_CELL_CHARS, MAX_RECORD_CHARS, Format, Record

#: Less than the longest record, so that the fast lane never meets that.
PIECE_BYTES = 2_400_000
_SOME = 2_000
_CR, _LF = b"\r\n"
_END = re.compile(rb"\r\n|\n|\r")
#: Where bytes below 128 are ASCII, wherever they stand.
_BYTEWISE = re.compile(r"utf-8|ascii|cp125\d|iso8859-\d+|koi8-\w")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records without fault: their cells, and where they stand in the file."""

    cells: list[list[str]] | Columns
    line_count: int
    #: Returns the line on which each record starts.
    lines: Callable[[], list[int]]


def read_pieces(binary: BinaryIO, chosen: Format) -> Iterator[list[Record] | Piece]:
    """Yield the records that reviews.parsing.read_records yields, many at a time."""
    if not _BYTEWISE.fullmatch(chosen.encoding):
        records = read_records(binary, chosen)
        while some := list(islice(records, _SOME)):
            yield some
        return
    prepare()
    source = _Source(binary, chosen)
    lines = Lines(source)
    width = 0
    while piece := source.take():
        found = _at_once(piece, chosen, line=lines.number + 1, width=width)
        if found is not None and source.is_between_lines:
            lines.number += found.line_count
            width = len(found.cells[0]) if len(found.cells) else width
            yield found
        else:
            yield from _with_care(source, lines, piece, chosen)


def _with_care(
    source: "_Source", lines: Lines, piece: bytes, chosen: Format
) -> Iterator[list[Record]]:
    """Yield the records that start in a piece, which has been taken from the source."""
    source.put_back(piece)
    end = source.given + len(piece)
    records = careful_records(lines, chosen)
    while some := _some(records, lambda: source.given < end or lines.has_waiting):
        yield some


def _some(records: Iterator[Record], has_more: Callable[[], bool]) -> list[Record]:
    found: list[Record] = []
    while has_more() and len(found) < _SOME:
        record = next(records, None)
        if record is None:
            break
        found.append(record)
    return found


def _at_once(piece: bytes, chosen: Format, *, line: int, width: int) -> Piece | None:
    """Parse a piece that starts on `line`; None when anything about it asks for care.

    Records are most likely as wide as those before them, `width`.
    """
    if len(piece) > MAX_RECORD_CHARS or b"\x00" in piece:
        return None
    found = _by_column(piece, chosen, width)
    if found is not None:
        return Piece(found, _line_count(piece), lambda: _lines_of(_rows(piece, chosen), line))
    try:
        rows = _rows(piece, chosen)
    except (csv.Error, UnicodeDecodeError):
        return None
    if max(map(len, chain.from_iterable(rows)), default=0) > MAX_CELL_CHARS:
        return None
    cells = [row for row in rows if row] if [] in rows else rows
    return Piece(cells, _line_count(piece), lambda: _lines_of(rows, line))


def _by_column(piece: bytes, chosen: Format, width: int) -> Columns | None:
    if chosen.encoding != "utf-8":
        try:
            piece = str(piece, codec_of(chosen.encoding)).encode()
        except UnicodeDecodeError:
            return None
    # Arrow takes some 25 MB, which an export of the same worker would carry along.
    from reviews import columnar

    return columnar.parse(piece, width=width, delimiter=chosen.delimiter, quote=chosen.quote)


def _rows(piece: bytes, chosen: Format) -> list[list[str]]:
    codec = "utf-8" if chosen.encoding == "utf-8" else codec_of(chosen.encoding)
    lines = piece.splitlines(keepends=True)
    return list(csv_reader(map(str, lines, repeat(codec)), chosen))


def _line_count(piece: bytes) -> int:
    signs = np.frombuffer(piece, np.uint8)
    is_feed = signs == _LF
    ends = int(np.count_nonzero(is_feed))
    if b"\r" in piece:
        is_return = signs == _CR
        is_one_end = is_return[:-1] & is_feed[1:]
        ends += int(np.count_nonzero(is_return)) - int(np.count_nonzero(is_one_end))
    return ends + (piece[-1:] not in b"\r\n")


def _lines_of(rows: list[list[str]], line: int) -> list[int]:
    """Return the line on which each row starts that is not blank; the first of all on `line`."""
    found = []
    for cells in rows:
        if cells:
            found.append(line)
        line += 1 + sum(map(_breaks, cells))
    return found


def _breaks(cell: str) -> int:
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


class _Source:
    """The bytes of a file, in pieces for the fast lane and in lines for the careful one."""

    def __init__(self, binary: BinaryIO, chosen: Format) -> None:
        self._binary = binary
        self._codec = "utf-8" if chosen.encoding == "utf-8" else codec_of(chosen.encoding)
        self._quote = chosen.quote.encode(self._codec, "replace")
        # A byte-order mark is no part of the first column's name.
        head = binary.read(3)
        self._held = b"" if head == codecs.BOM_UTF8 and chosen.encoding == "utf-8" else head
        self._at = 0
        #: How many bytes were given away in lines.
        self.given = 0
        #: Whether the piece taken last ends where a line ends.
        self.is_between_lines = True

    def take(self) -> bytes:
        """Return the next piece; nothing at the end of the file."""
        more = self._binary.read(PIECE_BYTES)
        piece = self._held[self._at :] + more
        self._held, self._at = b"", 0
        if more:
            # A carriage return at the very end may be half of a line end.
            cut = max(piece.rfind(b"\n"), piece.rfind(b"\r", 0, len(piece) - 1)) + 1
            self.is_between_lines = cut > 0
            if cut:
                piece, self._held = piece[:cut], piece[cut:]
        else:
            self.is_between_lines = True
        # Quotes come in pairs, unless they stand for inches: a guess that only costs time.
        return piece + self._closing() if piece.count(self._quote) % 2 else piece

    def _closing(self) -> bytes:
        """Return lines up to the next with an odd number of quotes."""
        found: list[bytes] = []
        size = 0
        while size < PIECE_BYTES and (line := self._line(PIECE_BYTES)):
            found.append(line)
            size += len(line)
            self.is_between_lines = line[-1:] in b"\r\n"
            if line.count(self._quote) % 2:
                break
        return b"".join(found)

    def put_back(self, piece: bytes) -> None:
        """Take a piece back, to give it away in lines."""
        self._held, self._at = piece + self._held[self._at :], 0

    def readline(self, size: int, /) -> str:
        """Return the next line, decoded; a part of one that is far longer than `size`."""
        line = self._line(4 * size)
        self.given += len(line)
        return str(line, self._codec, MARKING)

    def _line(self, size: int) -> bytes:
        end = _END.search(self._held, self._at)
        if end is None or end.end() == len(self._held):
            # Nothing is held, or part of a line, or perhaps of its end.
            self._held = self._held[self._at :] + self._rest(size)
            self._at = 0
            if self._held[-1:] == b"\r":
                # It was cut just there: the other half of the line end may follow.
                self._held += self._binary.read(1)
            end = _END.search(self._held)
        start, self._at = self._at, end.end() if end else len(self._held)
        return self._held[start : self._at]

    def _rest(self, size: int) -> bytes:
        held = len(self._held) - self._at
        if self._held[-1:] == b"\n" and held:
            return b""
        return self._binary.readline(max(1, size - held))
