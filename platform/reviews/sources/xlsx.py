"""Read a sheet of an Excel workbook as a stream of rows.

The parts are unpacked and parsed by the piece with bounds of their own, because openpyxl keeps
every row element of a sheet and believes the row numbers that a file claims. What a number means
as a date is openpyxl's knowledge. A formula counts as the value that was last computed for it.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from common.errors import Invalid
from reviews.parsing import name_columns
from reviews.sources.archives import TROUBLE, workbook_in
from reviews.sources.objects import written
from reviews.tables import MAX_CELL_CHARS, MAX_COLUMNS, Format, Record, Table

#: Rows beyond what Excel itself can hold come from no spreadsheet.
_MAX_ROWS = 1_048_576
#: How much XML one row, or one shared string, may take.
_MAX_PIECE_BYTES = 8_000_000
_MAX_STRINGS_BYTES = 256 * 1024**2
_COLUMN = re.compile(r"\$?([A-Za-z]{1,3})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_XML_TROUBLE = (*TROUBLE, ParseError, DefusedXmlException, TypeError, ArithmeticError)


def open_workbook(binary: BinaryIO, chosen: Format) -> Table:
    """Open a sheet; raise Invalid when there is none of that name or it is empty."""
    book = _book(workbook_in(binary))
    records = _records(book, _chosen_sheet(book, chosen.sheet))
    first = next(records, None)
    if first is None:
        raise Invalid.of("sheet", "The sheet is empty. Choose one with a row for every review.")
    if len(first.cells) > MAX_COLUMNS:
        raise Invalid.of(
            "file", f"The sheet has {len(first.cells):,} columns; at most {MAX_COLUMNS:,} are read."
        )
    width = len(first.cells)
    rest = _filled(records, width)
    if chosen.has_header:
        return Table(name_columns(first.cells), rest, unit="row")
    return Table(name_columns([""] * width), chain([first], rest), unit="row")


def names_of_sheets(binary: BinaryIO) -> list[str]:
    """Return the names of a workbook's sheets, in its order."""
    return list(_book(workbook_in(binary)).sheets)


def first_rows(binary: BinaryIO, sheet: str, count: int) -> list[list[str]]:
    """Return the first rows of a sheet, to guess whether there is a header."""
    book = _book(workbook_in(binary))
    records = _records(book, _chosen_sheet(book, sheet))
    return [record.cells for record, _ in zip(records, range(count), strict=False)]


def _chosen_sheet(book: "_Book", sheet: str) -> str:
    if sheet and sheet not in book.sheets:
        names = ", ".join(list(book.sheets)[:20])
        raise Invalid.of("sheet", f"There is no sheet {sheet[:100]!r}; the workbook has: {names}.")
    return book.sheets[sheet] if sheet else next(iter(book.sheets.values()))


def _filled(records: Iterator[Record], width: int) -> Iterator[Record]:
    """Give rows that end in empty cells, which workbooks leave out, the width of the header."""
    for record in records:
        cells = record.cells
        if len(cells) < width:
            cells.extend([""] * (width - len(cells)))
        yield record


# --- The workbook -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Book:
    archive: zipfile.ZipFile
    #: Names of sheets to the parts that hold them.
    sheets: dict[str, str]
    epoch: Any
    strings: list[str] = field(default_factory=list)
    #: For each style of a cell, whether it shows a number as a date.
    dates: list[bool] = field(default_factory=list)


def _book(archive: zipfile.ZipFile) -> _Book:
    try:
        parts = _relations(archive)
        sheets: dict[str, str] = {}
        epoch = CALENDAR_WINDOWS_1900
        for element in _elements(archive, "xl/workbook.xml", {"sheet", "workbookPr"}):
            if _tag(element) == "workbookPr":
                if element.get("date1904", "0") in {"1", "true"}:
                    epoch = CALENDAR_MAC_1904
                continue
            target = parts.get(_attribute(element, "id"), "")
            if target in archive.namelist() and "worksheets" in target:
                sheets[element.get("name", "")] = target
        book = _Book(archive, sheets, epoch)
        book.dates = _date_styles(archive)
        book.strings = list(_strings(archive))
    except _XML_TROUBLE as error:
        raise _damaged(error) from None
    if not sheets:
        raise Invalid.of("file", "The workbook has no sheet with cells. Choose another file.")
    return book


def _damaged(error: BaseException) -> Invalid:
    if isinstance(error, Invalid):
        return error
    if isinstance(error, DefusedXmlException):
        return Invalid.of("file", "The workbook defines XML entities, which are not read.")
    what = str(error)[:100] or type(error).__name__
    return Invalid.of("file", f"The workbook is damaged ({what}). Save it again, or as CSV.")


def _relations(archive: zipfile.ZipFile) -> Mapping[str, str]:
    found = {}
    for element in _elements(archive, "xl/_rels/workbook.xml.rels", {"Relationship"}):
        target = element.get("Target", "")
        absolute = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
        found[element.get("Id", "")] = posixpath.normpath(absolute)
    return found


def _date_styles(archive: zipfile.ZipFile) -> list[bool]:
    """Tell for each style that cells can have whether it is that of a date."""
    if "xl/styles.xml" not in archive.namelist():
        return []
    formats: dict[int, str] = dict(BUILTIN_FORMATS)
    dates: list[bool] = []
    for element in _elements(archive, "xl/styles.xml", {"numFmt", "cellXfs"}, until="cellXfs"):
        if _tag(element) == "numFmt":
            formats[int(element.get("numFmtId", "0"))] = element.get("formatCode", "")
        else:
            codes = [formats.get(int(each.get("numFmtId", "0")), "") for each in element]
            dates = [bool(is_date_format(code)) for code in codes]
    return dates


def _strings(archive: zipfile.ZipFile) -> Iterator[str]:
    part = "xl/sharedStrings.xml"
    if part not in archive.namelist():
        return
    if archive.getinfo(part).file_size > _MAX_STRINGS_BYTES:
        raise Invalid.of("file", "The workbook holds more than 256 MiB of text. Save it as CSV.")
    for element in _elements(archive, part, {"si"}):
        yield _text(element)


def _text(element: Element) -> str:
    """Return the text of a string, of all its runs, without the readings of Asian signs."""
    texts = []
    for child in element:
        tag = _tag(child)
        if tag == "t":
            texts.append(child.text or "")
        elif tag == "r":
            texts += [each.text or "" for each in child if _tag(each) == "t"]
    return _unescaped("".join(texts))


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return (
        _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    )


# --- XML by the piece -------------------------------------------------------------------------


class _Piece:
    """A part of the archive that is not read on for ever without one of its pieces ending."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """Read as a file does; raise Invalid when a piece has no end."""
        if self.count > _MAX_PIECE_BYTES:
            raise Invalid.of("file", "A row of the workbook is too long to be one. Save it as CSV.")
        found = self._source.read(size)
        self.count += len(found)
        return found


def _elements(
    archive: zipfile.ZipFile, part: str, wanted: set[str], *, until: str = ""
) -> Iterator[Element]:
    """Yield the elements with such tags, one at a time; what has been seen is forgotten.

    Stops behind the element `until`: what comes after it may be long and is not looked at.
    """
    with archive.open(part) as opened:
        source = _Piece(opened)
        path: list[Element] = []
        for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                path.append(element)
                continue
            path.pop()
            if _tag(element) in wanted:
                source.count = 0
                yield element
                element.clear()
                if path:
                    path[-1].remove(element)
            if _tag(element) == until:
                return


def _tag(element: Element) -> str:
    """Return the tag without its namespace, of which there are two sets."""
    return element.tag.rpartition("}")[2]


def _attribute(element: Element, name: str) -> str:
    """Return an attribute that has a namespace."""
    return next((value for key, value in element.items() if key.endswith("}" + name)), "")


# --- Rows -------------------------------------------------------------------------------------


def _records(book: _Book, part: str) -> Iterator[Record]:
    number = 0
    rows = _elements(book.archive, part, {"row"}, until="sheetData")
    while True:
        try:
            row = next(rows, None)
        except _XML_TROUBLE as error:
            raise _after(error, number) from None
        if row is None:
            return
        number = _row_number(row, number)
        record = _record(book, row, number)
        if record.error or any(record.cells):
            yield record


def _after(error: BaseException, number: int) -> Invalid:
    damaged = _damaged(error)
    if isinstance(error, Invalid):
        return damaged
    return Invalid.of("file", f"After row {number:,}: {damaged.detail}")


def _row_number(row: Element, before: int) -> int:
    raw = row.get("r", "")
    number = int(raw) if raw.isdecimal() and len(raw) < 10 else before + 1
    if number > _MAX_ROWS:
        raise Invalid.of("file", f"The sheet claims a row {number:,}; there are {_MAX_ROWS:,}.")
    return number


def _record(book: _Book, row: Element, number: int) -> Record:
    cells: list[str] = []
    error = ""
    for cell in row:
        if _tag(cell) != "c":
            continue
        at = _place(cell, len(cells))
        if at >= MAX_COLUMNS * 20:
            return Record(number, cells, f"it has a cell in column {at + 1:,}")
        cells.extend([""] * (at + 1 - len(cells)))
        try:
            cells[at] = _value(book, cell)
        except (ValueError, LookupError, ArithmeticError, TypeError) as trouble:
            error = error or f"cell {cell.get('r', at + 1)} cannot be read ({str(trouble)[:60]})"
    while cells and not cells[-1]:
        cells.pop()
    return _checked(Record(number, cells, error))


def _place(cell: Element, default: int) -> int:
    match = _COLUMN.match(cell.get("r", ""))
    if match is None:
        return default
    at = 0
    for letter in match.group(1).upper():
        at = at * 26 + ord(letter) - ord("A") + 1
    return at - 1


def _checked(record: Record) -> Record:
    longest = max(map(len, record.cells), default=0)
    if longest <= MAX_CELL_CHARS:
        return record
    why = f"a cell has {longest:,} characters, at most {MAX_CELL_CHARS:,} are allowed"
    return Record(record.line, [cell[:MAX_CELL_CHARS] for cell in record.cells], why)


def _value(book: _Book, cell: Element) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return next((_text(child) for child in cell if _tag(child) == "is"), "")
    raw = next((child.text or "" for child in cell if _tag(child) == "v"), "")
    if not raw:
        return ""
    if kind == "s":
        return book.strings[int(raw)]
    if kind == "b":
        return "true" if raw.strip() in {"1", "true"} else "false"
    if kind == "n":
        return _number(raw.strip(), is_date=_is_date(book.dates, cell), epoch=book.epoch)
    return _unescaped(raw)


def _is_date(dates: Sequence[bool], cell: Element) -> bool:
    style = cell.get("s", "0")
    return style.isdecimal() and int(style) < len(dates) and dates[int(style)]


def _number(raw: str, *, is_date: bool, epoch: Any) -> str:
    """Write a number as its cell would show it: 15 digits are what Excel computes with."""
    number = float(raw)
    if is_date:
        try:
            return written(from_excel(number, epoch))
        except (ValueError, OverflowError, TypeError):
            return raw
    if raw.lstrip("-").isdecimal():
        return raw
    return written(float(f"{number:.15g}"))
