"""Rows of text cells that are kept by column."""

from collections.abc import Iterator, Sequence
from typing import overload


class Columns(Sequence[Sequence[str]]):
    """Rows of equal width, kept by column."""

    def __init__(self, columns: Sequence[Sequence[str]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> "Columns": ...
    def __getitem__(self, at: int | slice) -> "list[str] | Columns":
        """Return one row, or some rows, by column again."""
        if isinstance(at, slice):
            return Columns([column[at] for column in self.columns])
        return [column[at] for column in self.columns]

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows."""
        return map(list, zip(*self.columns, strict=True))
