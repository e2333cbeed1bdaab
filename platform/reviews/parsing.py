"""Read delimited text of unknown make: encoding, delimiter, header, records with their lines.

Nothing here trusts the file. A cell may be a megabyte long, a quote may never close, a byte may
belong to no character: each costs one record, which comes back with its reason, and never the
rest of the file. Memory is bounded by MAX_RECORD_CHARS, whatever the file's size.
"""

import codecs
import csv
import io
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, TextIO

from charset_normalizer import CharsetMatch, from_bytes

from common.errors import Invalid
from common.text import is_number, normalise

#: The longest cell and the longest text of a review, in characters.
MAX_CELL_CHARS = 100_000
#: A record longer than this is taken for a quote that was never closed.
MAX_RECORD_CHARS = 4_000_000
MAX_COLUMNS = 1_000
MAX_NAME_CHARS = 200

#: How much of a file is looked at: for validity as UTF-8 (fast), and for everything else.
SAMPLE_BYTES = 16 * 1024 * 1024
_LOOK_BYTES = 256 * 1024
_LOOK_RECORDS = 100

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16 with a byte-order mark",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "utf-32": "UTF-32",
    "cp1252": "Western European (Windows-1252)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859-2": "Central European (ISO 8859-2)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Russian (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC)",
    "cp949": "Korean",
    "gb18030": "Chinese, simplified (GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "mac-roman": "Western European (Mac Roman)",
}

# What stands for bytes that are no character: a lone surrogate, which no valid file contains.
_MARK = "\udcff"
_MARKING = "reviews.mark"


@dataclass(frozen=True, slots=True)
class Format:
    """How to read a file."""

    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line on which it starts, its cells, and why it cannot be used (or "")."""

    line: int
    cells: list[str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that has been opened: the names of its columns and its records, to be read once."""

    columns: list[str]
    records: Iterator[Record]


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

    def take_back(self) -> str:
        """Put all but the first line of the record back; return the first."""
        first, *rest = self.record
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        self.start()
        return first

    def _read(self) -> str:
        line = self._stream.readline(MAX_RECORD_CHARS + 1)
        if len(line) > MAX_RECORD_CHARS and line[-1] not in "\r\n":
            self._skip_line()
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
    codecs.register_error(_MARKING, _mark)
    # The limit is the process's; records are bounded by their own, larger than any cell's.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS + 1))
    stream = io.TextIOWrapper(binary, _codec(chosen.encoding), errors=_MARKING, newline="")
    lines = _Lines(stream)
    reader = _reader(lines, chosen.delimiter)
    try:
        while True:
            lines.start()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong, _Unclosed) as trouble:
                mended = _mend(lines, trouble, chosen.delimiter)
                # The old reader still stands in the middle of a record.
                reader = _reader(lines, chosen.delimiter)
                yield replace(mended, line=lines.number)
                continue
            if cells:
                yield _checked(Record(lines.number - len(lines.record) + 1, cells))
    finally:
        if not binary.closed:
            stream.detach()  # the file is the caller's and stays open


def _reader(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _mend(lines: _Lines, trouble: Exception, delimiter: str) -> Record:
    """Return what can be made of the first line of a record with bad quotes."""
    count = len(lines.record)
    first = lines.take_back()
    if count == 1 and isinstance(trouble, csv.Error):
        # Quotes inside one line, such as: "5" screen" - what everybody else accepts, we do too.
        return _checked(Record(0, next(csv.reader([first], delimiter=delimiter), [])))
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


# --- Guesses ----------------------------------------------------------------------------------


def guess_format(
    sample: bytes,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool | None = None,
) -> Format:
    """Guess what was not given from the start of a file; raise Invalid for an unknown choice."""
    if encoding and encoding not in ENCODINGS:
        raise Invalid.of("encoding", f"The encoding {encoding!r} is not known here.")
    if delimiter and delimiter not in DELIMITERS:
        raise Invalid.of("delimiter", f"{delimiter!r} is no delimiter; use comma, semicolon, tab.")
    encoding = encoding or guess_encoding(sample)
    head = sample[:_LOOK_BYTES]
    delimiter = delimiter or _guess_delimiter(head, encoding)
    chosen = Format(encoding, delimiter)
    if has_header is None:
        has_header = _guess_header(sample_rows(head, chosen))
    return replace(chosen, has_header=has_header)


def guess_encoding(sample: bytes) -> str:
    """Return one of ENCODINGS: by byte-order mark, as UTF-8, by statistics, else Windows-1252."""
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return _utf16_without_mark(sample[:4096]) or _utf8(sample) or _by_statistics(sample[:65_536])


def _utf16_without_mark(head: bytes) -> str:
    """Recognise the NUL of every other byte that Latin letters have in UTF-16."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    enough = len(head) // 2 * 0.4
    if odd > enough and even < enough / 4:
        return "utf-16-le"
    if even > enough and odd < enough / 4:
        return "utf-16-be"
    return ""


def _utf8(sample: bytes) -> str:
    """Accept UTF-8 with a few broken bytes: those rows are refused, not the file misread."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        foreign = sum(char > "\x7f" for char in text)
        return "utf-8" if broken * 10 < foreign else ""
    return "utf-8"


def _by_statistics(head: bytes) -> str:
    """Take what reads best; among equals (short or mostly plain samples) the commonest, 1252."""
    found = list(from_bytes(head))
    if not found:
        return "cp1252"
    best = [each for each in found if _quality(each) == _quality(found[0])]
    alike = [
        codecs.lookup(name).name
        for each in best
        for name in (each.encoding, *each.could_be_from_charset)
    ]
    if "cp1252" in alike or "iso8859-1" in alike:
        return "cp1252"
    return next((name for name in alike if name in ENCODINGS), "cp1252")


def _quality(match: CharsetMatch) -> tuple[float, float]:
    return match.chaos, match.coherence


def sample_rows(head: bytes, chosen: Format) -> list[list[str]]:
    """Return the first records of a sample, without the last, which may be cut."""
    records = []
    for record in read_records(io.BytesIO(head), chosen):
        if not record.error:
            records.append(record.cells)
        if len(records) > _LOOK_RECORDS:
            break
    is_cut = len(head) >= _LOOK_BYTES and 1 < len(records) <= _LOOK_RECORDS
    return records[:-1] if is_cut else records


def _guess_delimiter(head: bytes, encoding: str) -> str:
    def fit(delimiter: str) -> float:
        """Score by the share of records with the usual number of cells, and that number."""
        rows = sample_rows(head, Format(encoding, delimiter))
        widths = Counter(map(len, rows))
        if not widths:
            return 0.0
        width, frequency = widths.most_common(1)[0]
        return math.log(width) * frequency / len(rows)

    return max(DELIMITERS, key=fit)


def _guess_header(rows: list[list[str]]) -> bool:
    """Take the first record for names unless it looks like data: numbers, sentences, repeats."""
    if not rows:
        return True
    names = [cell.strip() for cell in rows[0]]
    if any(is_number(name) or len(name) > 60 for name in names):
        return False
    given = [name.casefold() for name in names if name]
    if not given or len(set(given)) < len(given):
        return False
    return not any(name.endswith((".", "!", "?")) for name in given)
