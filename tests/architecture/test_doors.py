"""Every route below a project, walked: nobody and outsiders get in nowhere, whatever is added."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from accounts.models import User
from projects.models import Project
from tests import factories

pytestmark = pytest.mark.django_db

#: Routes that stand open by intent.
OPEN = {"healthz", "readyz", "metrics", "api/schema/", "api/docs/", "me/link/<str:secret>/"}
METHODS = ("get", "post", "put", "patch", "delete")
SAMPLES = {"slug": "shop", "uuid": str(uuid.uuid4()), "int": "1", "str": "x", "path": "x"}


def routes(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


def path_of(route: str) -> str:
    """Fill in a route's arguments with samples."""
    return "/" + re.sub(r"<(\w+):\w+>", lambda match: SAMPLES[match[1]], route)


OURS = sorted(
    route for route in set(routes()) if not route.startswith(("admin/", "accounts/")) and route
)
BELOW_PROJECT = [route for route in OURS if "<slug:slug>" in route]


def test_the_walk_finds_the_pages_and_the_api() -> None:
    assert any(route.startswith("projects/<slug:slug>/label") for route in BELOW_PROJECT)
    assert any(route.startswith("api/v1/projects/<slug:slug>/predict") for route in BELOW_PROJECT)


@pytest.mark.parametrize("route", [route for route in OURS if route not in OPEN])
def test_nobody_gets_in(route: str, project: Project) -> None:
    for method in METHODS:
        response = getattr(Client(), method)(path_of(route))

        if route.startswith("api/"):
            assert response.status_code == 401, method
        else:
            assert response.status_code == 302, method
            assert response["Location"].startswith("/accounts/login/"), method


@pytest.mark.parametrize("route", BELOW_PROJECT)
def test_an_outsider_sees_nothing_of_a_project(
    route: str, project: Project, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    secret = f"canary-{uuid.uuid4().hex}"
    factories.review(project, text=secret)

    for method in METHODS:
        response = getattr(signed_in(mallory), method)(path_of(route))

        assert response.status_code in {404, 405}, method
        assert secret.encode() not in b"".join(response), method


@pytest.mark.parametrize("route", [route for route in BELOW_PROJECT if route.startswith("api/")])
def test_a_token_of_another_project_sees_nothing(
    route: str, project: Project, owner: User, api: Callable[..., APIClient]
) -> None:
    """Even when its owner is a member of both projects."""
    other = factories.project(owner=owner, slug="other")
    client = api(owner)

    for method in METHODS:
        response = getattr(client, method)(path_of(route).replace("/shop/", f"/{other.slug}/"))

        assert response.status_code in {404, 405}, method
