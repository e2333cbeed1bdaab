"""What Arrow reads by column is what the csv module reads row by row, or it is not taken."""

import csv

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reviews import columnar
from reviews.parsing import csv_reader
from reviews.tables import MAX_CELL_CHARS, Format

PARTS = [
    ",", '"', '""', '"""', "\n", "\r\n", "\r", "a", "bc", " ", "\t", "é", "👍", "\x85", "\x0c",
    "\u2028", "\ufeff", "'", '"q"', '"q,\n1"', '"q ""in"" q"', "NULL", "NaN", "#", "\\",
]  # fmt: skip
CELL = st.lists(st.sampled_from(PARTS), max_size=3).map("".join)
RECORD = st.lists(CELL, min_size=1, max_size=4).map(",".join)
PIECES = st.lists(RECORD, max_size=6).flatmap(
    lambda records: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join(records))
)


def by_module(piece: bytes) -> list[list[str]] | None:
    """Read a piece as the rest of the product does; None where that refuses something."""
    lines = [line.decode() for line in piece.splitlines(keepends=True)]
    try:
        return [row for row in csv_reader(iter(lines), Format()) if row]
    except csv.Error:
        return None


def by_arrow(piece: bytes, *, width: int) -> list[list[str]] | None:
    found = columnar.parse(piece, width=width, delimiter=",", quote='"')
    return None if found is None else [list(row) for row in found]


@settings(max_examples=2_000, deadline=None)
@given(text=PIECES, width=st.integers(1, 4))
@example(text='a,"b"c\n', width=2)
@example(text='a,""c\n', width=2)
@example(text='a,"b,"c,d"', width=2)
@example(text='a,"b""",c', width=3)
@example(text='a, "b"\n', width=2)
@example(text="a,b\n\n \nc,d", width=2)
@example(text='"",""\n,\n', width=2)
def test_what_arrow_reads_is_what_the_csv_module_reads(text: str, width: int) -> None:
    piece = text.encode()

    found = by_arrow(piece, width=width)

    assert found is None or found == by_module(piece)


@pytest.mark.parametrize(
    "text",
    [
        'one,"two, ""quoted""\nand\r\nmore"\nthree,four\n',
        "a,b\r\n\r\nc,d",
        '"",""\n"é","👍"\n',
        '"""a""",b\n',
    ],
    ids=["quotes", "blank lines", "empty cells", "quotes at both ends"],
)
def test_clean_pieces_are_taken(text: str) -> None:
    piece = text.encode()

    assert by_arrow(piece, width=2) == by_module(piece)


@pytest.mark.parametrize(
    "piece",
    [b"a,b,c\n", b"a,\xff\n", b"\xef\xbb\xbfa,b\n", b"a," + b"x" * (MAX_CELL_CHARS + 1), b'a,"b\n'],
    ids=["another width", "no character", "byte-order mark", "too long", "unclosed"],
)
def test_anything_odd_is_left_to_others(piece: bytes) -> None:
    assert by_arrow(piece, width=2) is None


def test_some_rows_of_a_piece_are_rows_again() -> None:
    found = columnar.parse(b"a,1\nb,2\nc,3\n", width=2, delimiter=",", quote='"')

    assert found is not None
    assert len(found) == 3
    assert found[1] == ["b", "2"]
    assert list(found[1:]) == [["b", "2"], ["c", "3"]]
