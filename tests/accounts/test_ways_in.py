"""One-time links and tokens: they work once, or until their day, or not at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, SignInLink, User
from accounts.services import create_sign_in_link, create_token
from common.errors import Invalid
from projects.models import Project

pytestmark = pytest.mark.django_db


def test_a_link_signs_in_after_one_click(owner: User, client: Client) -> None:
    path = f"/me/link/{create_sign_in_link(user=owner)}/"

    assert "Sign in" in client.get(path).content.decode()
    client.post(path)

    assert client.session["_auth_user_id"] == str(owner.pk)


def test_a_link_works_once(owner: User, client: Client) -> None:
    path = f"/me/link/{create_sign_in_link(user=owner)}/"
    Client().post(path)

    assert client.post(path).status_code == 410
    assert "_auth_user_id" not in client.session


def test_a_link_has_its_day(owner: User, client: Client) -> None:
    path = f"/me/link/{create_sign_in_link(user=owner)}/"
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.post(path).status_code == 410


def test_an_invented_link_signs_nobody_in(client: Client, db: None) -> None:
    assert client.post("/me/link/abc/").status_code == 410


def test_a_password_signs_in(client: Client, db: None) -> None:
    User.objects.create_user("vera", password="a long enough secret")

    client.post("/accounts/login/", {"login": "vera", "password": "a long enough secret"})

    assert "_auth_user_id" in client.session


def test_a_wrong_password_does_not(client: Client, db: None) -> None:
    User.objects.create_user("vera", password="a long enough secret")

    response = client.post("/accounts/login/", {"login": "vera", "password": "something else"})

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(days=1)},
        {"revoked_at": timezone.now()},
        {"digest": "0" * 64},
    ],
    ids=["expired", "revoked", "unknown"],
)
def test_a_token_that_is_no_good_is_401_with_a_sentence(
    project: Project, owner: User, api: Callable[..., APIClient], change: dict[str, object]
) -> None:
    client = api(owner)
    ApiToken.objects.update(**change)

    response = client.get("/api/v1/projects/")

    assert response.status_code == 401
    assert "Create a new one" in response.json()["detail"]


def test_a_request_without_a_token_is_401(client: Client, db: None) -> None:
    response = client.get("/api/v1/projects/")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("scopes", "days"), [((), 30), (("fly",), 30), (("read",), 0), (("read",), 366)]
)
def test_a_token_needs_scopes_and_a_bounded_life(
    project: Project, owner: User, scopes: tuple[str, ...], days: int
) -> None:
    with pytest.raises(Invalid):
        create_token(user=owner, project_id=project.pk, name="x", scopes=scopes, days=days)


def test_the_session_cannot_write_over_rest_without_csrf(owner: User, project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")

    response = client.post("/api/v1/projects/", {"slug": "new"}, content_type="application/json")

    assert response.status_code == 403
