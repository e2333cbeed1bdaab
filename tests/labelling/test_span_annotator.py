"""Spans in a real browser: by mouse, by keyboard alone, by finger; any script; long texts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.labelling.span_page import FREE, SpanPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CHROMIUM = Path("/usr/bin/chromium")
AXE = next((Path(__file__).parents[1] / "pages" / "vendor").glob("axe-core@*/axe.min.js"))
APART = replace(FREE, allows_overlap=False)
TEXT = "Great price, bad box. The price went up; my 👨‍👩‍👧‍👦 liked the Price."
HEBREW = "המחיר טוב abc def מאוד"

SELECT = """([start, end]) => {
  const chosen = document.getSelection();
  chosen.removeAllRanges();
  chosen.addRange(window.spans.view.range([start, end]));
}"""

Open = Callable[..., SpanPage]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield made
        made.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Open]:
    """Return a function that opens a page with a text."""
    pages: list[SpanPage] = []

    def show(text: str, device: dict[str, Any] | None = None, **more: Any) -> SpanPage:
        made = SpanPage(chromium, **(device or {"viewport": {"width": 1280, "height": 900}}))
        pages.append(made)
        made.show(text, **more)
        return made

    yield show
    for made in pages:
        made.page.close()
        assert made.complaints == []


def mark(text: str, words: str, option: str, polarity: str = "") -> dict[str, Any]:
    start = text.index(words)
    span = {"start": start, "end": start + len(words), "text": words, "option": option}
    return span | {"polarity": polarity}


# --- Mouse ----------------------------------------------------------------------------------------


def test_the_mouse_selects_and_a_button_marks(opened: Open) -> None:
    spans = opened(TEXT)

    spans.select("bad box")
    spans.page.get_by_role("button", name="Quality").first.click()

    assert spans.words == [("quality", "bad box")]
    assert spans.said == "Quality: bad box"


def test_a_selection_within_an_emoji_family_takes_the_family(opened: Open) -> None:
    spans = opened(TEXT)
    at = TEXT.index("👨")
    spans.page.evaluate(
        SELECT,
        [at + 2, at + 3],
    )

    spans.page.keyboard.press("1")

    assert spans.words == [("price", "👨‍👩‍👧‍👦")]


def test_a_click_picks_the_innermost_span_and_again_the_one_around_it(opened: Open) -> None:
    spans = opened(
        TEXT, marked=[mark(TEXT, "Great price", "price"), mark(TEXT, "price", "quality")]
    )
    at = spans.corner(TEXT.index("price") + 1)

    spans.page.mouse.click(*at)
    first = spans.said
    spans.page.mouse.click(*at)

    assert first == "Picked Quality: price"
    assert spans.said == "Picked Price: Great price"


def test_a_handle_moves_an_end(opened: Open) -> None:
    spans = opened(TEXT, marked=[mark(TEXT, "price", "price")])
    spans.page.mouse.click(*spans.corner(TEXT.index("price") + 1))

    for side, words in (("start", "Great"), ("end", "box")):
        at = TEXT.index(words) + (len(words) - 1 if side == "end" else 0)
        handle = spans.page.locator(f"[data-span-handle={side}]").bounding_box()
        assert handle is not None
        spans.page.mouse.move(handle["x"] + 1, handle["y"] + handle["height"] / 2)
        spans.page.mouse.down()
        spans.page.mouse.move(*spans.corner(at, is_end=side == "end"), steps=3)
        spans.page.mouse.up()

    assert spans.words == [("price", "Great price, bad box")]


def test_another_option_changes_a_picked_span(opened: Open) -> None:
    spans = opened(TEXT, marked=[mark(TEXT, "bad box", "price", "negative")])

    spans.page.mouse.click(*spans.corner(TEXT.index("box")))
    spans.page.keyboard.press("3")

    assert spans.words == [("delivery", "bad box")]


# --- Keyboard alone -------------------------------------------------------------------------------


def test_words_are_picked_marked_and_given_a_polarity_by_keys(opened: Open) -> None:
    spans = opened(TEXT)

    spans.press("ArrowRight", "ArrowRight", "Shift+ArrowLeft", "1", "+")

    assert spans.words == [("price", "Great price")]
    assert spans.spans[0].polarity == "positive"
    assert spans.said == "Price, positive: Great price"


def test_graphemes_are_picked_by_keys(opened: Open) -> None:
    spans = opened("👨‍👩‍👧‍👦👍🏽e\u0301 x")

    spans.press("ArrowRight", ".", ".", "1")

    assert spans.words == [("price", "👨‍👩‍👧‍👦👍🏽e\u0301")]


def test_a_span_is_resized_by_graphemes_and_by_words(opened: Open) -> None:
    spans = opened(TEXT)

    spans.press("ArrowRight", "ArrowRight", "1", ",")
    shorter = spans.words
    spans.press("Shift+ArrowRight", "Control+Shift+ArrowLeft", ">")

    assert shorter == [("price", "pric")]
    assert spans.words == [("price", "reat price")]


def test_a_span_cannot_be_made_empty(opened: Open) -> None:
    spans = opened("a b", marked=[mark("a b", "a", "price")])

    spans.page.get_by_role("button", name="Pick Price: a").click()
    spans.press(",")

    assert spans.words == [("price", "a")]
    assert spans.said == "A span has at least one character."


def test_up_and_down_go_from_line_to_line(opened: Open) -> None:
    spans = opened("one two\nthree four\nfive six")

    spans.press("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp")

    assert spans.said == "three"


def test_arrow_keys_follow_what_is_seen_in_right_to_left_text(opened: Open) -> None:
    spans = opened(f"{HEBREW}\nEnglish")
    heard = []

    for _ in range(6):
        spans.press("ArrowLeft")
        heard.append(spans.said)

    assert heard == ["המחיר", "טוב", "def", "abc", "מאוד", "English"]


def test_a_right_to_left_span_is_resized_as_seen(opened: Open) -> None:
    spans = opened(HEBREW)

    spans.press("ArrowLeft", "1", "Shift+ArrowLeft")

    assert spans.words == [("price", "המחיר טוב")]


def test_everything_is_undone_and_done_again(opened: Open) -> None:
    spans = opened(TEXT)
    spans.press("ArrowRight", "1", "-", "Shift+ArrowRight", "*", "Delete")
    last = spans.words

    spans.press(*["Control+z"] * 4)
    nothing = spans.words
    spans.press("Control+z")
    said = spans.said
    spans.press(*["Control+Shift+z"] * 3, "Control+y")

    assert nothing == []
    assert said == "Nothing to undo."
    assert spans.words == last


def test_the_list_is_worked_by_keys_and_keeps_the_focus(opened: Open) -> None:
    spans = opened(TEXT, marked=[mark(TEXT, "Great", "price"), mark(TEXT, "bad", "quality")])
    page = spans.page

    negative = page.locator("[data-polarity=negative]").first

    negative.press("Enter")
    expect(negative).to_be_focused()
    page.get_by_role("button", name="Remove Price, negative: Great").press("Enter")

    expect(page.get_by_role("button", name="Remove Quality: bad")).to_be_focused()
    assert spans.words == [("quality", "bad")]


# --- All occurrences, overlap, proposals ----------------------------------------------------------


def test_all_like_it_are_marked_at_once_and_undone_at_once(opened: Open) -> None:
    spans = opened(TEXT)

    spans.press("ArrowRight", "ArrowRight", "1", "*")
    all_of_them = spans.words
    spans.press("*")
    said = spans.said
    spans.press("Control+z")

    assert all_of_them == [("price", "price"), ("price", "price"), ("price", "Price")]
    assert said == "No other “price” to mark."
    assert spans.words == [("price", "price")]


def test_all_like_it_minds_case_when_asked(opened: Open) -> None:
    spans = opened(TEXT)

    spans.page.get_by_label("Match case").check()
    spans.press("ArrowRight", "ArrowRight", "1", "*")

    assert spans.words == [("price", "price"), ("price", "price")]


def test_all_like_it_leaves_out_what_would_overlap(opened: Open) -> None:
    spans = opened(TEXT, question=APART, marked=[mark(TEXT, "The price", "quality")])

    spans.press("ArrowRight", "ArrowRight", "1", "*")

    assert spans.words == [("price", "price"), ("quality", "The price"), ("price", "Price")]
    assert "1 left out" in spans.said


@pytest.mark.parametrize("words", ["price", "Great price, bad", "price, bad box"])
def test_overlap_is_refused_in_words_where_it_is_not_allowed(opened: Open, words: str) -> None:
    before = mark(TEXT, "Great price", "price")
    spans = opened(TEXT, question=APART, marked=[before])

    spans.select(words)
    spans.page.keyboard.press("2")

    assert spans.words == [("price", "Great price")]
    assert "may not overlap" in spans.said
    assert "Price: Great price" in spans.said


def test_touching_is_no_overlap_and_a_resize_stops_there(opened: Open) -> None:
    spans = opened("goodbad", question=APART, marked=[mark("goodbad", "good", "price")])
    spans.press("Home", ">", ">", ">", ">", "2")
    touching = spans.words

    spans.press("<")

    assert touching == spans.words == [("price", "good"), ("quality", "bad")]
    assert "may not overlap" in spans.said


def test_nested_and_overlapping_spans_are_shown_with_a_line_and_a_name_each(opened: Open) -> None:
    spans = opened(
        TEXT, marked=[mark(TEXT, "Great price", "price"), mark(TEXT, "price", "quality")]
    )
    marks = spans.page.locator("mark")

    offsets = marks.evaluate_all(
        "marks => marks.map((each) => getComputedStyle(each).textUnderlineOffset)"
    )

    assert marks.evaluate_all("marks => marks.map((each) => each.dataset.names)") == [
        "Price", None, "Quality",
    ]  # fmt: skip
    assert offsets[0] == offsets[1] != offsets[2]


def test_a_proposal_is_taken_and_one_that_would_overlap_is_refused(opened: Open) -> None:
    spans = opened(
        TEXT,
        question=APART,
        marked=[mark(TEXT, "Great price", "price")],
        suggested=[mark(TEXT, "price", "quality"), mark(TEXT, "bad box", "quality", "negative")],
    )

    spans.page.get_by_role("button", name="Take it: Quality: price").click()
    said = spans.said
    spans.page.get_by_role("button", name="Take it: Quality, negative: bad box").click()

    assert "may not overlap" in said
    assert spans.words == [("price", "Great price"), ("quality", "bad box")]
    assert spans.spans[1].polarity == "negative"


def test_all_proposals_that_may_stand_are_taken_in_one_step(opened: Open) -> None:
    proposed = [mark(TEXT, "Great price", "price"), mark(TEXT, "price", "quality")]
    spans = opened(TEXT, question=APART, suggested=[*proposed, mark(TEXT, "bad box", "quality")])

    taken = spans.page.evaluate("window.spans.takeProposals()")
    marked = spans.words
    spans.press("Control+z")

    assert taken == 2
    assert marked == [("price", "Great price"), ("quality", "bad box")]
    assert spans.words == []


def test_proposals_are_drawn_dashed_until_they_are_taken(opened: Open) -> None:
    spans = opened(
        TEXT,
        marked=[mark(TEXT, "bad box", "quality")],
        suggested=[mark(TEXT, "Great price", "price", "positive")],
    )
    drawn = spans.page.locator("[data-span-text] mark.is-suggested")
    look = "each => [each.textContent, getComputedStyle(each).textDecorationStyle]"

    proposed = drawn.evaluate(look)
    said = drawn.get_attribute("aria-description")
    kept = spans.page.locator("mark:not(.is-suggested)").evaluate(look)
    spans.page.get_by_role("button", name="Take it: Price").click()

    assert proposed == ["Great price", "dashed"]
    assert said == "suggested: Price +"
    assert kept == ["bad box", "solid"]
    expect(drawn).to_have_count(0)
    assert spans.words == [("price", "Great price"), ("quality", "bad box")]


def test_a_proposal_beyond_the_text_is_left_out(opened: Open) -> None:
    wrong = mark(TEXT, "price", "price") | {"end": len(TEXT) + 1}

    spans = opened(TEXT, suggested=[wrong])

    expect(spans.page.locator(".is-suggested")).to_have_count(0)


def test_one_key_takes_every_proposal(opened: Open) -> None:
    spans = opened(TEXT, suggested=[mark(TEXT, "price", "price"), mark(TEXT, "box", "quality")])

    spans.press(":")

    assert spans.said == "2 of 2 suggested spans taken."
    assert spans.words == [("price", "price"), ("quality", "box")]
    expect(spans.page.get_by_role("button", name="Take all suggested")).to_be_disabled()


# --- Fingers --------------------------------------------------------------------------------------

PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def test_a_finger_selects_and_the_bar_marks(opened: Open) -> None:
    spans = opened(TEXT, device=PHONE)
    page = spans.page
    bar = page.locator("[data-span-bar]")
    page.touchscreen.tap(*spans.corner(TEXT.index("The")))
    page.evaluate(  # what a long press does; emulated touch selects nothing
        SELECT,
        [0, len("Great price")],
    )

    expect(bar).to_be_visible()
    bar.get_by_role("button", name="Mark as Quality").tap()
    bar.get_by_role("button", name="Positive").tap()
    marked = spans.spans
    bar.get_by_role("button", name="All like it").tap()
    bar.get_by_role("button", name="Done").tap()

    assert [(span.option, span.text, span.polarity) for span in marked] == [
        ("quality", "Great price", "positive")
    ]
    assert spans.said == "No other “Great price” to mark."
    expect(bar).to_be_hidden()


def test_a_finger_drags_an_end(opened: Open) -> None:
    spans = opened(TEXT, device=PHONE, marked=[mark(TEXT, "bad", "price")])
    page = spans.page
    page.touchscreen.tap(*spans.corner(TEXT.index("bad") + 1))
    handle = page.locator("[data-span-handle=end]").bounding_box()
    assert handle is not None
    x, y = handle["x"] + 1, handle["y"] + handle["height"] + 8
    to_x, to_y = spans.corner(TEXT.index("box") + 2, is_end=True)
    wire = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (x, y))
    touch("touchMove", (x + 9, y))
    touch("touchMove", (to_x, to_y + handle["height"] / 2 + 8))
    touch("touchEnd")

    assert spans.words == [("price", "bad box")]


MARK_THE_NEXT_WORD = """async () => {
  const box = document.querySelector("[data-span-text]");
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  window.spans.mark("aspect_spans", "quality");
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}"""

# --- Readers and long texts -----------------------------------------------------------------------


def test_names_and_announcements_are_there_for_readers(opened: Open) -> None:
    spans = opened(TEXT, marked=[mark(TEXT, "Great price", "price", "positive")])
    page = spans.page

    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]

    assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []
    box = page.get_by_role("group", name="Review text")
    expect(box).to_have_accessible_description(re.compile("Arrow keys pick words"))
    expect(page.get_by_role("button", name="Pick Price, positive: Great price")).to_be_visible()
    expect(page.get_by_role("list", name="Aspects in the text: marked")).to_be_visible()
    assert page.locator("mark").get_attribute("aria-description") == "Price +"


@pytest.mark.parametrize("has_lines", [True, False], ids=["lines", "one line"])
def test_a_long_text_with_many_spans_stays_quick(opened: Open, *, has_lines: bool) -> None:
    line = "The price was great, the box came late and the 👨‍👩‍👧‍👦 liked it. "
    text = ((line * 10 + ("\n" if has_lines else "")) * 100)[:50_000]
    marked = [
        {"start": at, "end": at + 9, "text": text[at : at + 9], "option": "price", "polarity": ""}
        for at in range(0, 49_500, 165)
        if text[at : at + 9].strip()
    ]
    spans = opened(text, marked=marked)

    before = busy(spans)
    for _ in range(10):
        spans.page.evaluate(MARK_THE_NEXT_WORD)
    each = (busy(spans) - before) / 10

    assert len(marked) >= 299
    assert len(spans.spans) == len(marked) + 10
    assert each < 0.1, f"{each:.3f} s"


def busy(spans: SpanPage) -> float:
    """Return the seconds of processor time that the page has taken: others' load is not in it."""
    wire = spans.page.context.new_cdp_session(spans.page)
    wire.send("Performance.enable", {"timeDomain": "threadTicks"})
    metrics = wire.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def test_only_what_changed_is_painted_anew(opened: Open) -> None:
    text = "word " * 2000
    spans = opened(text, marked=[mark(text, "word", "price")])
    spans.page.evaluate(
        """() => {
          window.touched = 0;
          const count = (records) => {
            for (const each of records) window.touched += each.addedNodes.length;
          };
          new MutationObserver(count).observe(window.spans.box, { childList: true, subtree: true });
        }"""
    )

    spans.press("End", "1")

    assert spans.page.evaluate("window.touched") <= 6
