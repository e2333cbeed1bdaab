"""Read plain text in which every line is a review."""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from common.errors import Invalid
from reviews.parsing import name_columns, readable
from reviews.sources.streams import lines, release, text_stream
from reviews.tables import MAX_CELL_CHARS, Format, Record, Table


def open_lines(binary: BinaryIO, chosen: Format) -> Table:
    """Take every line that is not blank for a text; the first names it where there is a header."""
    records = _records(binary, chosen.encoding)
    first = next(records, None)
    if first is None:
        raise Invalid.of("file", "The file is empty. Choose a file with a review on every line.")
    if chosen.has_header and not first.error:
        return Table(name_columns(first.cells), records)
    return Table(["text"], chain([first], records))


def _records(binary: BinaryIO, encoding: str) -> Iterator[Record]:
    stream = text_stream(binary, encoding)
    try:
        for number, line, trouble in lines(stream):
            text = line.replace("\x00", "").strip("\ufeff\r\n")
            if not text.strip():
                continue
            why = trouble or _too_long(text)
            yield Record(number, [readable(text[:MAX_CELL_CHARS])], why)
    finally:
        release(stream)


def _too_long(text: str) -> str:
    if len(text) <= MAX_CELL_CHARS:
        return ""
    return f"the line has {len(text):,} characters, at most {MAX_CELL_CHARS:,} are allowed"
