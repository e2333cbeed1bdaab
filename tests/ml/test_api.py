"""Models over REST: shapes, bad bodies, limits, repeats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from ml.models import ModelVersion, TrainingRun
from projects.models import Project, Role
from reviews.models import Review
from tests.ml.conftest import finish
from tests.ml_core import tiny

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
BASE = "/api/v1/projects/shop/"


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(BASE + path, body, format="json", headers=headers)


# --- Trainings and versions -----------------------------------------------------------------------


def test_a_training_is_started_read_and_listed(
    owner: User, labelled: list[Review], api: Api
) -> None:
    client = api(owner)

    started = post(
        client, "training-runs/", {"tier": "tfidf", "questions": ["sentiment"], "seed": 4}
    )

    assert started.status_code == 202
    body = started.json()
    assert body["job"]["url"] == f"/api/v1/jobs/{body['job']['id']}/"
    run = TrainingRun.objects.get()
    assert run.job is not None
    finish(run.job)
    one = client.get(f"{BASE}training-runs/1/").json()
    assert (one["tier"], one["model_version"], one["job"]["state"]) == ("tfidf", 1, "succeeded")
    assert (one["config"]["seed"], one["counts"]["test"]) == (4, 12)
    assert [each["id"] for each in client.get(f"{BASE}training-runs/").json()["results"]] == [1]


def test_a_second_training_is_a_conflict_unless_it_is_the_same_request(
    owner: User, labelled: list[Review], api: Api
) -> None:
    client, body = api(owner), {"tier": "tfidf"}

    first = post(client, "training-runs/", body, **{"Idempotency-Key": "a"})
    same = post(client, "training-runs/", body, **{"Idempotency-Key": "a"})
    other = post(client, "training-runs/", body, **{"Idempotency-Key": "b"})

    assert same.status_code == 202
    assert same.json()["job"] == first.json()["job"]
    assert other.status_code == 409
    assert other.json()["detail"].startswith("A training is already under way.")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"tier": "magic"}, "tier", id="unknown tier"),
        pytest.param({"questions": ["nope"]}, "questions", id="unknown question"),
        pytest.param({"questions": []}, "questions", id="no question"),
        pytest.param({"epochs": 0}, "epochs", id="no epoch"),
        pytest.param({"batch_size": 10**9}, "batch_size", id="huge batch"),
        pytest.param({"learning_rate": "fast"}, "learning_rate", id="rate in words"),
        pytest.param({"max_tokens": 1}, "max_tokens", id="too few tokens"),
        pytest.param({"depth": 3}, "depth", id="unknown field"),
    ],
)
def test_a_bad_training_is_refused_by_field(
    body: dict[str, Any], field: str, owner: User, labelled: list[Review], api: Api
) -> None:
    response = post(api(owner), "training-runs/", body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"].startswith(field)
    assert not TrainingRun.objects.exists()


def test_a_missing_folder_as_encoder_is_refused_at_once(
    owner: User, labelled: list[Review], api: Api
) -> None:
    response = post(api(owner), "training-runs/", {"encoder": "/no/such/folder"})

    assert response.status_code == 409
    assert "is not on this machine" in response.json()["detail"]


def test_a_folder_without_weights_that_are_read_is_refused_by_what_it_lacks(
    owner: User, labelled: list[Review], api: Api, tmp_path: Path
) -> None:
    folder = tiny.make_encoder(tmp_path / "tiny")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    response = post(api(owner), "training-runs/", {"encoder": str(folder)})

    assert response.status_code == 409
    assert "it has no safetensors weights" in response.json()["detail"]


def test_a_version_shows_metrics_intervals_baselines_and_confusion(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()
    client = api(owner)

    [listed] = client.get(f"{BASE}model-versions/").json()["results"]
    one = client.get(f"{BASE}model-versions/1/").json()

    headline = listed["headlines"]["sentiment"]
    assert headline["name"] == "accuracy"
    assert headline["low"] <= headline["value"] <= headline["high"]
    assert headline["n"] == 12
    sentiment = one["questions"]["sentiment"]
    assert sentiment["confusion"]["options"] == ["negative", "neutral", "positive"]
    assert sentiment["baselines"]["majority"]["headline"]["n"] == 12
    assert one["is_champion"] is True


def test_a_promotion_may_be_repeated(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained(), trained(seed=1)
    client = api(owner)

    answers = [client.post(f"{BASE}model-versions/2/promote/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["is_champion"] is True
    assert ModelVersion.objects.get(is_champion=True).number == 2


# --- Predictions ----------------------------------------------------------------------------------


def test_texts_are_answered_in_their_order(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()

    body = post(
        api(owner), "predict/", {"texts": ["The quality is lovely.", "It is awful."]}
    ).json()

    assert body["model_version"] == 1
    assert [each["id"] for each in body["predictions"]] == [0, 1]
    assert [each["sentiment"]["option"] for each in body["predictions"]] == ["positive", "negative"]
    assert set(body["predictions"][0]) == {"id", "sentiment", "rating", "aspects", "aspect_spans"}


def test_a_question_that_was_not_learned_is_answered_with_null(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained(questions=("sentiment",))

    [answer] = post(api(owner), "predict/", {"texts": ["Lovely."]}).json()["predictions"]

    assert answer["sentiment"]["option"]
    assert [answer[key] for key in ("rating", "aspects", "aspect_spans")] == [None, None, None]


def test_reviews_keep_their_ids_and_offsets_count_code_points(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()
    text = "\U0001f44d\U0001f3fd Order 3: the quality is lovely and the price is fair. \ud83d"

    raw = json.dumps({"reviews": [{"id": "x-1", "text": text}], "model_version": 1})
    answer = api(owner).post(BASE + "predict/", raw, content_type="application/json")

    [one] = answer.json()["predictions"]
    assert one["id"] == "x-1"
    assert one["aspect_spans"]
    for span in one["aspect_spans"]:
        assert text[span["start"] : span["end"]] == span["text"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({}, "Send either texts or reviews.", id="nothing"),
        pytest.param({"texts": ["a"], "reviews": [{"text": "a"}]}, "Send either", id="both"),
        pytest.param({"texts": []}, "texts", id="no text"),
        pytest.param({"texts": ["a"] * 257}, "no more than 256", id="too many"),
        pytest.param({"texts": ["fine", " "]}, "texts[1]: There is no text.", id="blank"),
        pytest.param({"texts": ["fine", 7]}, "texts[1]: This is not a text.", id="a number"),
        pytest.param({"texts": ["a" * 20_001]}, "20,001 characters", id="too long"),
        pytest.param({"texts": "fine"}, "texts", id="no list"),
        pytest.param({"reviews": [{"id": 1}]}, "reviews[0].text", id="review without text"),
        pytest.param({"reviews": [{"id": [], "text": "a"}]}, "reviews[0].id", id="id of a list"),
        pytest.param({"texts": ["a"], "model_version": 0}, "model_version", id="version 0"),
        pytest.param({"texts": ["a"], "model": 1}, "no field 'model'", id="unknown field"),
        pytest.param(["a"], "Send a JSON object.", id="a list"),
    ],
)
def test_a_bad_body_is_refused_with_what_to_do(
    body: Any, message: str, owner: User, project: Project, api: Api
) -> None:
    response = post(api(owner), "predict/", body)

    assert response.status_code == 400
    assert message in response.json()["detail"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    owner: User, project: Project, api: Api
) -> None:
    response = api(owner).post(
        BASE + "predict/", b"{}", content_type="application/json", CONTENT_LENGTH=str(10**8)
    )

    assert response.status_code == 400
    assert "start a prediction job" in response.json()["detail"]


@pytest.mark.parametrize("raw", ["{", "[" * 100_000, '{"texts": ["\\ud800"]}', ""])
def test_what_is_no_json_never_breaks_the_server(
    raw: str, owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()

    response = api(owner).post(BASE + "predict/", raw, content_type="application/json")

    assert response.status_code == (200 if "texts" in raw else 400)


def test_without_a_model_there_is_nothing_to_ask(owner: User, project: Project, api: Api) -> None:
    response = post(api(owner), "predict/", {"texts": ["fine"]})

    assert response.status_code == 409
    assert "no model yet" in response.json()["detail"]


def test_an_unknown_version_is_not_found(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()

    response = post(api(owner), "predict/", {"texts": ["fine"], "model_version": 9})

    assert response.status_code == 404


# --- Who may --------------------------------------------------------------------------------------

_READ = (
    ("GET", "training-runs/"),
    ("GET", "training-runs/1/"),
    ("GET", "model-versions/"),
    ("GET", "model-versions/1/"),
)
_ANALYST = (
    ("POST", "predict/"), ("GET", "prediction-jobs/"), ("POST", "prediction-jobs/"),
    ("GET", "prediction-jobs/1/"), ("GET", "prediction-jobs/1/results/"),
)  # fmt: skip
_OWNER = ("POST", "training-runs/"), ("POST", "model-versions/1/promote/")
_LOWEST = (
    [(*each, Role.VIEWER) for each in _READ]
    + [(*each, Role.ANALYST) for each in _ANALYST]
    + [(*each, Role.OWNER) for each in _OWNER]
)


@pytest.mark.parametrize(("method", "path", "lowest"), _LOWEST)
def test_every_role_gets_in_or_is_told_why_not(
    method: str, path: str, lowest: Role, project: Project, member: Callable[[Role], User], api: Api
) -> None:
    for role in Role:
        answer = api(member(role)).generic(method, BASE + path, "{}", "application/json")

        assert (answer.status_code == 403) == (role < lowest), role.label


@pytest.mark.parametrize(("method", "path", "lowest"), _LOWEST)
def test_outsiders_learn_nothing(
    method: str, path: str, lowest: Role, project: Project, mallory: User
) -> None:
    client = APIClient()
    client.force_authenticate(mallory)

    answer = client.generic(method, BASE + path, "{}", "application/json")

    assert answer.status_code == 404


def test_predicting_needs_the_scope_and_nothing_else(
    owner: User, trained: Callable[..., ModelVersion], api: Api
) -> None:
    trained()

    assert post(api(owner, "predict"), "predict/", {"texts": ["fine"]}).status_code == 200
    assert post(api(owner, "read", "write"), "predict/", {"texts": ["fine"]}).status_code == 403


def test_numbers_beyond_any_database_are_not_found(owner: User, project: Project, api: Api) -> None:
    for path in ("training-runs", "model-versions", "prediction-jobs"):
        assert api(owner).get(f"{BASE}{path}/{10**30}/").status_code == 404


def test_json_is_what_comes_back(owner: User, project: Project, api: Api) -> None:
    response = api(owner).get(f"{BASE}model-versions/")

    assert json.loads(response.content) == {"results": [], "next": None, "previous": None}
