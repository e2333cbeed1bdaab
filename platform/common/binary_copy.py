"""Rows in the binary format of PostgreSQL's COPY, which the server takes without parsing.

https://www.postgresql.org/docs/15/sql-copy.html: a head, then for each row the number of its fields
and each field behind its length, then a tail; all numbers big-endian.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import Any

import numpy as np

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
#: Values of a column, row by row, each as its field.
Fields = Sequence[bytes]

_EPOCH = date(2000, 1, 1).toordinal()


def row_heads(count: int, field_count: int, columns: Sequence[tuple[str, Any]]) -> Fields:
    """Return the start of `count` rows of `field_count` fields: those of fixed width.

    `columns` are a NumPy type (i4: integer, i8: bigint, f8: double precision, ?: boolean) and the
    values, or one value that is that of every row.
    """
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for number, (kind, _) in enumerate(columns):
        layout += [
            (f"size{number}", ">i4"),
            (f"value{number}", kind if kind == "?" else f">{kind}"),
        ]
    rows = np.empty(count, layout)
    rows["fields"] = field_count
    for number, (kind, values) in enumerate(columns):
        rows[f"size{number}"] = np.dtype(kind).itemsize
        rows[f"value{number}"] = values
    raw, width = rows.tobytes(), rows.itemsize
    return [raw[start : start + width] for start in range(0, len(raw), width)]


def texts(values: Iterable[str]) -> Fields:
    """Return the fields of texts."""
    return [len(raw).to_bytes(4) + raw for raw in map(str.encode, values)]


def jsonb(values: Iterable[str]) -> Fields:
    """Return the fields of texts that are JSON."""
    return texts([f"\x01{value}" for value in values])


def repeated(values: Iterable[Any], field_of: Callable[[Any], bytes]) -> Fields:
    """Return the fields of values that are few, and each worked out once."""
    values = list(values)
    known = {value: field_of(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def text(value: str) -> bytes:
    """Return the field of a text."""
    raw = value.encode()
    return len(raw).to_bytes(4) + raw


def day(value: str | None) -> bytes:
    """Return the field of a date in ISO form, or of NULL."""
    if value is None:
        return NULL
    days = date.fromisoformat(value).toordinal() - _EPOCH
    return (4).to_bytes(4) + days.to_bytes(4, signed=True)


def whole(columns: Sequence[Fields]) -> bytes:
    """Return all rows of a COPY, of which the first column is that of `row_heads`."""
    return b"".join((HEAD, *chain.from_iterable(zip(*columns, strict=True)), TAIL))
