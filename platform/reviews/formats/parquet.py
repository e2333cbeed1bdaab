"""Write Parquet with typed columns: lists and spans are lists, not texts that look like it."""

from collections.abc import Iterable
from typing import BinaryIO

from reviews.formats.cells import columns_of, rows_of
from reviews.formats.plan import Exported, Plan, Writer


class ParquetWriter(Writer):
    """One row a review, or one for each person who labelled it."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        # Loaded only where such a file is written: it takes its time and its memory.
        from reviews.formats.arrow import Groups

        self._columns = columns_of(plan)
        self._groups = Groups(binary, self._columns)

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        for _, row in rows_of(reviews, self._columns):
            self._groups.add(row)

    def close(self) -> None:
        """Complete the file."""
        self._groups.close()
