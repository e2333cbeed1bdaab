"""Parse a clean piece of delimited text by column, in C: Arrow's reader of CSV.

Arrow forgives where Python's csv module, and so the rest of this product, does not. Hence a piece
comes here only when every quote in it stands where it should, and what the two still see
differently is left to the other lanes.
"""

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from common.coded import Coded
from reviews.columns import Columns
from reviews.tables import MAX_CELL_CHARS

_CR, _LF = b"\r\n"
_BOM = b"\xef\xbb\xbf"
#: Columns of longer cells (in bytes, on average) are not looked through for values that repeat.
_SHORT = 40


def parse(piece: bytes, *, width: int, delimiter: str, quote: str) -> Columns | None:
    """Return the records of a piece of UTF-8, blank lines left out.

    None when they may not all have `width` cells, or when Python's csv module would not read them
    the same way: then they have to be read by that.
    """
    marks = delimiter.encode(), quote.encode()
    if width < 2 or set(map(len, marks)) != {1} or piece.startswith(_BOM):
        return None
    if not _are_quotes_in_place(piece, *map(ord, marks)):
        return None
    try:
        table = _read(piece, width, delimiter, quote)
    except pa.ArrowInvalid:  # rows of another width, or bytes that are no characters
        return None
    if any(_is_odd(column, delimiter) for column in table.columns):
        return None
    return Columns([_cells(column.combine_chunks()) for column in table.columns])


def _cells(column: Any) -> Sequence[str]:
    """Return the cells of a column, coded where values repeat."""
    count = len(column)
    starts = np.frombuffer(column.buffers()[1], np.int32, count + 1)
    if starts[-1] <= _SHORT * count:
        coded = column.dictionary_encode()
        if 2 * len(coded.dictionary) <= count:
            # Not to_numpy(), which would first import pandas.
            places = np.frombuffer(coded.indices.buffers()[1], np.int32, count)
            return Coded(coded.dictionary.to_pylist(), places)
    whole = column.buffers()[2].to_pybytes() if starts[-1] else b""
    if not whole.isascii():
        return list(column.to_pylist())
    # One text and its slices cost a fraction of decoding every cell.
    text, bounds = whole.decode("ascii"), starts.tolist()
    return [text[start:end] for start, end in pairwise(bounds)]


def _read(piece: bytes, width: int, delimiter: str, quote: str) -> pa.Table:
    return arrow_csv.read_csv(
        pa.BufferReader(piece),
        arrow_csv.ReadOptions(
            use_threads=False, block_size=len(piece) + 1, column_names=_names(width)
        ),
        arrow_csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=True),
        _as_text(width),
    )


@functools.cache
def _names(width: int) -> list[str]:
    return [str(number) for number in range(width)]


@functools.cache
def _as_text(width: int) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(column_types=dict.fromkeys(_names(width), pa.string()))


def _are_quotes_in_place(piece: bytes, delimiter: int, quote: int) -> bool:
    """Tell whether each cell with a quote is quoted as a whole, with every inner quote doubled."""
    signs = np.frombuffer(piece, np.uint8)
    places = np.flatnonzero(signs == quote)
    if not len(places):
        return True
    if len(places) % 2:
        return False
    # Quotes side by side are one run. Outside of quotes (an even number came before), a run opens a
    # cell; inside, an odd run closes it and an even one says quotes.
    is_first = np.diff(places, prepend=-2) != 1
    before = np.flatnonzero(is_first)
    lengths = np.diff(before, append=len(places))
    starts = places[before]
    ends = starts + lengths
    is_border = np.zeros(256, bool)
    is_border[[delimiter, _CR, _LF]] = True
    opens_well = (starts == 0) | is_border[signs[starts - 1]]
    closes_well = (ends == len(signs)) | is_border[signs[np.minimum(ends, len(signs) - 1)]]
    is_inside, is_odd = before % 2 == 1, lengths % 2 == 1
    must_open = ~is_inside
    must_close = is_inside == is_odd
    return bool(np.all((opens_well | ~must_open) & (closes_well | ~must_close)))


def _is_odd(column: Any, delimiter: str) -> bool:
    """Tell whether a cell is too long, or starts with a space that the csv module may skip."""
    if (compute.max(compute.binary_length(column)).as_py() or 0) > MAX_CELL_CHARS:
        return True
    return delimiter != " " and bool(compute.any(compute.starts_with(column, " ")).as_py())
