"""Write CSV as spreadsheets open it: UTF-8 with its mark, commas, no cell that runs."""

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from reviews.formats.cells import as_cell, columns_of, rows_of
from reviews.formats.plan import Exported, Plan, Writer
from reviews.neutral import neutral


class CsvWriter(Writer):
    """One row a review, or one for each person who labelled it."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._columns = columns_of(plan)
        # Without the mark Excel takes UTF-8 for the encoding of the country.
        self._text = io.TextIOWrapper(binary, "utf-8-sig", newline="", write_through=False)
        self._csv = csv.writer(self._text)
        self._csv.writerow([neutral(column.name) for column in self._columns])

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        rows = rows_of(reviews, self._columns)
        self._csv.writerows([neutral(as_cell(value)) for value in row] for _, row in rows)

    def close(self) -> None:
        """Complete the file."""
        self._text.flush()
        self._text.detach()
