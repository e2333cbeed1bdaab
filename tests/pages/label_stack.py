"""A project to label in, behind a real web process, and a browser signed in to it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
SECRET = "a long enough secret"

_WORLD = """
from tests import factories
from labelling.services import store_suggestions, Suggested, create_version
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
ada = factories.user("ada"); ada.set_password({secret!r}); ada.save()
project = factories.project(owner=ada, preset="blank")
choice = QuestionSnapshot(key="tone", name="Tone", kind="choice", options=(
    OptionSnapshot("warm", "Warm", 1), OptionSnapshot("cold", "Cold", 2)))
parts = QuestionSnapshot(key="parts", name="Parts", kind="multichoice", is_required=False, options=(
    OptionSnapshot("price", "Price", 3), OptionSnapshot("look", "Look", 4)))
create_version(project=project, questions=[choice, parts], actor=ada,
    guidelines="# How to decide\\n\\nWarm is **kind**. <b>No HTML</b>.")
data = factories.dataset(project)
rows = [
    factories.review(project, f"Review {{n}} sounds great.", dataset=data) for n in range({count})
]
data.review_count = len(rows); data.save()
store_suggestions(project=project, version=2, rows=[
    Suggested(each.pk, key, value, 0.9)
    for each in rows for key, value in (("tone", "cold"), ("parts", ["price", "look"]))])
project.control_share = 0; project.save()
print(len(rows))
"""


class Labelling:
    """A browser on the label page; `answer` gives one by keyboard."""

    def __init__(self, gloss: Stack, context: BrowserContext, seeded: Any = None) -> None:
        self.gloss, self.context = gloss, context
        #: What the code that made the project printed.
        self.seeded = seeded
        self.base = f"http://localhost:{gloss.port}"
        self.complaints: list[str] = []
        self.page = self.open()

    def open(self) -> Page:
        """Open a tab that remembers what it had to complain about."""
        page = self.context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._note(said.type, said.text))
        return page

    def _note(self, kind: str, text: str) -> None:
        # A browser reports every lost request and every 4xx by itself.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.complaints.append(text)

    def sign_in(self, page: Page | None = None) -> None:
        """Sign in on the page that asks for it."""
        page = page or self.page
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()

    def go(self) -> None:
        """Open the label page and wait until the next reviews are there."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/ahead/")):
            self.page.goto(f"{self.base}/projects/shop/label/next/")

    @property
    def review(self) -> str:
        """The id of the review on the page."""
        return str(self.page.locator("[data-label-form]").get_attribute("data-review"))

    def answer(self, key: str = "1") -> str:
        """Answer the review on the page, wait for the next; return which it was."""
        before = self.review
        self.page.keyboard.press(key)
        self.page.keyboard.press("Enter")
        form = self.page.locator("[data-label-form]")
        expect(form).not_to_have_attribute("data-review", before)
        return before

    def saved(self) -> None:
        """Wait until everything is saved."""
        expect(self.page.locator("[data-outbox-words]")).to_have_text("Saved.")

    def annotated(self) -> list[str]:
        """Return the ids of the annotated reviews, oldest first."""
        rows = self.gloss.rows("SELECT review_id FROM labelling_annotation ORDER BY id")
        return [str(row[0]) for row in rows]


@contextlib.contextmanager
def labelling(home: Path, *, count: int = 30, world: str = _WORLD) -> Iterator[Labelling]:
    """Start a web process with a project of `count` reviews, and a browser beside it.

    `world` is the code that makes the project and its people; Ada signs in.
    """
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium (Debian: apt-get install chromium)")
    expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
    with Stack(home) as gloss, sync_playwright() as playwright:
        seeded = gloss.python(world.format(secret=SECRET, count=count))
        gloss.manage("collectstatic", "--noinput", "--verbosity", "0")
        gloss.start("-m", "gunicorn", "-c", "python:config.gunicorn_conf")
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
        )
        made = Labelling(gloss, context, seeded)
        gloss.wait(lambda: _answers(made))
        made.sign_in()
        made.page.wait_for_url("**/projects/**")
        yield made
        browser.close()


def _answers(made: Labelling) -> bool:
    with contextlib.suppress(Exception):
        made.page.goto(f"{made.base}/accounts/login/?next=/projects/shop/label/")
        return True
    return False
