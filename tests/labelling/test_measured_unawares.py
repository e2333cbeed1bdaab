"""Annotators cannot tell the reviews that measure them from others, nor read what others said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from labelling import checks, services
from labelling.adjudication import adjudicate
from labelling.models import Assignment
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 5, "aspects": []}
API, PAGES = "/api/v1/projects/shop/", "/projects/shop/"


@pytest.fixture
def anna(member: Callable[[Role], User]) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def rest(anna: User) -> APIClient:
    client = APIClient()
    client.force_login(anna)
    return client


@pytest.fixture
def browser(anna: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(anna)


@pytest.fixture
def check(project: Project, owner: User) -> Review:
    """The one review that is served: what a reviewer has decided, to measure others."""
    review = factories.review(project, "A fine lamp.")
    adjudicate(review=review, reviewer=owner, schema_version=1, answers=GOOD)
    checks.add_checks(project=project, actor=owner, review_ids=[review.pk])
    Project.objects.filter(pk=project.pk).update(check_share=1.0)
    return review


@pytest.mark.parametrize(("control_share", "shown"), [(0.1, "control"), (0, "unranked")])
def test_a_check_passes_for_another_review(
    rest: APIClient, project: Project, check: Review, control_share: float, shown: str
) -> None:
    Project.objects.filter(pk=project.pk).update(control_share=control_share)

    served = rest.post(f"{API}queue/next/").json()
    address = f"/api/v1/assignments/{served['assignment']['id']}/"
    kept = rest.post(f"{address}heartbeat/").json()
    said = rest.post(
        f"{address}submit/", {"schema_version": 1, "answers": GOOD}, format="json"
    ).json()

    assert served["review"]["id"] == check.pk
    assert Assignment.objects.get().source == "check"
    assert served["assignment"]["served_as"] == kept["served_as"] == shown
    assert "check" not in str([served, kept, said])


def test_the_label_page_does_not_tell_a_check(
    browser: Client, project: Project, check: Review
) -> None:
    def page() -> str:
        html = browser.get(f"{PAGES}label/next/").content.decode()
        return html.partition('class="label-origin"')[2].partition("</p>")[0]

    as_check = page()
    Assignment.objects.update(source="control")
    as_control = page()

    assert "Random control" in as_check
    assert as_check == as_control


def test_a_review_does_not_tell_annotators_whether_it_measures_them(
    rest: APIClient, browser: Client, owner: User, check: Review
) -> None:
    shown = rest.get(f"{API}reviews/{check.pk}/").json()
    [listed] = rest.get(f"{API}reviews/").json()["results"]
    html = browser.get(f"{PAGES}reviews/{check.pk}/").content.decode()
    table = browser.get(f"{PAGES}reviews/?columns=split&columns=labelled").content.decode()

    assert (shown["is_control"], shown["is_labelled"]) == (None, None)
    assert listed == shown
    assert "Control slice" not in html + table
    assert "Labelled" not in html + table
    for name in ("labelled", "control"):
        assert rest.get(f"{API}reviews/", {name: "yes"}).status_code == 403
        assert browser.get(f"{PAGES}reviews/", {name: "yes"}).status_code == 403
    rest.force_login(owner)
    assert rest.get(f"{API}reviews/{check.pk}/").json()["is_labelled"] is True


def test_in_a_blind_project_nothing_that_others_said_is_found_anywhere(
    project: Project, owner: User, anna: User, rest: APIClient, browser: Client
) -> None:
    Project.objects.filter(pk=project.pk).update(is_blind=True)
    review = factories.review(project, "A fine lamp.")
    said = services.record_annotation(
        review=review, annotator=owner, answers=GOOD | {"sentiment": "neutral"}
    )

    texts = [
        browser.get(f"{PAGES}{path}").content.decode()
        for path in (f"reviews/{review.pk}/", "reviews/", "label/people/", "label/")
    ]
    listed = rest.get(f"{API}annotations/").json()

    assert listed["results"] == []
    assert not any("chip option" in text or ">Neutral<" in text for text in texts)
    assert browser.get(f"{PAGES}label/annotations/{said.pk}/").status_code == 404
    assert browser.get(f"{PAGES}label/people/{owner.pk}/").status_code in {403, 404}
