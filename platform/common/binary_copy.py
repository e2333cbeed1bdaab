"""Rows in the binary format of PostgreSQL's COPY, which the server takes without parsing.

https://www.postgresql.org/docs/15/sql-copy.html: a head, then for each row the number of its fields
and each field behind its length, then a tail; all numbers big-endian.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain
from typing import Any, cast

import numpy as np

from common.coded import Coded, mapped, paired

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
#: Values of a column, row by row, each as its field.
Fields = Sequence[bytes]

_EPOCH = date(2000, 1, 1).toordinal()


def row_heads(
    count: int, field_count: int, columns: Sequence[tuple[str, Any]], *, before: Sequence[bytes]
) -> Fields:
    """Return the start of `count` rows of `field_count` fields: those of fixed width.

    `columns` are a NumPy type (i4: integer, i8: bigint, f8: double precision, ?: boolean) and the
    values, or one value that is that of every row. The start ends with the length of what follows:
    `before` are the bare values of the next field.
    """
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for number, (kind, _) in enumerate(columns):
        layout += [
            (f"size{number}", ">i4"),
            (f"value{number}", kind if kind == "?" else f">{kind}"),
        ]
    rows = np.empty(count, [*layout, ("next", ">i4")])
    rows["fields"] = field_count
    for number, (kind, values) in enumerate(columns):
        rows[f"size{number}"] = np.dtype(kind).itemsize
        rows[f"value{number}"] = values
    rows["next"] = np.fromiter(map(len, before), np.int32, count)
    return cast("Fields", rows.view(f"V{rows.itemsize}").tolist())


def repeated(values: Sequence[Any], field_of: Callable[[Any], bytes]) -> Fields:
    """Return the fields of values that are few, and each worked out once."""
    if isinstance(values, Coded):
        return mapped(values, field_of)
    known = {value: field_of(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def bigint(value: int | None) -> bytes:
    """Return the field of a bigint, or of NULL."""
    return NULL if value is None else (8).to_bytes(4) + value.to_bytes(8, signed=True)


def double(value: float | None) -> bytes:
    """Return the field of a double precision number, or of NULL."""
    return NULL if value is None else (8).to_bytes(4) + struct.pack(">d", value)


def jsonb(value: str) -> bytes:
    """Return the field of a text that is JSON."""
    return text(f"\x01{value}")


def text(value: str) -> bytes:
    """Return the field of a text."""
    return data(value.encode())


def data(value: bytes) -> bytes:
    """Return the field of bytes."""
    return len(value).to_bytes(4) + value


def day(value: str | None) -> bytes:
    """Return the field of a date in ISO form, or of NULL."""
    if value is None:
        return NULL
    days = date.fromisoformat(value).toordinal() - _EPOCH
    return (4).to_bytes(4) + days.to_bytes(4, signed=True)


def whole(columns: Sequence[Fields]) -> bytes:
    """Return all rows of a COPY, of which the first column is that of `row_heads`."""
    fewer: list[Fields] = []
    for column in columns:
        both = paired(fewer[-1], column, bytes.__add__) if fewer else None
        if both is None:
            fewer.append(column)
        else:
            fewer[-1] = both
    return b"".join((HEAD, *chain.from_iterable(zip(*fewer, strict=True)), TAIL))
