"""The overview and the insights: what they say, and that every link leads somewhere."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from labelling.services import record_annotation
from projects.models import Project, Role
from tests import factories

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Members = Callable[[Role], User]


@pytest.fixture
def labelled(project: Project, owner: User) -> Project:
    """A project with four labelled reviews of two products in two months, one without."""
    dataset = factories.dataset(project)
    dataset.review_count = 5
    dataset.save()
    for number in range(5):
        review = factories.review(
            project,
            f"Lamp {number} arrived late but shines.",
            dataset=dataset,
            product=f"Lamp {number % 2}",
            reviewed_at=f"2026-0{1 + number % 2}-10",
        )
        if number == 4:
            continue
        span = {"start": 7, "end": 14, "text": "arrived", "option": "shipping"}
        record_annotation(
            review=review,
            annotator=owner,
            answers={
                "sentiment": "negative",
                "rating": 1 + number,
                "aspects": ["shipping"],
                "aspect_spans": [span | {"polarity": "negative"}],
            },
        )
    return project


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_overview_counts_and_offers_the_next_step(
    labelled: Project, owner: User, signed_in: Browser
) -> None:
    page = text_of(signed_in(owner), "/projects/shop/")

    assert "One review has no label yet." in page
    assert "of 5 reviews" in page
    assert "Start labelling" in page


def test_an_empty_project_asks_for_reviews(
    project: Project, owner: User, signed_in: Browser
) -> None:
    assert "Upload reviews" in text_of(signed_in(owner), "/projects/shop/")


def test_a_viewer_is_offered_nothing_that_viewers_may_not_do(
    labelled: Project, member: Members, signed_in: Browser
) -> None:
    page = text_of(signed_in(member(Role.VIEWER)), "/projects/shop/")

    assert "Start labelling" not in page
    assert "Retrain" not in page


def test_the_overview_says_what_changed_in_words(
    labelled: Project, owner: User, signed_in: Browser
) -> None:
    assert "made the project" in text_of(signed_in(owner), "/projects/shop/")


def test_insights_show_answers_time_products_lengths_and_polarity(
    labelled: Project, owner: User, signed_in: Browser
) -> None:
    page = text_of(signed_in(owner), "/projects/shop/insights/")

    for chart in (
        "answers-sentiment",
        "answers-rating",
        "answers-aspects",
        "over-time",
        "products",
        "lengths",
        "polarities-aspect_spans",
    ):
        assert f'id="chart-{chart}"' in page


def test_every_bar_of_the_insights_opens_its_reviews(
    labelled: Project, owner: User, signed_in: Browser
) -> None:
    client = signed_in(owner)
    page = text_of(client, "/projects/shop/insights/")
    links = {
        unescape(link) for link in re.findall(r'href="(/projects/shop/reviews/\?[^"]+)"', page)
    }

    assert len(links) > 10
    assert {client.get(link).status_code for link in links} == {200}


def test_insights_of_an_empty_project_say_what_would_be_there(
    project: Project, owner: User, signed_in: Browser
) -> None:
    assert "Nothing to show yet" in text_of(signed_in(owner), "/projects/shop/insights/")
