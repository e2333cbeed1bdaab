"""What nobody sends by mistake: endless numbers, letters cut in half, names that are taken."""

import json
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from projects.models import Membership, Project, Role
from reviews import bulk, undo
from reviews.models import Dataset
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
API = "/api/v1/projects/shop/"


@pytest.fixture
def dataset(project: Project) -> Dataset:
    dataset = factories.dataset(project)
    factories.review(project, "zip", dataset=dataset)
    return dataset


@pytest.fixture
def analyst(project: Project, member: Callable[[Role], User]) -> User:
    assert project.pk
    return member(Role.ANALYST)


@pytest.fixture
def api(analyst: User) -> APIClient:
    client = APIClient()
    client.force_login(analyst)
    client.raise_request_exception = False
    return client


@pytest.fixture
def page(analyst: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(analyst)
    return client


def test_a_review_of_five_thousand_digits_is_no_review(page: Client, dataset: Dataset) -> None:
    assert dataset.pk
    number = "1" * 5_000

    assert page.get(f"{BASE}bulk/", {"review": number}).status_code == 400
    sent = {"kind": "queue", "review": [number]}
    assert page.post(f"{BASE}bulk/start/", sent).status_code == 400


@pytest.mark.parametrize("since", ["0" * 5_000, "0" * 12 + "9" * 30, "9" * 5_000])
def test_a_version_since_a_number_without_end_is_refused(
    page: Client, dataset: Dataset, since: str
) -> None:
    dataset.versions.create(number=1)
    answer = page.get(f"{BASE}datasets/{dataset.pk}/versions/1/changes/", {"since": since})

    assert answer.status_code == 400


def test_the_name_that_a_removed_data_set_would_have_may_be_taken(
    project: Project, dataset: Dataset, analyst: User
) -> None:
    factories.dataset(project, name=f"{dataset.name} (removed {dataset.pk})")

    undo.start_undo(project=project, dataset=dataset, actor=analyst)

    dataset.refresh_from_db()
    assert dataset.removed_at is not None


@pytest.mark.parametrize(
    "filters",
    [{"q": "\ud800"}, {"meta.\ud800": "a"}, {"meta.a\x00b": "a"}, {"product": "a\x00"}],
)
@pytest.mark.parametrize("route", ["datasets/derive/", "exports/", "bulk-actions/"])
def test_filters_that_no_database_takes_are_refused(
    api: APIClient, dataset: Dataset, route: str, filters: dict[str, str]
) -> None:
    assert dataset.pk
    body = {
        "datasets/derive/": {"name": "Made", "filters": filters},
        "exports/": {"format": "csv", "filters": filters},
        "bulk-actions/": {"kind": "queue", "filters": filters},
    }[route]
    # With escapes, as half a letter cannot be sent otherwise.
    answer = api.post(API + route, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400, answer.content


def test_a_bulk_action_keeps_nothing_that_no_database_takes(
    page: Client, dataset: Dataset, analyst: User
) -> None:
    assert dataset.pk
    sent = {"kind": "dataset", "name": "A\x00B", "scope": "all", "filters": "split=train%00"}
    sent["key"] = "k\x00"
    assert page.post(f"{BASE}bulk/start/", sent).status_code == 302

    membership = Membership.objects.get(user=analyst)
    (action,) = bulk.recent(membership.project)
    assert "\\u0000" not in json.dumps(action.params)
    assert Dataset.objects.filter(name="AB").exists()
