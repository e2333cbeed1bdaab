"""Write an Excel workbook row by row, within the bounds of what Excel opens."""

import re
from collections.abc import Iterable
from typing import Any, BinaryIO

from reviews.formats.cells import Column, as_cell, columns_of, rows_of
from reviews.formats.plan import Exported, Plan, Unwritable, Writer
from reviews.neutral import neutral

#: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_CELL_UNITS = 32_767
#: What XML cannot hold, and what would be read as an escape of it (ECMA-376, ST_Xstring).
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class XlsxWriter(Writer):
    """One row a review, or one for each person who labelled it; full sheets get a successor."""

    def __init__(self, binary: BinaryIO, plan: Plan, *, max_rows: int = MAX_ROWS) -> None:
        from openpyxl import Workbook

        self._binary = binary
        self._columns = columns_of(plan)
        if len(self._columns) > MAX_COLUMNS:
            raise Unwritable(
                f"The export has {len(self._columns):,} columns, Excel holds {MAX_COLUMNS:,}. "
                "Choose fewer columns, or JSONL."
            )
        self._max_rows = max_rows
        self._book: Any = Workbook(write_only=True)
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        number = len(self._book.sheetnames) + 1
        self._sheet: Any = self._book.create_sheet(
            "reviews" if number == 1 else f"reviews {number}"
        )
        self._sheet.append([self._text(neutral(column.name)) for column in self._columns])
        self._rows = 1

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews; raise Unwritable for a text that no cell of Excel holds."""
        for review, row in rows_of(reviews, self._columns):
            if self._rows == self._max_rows:
                self._begin_sheet()
            pairs = zip(self._columns, row, strict=True)
            self._sheet.append([self._cell(column, value, review) for column, value in pairs])
            self._rows += 1

    def _cell(self, column: Column, value: Any, review: Exported) -> Any:
        if isinstance(value, int | float):
            return value
        text = neutral(as_cell(value))
        # Excel counts as JavaScript does; a character has at most two units.
        if len(text) * 2 > MAX_CELL_UNITS and len(text.encode("utf-16-le")) // 2 > MAX_CELL_UNITS:
            raise Unwritable(
                f"Review {review.id} has {len(text):,} characters in the column "
                f"{column.name!r}; a cell of Excel holds {MAX_CELL_UNITS:,}. "
                "Choose CSV, JSONL or Parquet."
            )
        return self._text(text) if text else None

    def _text(self, text: str) -> Any:
        from openpyxl.cell import WriteOnlyCell

        cell: Any = WriteOnlyCell(self._sheet, value=_escaped(text))
        # Whatever it looks like: not a formula, not an error, not a number.
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        """Complete the file."""
        self._book.save(self._binary)

    def abandon(self) -> None:
        """Remove the sheets, which openpyxl keeps in files of its own until the process ends."""
        for sheet in self._book:
            if not sheet.closed:
                sheet.close()
            sheet._writer.cleanup()  # noqa: SLF001  (only saving would do it otherwise)


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
