"""Why a model says what it says about one review."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from jobs.lease import JobFailed
from jobs.models import Job
from ml.explaining import start
from ml.models import ModelVersion
from ml.panels_explain import explained
from projects.models import Project, Role
from reviews.models import Review
from tests.ml import encoded
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


# --- Several options, other versions, REST --------------------------------------------------------

API = "/api/v1/projects/shop/reviews/{}/explanations/"


def test_every_ticked_option_has_its_own_picture(
    trained: Callable[..., ModelVersion], labelled: list[Review], owner: User, signed_in: Browser
) -> None:
    trained()
    review, browser = labelled[1], signed_in(owner)  # of quality and price

    asked = browser.post(address(review), {"question": "aspects"}).headers["Location"]
    job = finish(Job.objects.get(kind="explain"))
    pages = {
        option: browser.get(f"{asked}&option={option}").content.decode()
        for option in ("quality", "price")
    }

    assert {job.result["target"], job.result["others"][0]["target"]} == {"quality", "price"}
    for other, option in (("quality", "price"), ("price", "quality")):
        assert f"what speaks for “{option.title()}”" in pages[option]
        assert f'href="{asked}&amp;option={other}"' in pages[option]
    first = browser.get(asked).content.decode()
    assert f"what speaks for “{job.result['target'].title()}”" in first


def test_another_version_than_the_champion_is_explained(
    trained: Callable[..., ModelVersion], labelled: list[Review], owner: User, signed_in: Browser
) -> None:
    trained()
    trained()
    review, browser = labelled[1], signed_in(owner)

    asked = browser.post(address(review), {"question": "sentiment", "version": "2"})
    job = finish(Job.objects.get(kind="explain"))

    assert job.params["model_version"] == 2
    for path in (asked.headers["Location"], address(review) + "?version=2"):
        page = browser.get(path).content.decode()
        assert "what speaks for “Positive”" in page
        assert "of version 2. A worker" in page
    champion = browser.get(address(review)).content.decode()
    assert "what speaks for" not in champion
    assert "of version 1, the champion" in champion
    assert browser.get(address(review) + "?version=9").status_code == 404
    assert browser.get(address(review) + "?version=x").status_code == 400


def test_an_explanation_is_asked_for_and_read_over_rest(
    trained: Callable[..., ModelVersion],
    labelled: list[Review],
    owner: User,
    api: Callable[..., APIClient],
) -> None:
    trained()
    review, client = labelled[1], api(owner)
    path = API.format(review.pk)

    early = client.get(path, {"question": "aspects"})
    asked = client.post(path, {"question": "aspects"})
    job = finish(Job.objects.get(kind="explain"))
    found = client.get(path, {"question": "aspects"}).json()
    other = found["options"][1]
    second = client.get(path, {"question": "aspects", "option": other}).json()

    assert early.status_code == 409
    assert asked.status_code == 202
    assert asked.json()["job"]["id"] == str(job.pk)
    assert (found["model_version"], found["review"], found["question"]) == (1, review.pk, "aspects")
    assert set(found["options"]) == {"quality", "price"}
    assert (found["option"], second["option"]) == (found["options"][0], other)
    assert [list(word.values()) for word in second["words"]] == job.result["others"][0]["words"]
    assert second["words"] != found["words"]
    word = second["words"][0]
    assert review.text[word["start"] : word["end"]] == "Order"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"question": "sentiment", "model_version": 9}, 404),
        ({"question": "sentiment", "option": "negative"}, 400),
        ({"question": "sentiment", "nonsense": 1}, 400),
        ({"question": "rating"}, 409),
    ],
    ids=str,
)
def test_an_explanation_that_is_not_there_is_said_over_rest(
    query: dict[str, Any],
    status: int,
    trained: Callable[..., ModelVersion],
    labelled: list[Review],
    owner: User,
    api: Callable[..., APIClient],
) -> None:
    trained()
    client, path = api(owner), API.format(labelled[1].pk)
    client.post(path, {"question": "sentiment"})
    finish(Job.objects.get(kind="explain"))

    assert client.get(path, query).status_code == status


def test_what_cannot_be_explained_is_refused_over_rest(
    trained: Callable[..., ModelVersion],
    labelled: list[Review],
    owner: User,
    member: Callable[[Role], User],
    mallory: User,
    api: Callable[..., APIClient],
) -> None:
    trained()
    path, body = API.format(labelled[1].pk), {"question": "sentiment"}
    outside = APIClient()
    outside.force_authenticate(mallory)

    assert api(owner).post(path, {"question": "aspect_spans"}).status_code == 400
    assert api(owner).post(API.format(1), body).status_code == 404
    assert api(member(Role.REVIEWER)).post(path, body).status_code == 403
    assert outside.post(path, body).status_code == 404
    assert not Job.objects.filter(kind="explain").exists()


@pytest.mark.parametrize("has_gpu", [False, True])
def test_an_explanation_keeps_to_the_device_of_its_worker(
    project: Project,
    owner: User,
    labelled: list[Review],
    learned_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_gpu: bool,
) -> None:
    version = encoded.register(project, owner, learned_encoder)
    job = start(version=version, review=labelled[1], question="sentiment", actor=owner)
    monkeypatch.setattr("torch.cuda.is_available", lambda: has_gpu)
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cpu" if has_gpu else "cuda")

    if has_gpu:  # it would fail on one that is only said to be there
        assert finish(job).result["method"] == "integrated gradients"
    else:
        with pytest.raises(JobFailed, match="no usable GPU"):
            finish(job)
