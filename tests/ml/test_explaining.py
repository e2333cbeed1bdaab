"""Why a model says what it says about one review."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job
from ml.models import ModelVersion
from reviews.models import Review
from tests.ml.conftest import finish

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]


def address(review: Review) -> str:
    return f"/projects/shop/models/explain/{review.pk}/"


def test_the_words_that_decide_are_marked_in_the_text(
    trained: Callable[..., ModelVersion], labelled: list[Review], owner: User, signed_in: Browser
) -> None:
    trained()
    review, browser = labelled[1], signed_in(owner)

    asked = browser.post(address(review), {"question": "sentiment"})
    waiting = browser.get(asked.headers["Location"]).content.decode()
    finish(Job.objects.get(kind="explain"))
    page = browser.get(asked.headers["Location"]).content.decode()

    assert 'hx-trigger="every 1s"' in waiting
    assert "what speaks for “positive”" in page
    assert '<mark class="share diverge-p3"' in page
    assert "leave one word out" not in page
    assert "hx-trigger" not in page.partition('id="main"')[2]


def test_a_question_that_cannot_be_explained_is_refused(
    trained: Callable[..., ModelVersion], labelled: list[Review], owner: User, signed_in: Browser
) -> None:
    trained()

    answer = signed_in(owner).post(address(labelled[0]), {"question": "aspect_spans"})

    assert answer.status_code == 400
    assert not Job.objects.filter(kind="explain").exists()


def test_an_odd_job_in_the_address_shows_the_form(
    trained: Callable[..., ModelVersion], labelled: list[Review], owner: User, signed_in: Browser
) -> None:
    trained()

    page = signed_in(owner).get(address(labelled[0]) + "?job=nonsense")

    assert "Explain</button>" in page.content.decode()
