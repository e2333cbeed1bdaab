"""COPY's binary format, byte by byte; that PostgreSQL reads it so, the imports' tests show."""

from common import binary_copy


def test_the_format_is_that_of_the_manual() -> None:
    heads = binary_copy.row_heads(1, 3, [("i4", [258])])
    columns = [heads, binary_copy.texts(["é"]), [binary_copy.NULL]]

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
