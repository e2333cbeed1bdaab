"""Where ranges land when a text changes."""

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.text import normalise
from reviews.offsets import (
    UNCHANGED,
    Replacement,
    normalise_with_offsets,
    of_replacements,
    replace,
)

#: What raw texts are made of where they are worst: line ends, what is dropped, what composes.
PIECES = st.sampled_from(
    [
        *"ab <&", "\r\n", "\r", "\n", "\x00", "\ufeff", "\ud800", "\udc00", "é", "e\u0301",
        "\u0323", "\u0301", "\u1100", "\u1161", "\u11a8", "가", "\u212b", "\u0344", "\u09c7",
        "\u09be", "👩\u200d💻", "🏽", "İ", "Σ", "\u3000", "\x85", "\u2028", "ﬁ",
    ]
)  # fmt: skip
RAW = st.lists(st.one_of(PIECES, st.characters(categories=None)), max_size=30).map("".join)


@settings(max_examples=300)
@given(RAW)
def test_the_text_is_always_the_normalised_one(raw: str) -> None:
    text, _ = normalise_with_offsets(raw)

    assert text == normalise(raw)


@settings(max_examples=300)
@given(RAW)
def test_what_is_no_blank_and_no_mark_keeps_its_letter(raw: str) -> None:
    text, offsets = normalise_with_offsets(raw)

    for place, char in enumerate(raw):
        moved = offsets.move(place, place + 1)
        if moved is not None:
            assert 0 <= moved[0] < moved[1] <= len(text)
        if char.isascii() and char.isalnum():
            assert moved is not None
            base = unicodedata.normalize("NFD", text[slice(*moved)])[0]
            assert base == char


@settings(max_examples=300)
@given(RAW, st.data())
def test_a_range_holds_the_ranges_within_it(raw: str, data: st.DataObject) -> None:
    _, offsets = normalise_with_offsets(raw)
    places = st.integers(0, len(raw))
    start, end = sorted((data.draw(places), data.draw(places)))

    outer = offsets.move(start, end)

    inner = [each for at in range(start, end) if (each := offsets.move(at, at + 1))]
    expected = (min(a for a, _ in inner), max(b for _, b in inner)) if inner else None
    assert outer == expected


def test_every_letter_that_composes_is_found_whatever_is_before_it() -> None:
    composed = [
        char
        for code in range(sys.maxunicode + 1)
        if not 0xAC00 <= code <= 0xD7A3  # all of Hangul follow one rule
        and unicodedata.normalize("NFD", char := chr(code)) != char
    ]

    raw = "".join(f"x{unicodedata.normalize('NFD', char)}\r\n" for char in composed)

    assert len(composed) > 1_500
    assert normalise_with_offsets(raw)[0] == normalise(raw)


@pytest.mark.parametrize(
    ("raw", "start", "end", "covered"),
    [
        pytest.param("  Great\r\nphone", 9, 14, "phone", id="after a line end that shrank"),
        pytest.param("  Great", 0, 7, "Great", id="outer blanks are cut off"),
        pytest.param("cafe\u0301 noir", 0, 4, "café", id="a letter without its mark takes it"),
        pytest.param("cafe\u0301 noir", 6, 10, "noir", id="after a composed letter"),
        pytest.param("\u1112\u1161\u11ab 국", 4, 5, "국", id="after composed Hangul"),
        pytest.param("a\x00b\ufeffc", 2, 5, "bc", id="what is dropped within"),
        pytest.param("👩\u200d💻 ok\r\n!", 4, 6, "ok", id="emoji joined of several"),
        pytest.param("\ud800 half", 2, 6, "half", id="half a surrogate pair"),
        pytest.param("a\rb", 2, 3, "b", id="a lone CR"),
    ],
)
def test_a_range_moves_with_its_words(raw: str, start: int, end: int, covered: str) -> None:
    text, offsets = normalise_with_offsets(raw)

    moved = offsets.move(start, end)

    assert moved is not None
    assert text[slice(*moved)] == covered


@pytest.mark.parametrize(("start", "end"), [(0, 2), (7, 9), (3, 3)])
def test_nothing_is_left_of_blanks_that_went(start: int, end: int) -> None:
    _, offsets = normalise_with_offsets("  Great  ")

    assert offsets.move(start, end) is None


def test_changes_follow_one_another() -> None:
    first = of_replacements([Replacement(0, 3, "")])
    second = of_replacements([Replacement(0, 1, "good")])
    text = replace(replace("so g day", [Replacement(0, 3, "")]), [Replacement(0, 1, "good")])

    moved = first.then(second).move(4, 8)

    assert text == "good day"
    assert moved == (4, 8)


def test_a_prefix_shifts_and_belongs_to_no_range() -> None:
    shifted = UNCHANGED.after_prefix(7)

    assert shifted.move(0, 4) == (7, 11)
    assert UNCHANGED.after_prefix(0).move(0, 4) == (0, 4)


def test_a_range_within_a_replacement_covers_all_of_it() -> None:
    offsets = of_replacements([Replacement(4, 24, "[link]")])

    assert offsets.move(10, 12) == (4, 10)
    assert offsets.move(0, 10) == (0, 10)
    assert offsets.move(10, 30) == (4, 16)
    assert offsets.move(24, 30) == (10, 16)
