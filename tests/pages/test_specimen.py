"""The parts in a real browser: they draw, obey the CSP, fit narrow screens, and axe is content."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.pages import specimen

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
HOST = "http://gloss.test"
AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*/axe.min.js"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def html() -> str:
    project = SimpleNamespace(pk=1, slug="shoes", name="Shoe reviews")
    role = SimpleNamespace(can_label=True, can_own=True, get_role_display="owner")
    person = SimpleNamespace(
        is_authenticated=True, is_staff=True, get_short_name="Ada", get_username="ada"
    )
    frame = {"project": project, "projects": [project], "membership": role, "user": person}
    return render_to_string(
        "components/specimen.html", {**specimen.context(), **frame, "section": "models"}
    )


def policy() -> str:
    directives: dict[str, list[str]] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def answer(route: Route) -> None:
    path = route.request.url.removeprefix(HOST).split("?")[0]
    if path == "/":
        route.fulfill(
            body=html(),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": policy()},
        )
        return
    if path.startswith(settings.STATIC_URL):
        found = finders.find(path.removeprefix(settings.STATIC_URL).replace("%40", "@"))
        route.fulfill(path=str(found))
        return
    route.fulfill(status=204)  # the jobs indicator has nothing to say


@pytest.fixture
def opened(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the specimen in the width and theme of the parameter; fail on any complaint."""
    width, theme = getattr(request, "param", (1440, None))
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.route(f"{HOST}/**", answer)
    page.goto(f"{HOST}/")
    page.locator("[data-chart].is-drawn svg").nth(3).wait_for()
    yield page
    page.close()
    assert complaints == []


SCREENS = [(320, "light"), (360, "dark"), (1440, "light"), (1440, "dark"), (2560, "light")]


@pytest.mark.parametrize("opened", SCREENS, indirect=True, ids=str)
def test_the_page_fits_and_axe_finds_nothing(opened: Page) -> None:
    opened.evaluate(AXE.read_text())
    found: dict[str, Any] = opened.evaluate("axe.run()")

    assert opened.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []


def test_the_theme_that_was_chosen_is_there_before_the_first_paint(opened: Page) -> None:
    opened.get_by_text("Ada").click()
    opened.get_by_role("button", name="Dark").click()
    opened.reload(wait_until="commit")
    opened.wait_for_selector("body", state="attached")

    assert opened.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_question_mark_shows_the_shortcuts_unless_they_are_off(opened: Page) -> None:
    opened.keyboard.press("?")
    opened.get_by_label("Single-key shortcuts are on").uncheck()
    opened.get_by_role("button", name="Close").click()
    opened.keyboard.press("?")

    assert opened.get_by_role("dialog").count() == 0


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_a_chart_can_be_saved(opened: Page, kind: str) -> None:
    with opened.expect_download() as waiting:
        opened.locator(f"[data-chart-save={kind}]").first.click()

    content = waiting.value.path().read_bytes()
    starts = {"png": b"\x89PNG", "svg": b"<svg", "csv": b"Label,share,95 % low,95 % high\r\ndel"}
    assert content.startswith(starts[kind])
    assert waiting.value.suggested_filename == (
        f"delivery-is-what-negative-reviews-speak-of-most.{kind}"
    )


def test_the_table_behind_a_chart_opens_and_a_bar_leads_to_its_reviews(opened: Page) -> None:
    chart = opened.locator("[data-chart]").first
    chart.get_by_role("button", name="Table").click()
    chart.locator("[data-chart-plot]").click(position={"x": 120, "y": 40})

    assert chart.get_by_role("link", name="0.41").is_visible()
    assert opened.url == f"{HOST}/#1"
