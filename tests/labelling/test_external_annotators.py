"""People known from a file, beside members: in lists, on pages and in agreement."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from analysis.selectors import progress_of
from labelling import agreement_table, imported, services
from labelling.agreement_rows import Chosen, shared_answers
from labelling.bulk import label_reviews
from labelling.selectors import current_schema
from projects.models import Membership, Project, Role
from reviews.models import BulkAction, Review
from tests import factories
from tests.labelling.test_imported import import_job

WHOLE = {"sentiment": "positive", "rating": 4.0, "aspects": frozenset({"price"})}


@pytest.fixture
def reviews(project: Project) -> list[Review]:
    """Four reviews, about each of which ann and <b>bob</b> said the same and differed in one."""
    dataset = factories.dataset(project)
    rows = [factories.review(project, dataset=dataset) for _ in range(4)]
    other = WHOLE | {"sentiment": "negative"}
    said = [(review.pk, "ann", WHOLE) for review in rows]
    said += [(review.pk, "<b>bob</b>", WHOLE) for review in rows[1:]]
    said.append((rows[0].pk, "<b>bob</b>", other))
    imported.store_said(project=project, rows=said, import_job_id=import_job(dataset).pk)
    return rows


def test_the_api_names_them_as_the_file_does(
    reviews: list[Review], owner: User, api: Callable[..., APIClient]
) -> None:
    ann = factories.user("ann")
    answers = {"sentiment": "neutral", "rating": 3, "aspects": []}
    services.record_annotation(review=reviews[0], annotator=ann, answers=answers)

    found = api(owner).get("/api/v1/projects/shop/annotations/").json()["results"]

    names = {(each["annotator"], each["is_external"]) for each in found}
    assert names == {("ann", True), ("<b>bob</b>", True), ("ann", False)}


def test_the_page_of_a_review_shows_them_to_reviewers_only(
    project: Project,
    reviews: list[Review],
    member: Callable[[Role], User],
    signed_in: Callable[[User], Client],
) -> None:
    url = reverse("reviews:detail", args=[project.slug, reviews[0].pk])

    seen = signed_in(member(Role.REVIEWER)).get(url).content.decode()
    hidden = signed_in(member(Role.ANNOTATOR)).get(url).content.decode()

    assert "known from the imported file" in seen
    assert "&lt;b&gt;bob&lt;/b&gt;" in seen
    assert "shop/ann" not in seen
    assert "known from the imported file" not in hidden


def test_agreement_counts_them(project: Project, reviews: list[Review]) -> None:
    schema = current_schema(project)
    shared = shared_answers(project, schema, Chosen())
    equal = {
        row.question.key: row.figures[0].figure.value
        for row in agreement_table.rows(shared, schema.questions)
    }

    assert {person.name for person in shared.people} == {"ann", "<b>bob</b>"}
    assert equal["sentiment"] == pytest.approx(3 / 4)
    assert equal["rating"] == 1.0


def test_they_are_no_members_and_set_no_pace(
    project: Project,
    reviews: list[Review],
    owner: User,
    signed_in: Callable[[User], Client],
) -> None:
    progress = progress_of(project)

    assert (progress.labelled_count, progress.annotator_count) == (4, 0)
    assert progress.last_week_count == 0
    assert progress.days_left is None
    assert not Membership.objects.filter(user__is_external=True).exists()
    settings = signed_in(owner).get(reverse("projects:settings", args=[project.slug]))
    assert "bob" not in settings.content.decode()


def test_labels_given_to_many_at_once_set_no_pace(project: Project, owner: User) -> None:
    action = BulkAction.objects.create(project=project, created_by=owner, kind="label")
    label_reviews(
        project=project,
        actor=owner,
        action=action,
        review_ids=[factories.review(project).pk],
        answers={"sentiment": "positive", "rating": 3, "aspects": []},
    )

    progress = progress_of(project)

    assert (progress.labelled_count, progress.last_week_count) == (1, 0)
