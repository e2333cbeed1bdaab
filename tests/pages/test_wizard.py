"""The way of a file in a real browser: sent over a bad line, mapped, checked, labelled, undone."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.pages.test_story import CHROMIUM, LONG, Visitor
from tests.stack import Stack, stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROWS = 600
PIECE = 16 * 1024


def write_reviews(path: Path) -> None:
    """Write reviews rated in words, with a duplicate, a rating of no meaning, and an address."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Headline", "Review text", "Stars", "Day", "Shop"])
        for number in range(ROWS):
            text = f"Order {number} arrived after {number % 9} days &amp; works well enough for me."
            writer.writerow(["Fine", text, f"{1 + number % 5} stars", "2026-03-10", "north"])
        writer.writerow(["Odd", "I rate this in a way of my own.", "lovely", "2026-03-10", "north"])
        writer.writerow(["Mine", "Write to joe@example.org about it.", "1 stars", "2026-03-10", ""])
        writer.writerow(["Fine", text, "1 stars", "2026-03-10", "north"])


@pytest.fixture
def gloss(tmp_path: Path) -> Iterator[Stack]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium (Debian: apt-get install chromium)")
    with stack(tmp_path / "home") as made:
        made.env["DEMO"] = "0"
        made.start("manage.py", "up")
        made.wait(lambda: "Sign in once" in made.logs())
        made.manage("create_project", "lamps", "--preset", "product-reviews", "--owner", "owner")
        yield made


@pytest.fixture
def visitor(gloss: Stack) -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(20_000)
        yield Visitor(page, f"http://localhost:{gloss.port}")
        browser.close()


def test_a_file_over_a_bad_line_becomes_reviews_and_nothing_again(
    gloss: Stack, visitor: Visitor, tmp_path: Path
) -> None:
    path = tmp_path / "lamps.csv"
    write_reviews(path)
    sign_in(gloss, visitor.page)
    offsets = send_over_a_bad_line(visitor, path)
    read(visitor)
    map_columns(visitor)
    check(visitor)
    import_it(visitor)
    label_many_and_take_it_back(visitor)
    undo(visitor)

    assert offsets[0] >= 2 * PIECE
    assert visitor.complaints == []


def sign_in(gloss: Stack, page: Page) -> None:
    """Sign in by the one-time link; who has one project lands in it."""
    link = re.search(r"Sign in once as owner: (\S+)", gloss.logs())
    assert link is not None
    page.goto(link[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Upload reviews").first).to_be_visible()


def choose(page: Page, path: Path) -> None:
    """Choose a file and press the button; pieces are small, as if the file were large."""
    page.locator("[data-upload]").evaluate(f"form => form.dataset.pieceBytes = {PIECE}")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Continue").click()


def send_over_a_bad_line(visitor: Visitor, path: Path) -> list[int]:
    """Lose the connection after two pieces, come back later; return where it went on."""
    page = visitor.page
    sent: list[int] = []

    def pass_two(route: Route) -> None:
        if route.request.method != "PATCH":
            return route.continue_()
        sent.append(int(route.request.headers["upload-offset"]))
        return route.continue_() if len(sent) <= 2 else route.abort("connectionreset")

    page.goto(f"{visitor.base}/projects/lamps/reviews/upload/")
    visitor.look()
    page.route("**/uploads/*/", pass_two)
    choose(page, path)
    while len(sent) < 3:
        page.wait_for_timeout(100)
    expect(page.get_by_text("The connection was lost. Trying again")).to_be_visible()
    # Closed and opened again while the line is down: the page would go on by itself otherwise.
    page.goto(f"{visitor.base}/projects/lamps/reviews/upload/")
    page.unroute("**/uploads/*/")
    # The browser itself reports the connections that it lost.
    visitor.complaints = [each for each in visitor.complaints if "ERR_CONNECTION_RESET" not in each]
    expect(page.get_by_text("% has arrived")).to_be_visible()
    visitor.look()
    gone_on: list[int] = []
    page.on(
        "request",
        lambda request: (
            gone_on.append(int(request.headers["upload-offset"]))
            if request.method == "PATCH"
            else None
        ),
    )
    choose(page, path)
    expect(page.get_by_role("heading", name="How does it read?")).to_be_visible()
    return gone_on


def read(visitor: Visitor) -> None:
    """Change how the file reads and change it back, without leaving the page."""
    page = visitor.page
    visitor.look()
    page.get_by_label("Between cells").select_option("semicolon")
    expect(page.locator(".preview thead th")).to_have_count(2)
    page.get_by_label("Between cells").select_option("comma")
    expect(page.locator(".preview thead th")).to_have_count(6)
    expect(page.locator(".preview tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="What are the columns?")).to_be_visible()


def map_columns(visitor: Visitor) -> None:
    page = visitor.page
    visitor.look()
    stars = page.locator("select[name=answer-rating]")
    stars.select_option(label="(nothing)")
    expect(page.get_by_text("“5 stars” means")).to_have_count(0)
    stars.select_option(label="Stars")
    expect(page.get_by_label("“5 stars” means")).to_have_value("5")
    page.get_by_text(re.compile("would change the first texts: Decode HTML")).click()
    page.get_by_label("Decode HTML").check()
    visitor.look()
    page.locator(".form-actions").get_by_role("button", name="Check the whole file").click()


def check(visitor: Visitor) -> None:
    """See what an import would do, and give the word that it refuses a meaning."""
    page = visitor.page
    expect(page.locator(".check-verdict")).to_contain_text("601 new", timeout=LONG)
    expect(page.locator(".check-verdict")).to_contain_text("1 refused")
    expect(page.get_by_text("E-mail addresses")).to_be_visible()
    visitor.look()
    page.get_by_role("link", name="Change the columns", exact=True).first.click()
    page.get_by_label("“lovely” means").fill("5")
    page.locator(".form-actions").get_by_role("button", name="Check the whole file").click()
    expect(page.locator(".check-verdict")).to_contain_text("602 new", timeout=LONG)
    expect(page.locator(".check-verdict")).to_contain_text("1 duplicate skipped")


def import_it(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Import 602 reviews").click()
    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="See the data set").click()
    expect(page.get_by_role("heading", name="lamps")).to_be_visible()
    expect(page.get_by_text("602").first).to_be_visible()


def label_many_and_take_it_back(visitor: Visitor) -> None:
    """Filter, choose a column, keep the view, label three reviews at once, undo it."""
    page = visitor.page
    page.goto(f"{visitor.base}/projects/lamps/reviews/")
    page.get_by_label("Words", exact=True).fill("seldom")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_text("No review fits")).to_be_visible()
    page.get_by_label("Words", exact=True).fill("works")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile(r"/reviews/\?q=works$"))
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("group", name="Columns to show").get_by_label("Sentiment").check()
    page.get_by_role("button", name="Show these columns").click()
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("What works")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="What works")).to_have_attribute("aria-current", "true")
    for row in range(3):
        page.locator("[data-reviews] tbody input").nth(row).check()
    expect(page.get_by_text("3 ticked")).to_be_visible()
    visitor.look()
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="With the ticked reviews").click()
    label = page.locator("form", has=page.get_by_role("button", name="Label them"))
    label.get_by_label("Sentiment").select_option(label="Positive")
    visitor.look()
    label.get_by_role("button", name="Label them").click()
    expect(page.get_by_text(re.compile(r"\d reviews labelled"))).to_be_visible()
    page.get_by_role("link", name="Back to the table").click()
    page.get_by_role("link", name="What works").click()
    positive = page.locator("td[data-name=Sentiment]", has_text="Positive")
    expect(positive).not_to_have_count(0)
    page.get_by_role("link", name="Bulk actions").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("as they were before")).to_be_visible()
    page.goto(f"{visitor.base}/projects/lamps/reviews/")
    page.get_by_role("link", name="What works").click()
    expect(page.locator("[data-reviews] tbody tr")).to_have_count(50)
    expect(positive).to_have_count(0)


def undo(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.base}/projects/lamps/reviews/datasets/")
    page.get_by_role("link", name="lamps").last.click()
    expect(page.get_by_role("heading", name="lamps")).to_be_visible()
    page.goto(f"{page.url}undo/")
    expect(page.get_by_text("602")).to_be_visible()
    visitor.look()
    page.get_by_role("button", name="Undo this import").click()
    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=LONG)
    page.goto(f"{visitor.base}/projects/lamps/reviews/")
    expect(page.get_by_text("No reviews yet")).to_be_visible()
