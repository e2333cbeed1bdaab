"""What every API view shares: the shape of errors, cursors, and bodies that nobody needs."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from projects.models import Project, Role
from tests import factories

pytestmark = pytest.mark.django_db

REVIEWS = "/api/v1/projects/shop/reviews/"
SCHEMA = "/api/v1/projects/shop/schema/"


@pytest.fixture
def client(api: Callable[..., APIClient], owner: User) -> APIClient:
    return api(owner)


def is_problem(answer: Any, status: int) -> bool:
    """Tell whether an answer is a problem document of that status."""
    document = answer.json()
    return (
        answer["Content-Type"] == "application/problem+json"
        and set(document) == {"type", "title", "status", "detail", "request_id", "errors"}
        and answer.status_code == document["status"] == status
    )


def cursor(inside: str) -> str:
    return base64.b64encode(inside.encode()).decode()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param("garbage", id="no base 64"),
        pytest.param("%00", id="NUL"),
        pytest.param("", id="nothing"),
        pytest.param(cursor("p=abc"), id="a word for a place"),
        pytest.param(cursor("p=1.5"), id="a fraction for a place"),
        pytest.param(cursor("p=" + "9" * 40), id="a place beyond any"),
        pytest.param(cursor("o=-5"), id="a negative offset"),
    ],
)
def test_a_cursor_that_nobody_gave_is_refused(client: APIClient, garbage: str) -> None:

    answer = client.get(REVIEWS, {"cursor": garbage})

    assert is_problem(answer, 400)
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_cursors_lead_through_a_list_and_back(client: APIClient, project: Project) -> None:
    ids = [factories.review(project).pk for _ in range(5)][::-1]

    first = client.get(REVIEWS, {"page_size": 2}).json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    again = client.get(client.get(second["previous"]).json()["next"]).json()

    pages = [[row["id"] for row in page["results"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert again["results"] == second["results"]


@pytest.mark.parametrize("size", ["-1", "0", "abc", "", "1.5", "9" * 30])
def test_a_page_size_that_is_none_is_refused(client: APIClient, size: str) -> None:
    assert is_problem(client.get(REVIEWS, {"page_size": size}), 400)


def test_a_large_page_is_cut(client: APIClient, project: Project) -> None:
    assert client.get(REVIEWS, {"page_size": 10_000}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"\\ud800": 1}', id="as a field"),
        pytest.param('{"username": "x", "role": "\\ud800"}', id="as a choice"),
    ],
)
def test_half_a_letter_comes_back_escaped(client: APIClient, body: str) -> None:
    """JSON may hide lone surrogates in escapes, and no encoding can write them."""
    answer = client.post("/api/v1/projects/shop/members/", body, content_type="application/json")

    assert is_problem(answer, 400)
    assert rb"\ud800" in answer.content


def test_a_field_that_nobody_declared_is_refused_however_deep(client: APIClient) -> None:
    options = [{"name": "a"}, {"name": "b", "weight": 2}]
    body = {"questions": [{"name": "Mood", "kind": "choice", "options": options}]}

    answer = client.post(SCHEMA, body, format="json")

    assert is_problem(answer, 400)
    assert answer.json()["errors"][0]["field"] == "questions[0].options[1].weight"


def test_a_huge_body_is_refused_as_too_large(client: APIClient) -> None:
    body = b'{"questions": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'

    assert is_problem(client.post(SCHEMA, body, content_type="application/json"), 413)


@pytest.mark.parametrize("path", ["/api/v1/nope/", "/api/v1/projects/shop/datasets/one/"])
def test_an_address_that_is_none_is_a_problem_document(client: APIClient, path: str) -> None:
    assert is_problem(client.get(path), 404)


def test_a_host_that_is_not_ours_is_a_problem_document(client: APIClient) -> None:
    assert is_problem(client.get(REVIEWS, headers={"host": "evil.example"}), 400)


def test_a_person_gets_a_page_instead(db: None) -> None:
    answer = Client().get("/nope/")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("accept", ["text/csv", "text/html", "application/xml"])
def test_there_is_one_format_whatever_is_accepted(client: APIClient, accept: str) -> None:
    answer = client.get(REVIEWS, headers={"accept": accept})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"


def test_projects_and_members_come_in_pages_too(
    client: APIClient, project: Project, owner: User
) -> None:
    factories.member(project, Role.VIEWER)

    page = client.get("/api/v1/projects/shop/members/", {"page_size": 1}).json()
    rest = client.get(page["next"]).json()

    assert [row["username"] for row in page["results"]] == [owner.username]
    assert len(rest["results"]) == 1
    assert client.get("/api/v1/projects/").json()["results"][0]["slug"] == "shop"
