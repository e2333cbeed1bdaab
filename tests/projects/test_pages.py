"""Pages and API of projects: works, bad input, wrong role, the outsider."""

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from projects.models import Membership, Project, Role
from tests import factories

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Members = Callable[[Role], User]

SETTINGS = "/projects/shop/settings/"


def test_a_new_project_is_made_and_leads_to_the_upload(owner: User, signed_in: Browser) -> None:
    response = signed_in(owner).post(
        "/projects/new/", {"name": "Shoe reviews", "preset": "sentiment"}
    )

    assert response.status_code == 302
    assert response["Location"] == "/projects/shoe-reviews/reviews/upload/"
    assert Project.objects.get(slug="shoe-reviews").memberships.get().role == Role.OWNER


def test_a_taken_short_name_is_said_at_its_field(
    project: Project, owner: User, signed_in: Browser
) -> None:
    response = signed_in(owner).post(
        "/projects/new/", {"name": "X", "slug": project.slug, "preset": "blank"}
    )

    assert response.status_code == 400
    assert "already" in response.content.decode()


@pytest.mark.parametrize("path", ["/projects/", "/projects/new/", "/", SETTINGS, "/me/profile/"])
def test_nobody_is_sent_to_sign_in(path: str, client: Client, project: Project) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_nobody_can_sign_up(client: Client, db: None) -> None:
    assert "username" not in client.get("/accounts/signup/").content.decode()


def test_an_owner_opens_the_settings(project: Project, owner: User, signed_in: Browser) -> None:
    assert "Members" in signed_in(owner).get(SETTINGS).content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_others_are_told_that_they_need_to_be_an_owner(
    role: Role, member: Members, signed_in: Browser
) -> None:
    response = signed_in(member(role)).get(SETTINGS)

    assert response.status_code == 403
    assert "owner" in response.content.decode()


@pytest.mark.parametrize("path", ["", "members/", "members/remove/", "tokens/", "tokens/1/revoke/"])
def test_an_outsider_finds_no_settings(
    path: str, project: Project, mallory: User, signed_in: Browser
) -> None:
    assert signed_in(mallory).post(SETTINGS + path, {"username": "x"}).status_code == 404


def test_a_member_is_added(project: Project, owner: User, signed_in: Browser) -> None:
    factories.user("vera")

    signed_in(owner).post(SETTINGS + "members/", {"username": "vera", "role": "annotator"})

    assert Membership.objects.get(user__username="vera").role == Role.ANNOTATOR


def test_an_unknown_person_is_said_at_the_field(
    project: Project, owner: User, signed_in: Browser
) -> None:
    response = signed_in(owner).post(SETTINGS + "members/", {"username": "no", "role": "viewer"})

    assert response.status_code == 400
    assert "There is no person" in response.content.decode()


def test_a_token_is_shown_once_and_kept_as_a_digest(
    project: Project, owner: User, signed_in: Browser
) -> None:
    browser = signed_in(owner)

    page = browser.post(SETTINGS + "tokens/", {"name": "n", "scopes": ["read"], "days": 30})

    token = ApiToken.objects.get()
    secret = page.content.decode().split('id="token-secret">')[1].split("<")[0]
    assert secret.startswith(token.prefix)
    assert token.digest != secret
    assert secret not in browser.get(SETTINGS).content.decode()


def test_a_revoked_token_opens_nothing(
    project: Project, owner: User, signed_in: Browser, api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    assert client.get("/api/v1/projects/shop/").status_code == 200

    signed_in(owner).post(f"{SETTINGS}tokens/{ApiToken.objects.get().pk}/revoke/")

    assert client.get("/api/v1/projects/shop/").status_code == 401


def test_a_token_without_the_scope_is_refused(
    project: Project, owner: User, api: Callable[..., APIClient]
) -> None:
    response = api(owner, "read").patch("/api/v1/projects/shop/", {"name": "New"}, format="json")

    assert response.status_code == 403
    assert "write" in response.json()["detail"]


def test_a_token_is_blind_to_its_owners_other_projects(
    project: Project, owner: User, api: Callable[..., APIClient]
) -> None:
    factories.project(owner=owner, slug="other")
    client = api(owner)

    listed = client.get("/api/v1/projects/").json()["results"]

    assert [each["slug"] for each in listed] == ["shop"]
    assert client.get("/api/v1/projects/other/").status_code == 404


def test_the_api_refuses_fields_that_nobody_declared(
    project: Project, owner: User, signed_in: Browser
) -> None:
    response = signed_in(owner).post(
        "/api/v1/projects/", {"slug": "new", "is_staff": True}, content_type="application/json"
    )

    body = response.json()
    assert response.status_code == 400
    assert body["errors"] == [
        {"field": "is_staff", "message": "There is no field 'is_staff' here."}
    ]


def test_the_api_adds_members_for_owners_only(
    project: Project, owner: User, member: Members, api: Callable[..., APIClient]
) -> None:
    factories.user("vera")
    body = {"username": "vera", "role": "viewer"}
    path = "/api/v1/projects/shop/members/"

    assert api(member(Role.ANALYST)).post(path, body, format="json").status_code == 403
    assert api(owner).post(path, body, format="json").json() == body


def test_the_command_prints_a_token_that_works_and_nothing_else(
    project: Project, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_token", owner.username, project="shop", scope=["read"])

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {capsys.readouterr().out.strip()}")
    assert client.get("/api/v1/projects/shop/").json()["slug"] == "shop"


def test_the_command_refuses_a_stranger(project: Project, mallory: User) -> None:
    with pytest.raises(CommandError, match="mallory"):
        call_command("create_token", "mallory", project="shop", scope=["read"])
