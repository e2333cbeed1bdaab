"""The fast lane and the careful one read the same records."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reviews import pieces
from reviews.parsing import read_records
from reviews.pieces import Piece, read_pieces
from reviews.tables import Format, Record

PARTS = [
    b",", b";", b'"', b'""', b"\n", b"\r\n", b"\r", b"\n\n", b"a", b"bc", b" ", b"\t", b"\x00",
    "é".encode(), "日本".encode(), "👍".encode(), b"\xff", b"\xc3", b"\x85", b"\x0c",
    "\u2028".encode(), b'"q,\n1"', b'5" x', b"\xef\xbb\xbf", b"'",
]  # fmt: skip
FILES = st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join)
FORMATS = st.builds(
    Format,
    encoding=st.sampled_from(["utf-8", "cp1252", "koi8-r", "utf-16-le"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    quote=st.sampled_from(['"', "'"]),
)


def fast(raw: bytes, chosen: Format) -> list[Record]:
    """Read in pieces, and give every record an object of its own."""
    found: list[Record] = []
    for some in read_pieces(io.BytesIO(raw), chosen):
        if isinstance(some, Piece):
            found += map(Record, some.lines(), map(list, some.cells))
        else:
            found += some
    return found


@settings(max_examples=600, deadline=None)
@given(raw=FILES, chosen=FORMATS, size=st.integers(1, 40))
@example(raw=b"a\r\nb\r", chosen=Format(), size=2)
@example(raw=b'a,"b\r\nc",d\n\n\ne\n', chosen=Format(), size=3)
@example(raw=b'"open\na,b\nc,d\n', chosen=Format(), size=6)
@example(raw=b'"q,\n1"\r\n,', chosen=Format(), size=3)
def test_both_lanes_read_the_same_whatever_the_file_holds(
    raw: bytes, chosen: Format, size: int
) -> None:
    careful = list(read_records(io.BytesIO(raw), chosen))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_BYTES", size)
        found = fast(raw, chosen)

    assert found == careful


def test_a_clean_file_goes_through_the_fast_lane_alone() -> None:
    rows = "\n".join(f'"Review, ""number"" {number}\nsecond line",{number}' for number in range(50))
    raw = f"text,stars\n{rows}\n\n".encode()

    found = list(read_pieces(io.BytesIO(raw), Format()))

    assert all(isinstance(some, Piece) for some in found)
    assert fast(raw, Format()) == list(read_records(io.BytesIO(raw), Format()))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_one_bad_record_does_not_slow_down_the_rest(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)
    lines = [f"text {number},{number}" for number in range(1000)]
    lines[500] = 'bad "quotes" here","x"y,1'
    raw = end.join(lines).encode()

    found = list(read_pieces(io.BytesIO(raw), Format()))

    with_care = sum(len(some) for some in found if not isinstance(some, Piece))
    assert 0 < with_care < 300
    assert fast(raw, Format()) == list(read_records(io.BytesIO(raw), Format()))


def test_a_line_longer_than_any_record_is_refused_by_both_lanes_alike() -> None:
    raw = b"a,b\n" + b"x" * 5_000_000 + b"\nc,d\n"

    found = fast(raw, Format())

    assert found == list(read_records(io.BytesIO(raw), Format()))
    assert "the line is longer" in found[1].error
    assert found[2].cells == ["c", "d"]
