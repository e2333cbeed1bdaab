"""What every reader of files hands on: how a file is read, its columns, its records one by one.

A reader never trusts its file. What is wrong with one record costs that record alone, which comes
back with its reason; what is wrong with the whole file raises Invalid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: The longest cell and the longest text of a review, in characters.
MAX_CELL_CHARS = 100_000
#: A record longer than this is taken for a quote or a bracket that was never closed.
MAX_RECORD_CHARS = 4_000_000
MAX_COLUMNS = 1_000
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Format:
    """How to read a file; what a kind has no use for keeps its default."""

    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True
    #: A key of reviews.sources.KINDS.
    kind: str = "csv"
    #: "" (none), "gzip", "xz" or "zip".
    compression: str = ""
    quote: str = '"'
    #: The sheet of a workbook; "" is the first.
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person (or, with no annotator, the file itself) says about a record.

    `answers` maps the name of a field (Table.fields) to a raw answer: the words of a cell, or
    JSON: a list of options, or a list of {"start", "end", "label", "polarity"?} in code points.
    """

    annotator: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it starts, its cells, why it cannot be used (or ""), what was said."""

    line: int
    cells: list[str]
    error: str = ""
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A file that has been opened: the names of its columns and its records, to be read once."""

    columns: list[str]
    records: Iterator[Record]
    #: Names under which records carry answers beside their cells.
    fields: list[str] = field(default_factory=list)
    #: What Record.line counts: line, row, element.
    unit: str = "line"
