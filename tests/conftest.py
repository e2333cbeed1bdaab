"""What every test may use."""

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_token
from projects.models import Project, Role
from tests import factories

#: Folders whose tests start processes of their own, whatever database these then use.
_WITH_PROCESSES = {"accounts", "config", "demo", "faults", "pages"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the second database run what can meet it: `tests.run` asks for that.

    pytest-django lets no other test touch a database, so those would only do the same once more.
    """
    if os.environ.get("GLOSS_TEST_DATABASE_ONLY") != "1":
        return
    left_out = [item for item in items if not _meets_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = filter(_meets_database, items)


def _meets_database(item: pytest.Item) -> bool:
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    return (
        item.get_closest_marker("django_db") is not None
        or not {"db", "transactional_db", "live_server"}.isdisjoint(fixtures)
        or not _WITH_PROCESSES.isdisjoint(item.path.parts)
        or "Stack" in vars(getattr(item, "module", item))
    )


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Path) -> Iterator[None]:
    """Give every test its own folders for what the product writes."""
    names = ("MODELS_DIR", "FEATURES_DIR", "WORK_DIR")
    before = {name: getattr(settings, name) for name in names}
    for name in names:
        setattr(settings, name, tmp_path / name.lower())
    # The storage caches its place; a copy of the settings makes it look again.
    storages: dict[str, Any] = copy.deepcopy(settings.STORAGES)
    storages["default"]["OPTIONS"]["location"] = tmp_path / "files"
    with override_settings(STORAGES=storages):
        yield
    for name, value in before.items():
        setattr(settings, name, value)


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep doorbells from leaving the test; the list says which queues were rung for."""
    rung: list[str] = []

    def send_task(_self: object, _name: str, args: list[str], **_: object) -> None:
        rung.append(args[0])

    monkeypatch.setattr("celery.app.base.Celery.send_task", send_task)
    return rung


@pytest.fixture
def owner(db: None) -> User:
    return factories.user("olga-owner")


@pytest.fixture
def project(owner: User) -> Project:
    """A project with the questions of product-reviews."""
    return factories.project(owner=owner)


@pytest.fixture
def mallory(db: None) -> User:
    """Somebody with a project of their own and no place in the others."""
    user = factories.user("mallory")
    factories.project(owner=user, slug="mallorys")
    return user


@pytest.fixture
def member(project: Project) -> Callable[[Role], User]:
    """Return a maker of members of `project`."""

    def make(role: Role) -> User:
        return factories.member(project, role)

    return make


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a maker of browsers in which somebody is signed in."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def api(project: Project) -> Callable[..., APIClient]:
    """Return a maker of API clients with a token for `project`."""

    def make(user: User, *scopes: str) -> APIClient:
        _, secret = create_token(
            user=user,
            project_id=project.pk,
            name="test",
            scopes=scopes or ("read", "write", "predict"),
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return make
