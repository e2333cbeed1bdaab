"""Guesses about delimited text: where cells end, what stands around them, whether it is a table."""

import io

import pytest

from reviews.guessing import guess_delimited, guess_format
from reviews.sources import guess_format as guess_file


def guessed(text: str) -> tuple[str, str, bool]:
    found = guess_delimited(text.encode(), encoding="utf-8")
    return found.format.delimiter, found.format.quote, found.format.has_header


@pytest.mark.parametrize("delimiter", list(",;\t|^~:"))
def test_any_delimiter_that_parts_every_line_alike_is_found(delimiter: str) -> None:
    rows = [["id", "text", "stars"], ["1", "good fit", "4"], ["2", "fine", "5"], ["3", "no", "1"]]
    text = "\n".join(map(delimiter.join, rows))

    assert guessed(text) == (delimiter, '"', True)


def test_spaces_part_cells_only_where_quotes_show_it() -> None:
    assert guessed('"id" "text"\n"1" "a b"\n"2" "c d"\n')[0] == " "
    assert guessed("good coat\nbad shoes\nnice hat\n")[0] == ","


@pytest.mark.parametrize("rare", [":", "~", "^"])
def test_a_sign_in_some_texts_is_no_delimiter(rare: str) -> None:
    assert guessed(f"text\ngood{rare} fits\nbad\nfine\n")[0] == ","


def test_a_common_delimiter_wins_over_times_of_day() -> None:
    assert guessed("at;text\n10:30;a\n10:31;b\n")[0] == ";"


def test_single_quotes_are_found_where_cells_stand_in_them() -> None:
    assert guessed("id,text\n'1','so, so'\n'2','fine'\n") == (",", "'", True)


def test_apostrophes_are_no_quotes() -> None:
    assert guessed("id,text\n1,don't\n2,'tis fine\n3,it's\n")[1] == '"'
    assert guessed("id,text\n1,\"'so'\"\n2,\"'la'\"\n")[1] == '"'


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        pytest.param("Good, really.\nBad.\nSmall, but, well, fine.\n", "", "lines", id="sentences"),
        pytest.param("Good.\nBad.\nFine.\n", "a.txt", "lines", id="a list in a text file"),
        pytest.param("Good.\nBad.\nFine.\n", "a.csv", "csv", id="a list in a CSV file"),
        pytest.param('text\n"a\nb"\n"c, d"\n', "a.txt", "csv", id="one column in quotes"),
        pytest.param("id,text\n1,a\n2\n3,b,c\n4,d\n", "a.txt", "csv", id="a ragged table"),
        pytest.param("id\ttext\n1\ta\n", "reviews", "csv", id="a table without an ending"),
    ],
)
def test_a_text_is_told_from_a_table(text: str, name: str, kind: str) -> None:
    assert guess_file(io.BytesIO(text.encode()), name=name).kind == kind


def test_the_name_over_a_list_of_texts_is_seen() -> None:
    assert guess_file(io.BytesIO(b"Review\nGood, I think.\nBad.\n"), name="a.txt").has_header
    assert not guess_file(io.BytesIO(b"I like it.\nGood, so.\n"), name="a.txt").has_header


def test_the_delimiter_that_was_chosen_is_kept() -> None:
    assert guess_format(b"a;b,c\n1;2,3\n", delimiter=",").delimiter == ","
