"""A search of settings: a job whose trials the training page shows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict
from jobs.lease import JobFailed
from jobs.models import Job
from ml import searching
from ml.searching import start_search
from ml.wishes import Wishes
from projects.models import Project
from reviews.models import Review
from tests.ml.conftest import finish, hold
from tests.ml_core import tiny

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Api = Callable[..., APIClient]
PAGE = "/projects/shop/models/"
API = "/api/v1/projects/shop/searches/"


def test_the_trials_are_shown_and_the_best_one_fills_the_form(
    project: Project,
    owner: User,
    labelled: list[Review],
    signed_in: Browser,
    tmp_path: Path,
) -> None:
    texts = [review.text for review in labelled]
    encoder = str(tiny.make_encoder(tmp_path / "tiny", texts=texts, positions=256))
    job = start_search(
        project=project,
        actor=owner,
        count=2,
        wishes=Wishes(encoder=encoder, questions=("sentiment", "rating")),
    )

    job = finish(job)

    assert [trial["number"] for trial in job.result["trials"]] == [1, 2]
    best = job.result["trials"][job.result["best"] - 1]
    browser = signed_in(owner)
    page = browser.get(f"{PAGE}retrain/")
    rows = page.context["search"].rows
    assert [row.is_best for row in rows] == [True, False]
    assert rows[0].score == best["score"] == min(row.score for row in rows)
    assert f'Use<span class="visually-hidden"> trial {best["number"]}</span>' in (
        page.content.decode()
    )
    plan = browser.get(rows[0].url).context["plan"]
    assert plan.config.head_learning_rate == best["learning_rate"]
    assert {head.hidden for head in plan.config.heads} == {best["hidden"]}
    assert {head.dropout for head in plan.config.heads} == {best["dropout"]}
    assert plan.encoder == encoder


def test_the_page_follows_a_search_that_goes_on(
    project: Project, owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    browser, asks = signed_in(owner), {"HX-Request": "true"}
    job = start_search(project=project, actor=owner, count=2)
    lease = hold(job)
    story = searching._Story(lease)
    for number, score in ((1, 0.8), (2, 0.7)):
        trial = {
            "number": number, "learning_rate": 0.001, "hidden": 64, "dropout": 0.3, "score": score,
            "per_question": {"sentiment": score}, "epochs": 3, "seconds": 1.5,
        }  # fmt: skip
        story.take("trial", {"event": "trial", **trial})
    lease.progress(done=1, total=2, message="Trying settings")

    whole = browser.get(f"{PAGE}retrain/")
    part = browser.get(f"{PAGE}retrain/?part=search", headers=asks)
    assert lease.succeed({"trials": story.trials, "best": 2})
    last = browser.get(f"{PAGE}retrain/?part=search", headers=asks)

    assert 'id="search" data-poll' in whole.content.decode()
    shown = part.content.decode()
    assert (part.status_code, "<html" in shown) == (200, False)
    assert "Trying settings" in shown
    assert "So far" in shown
    assert [row.number for row in part.context["search"].rows] == [2, 1]
    assert "best</span>" not in shown
    assert last.status_code == 286
    assert "best</span>" in last.content.decode()
    assert (
        "data-poll" not in browser.get(f"{PAGE}retrain/").content.decode().split('id="search"')[1]
    )


def test_one_search_at_a_time(project: Project, owner: User, labelled: list[Review]) -> None:
    start_search(project=project, actor=owner)

    with pytest.raises(Conflict):
        start_search(project=project, actor=owner)


def test_the_button_leads_to_the_job_and_says_when_there_is_one(
    owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    browser = signed_in(owner)

    first = browser.post(f"{PAGE}search/")
    again = browser.post(f"{PAGE}search/", follow=True)

    job = Job.objects.get(kind="search")
    assert first["Location"] == f"/projects/shop/jobs/{job.pk}/"
    assert job.params["count"] == 12
    assert "A search is under way." in again.content.decode()


def test_rest_starts_a_search_and_refuses_what_cannot_be_tried(
    owner: User, labelled: list[Review], api: Api
) -> None:
    client = api(owner)

    one = client.post(API, {"count": 1}, format="json")
    unknown = client.post(API, {"questions": ["nope"]}, format="json")
    good = client.post(API, {"count": 3, "questions": ["sentiment"]}, format="json")

    assert (one.status_code, one.json()["errors"][0]["field"]) == (400, "count")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "questions")
    assert good.status_code == 202
    job = Job.objects.get(pk=good.json()["job"]["id"])
    assert [head["question"] for head in job.params["config"]["heads"]] == ["sentiment"]


def test_without_labels_there_is_nothing_to_search(owner: User, project: Project, api: Api) -> None:
    answer = api(owner).post(API, {}, format="json")

    assert answer.status_code == 409
    assert "Label some reviews" in answer.json()["detail"]


def test_a_search_runs_on_the_device_of_the_worker_that_carries_it_out(
    project: Project,
    owner: User,
    labelled: list[Review],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = str(tiny.make_encoder(tmp_path / "tiny", texts=[labelled[0].text], positions=256))
    wishes = Wishes(encoder=encoder, questions=("sentiment",))
    job = start_search(project=project, actor=owner, count=2, wishes=wishes)
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cuda")

    with pytest.raises(JobFailed, match="no usable GPU"):
        finish(job)
