"""The whole loop in a real browser, against real processes: what a new user does on the first day.

Sign in, make a project from a preset, upload a CSV, map its columns, label five reviews by
keyboard, train, read the confusion matrix, open a cell, see that the queue has changed. On the way
no policy violation, no console error, and nothing serious for axe.
"""

import csv
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect, sync_playwright

from tests.pages.themes import THEMES, show
from tests.stack import Stack, stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CHROMIUM = Path("/usr/bin/chromium")
AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*/axe.min.js"))
LABELLED, UNLABELLED = 400, 60
LONG = 180_000

GOOD = ("sounds great", "arrived early", "looks lovely", "is sturdy", "was a bargain")
BAD = ("broke after a week", "is far too loud", "arrived late", "feels cheap", "costs too much")


class Visitor:
    """A page that remembers everything it had to complain about."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("response", self._check)

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {kind}: {text}")

    def _check(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.url} answered {response.status}")

    def look(self) -> None:
        """Let axe look at the page in both themes; nothing serious may be found."""
        for theme in THEMES:
            show(self.page, theme)
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
            found = self.page.evaluate("axe.run()")["violations"]
            self.complaints += [
                f"{self.page.url} ({theme}): {rule['id']}: {rule['nodes'][0]['html']}"
                for rule in found
                if rule["impact"] in {"serious", "critical"}
            ]
        self.page.emulate_media(color_scheme="light")


def write_reviews(path: Path) -> None:
    """Write reviews whose answers follow from their words; the last ones carry no answers."""
    rng = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Headline", "Review text", "Stars", "Feeling", "Item", "Day"])
        for number in range(LABELLED + UNLABELLED):
            is_good = rng.random() < 0.55
            words = rng.sample(GOOD if is_good else BAD, 2)
            text = f"Order {number} {words[0]} and {words[1]}. I use it every {number % 7} days."
            stars, feeling = ("5", "positive") if is_good else ("2", "negative")
            if number >= LABELLED:
                stars, feeling = "", ""
            day = f"2026-{1 + number % 12:02d}-10"
            writer.writerow([f"Review {number}", text, stars, feeling, f"Lamp {number % 4}", day])


@pytest.fixture
def gloss(tmp_path: Path) -> Iterator[Stack]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium (Debian: apt-get install chromium)")
    with stack(tmp_path / "home") as made:
        made.env["DEMO"] = "0"
        made.start("manage.py", "up")
        made.wait(lambda: "Sign in once" in made.logs())
        yield made


@pytest.fixture
def visitor(gloss: Stack) -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        # Without motion: axe would look at colours half way from one theme to the other.
        page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(20_000)
        yield Visitor(page, f"http://localhost:{gloss.port}")
        browser.close()


def test_the_first_day(gloss: Stack, visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    sign_in(gloss, page)
    make_project(visitor)
    upload(visitor, tmp_path)
    before = label_five_by_keyboard(visitor)
    train(visitor)
    open_a_cell(visitor)
    after = first_of_queue(visitor)

    assert "In random order" in before or "Random control" in before
    assert "Ranked by version 1" in after or "Random control" in after
    page.goto(f"{visitor.base}/projects/lamps/label/")
    expect(page.get_by_text("version 1").first).to_be_visible()
    for path in ("", "insights/", "models/", "settings/", "jobs/", "label/agreement/"):
        page.goto(f"{visitor.base}/projects/lamps/{path}")
        visitor.look()
    assert visitor.complaints == []


def sign_in(gloss: Stack, page: Page) -> None:
    link = re.search(r"Sign in once as owner: (\S+)", gloss.logs())
    assert link is not None
    page.goto(link[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def make_project(visitor: Visitor) -> None:
    page = visitor.page
    visitor.look()
    page.get_by_role("link", name="New project").first.click()
    visitor.look()
    page.get_by_label("Name", exact=True).fill("Lamps")
    page.get_by_label("Product reviews").check()
    page.get_by_role("button", name="Make the project").click()
    expect(page).to_have_url(f"{visitor.base}/projects/lamps/reviews/upload/")


def upload(visitor: Visitor, folder: Path) -> None:
    page, path = visitor.page, folder / "lamps.csv"
    write_reviews(path)
    visitor.look()
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="How does it read?")).to_be_visible()
    visitor.look()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="What are the columns?")).to_be_visible()
    visitor.look()
    choose = {
        "text-0": "Headline",
        "text-1": "Review text",
        "answer-rating": "Stars",
        "answer-sentiment": "Feeling",
        "product": "Item",
        "date": "Day",
    }
    for field, column in choose.items():
        select = page.locator(f"select[name={field}]")
        if select.locator("option:checked").inner_text() == column:
            continue
        with page.expect_response(lambda response: "/map/" in response.url):
            select.select_option(label=column)
        page.wait_for_timeout(200)  # what it led to is in its place
    page.get_by_role("button", name="Import at once").click()
    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=LONG)
    visitor.look()
    page.goto(f"{visitor.base}/projects/lamps/reviews/")
    expect(page.get_by_text("460").first).to_be_visible()
    visitor.look()


def label_five_by_keyboard(visitor: Visitor) -> str:
    """Answer five reviews without a mouse; return where the first one came from."""
    page = visitor.page
    page.goto(f"{visitor.base}/projects/lamps/label/next/")
    visitor.look()
    origin = page.locator(".label-origin").inner_text()
    for turn in range(5):
        form = page.locator("[data-label-form]")
        review = form.get_attribute("data-review")
        page.keyboard.press("3" if turn % 2 else "1")
        page.keyboard.press("t" if turn % 2 else "q")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(form).not_to_have_attribute("data-review", str(review))
    expect(page.locator("[data-outbox-words]")).to_have_text("Saved.")
    page.goto(f"{visitor.base}/projects/lamps/label/")
    expect(page.get_by_text("by you 5")).to_be_visible()
    visitor.look()
    return origin


def train(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.base}/projects/lamps/models/retrain/")
    visitor.look()
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#run .state-succeeded, #run .state-failed")).to_be_visible(timeout=LONG)
    expect(page.locator("#run .state-succeeded")).to_be_visible()
    visitor.look()
    page.goto(f"{visitor.base}/projects/lamps/models/versions/1/")
    visitor.look()


def open_a_cell(visitor: Visitor) -> None:
    """Open the largest cell of the matrix of sentiment; the list holds just as many reviews."""
    page = visitor.page
    cells = page.locator("#question-sentiment table.matrix td a")
    counts = [int(cells.nth(index).locator("b").inner_text()) for index in range(cells.count())]
    cells.nth(counts.index(max(counts))).click()
    expect(page).to_have_url(re.compile(r"predicted\.sentiment="))
    rows = page.locator("[data-reviews] tbody tr")
    expect(rows).to_have_count(min(max(counts), 50))
    visitor.look()


def first_of_queue(visitor: Visitor) -> str:
    """Wait for the ranking that follows a training; return where the next review comes from."""
    page = visitor.page
    page.goto(f"{visitor.base}/projects/lamps/jobs/")
    for _ in range(60):
        row = page.locator("tbody tr", has_text="Ranking").first
        if row.count() and "succeeded" in row.inner_text():
            break
        page.wait_for_timeout(1000)
        page.reload()
    page.goto(f"{visitor.base}/projects/lamps/label/next/")
    for _ in range(8):  # what was in front, and what was fetched ahead, before the ranking
        if "In random order" not in page.locator(".label-origin").inner_text():
            break
        form = page.locator("[data-label-form]")
        review = form.get_attribute("data-review")
        page.keyboard.press("s")
        page.keyboard.press("s")
        expect(form).not_to_have_attribute("data-review", str(review))
    return page.locator(".label-origin").inner_text()
