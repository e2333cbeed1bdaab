"""COPY's binary format, byte by byte; that PostgreSQL reads it so, the imports' tests show."""

import numpy as np

from common import binary_copy
from common.coded import Coded


def test_the_format_is_that_of_the_manual() -> None:
    text = ["é".encode()]
    heads = binary_copy.row_heads(1, 3, [("i4", [258])], before=text)
    columns = [heads, text, [binary_copy.NULL]]

    raw = binary_copy.whole(columns)

    assert raw[:11] == b"PGCOPY\n\xff\r\n\0"
    assert raw[19:-2] == (
        b"\x00\x03"  # three fields
        b"\x00\x00\x00\x04\x00\x00\x01\x02"  # four bytes: 258
        b"\x00\x00\x00\x02\xc3\xa9"  # two bytes: é
        b"\xff\xff\xff\xff"  # NULL
    )
    assert raw[-2:] == b"\xff\xff"


def test_days_are_counted_from_the_year_2000_and_may_be_missing() -> None:
    assert binary_copy.day("2000-01-02") == b"\x00\x00\x00\x04\x00\x00\x00\x01"
    assert binary_copy.day("1999-12-31")[4:] == b"\xff\xff\xff\xff"
    assert binary_copy.day(None) == binary_copy.NULL


def test_columns_of_few_values_are_joined_to_what_they_are_row_by_row() -> None:
    heads = binary_copy.row_heads(3, 3, [("?", [True, False, True])], before=[b"a", b"", b"b\0"])
    split = Coded([b"<train>", b"<test>"], np.array([0, 1, 0]))
    product = Coded([b"<P1>", b"<P2>", b"<P3>"], np.array([2, 1, 0]))
    plain = [[b"a", b"", b"b\0"], list(split), list(product)]

    coded = binary_copy.whole([heads, plain[0], split, product])

    assert coded == binary_copy.whole([heads, *plain])
    assert coded[19:-2].endswith(b"\0\0\0\2b\0<train><P1>")
