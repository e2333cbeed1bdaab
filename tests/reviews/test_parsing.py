"""Reading delimited text of unknown make."""

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from reviews import parsing
from reviews.guessing import guess_encoding, guess_format
from reviews.parsing import name_columns, open_table
from reviews.tables import MAX_CELL_CHARS, MAX_RECORD_CHARS, Format, Record


def records(data: bytes | str, chosen: Format | None = None) -> list[Record]:
    raw = data.encode() if isinstance(data, str) else data
    return list(parsing.read_records(io.BytesIO(raw), chosen or Format()))


def cells(data: bytes | str, chosen: Format | None = None) -> list[list[str]]:
    return [record.cells for record in records(data, chosen)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("a,b\n1,2\n", [["a", "b"], ["1", "2"]], id="plain"),
        pytest.param("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]], id="windows line ends"),
        pytest.param("a,b\r1,2", [["a", "b"], ["1", "2"]], id="old macintosh line ends"),
        pytest.param('a,b\n"x, y",2\n', [["a", "b"], ["x, y", "2"]], id="comma in quotes"),
        pytest.param('a\n"x\ny"\nz\n', [["a"], ["x\ny"], ["z"]], id="line break in quotes"),
        pytest.param('a\n"x\r\ny"\n', [["a"], ["x\r\ny"]], id="windows line break in quotes"),
        pytest.param('a\n"say ""hi"""\n', [["a"], ['say "hi"']], id="doubled quotes"),
        pytest.param('a,b\n"","x"\n', [["a", "b"], ["", "x"]], id="empty quoted cell"),
        pytest.param('a,b\n5" wide,x\n', [["a", "b"], ['5" wide', "x"]], id="quote inside a cell"),
        pytest.param('a,b\n"5" wide,x\n', [["a", "b"], ["5 wide", "x"]], id="sloppy quotes"),
        pytest.param('a, b\n1, "x, y"\n', [["a", "b"], ["1", "x, y"]], id="space before a quote"),
        pytest.param("a,b\n\n1,2\n\n\n", [["a", "b"], ["1", "2"]], id="blank lines"),
        pytest.param("a,b\n1,2", [["a", "b"], ["1", "2"]], id="no last line break"),
        pytest.param("a\nx\x00y\n", [["a"], ["xy"]], id="NUL"),
        pytest.param("a\nż 猫 🐈\n", [["a"], ["ż 猫 🐈"]], id="letters of the world"),
        pytest.param("a,b\n1\n1,2,3\n", [["a", "b"], ["1"], ["1", "2", "3"]], id="ragged"),
    ],
)
def test_records_are_read_as_they_were_written(data: str, expected: list[list[str]]) -> None:
    assert cells(data) == expected


def test_a_record_knows_the_line_on_which_it_starts() -> None:
    found = records('head\n"one\ntwo\nthree"\n\nlast\n')

    assert [record.line for record in found] == [1, 2, 6]


def test_a_lone_quote_costs_its_own_line_and_not_the_rest_of_the_file() -> None:
    rows = "".join(f"{number},fine\n" for number in range(3, 1000))

    found = records(f'id,text\n1,good\n2,"broken\n{rows}')

    assert [(each.line, bool(each.error)) for each in found[1:4]] == [
        (2, False),
        (3, True),
        (4, False),
    ]
    assert "quote" in found[2].error
    assert len(found) == 1000
    assert [each.cells for each in found[-1:]] == [["999", "fine"]]


def test_a_lone_quote_that_meets_another_one_far_below_swallows_nothing() -> None:
    found = records('id,text\n1,"broken\n2,fine\n3,"quoted, well"\n4,end\n')

    assert [each.cells for each in found if not each.error] == [
        ["id", "text"],
        ["2", "fine"],
        ["3", "quoted, well"],
        ["4", "end"],
    ]


def test_a_quote_that_never_closes_within_the_limit_gives_its_lines_back() -> None:
    filler = "x" * 999 + "\n"
    count = MAX_RECORD_CHARS // 1000 + 100

    found = records('text\n"open\n' + filler * count)

    assert found[1].error
    assert len(found) == count + 2


def test_a_cell_of_a_megabyte_is_refused_with_its_length_and_the_next_row_is_read() -> None:
    found = records("id,text\n1," + "x" * 1_048_576 + "\n2,fine\n")

    assert "cell 2 has 1,048,576 characters" in found[1].error
    assert len(found[1].cells[1]) == MAX_CELL_CHARS
    assert found[2].cells == ["2", "fine"]


def test_a_quoted_cell_of_a_megabyte_with_line_breaks_is_one_refused_row() -> None:
    found = records('id,text\n1,"' + "line\n" * 250_000 + '"\n2,fine\n')

    assert len(found) == 3
    assert "at most 100,000" in found[1].error
    assert found[2].line == 250_003


def test_a_line_longer_than_any_record_is_cut_refused_and_left_behind() -> None:
    found = records("text\n" + "x" * (MAX_RECORD_CHARS * 2) + "\nfine\n")

    assert "longer than" in found[1].error
    assert found[2].cells == ["fine"]


def test_bytes_that_are_no_characters_cost_their_row_only() -> None:
    found = records(b"text\ngood\nbad \xe9 byte\nalso good\n")

    assert [bool(each.error) for each in found] == [False, False, True, False]
    assert found[2].cells == ["bad \ufffd byte"]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        pytest.param("text\nzażółć\n".encode(), "utf-8", id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + "text\nzażółć\n".encode(), "utf-8", id="UTF-8 with mark"),
        pytest.param("text\nżółw\n".encode("utf-16"), "utf-16", id="UTF-16 with mark"),
        pytest.param("text\nplain\n".encode("utf-16-le"), "utf-16-le", id="UTF-16 LE"),
        pytest.param("text\nplain\n".encode("utf-16-be"), "utf-16-be", id="UTF-16 BE"),
        pytest.param("text\nplain\n".encode("utf-32"), "utf-32", id="UTF-32"),
        pytest.param("text\n“café” – naïve\n".encode("cp1252"), "cp1252", id="Windows-1252"),
        pytest.param(("text\nОчень хорошее пальто, сидит отлично и тёплое\n" * 20).encode("cp1251"),
                     "cp1251", id="Windows-1251"),
        pytest.param(b"", "utf-8", id="nothing"),
    ],
)  # fmt: skip
def test_the_encoding_is_guessed(data: bytes, encoding: str) -> None:
    assert guess_encoding(data) == encoding


def test_utf8_with_one_broken_byte_is_still_utf8() -> None:
    assert guess_encoding("žluťoučký kůň ".encode() * 50 + b"\xff") == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_a_guessed_encoding_reads_back_what_was_written(encoding: str) -> None:
    data = "name,text\nZoë,“très” bien\n".encode(encoding)

    assert cells(data, guess_format(data)) == [["name", "text"], ["Zoë", "“très” bien"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_guessed(delimiter: str) -> None:
    rows = [["id", "text", "stars"], ["1", "good; but small, really", "4"], ["2", "fine", "5"]]
    data = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)

    assert guess_format(data.encode()).delimiter == delimiter


@pytest.mark.parametrize(
    ("data", "has_header"),
    [
        pytest.param("id,text\n1,good\n", True, id="names over data"),
        pytest.param(",text\n1,good\n", True, id="a nameless first column"),
        pytest.param("1,good\n2,bad\n", False, id="a number"),
        pytest.param("I liked it very much.\nMe too.\n", False, id="a sentence"),
        pytest.param("good,good\nbad,good\n", False, id="repeats"),
        pytest.param("review\nI liked it\n", True, id="one named column"),
        pytest.param("text,Is it good?\na,5\nb,4\nc,1\n", True, id="a question above numbers"),
        pytest.param(f"text,{'x' * 70}\na,5\nb,4\nc,1\n", True, id="a long name above numbers"),
        pytest.param("So good!,fine\nb,4\nc,1\n", False, id="a sentence above words"),
    ],
)
def test_the_header_is_guessed(data: str, has_header: bool) -> None:
    assert guess_format(data.encode()).has_header is has_header


def test_what_was_chosen_is_not_guessed() -> None:
    chosen = guess_format(b"a;b\n1;2\n", encoding="cp1252", delimiter=",", has_header=False)

    assert chosen == Format("cp1252", ",", has_header=False)


@pytest.mark.parametrize("encoding", ["base64", "unicode_escape", "idna", "nothing"])
def test_an_encoding_that_is_none_is_refused(encoding: str) -> None:
    with pytest.raises(Invalid, match="not known"):
        guess_format(b"a", encoding=encoding)


def test_columns_get_names_that_are_distinct() -> None:
    names = name_columns(["", "text", "text", " Text ", "", "text (2)"])

    assert names == ["column 1", "text", "text (2)", "Text", "column 5", "text (2) (2)"]
    assert len(set(names)) == 6


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("\n\n\n", "empty", id="blank lines"),
        pytest.param(",".join("abc" for _ in range(1001)), "1,001 columns", id="too many columns"),
        pytest.param('"open\nand never closed', "header", id="unclosed header"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_with_the_reason(data: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        open_table(io.BytesIO(data.encode()), Format())


def test_without_a_header_the_first_row_is_data() -> None:
    table = open_table(io.BytesIO(b"1,good\n2,bad\n"), Format(has_header=False))

    assert table.columns == ["column 1", "column 2"]
    assert [record.cells for record in table.records] == [["1", "good"], ["2", "bad"]]


def test_two_hundred_columns_are_read() -> None:
    header = ",".join(f"c{number}" for number in range(200))

    table = open_table(io.BytesIO(f"{header}\n{',' * 199}\n".encode()), Format())

    assert len(table.columns) == 200
    assert len(next(table.records).cells) == 200


def test_the_file_stays_open_for_its_owner() -> None:
    binary = io.BytesIO(b"a\n1\n")

    list(open_table(binary, Format()).records)

    assert not binary.closed


ANY_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@given(st.lists(st.lists(ANY_CELL, min_size=1, max_size=4), max_size=8))
def test_whatever_was_written_as_csv_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    # A mark at the very start belongs to the file and not to its first cell.
    data = codecs.BOM_UTF8 + out.getvalue().encode()

    assert cells(data) == rows


@given(st.binary(max_size=2000))
def test_no_bytes_at_all_make_reading_fail(data: bytes) -> None:
    for record in records(data, guess_format(data)):
        assert record.line >= 1
        assert all("\x00" not in cell for cell in record.cells)
