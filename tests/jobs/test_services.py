"""Ask for work once, call it off, and who may."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict
from jobs import worker
from jobs.models import Job
from jobs.services import cancel, enqueue
from projects.models import Project, Role

pytestmark = pytest.mark.django_db


def test_the_same_key_gives_the_same_job(project: Project, owner: User) -> None:
    first = enqueue(project=project, kind="test", actor=owner, idempotency_key="k1")
    second = enqueue(project=project, kind="test", actor=owner, idempotency_key="k1")

    assert first.pk == second.pk
    assert Job.objects.count() == 1


def test_one_person_cannot_take_anothers_key(
    project: Project, owner: User, member: Callable[[Role], User]
) -> None:
    enqueue(project=project, kind="test", actor=owner, idempotency_key="k1")
    enqueue(project=project, kind="test", actor=member(Role.OWNER), idempotency_key="k1")

    assert Job.objects.count() == 2


def test_a_single_job_is_refused_while_its_like_is_under_way(project: Project) -> None:
    enqueue(project=project, kind="test", actor=None, single_key="train")

    with pytest.raises(Conflict, match="already under way"):
        enqueue(project=project, kind="test", actor=None, single_key="train")


def test_a_single_job_is_taken_once_its_like_has_ended(project: Project, owner: User) -> None:
    first = enqueue(project=project, kind="test", actor=None, single_key="train")
    cancel(job=first, actor=owner)

    assert enqueue(project=project, kind="test", actor=None, single_key="train").pk != first.pk


def test_the_bell_rings_after_the_commit_only(
    project: Project, bells: list[str], django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        enqueue(project=project, kind="test", actor=None)
        assert bells == []

    assert bells == ["default"]


def test_a_waiting_job_is_cancelled_at_once_and_twice_is_the_same(
    project: Project, owner: User
) -> None:
    job = enqueue(project=project, kind="test", actor=owner)

    states = [cancel(job=job, actor=owner).state for _ in range(2)]

    assert states == ["cancelled", "cancelled"]
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 1


@pytest.fixture
def url(project: Project) -> str:
    job = enqueue(project=project, kind="test", actor=None)
    return f"/projects/{project.slug}/jobs/{job.pk}/"


def test_the_page_says_when_no_worker_listens(
    url: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(owner).get(url)

    assert "No worker is listening" in page.content.decode()


def test_the_page_is_quiet_when_a_worker_listens(
    url: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    from django.utils import timezone

    worker.say_alive(name="here:1", queues=["default"], started_at=timezone.now())

    assert "No worker is listening" not in signed_in(owner).get(url).content.decode()


def test_htmx_is_told_to_stop_asking_about_a_finished_job(
    url: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    Job.objects.update(state="succeeded")

    response = signed_in(owner).get(url, headers={"HX-Request": "true"})

    assert response.status_code == 286


def test_an_analyst_cancels_from_the_page(
    url: str, member: Callable[[Role], User], signed_in: Callable[[User], Client]
) -> None:
    response = signed_in(member(Role.ANALYST)).post(url + "cancel/")

    assert response.status_code == 302
    assert Job.objects.get().state == "cancelled"


def test_an_annotator_cannot_cancel(
    url: str, member: Callable[[Role], User], signed_in: Callable[[User], Client]
) -> None:
    response = signed_in(member(Role.ANNOTATOR)).post(url + "cancel/")

    assert response.status_code == 403
    assert Job.objects.get().state == "queued"


@pytest.mark.parametrize("path", ["", "cancel/"])
def test_an_outsider_does_not_learn_of_the_job(
    url: str, path: str, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(mallory)

    response = client.post(url + path) if path else client.get(url)

    assert response.status_code == 404


def test_the_api_shows_a_job(project: Project, owner: User, api: Callable[..., APIClient]) -> None:
    job = enqueue(project=project, kind="test", actor=owner, total=10)

    body = api(owner).get(f"/api/v1/jobs/{job.pk}/").json()

    assert body["state"] == "queued"
    assert body["progress"] == {"done": 0, "total": 10, "message": ""}


def test_the_api_hides_a_job_from_a_token_of_another_project(
    project: Project, owner: User, mallory: User, api: Callable[..., APIClient]
) -> None:
    job = enqueue(project=project, kind="test", actor=owner)

    response = api(mallory).get(f"/api/v1/jobs/{job.pk}/")

    assert response.status_code == 404
    assert response.json()["title"] == "Not found"


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one_job_and_tells_the_slower_ones(
    project: Project, owner: User
) -> None:
    made: list[Job] = []
    refused: list[Conflict] = []
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        try:
            made.append(enqueue(project=project, kind="test", actor=owner, idempotency_key="k1"))
        except Conflict as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) + len(refused) == 6
    assert {job.pk for job in made} == {Job.objects.get().pk}
