"""Questions, the queue and annotations over REST."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from labelling import services
from labelling.models import Annotation, Assignment
from labelling.services import Suggested
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

Api = Callable[..., APIClient]
Member = Callable[[Role], User]

BODY: dict[str, Any] = {
    "schema_version": 1,
    "answers": {
        "sentiment": "positive",
        "rating": 4,
        "aspects": ["price"],
        "aspect_spans": [
            {"start": 6, "end": 11, "text": "price", "option": "price", "polarity": "positive"}
        ],
    },
}
NEXT = "/api/v1/projects/shop/queue/next/"


@pytest.fixture
def anna(member: Member) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def client(api: Api, anna: User) -> APIClient:
    return api(anna)


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project, "Great price! 👍", metadata={"shop": "north"})


def test_next_and_submit_follow_the_contract(client: APIClient, review: Review) -> None:
    served = client.post(NEXT).json()

    assert served["review"] == {
        "id": review.pk,
        "text": "Great price! 👍",
        "metadata": {"shop": "north"},
    }
    assert served["schema_version"] == 1
    assert served["suggestions"] == {}
    assert set(served["assignment"]) >= {"id", "lease_until"}

    url = f"/api/v1/assignments/{served['assignment']['id']}/submit/"
    first, again = (client.post(url, BODY, format="json") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["answers"] == BODY["answers"]
    assert client.post(NEXT).status_code == 204


def test_wrong_answers_are_a_problem_document(client: APIClient, review: Review) -> None:
    served = client.post(NEXT).json()
    url = f"/api/v1/assignments/{served['assignment']['id']}/submit/"

    answer = client.post(url, BODY | {"answers": {"rating": "five"}}, format="json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert errors["answers.rating"] == '"five" is not a number from 1 to 5'
    assert set(errors) == {"answers.rating", "answers.sentiment", "answers.aspects"}


@pytest.mark.parametrize(
    "body",
    [{}, [], {"schema_version": "x", "answers": {}}, BODY | {"extra": 1}, BODY | {"answers": []}],
    ids=["empty", "a list", "version in letters", "unknown field", "answers as a list"],
)
def test_a_body_that_is_none_is_400(client: APIClient, review: Review, body: object) -> None:
    served = client.post(NEXT).json()
    url = f"/api/v1/assignments/{served['assignment']['id']}/submit/"

    assert client.post(url, body, format="json").status_code == 400


def test_another_version_is_409(client: APIClient, review: Review) -> None:
    served = client.post(NEXT).json()
    url = f"/api/v1/assignments/{served['assignment']['id']}/submit/"

    answer = client.post(url, BODY | {"schema_version": 2}, format="json")

    assert answer.status_code == 409
    assert "version 1 is current" in answer.json()["detail"]


def test_skip_and_heartbeat(client: APIClient, review: Review) -> None:
    number = client.post(NEXT).json()["assignment"]["id"]

    beat = client.post(f"/api/v1/assignments/{number}/heartbeat/")
    skipped = client.post(f"/api/v1/assignments/{number}/skip/", {"reason": "x"}, format="json")

    assert beat.json()["state"] == "leased"
    assert skipped.json()["state"] == "skipped"
    assert client.post(f"/api/v1/assignments/{number}/heartbeat/").status_code == 409
    assert client.post(NEXT).status_code == 204


@pytest.mark.parametrize("verb", ["submit", "skip", "heartbeat"])
def test_somebody_elses_assignment_is_404(
    client: APIClient, review: Review, api: Api, member: Member, verb: str
) -> None:
    number = client.post(NEXT).json()["assignment"]["id"]

    other = api(member(Role.OWNER))

    assert other.post(f"/api/v1/assignments/{number}/{verb}/", {}).status_code == 404


def test_a_token_without_the_scope_is_403(api: Api, anna: User, review: Review) -> None:
    number = api(anna).post(NEXT).json()["assignment"]["id"]
    reader = api(anna, "read")

    assert reader.post(NEXT).status_code == 403
    assert reader.post(f"/api/v1/assignments/{number}/skip/").status_code == 403


@pytest.mark.parametrize("path", ["queue/next/", "annotations/", "schema/"])
def test_outsiders_get_404(mallory: User, project: Project, path: str) -> None:
    browser = APIClient()
    browser.force_login(mallory, backend="django.contrib.auth.backends.ModelBackend")
    url = f"/api/v1/projects/shop/{path}"
    method = browser.post if path == "queue/next/" else browser.get

    assert method(url).status_code == 404


def test_viewers_may_read_questions_but_not_label(api: Api, member: Member) -> None:
    viewer = api(member(Role.VIEWER))

    assert viewer.post(NEXT).status_code == 403
    assert viewer.get("/api/v1/projects/shop/annotations/").status_code == 403
    assert viewer.get("/api/v1/projects/shop/schema/").status_code == 200
    assert viewer.post("/api/v1/projects/shop/schema/", {}, format="json").status_code == 403


def test_suggestions_are_hidden_on_control_items(
    client: APIClient, project: Project, review: Review
) -> None:
    rows = [Suggested(review.pk, "sentiment", "negative", 0.8)]
    services.store_suggestions(project=project, version=2, rows=rows)

    shown = client.post(NEXT).json()
    Assignment.objects.update(source="control")
    hidden = client.post(NEXT).json()

    assert shown["suggestions"]["sentiment"] == {
        "value": "negative",
        "confidence": 0.8,
        "model_version": 2,
    }
    assert hidden["suggestions"] == {}


def test_annotations_come_oldest_first_in_pages(
    api: Api, client: APIClient, project: Project, anna: User, member: Member
) -> None:
    dataset = factories.dataset(project)
    body = {"sentiment": "neutral", "rating": 3, "aspects": []}
    ben = member(Role.ANNOTATOR)
    for person in (anna, ben, anna):
        review = factories.review(project, dataset=dataset)
        services.record_annotation(review=review, annotator=person, answers=body)
    ids = list(Annotation.objects.order_by("id").values_list("id", flat=True))
    url = "/api/v1/projects/shop/annotations/?page_size=2"
    everybody = api(member(Role.REVIEWER))

    first = everybody.get(url).json()
    second = everybody.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == ids
    assert first["results"][0]["answers"] == body
    assert first["results"][0]["annotator"] == anna.get_username()
    assert second["next"] is None
    assert len(client.get(url).json()["results"]) == 2


def test_the_questions_can_be_read_and_written_back(api: Api, owner: User) -> None:
    client, url = api(owner), "/api/v1/projects/shop/schema/"
    schema = client.get(url).json()

    same = client.post(url, {"questions": schema["questions"]}, format="json")
    more = client.post(
        url,
        {
            "version": 1,
            "questions": [
                *schema["questions"],
                {
                    "name": "<b>Tone</b> 👍",
                    "kind": "choice",
                    "options": [{"name": "Warm"}, {"name": "Cold"}],
                },
            ],
        },
        format="json",
    )

    assert same.json()["version"] == 1
    assert more.status_code == 201
    tone = more.json()["questions"][-1]
    assert tone["key"] == "b_tone_b"
    assert [option["key"] for option in tone["options"]] == ["warm", "cold"]
    assert client.post(url, {"version": 1, "questions": []}, format="json").status_code == 409


def test_questions_that_cannot_be_asked_are_400(api: Api, owner: User) -> None:
    body = {"questions": [{"name": "Tone", "kind": "choice", "options": [{"name": "Warm"}]}]}

    answer = api(owner).post("/api/v1/projects/shop/schema/", body, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "questions[0].options"


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e999", "-1e999"])
def test_a_number_that_no_float_holds_is_refused(
    client: APIClient, review: Review, number: str
) -> None:
    served = client.post(NEXT).json()
    body = json.dumps(BODY).replace('"rating": 4', f'"rating": {number}')

    answer = client.post(
        f"/api/v1/assignments/{served['assignment']['id']}/submit/",
        body,
        content_type="application/json",
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("answers")
    assert not Annotation.objects.exists()


def test_a_question_may_be_as_wide_as_numbers_are(api: Api, owner: User) -> None:
    wide = {"name": "N", "kind": "number", "is_integer": True, "minimum": -1e308, "maximum": 1e308}

    answer = api(owner).post("/api/v1/projects/shop/schema/", {"questions": [wide]}, format="json")

    assert answer.status_code == 201
