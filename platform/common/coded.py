"""Columns whose values repeat: what is worked out for a value is worked out once."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Made = TypeVar("Made")

#: Two columns become one while that has at most so many values.
_MOST_VALUES = 4_096


class Coded(Sequence[T], Generic[T]):
    """A column as its values, each kept once, and for each row the place of its value."""

    def __init__(self, values: Sequence[T], codes: NDArray[Any]) -> None:
        self.values = values
        self.codes = codes

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> "Coded[T]": ...
    def __getitem__(self, at: int | slice) -> "T | Coded[T]":
        """Return the value of one row, or some rows."""
        if isinstance(at, slice):
            return Coded(self.values, self.codes[at])
        return self.values[int(self.codes[at])]

    def __iter__(self) -> Iterator[T]:
        """Yield the value of each row."""
        return map(self.values.__getitem__, self.codes.tolist())

    def at(self, places: Sequence[int]) -> "Coded[T]":
        """Return the rows at some places, in that order."""
        return Coded(self.values, self.codes[np.asarray(places, np.intp)])


def constant(value: T, count: int) -> Coded[T]:
    """Return a column of `count` rows that all have one value."""
    return Coded([value], np.zeros(count, np.intp))


def mapped(column: Sequence[T], make: Callable[[T], Made]) -> Sequence[Made]:
    """Return what `make` makes of each row's value."""
    if isinstance(column, Coded):
        return Coded(list(map(make, column.values)), column.codes)
    return list(map(make, column))


def zipped(columns: Sequence[Sequence[T]]) -> Sequence[tuple[T, ...]]:
    """Return the rows of columns as tuples: coded, where all columns are and few rows differ."""
    if not all(isinstance(column, Coded) for column in columns):
        return list(zip(*columns, strict=True))
    first, *others = (mapped(column, lambda value: (value,)) for column in columns)
    return reduce(_beside, others, first)


def _beside(left: Sequence[tuple[T, ...]], right: Sequence[tuple[T, ...]]) -> Any:
    both = paired(left, right, lambda one, other: one + other)
    return [one + other for one, other in zip(left, right, strict=True)] if both is None else both


def paired(
    left: Sequence[T], right: Sequence[T], make: Callable[[T, T], Made]
) -> "Coded[Made] | None":
    """Return what `make` makes of two columns, row by row; None when too many rows might differ."""
    if not isinstance(left, Coded) or not isinstance(right, Coded):
        return None
    width = len(right.values)
    if len(left.values) * width > _MOST_VALUES:
        return None
    values = [make(one, other) for one in left.values for other in right.values]
    return Coded(values, left.codes.astype(np.intp) * width + right.codes)
