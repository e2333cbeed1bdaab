"""Who may do what: one row a route, and every role tried on every method of every row."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEvent, User
from accounts.services import create_token
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
    PAGE + "label/ahead/": {"post": ANNOTATOR},
    PAGE + "label/guidelines/": {"get": ANNOTATOR},
    PAGE + "label/keys/": {"get": ANNOTATOR, "post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/": {"get": ANNOTATOR},
    PAGE + "label/agreement/": {"get": REVIEWER},
    PAGE + "label/agreement/pairs.csv": {"get": REVIEWER},
    PAGE + "label/agreement/reviews/": {"get": REVIEWER},
    PAGE + "label/annotations/<int:annotation_id>/": {"get": ANNOTATOR, "post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/heartbeat/": {"post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/skip/": {"post": ANNOTATOR},
    PAGE + "label/assignments/<int:assignment_id>/submit/": {"post": ANNOTATOR},
    PAGE + "label/reviews/<int:review_id>/": {"get": REVIEWER, "post": REVIEWER},
    PAGE + "label/disagreements/": {"get": REVIEWER},
    PAGE + "label/disagreements/next/": {"get": REVIEWER},
    PAGE + "label/disagreements/<int:review_id>/": {"get": REVIEWER, "post": REVIEWER},
    PAGE + "label/disagreements/<int:review_id>/undo/": {"post": REVIEWER},
    PAGE + "label/gold-policy/": {"post": OWNER},
    PAGE + "label/reliability/": {"get": ANNOTATOR},
    PAGE + "label/people/": {"get": ANNOTATOR},
    PAGE + "label/people/<int:person_id>/": {"get": ANNOTATOR},
    PAGE + "label/answers/": {"get": REVIEWER},
    PAGE + "label/mentions/": {"get": ANNOTATOR},
    PAGE + "label/mentions/seen/": {"post": ANNOTATOR},
    PAGE + "label/flags/": {"get": REVIEWER},
    PAGE + "label/flags/<int:flag_id>/resolve/": {"post": REVIEWER},
    PAGE + "label/reviews/<int:review_id>/flags/": {"post": ANNOTATOR},
    PAGE + "label/reviews/<int:review_id>/comments/": {"post": ANNOTATOR},
    PAGE + "label/comments/<int:comment_id>/remove/": {"post": ANNOTATOR},
    PAGE + "label/reviews/<int:review_id>/history/": {"get": REVIEWER},
    PAGE + "label/annotations/<int:annotation_id>/restore/": {"post": REVIEWER},
    PAGE + "label/suggestions/": {"get": REVIEWER},
    PAGE + "label/questions/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/add/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/<slug:key>/": {"get": OWNER, "post": OWNER},
    PAGE + "label/questions/<slug:key>/remove/": {"post": OWNER},
    PAGE + "label/assign/": {"get": REVIEWER, "post": REVIEWER},
    PAGE + "label/assign/reserve/": {"post": REVIEWER},
    PAGE + "label/assign/take-back/": {"post": REVIEWER},
    PAGE + "label/assign/quota/": {"post": REVIEWER},
    PAGE + "label/checks/": {"get": REVIEWER, "post": REVIEWER},
    PAGE + "label/checks/<int:review_id>/remove/": {"post": REVIEWER},
    PAGE + "settings/policies/": {"get": OWNER, "post": OWNER},
    PAGE + "label/question-order/": {"post": OWNER},
    PAGE + "label/question-change/": {"post": OWNER},
    PAGE + "label/question-versions/": {"get": OWNER},
    PAGE + "models/": READ,
    PAGE + "models/rank/": {"post": ANALYST},
    PAGE + "models/retrain/": {"get": OWNER, "post": OWNER},
    PAGE + "models/search/": {"post": OWNER},
    PAGE + "models/runs/<int:number>/": READ,
    PAGE + "models/try/": {"get": ANALYST, "post": ANALYST},
    PAGE + "models/versions/<int:number>/": READ,
    PAGE + "models/versions/<int:number>/evaluation/": READ,
    PAGE + "models/versions/<int:number>/promote/": {"post": OWNER},
    PAGE + "models/versions/<int:number>/rollback/": {"post": OWNER},
    PAGE + "models/versions/<int:number>/check/": {"post": ANALYST},
    PAGE + "models/versions/<int:number>/files/<str:name>/": READ,
    PAGE + "models/runs/<int:number>/stop/": {"post": ANALYST},
    PAGE + "models/explain/<int:review_id>/": {"get": ANALYST, "post": ANALYST},
    PAGE + "models/compare/": {"get": ANALYST},
    PAGE + "models/map/": {"get": ANALYST, "post": ANALYST},
    PAGE + "models/similar/<int:review_id>/": {"get": ANALYST},
    PAGE + "models/similarity/": {"get": ANALYST},
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
    API + "agreement/": {"get": REVIEWER},
    API + "annotations/": {"get": ANNOTATOR},
    API + "disagreements/": {"get": REVIEWER},
    API + "gold-policy/": {"get": VIEWER, "put": OWNER},
    API + "reliability/": {"get": ANNOTATOR},
    API + "reviews/<int:review_id>/adjudication/": {
        "get": REVIEWER,
        "post": REVIEWER,
        "delete": REVIEWER,
    },
    API + "annotations/<int:annotation_id>/restore/": {"post": REVIEWER},
    API + "comments/<int:comment_id>/": {"get": ANNOTATOR, "delete": ANNOTATOR},
    API + "flags/": {"get": ANNOTATOR, "post": ANNOTATOR},
    API + "flags/<int:flag_id>/resolve/": {"post": REVIEWER},
    API + "mentions/": {"get": ANNOTATOR},
    API + "mentions/seen/": {"post": ANNOTATOR},
    API + "reviews/<int:review_id>/comments/": {"get": ANNOTATOR, "post": ANNOTATOR},
    API + "reviews/<int:review_id>/history/": {"get": REVIEWER},
    API + "suggestions/acceptable/": {"get": REVIEWER},
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
    API + "training-runs/<int:number>/stop/": {"post": ANALYST},
    API + "model-versions/": READ,
    API + "model-versions/<int:number>/": READ,
    API + "model-versions/<int:number>/evaluation/": READ,
    API + "model-versions/<int:number>/files/<str:name>/": READ,
    API + "model-versions/<int:number>/promote/": {"post": OWNER},
    API + "model-versions/<int:number>/rollback/": {"post": OWNER},
    API + "model-versions/compare/": {"get": ANALYST},
    API + "embedding-maps/": {"get": ANALYST, "post": ANALYST},
    API + "embedding-maps/<int:map_id>/": {"get": ANALYST},
    API + "reviews/<int:review_id>/similar/": {"get": ANALYST},
    API + "reviews/<int:review_id>/explanations/": {"get": ANALYST, "post": ANALYST},
    API + "similarity/": {"get": ANALYST},
    API + "predict/": {"post": ANALYST},
    API + "prediction-jobs/": {"get": ANALYST, "post": ANALYST},
    API + "prediction-jobs/<int:prediction_id>/": {"get": ANALYST},
    API + "prediction-jobs/<int:prediction_id>/results/": {"get": ANALYST},
    API + "queue/next/": {"post": ANNOTATOR},
    API + "queue/ahead/": {"post": ANNOTATOR},
    API + "queue/policies/": {"get": REVIEWER, "patch": OWNER},
    API + "queue/reservations/": {"get": REVIEWER, "post": REVIEWER},
    API + "queue/members/": {"patch": REVIEWER},
    API + "queue/checks/": {"get": REVIEWER, "post": REVIEWER},
    API + "datasets/derive/": {"post": ANALYST},
    API + "reviews/": READ,
    API + "reviews/<int:review_id>/": READ,
    API + "schema/": {"get": VIEWER, "post": OWNER},
    API + "searches/": {"post": OWNER},
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


#: What a token needs where that is not read for GET and write for the rest.
OTHER_SCOPE = {API + "predict/": "predict"}
SCOPES = ("read", "write", "predict")


@pytest.mark.parametrize("route", [route for route in LOWEST if route.startswith("api/")])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_does_what_its_one_scope_allows_and_no_more(
    scope: str,
    route: str,
    project: Project,
    owner: User,
    job: Job,
    api: Callable[..., APIClient],
) -> None:
    client = api(owner, scope)
    ids = {"job_id": job.pk, "assignment_id": _assignment(project, owner).pk}
    for method in LOWEST[route]:
        needed = OTHER_SCOPE.get(route, "read" if method == "get" else "write")

        status = _ask(client, route, method, **ids).status_code

        assert (status == 403) == (scope != needed), (method, status)
        assert status not in {401, 405, 500}, (method, status)


def test_the_list_of_projects_is_for_tokens_that_read(
    owner: User, api: Callable[..., APIClient]
) -> None:
    answers = {scope: api(owner, scope).get("/api/v1/projects/").status_code for scope in SCOPES}

    assert answers == {"read": 200, "write": 403, "predict": 403}
    assert api(owner).post("/api/v1/projects/", {"slug": "mine"}).status_code == 403


@pytest.mark.parametrize("end", ["revoked", "expired", "deactivated", "demoted", "another project"])
def test_a_token_that_has_ended_or_is_of_another_project_opens_no_route(
    end: str, project: Project, owner: User, member: Callable[[Role], User], job: Job
) -> None:
    person = member(Role.OWNER)
    other = factories.project(owner=person, slug="other")
    token, secret = create_token(
        user=person,
        project_id=other.pk if end == "another project" else project.pk,
        name="test",
        scopes=SCOPES,
    )
    held = _assignment(project, person)
    if end == "revoked":
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    elif end == "expired":
        ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    elif end == "deactivated":
        User.objects.filter(pk=person.pk).update(is_active=False)
    elif end == "demoted":
        Membership.objects.filter(project=project, user=person).delete()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    expected = 404 if end in {"demoted", "another project"} else 401
    for route, methods in LOWEST.items():
        if route.startswith("api/"):
            for method in methods:
                answer = _ask(client, route, method, job_id=job.pk, assignment_id=held.pk)

                assert answer.status_code == expected, (route, method)


@pytest.mark.parametrize(
    ("route", "method"),
    [(route, method) for route in LOWEST for method in LOWEST[route] if method != "get"],
    ids=lambda each: each,
)
def test_nothing_is_changed_by_a_session_without_a_csrf_token(
    route: str, method: str, project: Project, owner: User, job: Job
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    before = AuditEvent.objects.count()
    ids = {"job_id": job.pk, "assignment_id": _assignment(project, owner).pk}

    answer = _ask(browser, route, method, **ids)

    assert answer.status_code == 403
    assert b"CSRF" in answer.content or b"form" in answer.content
    assert AuditEvent.objects.count() == before


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
