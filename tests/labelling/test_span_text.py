"""What the browser makes of texts: offsets, graphemes, words, lines; against Python's own view."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import regex
from playwright.sync_api import sync_playwright

from labelling.spans import SpanValue, pieces
from tests.labelling.span_page import SpanPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CHROMIUM = Path("/usr/bin/chromium")

#: What people write, grapheme by grapheme; UAX #29 keeps each of them whole.
GRAPHEMES = [
    "a", "Z", "é", "e\u0301", "a\u0308\u0323", "ß", "İ", "1", ",", ".", "'", "-",
    "👍", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "❤️‍🔥", "🇩🇪", "🇮🇱", "1️⃣", "🧑🏿‍🦱",
    "ש", "שָׁ", "ם", "س", "سُّ", "ي", "١",
    "한", "\u1112\u1161\u11ab", "\u1100\u1161", "の", "字", "ก", "กำ", "ที่",
    "क", "क्षि", "नि", "தி", "\u0600١",
    " ", "  ", "\u00a0", "\t", "\n", "\r\n",
]  # fmt: skip
CASES = 400
NAMES = "SpanText, pieces, lanes"


@pytest.fixture(scope="module")
def component() -> Iterator[SpanPage]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = SpanPage(browser)
        made.show("Hello")
        yield made
        assert made.complaints == []
        browser.close()


def texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(GRAPHEMES, k=rng.randint(1, 40))) for _ in range(CASES)]


def units(text: str) -> int:
    """Return how many UTF-16 units a text has: what JavaScript counts."""
    return len(text.encode("utf-16-le")) // 2


def edges(text: str) -> set[int]:
    """Return where UAX #29 lets a grapheme begin or end, in code points."""
    return {0} | {match.end() for match in regex.finditer(r"\X", text)}


def run(component: SpanPage, script: str, argument: Any) -> Any:
    return component.page.evaluate(
        "(cases) => cases.map((each) => { const { SpanText, pieces, lanes } = spanText;"
        + script
        + "})",
        argument,
    )


@pytest.mark.parametrize("grapheme", [each for each in GRAPHEMES if each.strip()], ids=ascii)
def test_a_grapheme_is_taken_whole_wherever_one_points(component: SpanPage, grapheme: str) -> None:
    text = f"x {grapheme} y"
    inside = [[text, 2 + at, 3 + at] for at in range(units(grapheme))]

    found = run(component, "return new SpanText(each[0]).snap([each[1], each[2]])", inside)

    assert found == [[2, 2 + len(grapheme)]] * len(inside)


def test_what_is_selected_is_the_slice_by_code_points_and_cuts_no_grapheme(
    component: SpanPage,
) -> None:
    rng = random.Random(1)
    cases: list[tuple[str, int, int]] = []
    for text in texts(1):
        start, end = sorted(rng.randint(0, units(text)) for _ in range(2))
        cases.append((text, start, end))

    found = run(
        component,
        """const [text, from, to] = each;
        const made = new SpanText(text);
        const range = made.snap([from, to]);
        return range && [...range, made.slice(...range), text.slice(from, to)];""",
        cases,
    )

    assert sum(each is not None for each in found) > CASES / 2
    for (text, start, end), each in zip(cases, found, strict=True):
        picked = text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le", "ignore")
        if each is None:
            assert not picked.strip()
            continue
        first, last, words, _ = each
        assert text[first:last] == words
        assert {first, last} <= edges(text)
        assert picked.strip() in words


def test_steps_go_from_grapheme_to_grapheme_both_ways(component: SpanPage) -> None:
    found = run(
        component,
        """const made = new SpanText(each);
        const forward = [0];
        while (forward.at(-1) < made.length) forward.push(made.step(forward.at(-1), 1));
        const back = [made.length];
        while (back.at(-1) > 0) back.push(made.step(back.at(-1), -1));
        return [forward, back];""",
        texts(2),
    )

    for text, (forward, back) in zip(texts(2), found, strict=True):
        assert forward == back[::-1] == sorted(edges(text))


def test_words_lie_apart_hold_all_that_is_not_blank_and_cut_no_grapheme(
    component: SpanPage,
) -> None:
    found = run(component, "return new SpanText(each).words", texts(3))

    for text, words in zip(texts(3), found, strict=True):
        assert all(before[1] <= after[0] for before, after in pairwise(words))
        assert {edge for word in words for edge in word} <= edges(text)
        inside = {at for start, end in words for at in range(start, end)}
        assert not "".join(text[at] for at in range(len(text)) if at not in inside).strip()


def test_code_points_and_units_lead_to_each_other(component: SpanPage) -> None:
    found = run(
        component,
        """const made = new SpanText(each);
        const points = Array.from({ length: made.length + 1 }, (_, at) => at);
        return [made.length, points.map((point) => made.point(made.unit(point)))];""",
        texts(4),
    )

    assert found == [[len(text), list(range(len(text) + 1))] for text in texts(4)]


def test_blocks_put_together_are_the_text_and_cut_no_grapheme(component: SpanPage) -> None:
    rng = random.Random(5)
    long = ["".join(rng.choices(GRAPHEMES, k=6000)) for _ in range(6)]
    long += [text.replace("\n", " ").replace("\r", " ") for text in long] + [
        "字" * 9000,
        "x" * 5000,
    ]

    found = run(
        component,
        """const made = new SpanText(each);
        return made.blocks().map(({ start, end }) => [start, end, made.slice(start, end)]);""",
        long,
    )

    for text, blocks in zip(long, found, strict=True):
        assert "".join(words for _, _, words in blocks) == text
        assert all(text[start:end] == words for start, end, words in blocks)
        assert max(units(words) for _, _, words in blocks) <= 2000
        assert {edge for start, end, _ in blocks for edge in (start, end)} <= edges(text)


def test_the_browser_cuts_pieces_as_python_does(component: SpanPage) -> None:
    rng = random.Random(6)
    cases: list[tuple[str, list[dict[str, Any]]]] = []
    for text in texts(6):
        ranges = {(a, b) for a, b in _ranges(rng, len(text), 6)}
        cases.append((text, [{"start": a, "end": b, "option": f"o{a}"} for a, b in sorted(ranges)]))

    found = run(
        component,
        """const [text, spans] = each;
        const made = new SpanText(text);
        return pieces([0, made.length], spans, null).map((piece) => [
          made.slice(piece.start, piece.end),
          piece.under.map(({ start, end }) => [start, end]),
        ]);""",
        cases,
    )

    for (text, marks), cut in zip(cases, found, strict=True):
        values = [SpanValue(each["start"], each["end"], each["option"]) for each in marks]
        wanted = [
            [piece.text, [[span.start, span.end] for span in piece.spans]]
            for piece in pieces(text, values)
        ]
        assert cut == wanted


def test_no_two_spans_share_a_lane_at_one_place(component: SpanPage) -> None:
    rng = random.Random(7)
    cases = [
        [{"start": a, "end": b} for a, b in _ranges(rng, 60, 12)] for _ in range(CASES)
    ]  # fmt: skip

    found = run(component, "const lane = lanes(each); return each.map((s) => lane.get(s))", cases)

    for spans, given in zip(cases, found, strict=True):
        for at, (one, lane) in enumerate(zip(spans, given, strict=True)):
            for other, its in list(zip(spans, given, strict=True))[:at]:
                is_over = one["start"] < other["end"] and other["start"] < one["end"]
                assert not (is_over and lane == its)


def _ranges(rng: random.Random, length: int, count: int) -> list[tuple[int, int]]:
    found = (sorted(rng.randint(0, length) for _ in range(2)) for _ in range(count))
    return [(start, end) for start, end in found if start < end]


@pytest.mark.parametrize(
    ("text", "words", "how", "found"),
    [
        ("Price, price! PRICE?", "Price", {}, ["Price", "price", "PRICE"]),
        ("Price, price! PRICE?", "Price", {"isExact": True}, ["Price"]),
        ("price prices priceless", "price", {}, ["price"]),
        ("price prices priceless", "price", {"isPart": True}, ["price"] * 3),
        ("prices and rice", "rice", {}, ["rice", "rice"]),
        ("the bad\n box, the  bad box", "bad box", {}, ["bad box", "bad\n box"]),
        ("a (b)* c (b)* (bb", "(b)*", {}, ["(b)*", "(b)*"]),
        ("👍 👍🏽 👍", "👍", {}, ["👍", "👍"]),
        ("cafe cafe\u0301 cafe", "cafe", {"isPart": True}, ["cafe", "cafe"]),
        ("מחיר טוב, מחיר", "מחיר", {}, ["מחיר", "מחיר"]),
        ("ÉTÉ été", "été", {}, ["ÉTÉ", "été"]),
    ],
    ids=[
        "any case", "the same case", "whole words", "inside words", "part of a word", "blanks",
        "signs of patterns", "emoji with another skin", "combining mark", "right to left",
        "accents",
    ],
)  # fmt: skip
def test_all_occurrences_of_the_selected_words(
    component: SpanPage, text: str, words: str, how: dict[str, bool], found: list[str]
) -> None:
    start = text.index(words)

    ranges = run(
        component,
        "return new SpanText(each[0]).occurrences([each[1], each[2]], each[3])",
        [[text, start, start + len(words), how]],
    )

    assert sorted(text[a:b] for a, b in ranges[0]) == sorted(found)


@pytest.mark.parametrize(
    ("text", "at", "is_leftward"),
    [
        ("abc שלום", 0, False),
        ("abc שלום", 5, True),
        ("שלום abc", 5, False),
        ("שלום 12", 5, False),
        ("שלום, abc", 4, True),
        ("abc\nשלום!", 8, True),
        ("שלום\nabc!", 8, False),
        ("123 سلام", 6, True),
    ],
)
def test_directions(component: SpanPage, text: str, at: int, *, is_leftward: bool) -> None:
    assert run(component, "return new SpanText(each[0]).isLeftward(each[1])", [[text, at]]) == [
        is_leftward
    ]
