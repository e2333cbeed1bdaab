"""Who may do what: one row a route, and every role tried on every method of every row."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from jobs.services import enqueue
from labelling.models import Assignment
from projects.models import Membership, Project, Role
from tests import factories
from tests.architecture.test_doors import OPEN, OURS, path_of

pytestmark = pytest.mark.django_db

VIEWER, ANNOTATOR, REVIEWER, ANALYST, OWNER = Role
READ = {"get": VIEWER}
PAGE = "projects/<slug:slug>/"
API = "api/v1/projects/<slug:slug>/"

#: Route to method to the lowest role that it is for. A method that is missing here is 405.
LOWEST: Mapping[str, Mapping[str, Role]] = {
    PAGE: READ,
    PAGE + "insights/": READ,
    PAGE + "jobs/": READ,
    PAGE + "jobs/indicator/": READ,
    PAGE + "jobs/<uuid:job_id>/": READ,
    PAGE + "jobs/<uuid:job_id>/cancel/": {"post": ANALYST},
    PAGE + "label/": {"get": ANNOTATOR},
    PAGE + "label/next/": {"get": ANNOTATOR},
    PAGE + "label/last/": {"get": ANNOTATOR},
    PAGE + "label/agreement/": {"get": REVIEWER},
    PAGE + "label/annotations/<int:annotation_id>/": {"get": ANNOTATOR, "post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/heartbeat/": {"post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/skip/": {"post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/submit/": {"post": ANNOTATOR},
    PAGE + "label/reviews/<int:review_id>/": {"get": REVIEWER, "post": REVIEWER},
    PAGE + "label/questions/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/add/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/<slug:key>/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/<slug:key>/remove/": {"post": OWNER},
    PAGE + "models/": READ,
    PAGE + "models/rank/": {"post": ANALYST},
    PAGE + "models/retrain/": {"get": OWNER, "post": OWNER},
    PAGE + "models/runs/<int:number>/": READ,
    PAGE + "models/try/": {"get": ANALYST, "post": ANALYST},
    PAGE + "models/versions/<int:number>/": READ,
    PAGE + "models/versions/<int:number>/promote/": {"post": OWNER},
    PAGE + "models/predictions/": {"get": ANALYST, "post": ANALYST},
    PAGE + "models/predictions/<int:prediction_id>/": {"get": ANALYST},
    PAGE + "models/predictions/<int:prediction_id>/results/": {"get": ANALYST},
    PAGE + "reviews/": READ,
    PAGE + "reviews/<int:review_id>/": READ,
    PAGE + "reviews/derive/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/bulk/": {"get": REVIEWER},
    PAGE + "reviews/bulk/start/": {"post": REVIEWER},
    PAGE + "reviews/bulk/<int:action_id>/": {"get": REVIEWER},
    PAGE + "reviews/bulk/<int:action_id>/undo/": {"post": REVIEWER},
    PAGE + "reviews/views/": {"post": VIEWER},
    PAGE + "reviews/views/<int:view_id>/": {"post": VIEWER},
    PAGE + "reviews/datasets/": READ,
    PAGE + "reviews/datasets/<int:dataset_id>/": READ,
    PAGE + "reviews/datasets/<int:dataset_id>/rejects.csv": READ,
    PAGE + "reviews/datasets/<int:dataset_id>/splits/": {"post": ANALYST},
    PAGE + "reviews/datasets/<int:dataset_id>/versions/": {"post": ANALYST},
    PAGE + "reviews/datasets/<int:dataset_id>/versions/<int:number>/changes/": READ,
    PAGE + "reviews/datasets/<int:dataset_id>/versions/<int:number>/file/": {"get": ANALYST},
    PAGE + "reviews/exports/": {"get": ANALYST},
    PAGE + "reviews/exports/new/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/exports/<int:export_id>/file/": {"get": ANALYST},
    PAGE + "reviews/upload/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/uploads/<int:upload_id>/": {"get": ANALYST},
    PAGE + "reviews/uploads/<int:upload_id>/map/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/uploads/<int:upload_id>/discard/": {"post": ANALYST},
    PAGE + "reviews/datasets/<int:dataset_id>/undo/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/checks/<int:check_id>/": {"get": ANALYST, "post": ANALYST},
    PAGE + "reviews/checks/<int:check_id>/rejects.csv": {"get": ANALYST},
    PAGE + "settings/": {"get": OWNER, "post": OWNER},
    PAGE + "settings/members/": {"post": OWNER},
    PAGE + "settings/members/remove/": {"post": OWNER},
    PAGE + "settings/tokens/": {"post": OWNER},
    PAGE + "settings/tokens/<int:token_id>/revoke/": {"post": OWNER},
    API: {"get": VIEWER, "patch": OWNER},
    API + "annotations/": {"get": ANNOTATOR},
    API + "bulk-actions/": {"get": REVIEWER, "post": REVIEWER},
    API + "bulk-actions/<int:action_id>/": {"get": REVIEWER},
    API + "bulk-actions/<int:action_id>/undo/": {"post": REVIEWER},
    API + "saved-views/": {"get": VIEWER, "post": VIEWER},
    API + "saved-views/<int:view_id>/": {"get": VIEWER, "patch": VIEWER, "delete": VIEWER},
    API + "datasets/": {"get": VIEWER, "post": ANALYST},
    API + "datasets/<int:dataset_id>/": {"get": VIEWER, "delete": ANALYST},
    API + "datasets/<int:dataset_id>/rejects.csv": READ,
    API + "datasets/<int:dataset_id>/splits/": {"get": VIEWER, "post": ANALYST},
    API + "datasets/<int:dataset_id>/versions/": {"get": VIEWER, "post": ANALYST},
    API + "datasets/<int:dataset_id>/versions/<int:number>/changes/": READ,
    API + "datasets/<int:dataset_id>/versions/<int:number>/file/": {"get": ANALYST},
    API + "exports/": {"get": ANALYST, "post": ANALYST},
    API + "exports/<int:export_id>/": {"get": ANALYST},
    API + "exports/<int:export_id>/file/": {"get": ANALYST},
    API + "members/": {"get": REVIEWER, "post": OWNER},
    API + "model-versions/": READ,
    API + "model-versions/<int:number>/": READ,
    API + "model-versions/<int:number>/promote/": {"post": OWNER},
    API + "predict/": {"post": ANALYST},
    API + "prediction-jobs/": {"get": ANALYST, "post": ANALYST},
    API + "prediction-jobs/<int:prediction_id>/": {"get": ANALYST},
    API + "prediction-jobs/<int:prediction_id>/results/": {"get": ANALYST},
    API + "queue/next/": {"post": ANNOTATOR},
    API + "datasets/derive/": {"post": ANALYST},
    API + "reviews/": READ,
    API + "reviews/<int:review_id>/": READ,
    API + "schema/": {"get": VIEWER, "post": OWNER},
    API + "training-runs/": {"get": VIEWER, "post": OWNER},
    API + "training-runs/<int:number>/": READ,
    API + "checks/<int:check_id>/": {"get": ANALYST},
    API + "checks/<int:check_id>/rejects.csv": {"get": ANALYST},
    API + "uploads/": {"post": ANALYST},
    API + "uploads/<int:upload_id>/check/": {"post": ANALYST},
    API + "uploads/<int:upload_id>/": {"get": ANALYST, "patch": ANALYST, "delete": ANALYST},
    "api/v1/assignments/<int:assignment_id>/heartbeat/": {"post": ANNOTATOR},
    "api/v1/assignments/<int:assignment_id>/skip/": {"post": ANNOTATOR},
    "api/v1/assignments/<int:assignment_id>/submit/": {"post": ANNOTATOR},
    "api/v1/jobs/<uuid:job_id>/": READ,
    "api/v1/jobs/<uuid:job_id>/cancel/": {"post": ANALYST},
}

#: For everybody who has signed in: they speak of no project, or only of one's own.
NO_ROLE = {"projects/", "projects/new/", "me/profile/", "api/v1/projects/"}

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def people(project: Project) -> dict[Role, User]:
    """Return a member of every role; the fixture's owner keeps the project owned."""
    return {role: factories.member(project, role) for role in Role}


@pytest.fixture
def job(project: Project, owner: User) -> Job:
    return enqueue(project=project, kind="import", actor=owner)


def _assignment(project: Project, person: User) -> Assignment:
    """Lease a review to somebody, whatever the role: it may have been a higher one then."""
    until = timezone.now() + timedelta(minutes=10)
    return Assignment.objects.create(
        project=project,
        review=factories.review(project),
        annotator=person,
        source=Assignment.Source.UNRANKED,
        lease_until=until,
    )


def _ask(client: Client, route: str, method: str, **ids: object) -> Any:
    """Send an empty request to a route with these ids in it."""
    path = path_of(re.sub(r"<\w+:(\w+)>", lambda m: str(ids.get(m[1], m[0])), route))
    body: dict[str, Any] = {"content_type": "application/json"} if route.startswith("api/") else {}
    return client.generic(method.upper(), path, **body)


def test_every_route_has_a_row() -> None:
    assert set(OURS) - OPEN == set(LOWEST) | NO_ROLE


@pytest.mark.parametrize("route", LOWEST)
def test_a_role_does_what_it_may_and_no_more(
    route: str,
    project: Project,
    people: dict[Role, User],
    job: Job,
    signed_in: Callable[[User], Client],
) -> None:
    for role, person in people.items():
        client = signed_in(person)
        ids: dict[str, object] = {"job_id": job.pk}
        if "assignment_id" in route:
            ids["assignment_id"] = _assignment(project, person).pk
        for method in METHODS:
            status = _ask(client, route, method, **ids).status_code

            lowest = LOWEST[route].get(method)
            tried = f"{role.label} {method}: {status}"
            if lowest is None:
                # A method that is not there tells a low role nothing else either.
                assert status in {403, 405}, tried
            elif role < lowest:
                assert status == 403, tried
            else:
                assert status not in {403, 405}, tried
                assert status < 500, tried


@pytest.mark.parametrize(
    ("route", "method"),
    [
        (route, method)
        for route, methods in LOWEST.items()
        for method in methods
        if route.startswith("api/") and method != "get"
    ],
    ids=lambda each: each,
)
def test_a_token_that_only_reads_changes_nothing_even_for_an_owner(
    route: str,
    method: str,
    project: Project,
    owner: User,
    job: Job,
    api: Callable[..., APIClient],
) -> None:
    ids = {"job_id": job.pk, "assignment_id": _assignment(project, owner).pk}

    assert _ask(api(owner, "read"), route, method, **ids).status_code == 403


def test_a_member_who_was_taken_out_does_not_keep_a_review(
    project: Project, member: Callable[[Role], User], signed_in: Callable[[User], Client]
) -> None:
    person = member(Role.ANNOTATOR)
    held = _assignment(project, person)
    Membership.objects.filter(user=person).delete()

    for verb in ("submit", "skip", "heartbeat"):
        response = signed_in(person).post(
            f"/api/v1/assignments/{held.pk}/{verb}/", {}, content_type="application/json"
        )

        assert response.status_code == 404, verb
