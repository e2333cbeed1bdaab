"""Cleaning steps: what each changes, and what none may break."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.text import normalise
from reviews import cleaning_examples
from reviews.cleaning import (
    STEPS,
    check_steps,
    clean,
    clean_with_offsets,
    joined,
    joined_with_offsets,
)
from tests.reviews.test_offsets import PIECES, RAW

MARKED = st.lists(
    st.one_of(
        PIECES,
        st.sampled_from(
            [
                "<br />", "<p>", "</p>", "<b class='x'>", "</b>", "<!--", "-->", "<script>",
                "</script>", "&amp;", "&#39;", "&#x0;", "&#13;", "&nbsp;", "&eacute;", "&lt;",
                "<3", " < ", "&", "<", ">", "AT&T", "e&#769;", "http://a.bc/d?e=1", "www.a.com",
                "a@b.co", "+49 170 1234567", "looove", "!!!!", ".....", "AAA", "  ", "\t", "\n",
            ]
        ),
    ),
    max_size=15,
).map("".join)  # fmt: skip
KEYS = st.lists(st.sampled_from(sorted(STEPS)), unique=True).map(tuple)


@settings(max_examples=200)
@given(st.one_of(RAW, MARKED), KEYS)
def test_the_text_is_the_same_with_and_without_offsets_and_normalised(
    raw: str, keys: tuple[str, ...]
) -> None:
    text, _ = clean_with_offsets(raw, keys)

    assert text == clean(raw, keys)
    assert text == normalise(text)


@settings(max_examples=200)
@given(MARKED, st.sampled_from([key for key in STEPS if key != "html"]))
def test_a_second_time_changes_nothing(raw: str, key: str) -> None:
    once = clean(raw, [key])

    assert clean(once, [key]) == once


@settings(max_examples=200)
@given(MARKED, st.sampled_from(["html", "urls", "repeats", "spaces"]))
def test_these_never_make_a_text_longer(raw: str, key: str) -> None:
    assert len(clean(raw, [key])) <= len(normalise(raw))


@settings(max_examples=200)
@given(MARKED, KEYS)
def test_ranges_stay_in_order_and_within_the_text(raw: str, keys: tuple[str, ...]) -> None:
    text, offsets = clean_with_offsets(raw, keys)

    before = (0, 0)
    for place in range(len(raw)):
        moved = offsets.move(place, place + 1)
        if moved is not None:
            assert 0 <= moved[0] < moved[1] <= len(text)
            assert before <= moved
            before = moved


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["word", "<br />", " &amp; ", "<b>", "\t", "!!!!"]), max_size=12))
def test_a_word_that_no_step_touches_keeps_its_letters(pieces: list[str]) -> None:
    raw = "".join(pieces)
    text, offsets = clean_with_offsets(raw, ["html", "spaces", "repeats"])

    at = 0
    for piece in pieces:
        if piece == "word":
            moved = offsets.move(at, at + 4)
            assert moved is not None
            assert text[slice(*moved)] == "word"
        at += len(piece)


@pytest.mark.parametrize(
    ("key", "raw", "cleaned"),
    [
        ("html", "good<br /><br />bad", "good\n\nbad"),
        ("html", "<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("html", "<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("html", "<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("html", 'a <a href="x" title=\'y\'>link</a> and <B>bold</B>', "a link and bold"),
        ("html", "AT&amp;T &#39;n&#x27; caf&eacute; &nosuch; AT&T", "AT&T 'n' café &nosuch; AT&T"),
        ("html", "I <3 it, a < b, b > a <grin> <me@x.org>",
         "I <3 it, a < b, b > a <grin> <me@x.org>"),
        ("html", "x<script>alert('<b>')</script>y<style>p {}</style>z", "xyz"),
        ("html", "x<script>no end", "xno end"),
        ("html", "x<!-- a <b> -->y<!-- no end", "xy<!-- no end"),
        ("html", "the tag &lt;br&gt; and &amp;lt;", "the tag <br> and &lt;"),
        ("html", "e&#769;t&eacute;", "été"),
        ("html", "?a=1&copy=2", "?a=1&copy=2"),
        ("spaces", " a \t b\n\n\n\n c \n\nd\u00a0e ", "a b\n\nc\n\nd e"),
        ("urls", "see http://x.de/a?b=c#d. Or (www.y.com)!", "see [link]. Or ([link])!"),
        ("urls", "wow. ok.no link", "wow. ok.no link"),
        ("emails", "write to a.b+c@mail.example.org, ok @home", "write to [email], ok @home"),
        ("phones", "+49 170 1234567 or (555) 123-4567 or 0170/1234567",
         "[phone] or [phone] or [phone]"),
        ("phones", "2020-01-02, 1.000.000, 978-3-16-148410-0, $19.99",
         "2020-01-02, 1.000.000, 978-3-16-148410-0, $19.99"),
        ("repeats", "sooooo LOOOOVE it!!!!! well.....", "soo LOOVE it!! well..."),
        ("repeats", "AAA batteries, part III, www.x.de, 10000", "AAA batteries, part III, www.x.de, 10000"),  # noqa: E501
        ("lower", "GREAT Éclair", "great éclair"),
    ],
)  # fmt: skip
def test_a_step_does_what_it_says(key: str, raw: str, cleaned: str) -> None:
    assert clean(raw, [key]) == cleaned


def test_steps_are_applied_in_the_order_given() -> None:
    raw = "a&nbsp;&nbsp;b"

    assert clean(raw, ["html", "spaces"]) == "a b"
    assert clean(raw, ["spaces", "html"]) == "a\u00a0\u00a0b"


def test_a_letter_that_grows_in_lower_case_moves_what_follows() -> None:
    text, offsets = clean_with_offsets("İİ Phone", ["lower"])

    moved = offsets.move(3, 8)

    assert moved is not None
    assert text[slice(*moved)] == "phone"


def test_cells_are_cleaned_before_they_are_joined() -> None:
    cells = ["<b>Title</b>", "  ", "Body&amp;Soul "]

    text, moved = joined_with_offsets(cells, " <p> ", ["html"])

    assert text == joined(cells, " <p> ", ["html"]) == "Title <p> Body&Soul"
    assert moved[0].move(3, 8) == (0, 5)
    assert moved[1].move(0, 2) is None
    assert moved[2].move(0, 4) == (10, 14)


@settings(max_examples=200)
@given(st.lists(MARKED, max_size=4), st.sampled_from(["", " ", "\n\n", " [SEP] "]), KEYS)
def test_joining_with_and_without_offsets_gives_the_same(
    cells: list[str], separator: str, keys: tuple[str, ...]
) -> None:
    text, moved = joined_with_offsets(cells, separator, keys)

    assert text == joined(cells, separator, keys)
    assert len(moved) == len(cells)


@pytest.mark.parametrize("keys", [["nosuch"], ["html", "html"]])
def test_unknown_and_repeated_steps_are_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="step"):
        check_steps(keys)


@pytest.mark.parametrize(
    "piece",
    ["<script>", "<!--", "<a ", "&", "&#", "a@b.", "+1 ", "555 ", "http://", "www.", "\u0301", "(",
     "<a x", "1-", " \t", "e\u0301"],
)  # fmt: skip
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    raw = piece * (200_000 // len(piece))
    begun = time.perf_counter()

    clean_with_offsets(raw, list(STEPS))

    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("It is a long way to the end. " * 5 + "Good" + "!" * 9, id="at the end"),
        pytest.param("Soooooo good", id="at the start"),
    ],
)
def test_an_example_of_cleaning_shows_the_place_that_changes(text: str) -> None:
    example = cleaning_examples.examples([text])["repeats"]

    assert example.before != example.after
