"""Every labelling page as its reader sees it: both themes, a wide screen and a telephone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.pages.label_stack import Labelling, labelling
from tests.pages.label_tour import PAGES, TOUR
from tests.pages.themes import show

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*/axe.min.js")).read_text("utf-8")
WIDE = ViewportSize(width=1280, height=800)
NARROW = ViewportSize(width=360, height=800)
#: A page is loaded once, wide and light: axe looks at all of it. Narrow and dark it is the same
#: page in other colours and places, so axe looks at what depends on these alone.
LIGHT = "axe.run({ resultTypes: ['violations'] })"
DARK = """axe.run({ resultTypes: ['violations'], runOnly: [
    'color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size'] })"""
#: Charts follow the width of their place a frame later.
IS_WIDER = """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
    resolve(document.documentElement.scrollWidth > innerWidth))))"""


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelling]:
    with labelling(tmp_path_factory.mktemp("tour") / "home", count=30, world=TOUR) as made:
        yield made


def open_page(tour: Labelling, path: str) -> None:
    """Open a page of the project as on a wide screen in the light theme."""
    tour.page.emulate_media(color_scheme="light")
    tour.page.set_viewport_size(WIDE)
    answer = tour.page.goto(f"{tour.base}/projects/shop/{path}")
    assert answer is not None
    assert answer.status == 200, path


def look(tour: Labelling, path: str) -> list[str]:
    """Return what is wrong with the open page, wide and light, then narrow and dark."""
    page = tour.page
    page.evaluate(AXE)
    wrong = faults(tour, f"{path}, wide and light", LIGHT)
    page.set_viewport_size(NARROW)
    show(page, "dark")
    return wrong + faults(tour, f"{path}, narrow and dark", DARK)


def faults(tour: Labelling, where: str, ask: str) -> list[str]:
    """Return what is wrong with the page as it is on the screen, in words."""
    is_wider = tour.page.evaluate(IS_WIDER)
    found = tour.page.evaluate(ask)["violations"]
    wrong = [
        f"{where}: {rule['id']}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
    return wrong + ([f"{where}: wider than the screen"] if is_wider else [])


def preview(tour: Labelling) -> None:
    """Ask what it would do to retire an option of the spans and to merge another."""
    open_page(tour, "label/questions/aspect_spans/")
    tour.page.get_by_label("Becomes of Price").select_option("retire")
    tour.page.get_by_label("Becomes of Quality").select_option("into:packaging")
    tour.page.get_by_role("button", name="Go on").click()
    expect(tour.page.get_by_role("heading", name="What this would do")).to_be_visible()


def test_every_labelling_page_reads_well_in_both_themes(tour: Labelling) -> None:
    wrong: list[str] = []
    for each in PAGES:
        path = each.format(**tour.seeded)
        open_page(tour, path)
        wrong += look(tour, path)
    preview(tour)
    wrong += look(tour, "the preview of a change")

    assert wrong == []
    assert tour.complaints == []


def test_the_label_page_fits_at_200_per_cent(tour: Labelling) -> None:
    tour.page.set_viewport_size({"width": 640, "height": 400})  # 1280 by 800, doubled

    tour.go()

    assert not tour.page.evaluate(IS_WIDER)
    submit = tour.page.get_by_role("button", name="Submit")
    submit.click(trial=True)  # it can be scrolled to, and nothing lies over it
    expect(submit).to_be_in_viewport()


def test_the_options_of_a_question_are_short_on_a_telephone(tour: Labelling) -> None:
    page = tour.page
    page.set_viewport_size(NARROW)
    page.goto(f"{tour.base}/projects/shop/label/questions/aspect_spans/")
    parts = page.get_by_label("Parts of Price")

    assert page.evaluate("document.documentElement.scrollHeight") < 2400
    expect(parts).to_be_hidden()
    page.get_by_label("Becomes of Price").select_option("Split into several")
    expect(parts).to_be_visible()
