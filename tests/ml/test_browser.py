"""Compare, explain, map and likeness in a real browser: they draw, and nothing complains.

The pages are rendered first and then handed to the browser with their headers, so no server runs.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponseBase
from django.test import Client
from playwright.sync_api import Page, Route, sync_playwright

from accounts.models import User
from jobs.models import Job
from ml import mapping
from projects.models import Project
from reviews.models import Dataset, Review
from tests.ml import encoded
from tests.ml.conftest import finish
from tests.pages.themes import THEMES, show

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

CHROMIUM = Path("/usr/bin/chromium")
AXE = next((Path(__file__).parents[1] / "pages" / "vendor").glob("axe-core@*/axe.min.js"))
# A browser trusts this name without encryption, as it does where Gloss runs at home.
HOST = "http://localhost"
MODELS = "/projects/shop/models/"

Pages = dict[str, HttpResponseBase]


@pytest.fixture
def pages(
    project: Project,
    owner: User,
    labelled: list[Review],
    dataset: Dataset,
    signed_in: Callable[[User], Client],
    learned_encoder: Path,
) -> Pages:
    """The pages of a project with two versions, a map and an explanation, by their address."""
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium")
    champion = encoded.register(project, owner, learned_encoder)
    encoded.register(project, owner, learned_encoder, number=2, wrong=9)
    browser, review = signed_in(owner), labelled[3].pk
    finish(mapping.start(version=champion, dataset=dataset, actor=owner))
    browser.post(f"{MODELS}explain/{review}/", {"question": "sentiment"})
    finish(Job.objects.get(kind="explain"))
    ids = ",".join(str(each.pk) for each in labelled[:6])
    addresses = [
        f"{MODELS}compare/",
        f"{MODELS}versions/1/",
        f"{MODELS}explain/{review}/",
        f"{MODELS}map/",
        f"{MODELS}similarity/?reviews={ids}",
        f"/projects/shop/reviews/{review}/",
    ]
    found: Pages = {address: browser.get(address) for address in addresses}
    part = f"{MODELS}similar/{review}/"
    return found | {part: browser.get(part, headers={"HX-Request": "true"})}


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def visit(pages: Pages, complaints: list[str]) -> Iterator[Page]:
    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        if path in pages:
            kept: Any = pages[path]
            route.fulfill(status=kept.status_code, body=kept.content, headers=dict(kept.items()))
        elif path.startswith(settings.STATIC_URL):
            name = path.removeprefix(settings.STATIC_URL).replace("%40", "@").split("?")[0]
            route.fulfill(path=str(finders.find(name)))
        elif re.search(r"/reviews/\d+/$", path):
            route.fulfill(body="<title>A review</title>", content_type="text/html")
        else:
            route.fulfill(status=204)

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda said: (
                complaints.append(f"{page.url}: {said.text}")
                if said.type in {"error", "warning"}
                else None
            ),
        )
        page.route(f"{HOST}/**", answer)
        yield page
        chromium.close()


def look(page: Page) -> list[str]:
    """Return what axe finds serious."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [
        f"{page.url}: {rule['id']}: {rule['nodes'][0]['html']}"
        for rule in page.evaluate("axe.run()")["violations"]
        if rule["impact"] in {"serious", "critical"}
    ]


def test_the_pages_about_versions_draw_and_nothing_complains(
    visit: Page, pages: Pages, complaints: list[str]
) -> None:
    for address in pages:
        if "/similar/" in address:  # a part of the review's page
            continue
        assert pages[address].status_code == 200, address
        visit.goto(HOST + address)
        for number in range(visit.locator("[data-chart-plot]").count()):
            visit.locator("[data-chart-plot]").nth(number).locator("svg").first.wait_for()
        if "/reviews/" in address and "models" not in address:
            visit.get_by_role("columnheader", name="Cosine").wait_for()
        for theme in THEMES:
            show(visit, theme)
            complaints += look(visit)

    assert complaints == []


@pytest.mark.parametrize("address", ["compare/", "versions/1/"])
def test_a_matrix_is_saved_as_a_picture_and_as_csv(
    address: str, visit: Page, complaints: list[str]
) -> None:
    visit.goto(f"{HOST}{MODELS}{address}")
    saves = visit.locator("figure:has(table.matrix)").first.locator("[data-chart-save]")
    sent = []
    for number in range(3):
        with visit.expect_download() as download:
            saves.nth(number).click()
        sent.append(download.value.path().read_bytes())

    assert sent[0].startswith(b"\x89PNG")
    # The cells have the colours of the table's.
    shade = visit.locator("figure:has(table.matrix) td:not(.heat-0, .diverge-0)").first
    red, green, blue = re.findall(
        r"\d+", shade.evaluate("cell => getComputedStyle(cell).backgroundColor")
    )
    assert f"#{int(red):02x}{int(green):02x}{int(blue):02x}" in sent[1].decode()
    assert sent[2].decode().startswith("Gold / Predicted,")
    assert complaints == []


def test_a_point_of_the_map_leads_to_its_review(visit: Page, complaints: list[str]) -> None:
    visit.goto(f"{HOST}{MODELS}map/")
    plot = visit.locator("[data-chart-plot]")
    plot.locator("svg").wait_for()
    x, y = plot.evaluate(
        "plot => { const chart = echarts.getInstanceByDom(plot);"
        " return chart.convertToPixel({ seriesIndex: 0 },"
        " chart.getOption().series[0].data[0].value); }"
    )

    plot.click(position={"x": x, "y": y})
    visit.wait_for_url(re.compile(r"/projects/shop/reviews/\d+/$"))

    assert complaints == []
