"""Why a model says what it says about one review."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User
from jobs.models import Job
from ml.models import ModelVersion
from ml.panels_explain import explained
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
    assert "what speaks for “Positive”" in page
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


@pytest.mark.parametrize(("share", "is_told"), [(0.25, True), (0.0, False), (None, False)])
def test_a_model_of_words_that_is_mixed_in_is_told(share: float | None, is_told: bool) -> None:
    result = {
        "method": "integrated gradients", "target": "good", "base": 0.0, "value": 1.0, "gap": 0.0,
        "words": [[0, 4, 1.0, None]],
    }  # fmt: skip
    if share is not None:  # what was explained before has none
        result["terms_share"] = share

    context = {"explained": explained(result, "Fine", {}), "job": Job(params={"model_version": 1})}

    page = render_to_string("ml/_explained.html", context)

    assert ("counts for 25 % of it" in page) == is_told
