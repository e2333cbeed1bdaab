"""What becomes gold by itself, and what a change of the policy does to what was said before."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid
from jobs.models import Job
from jobs.worker import run_here
from labelling import gold, walking
from labelling.adjudication import adjudicate
from labelling.gold_policy import change_gold_policy
from labelling.models import Annotation, Gold, GoldSource, GoldSpan
from labelling.selectors import current_schema
from labelling.services import edit, record_annotation
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

pytestmark = pytest.mark.django_db

SPAN = {"start": 0, "end": 6, "text": "Kettle", "option": "quality", "polarity": "positive"}

#: A question that must be answered and of which these tests say nothing.
BARE: dict[str, Any] = {"aspects": []}


@pytest.fixture
def people(project: Project) -> list[User]:
    return [factories.member(project, Role.ANNOTATOR) for _ in range(3)]


def say(review: Review, person: User, sentiment: str, rating: int, *spans: Any) -> Annotation:
    answers = {**BARE, "sentiment": sentiment, "rating": rating, "aspect_spans": list(spans)}
    return record_annotation(review=review, annotator=person, answers=answers)


def gold_of(review: Review) -> dict[str, Any]:
    schema = current_schema(review.project)
    held = gold.held(review.project, schema, [review.pk]).get(review.pk, {})
    return {key: value for key, value in held.items() if key not in BARE}


def set_policy(project: Project, policy: str) -> None:
    Project.objects.filter(pk=project.pk).update(gold_policy=policy)


@pytest.mark.parametrize(
    ("policy", "held"),
    [
        ("majority", {"sentiment": "positive", "rating": 5.0}),
        ("unanimous", {"sentiment": "positive"}),
        ("adjudicated", {}),
    ],
)
def test_answers_become_gold_as_the_policy_says(
    project: Project, people: list[User], policy: str, held: dict[str, Any]
) -> None:
    set_policy(project, policy)
    one, many = factories.review(project), factories.review(project)
    for review in (one, many):
        for person, rating in zip(people, (5, 4, 5), strict=True):
            record_annotation(
                review=review,
                annotator=person,
                answers={**BARE, "sentiment": "positive", "rating": rating},
            )
    Gold.objects.filter(review=many).delete()
    gold.recompute_many(project, current_schema(project), [many.pk])

    assert gold_of(one) == gold_of(many) == held
    assert set(Review.objects.values_list("is_labelled", flat=True)) == {True}


def test_somebody_who_comes_to_differ_takes_unanimous_gold_away(
    project: Project, people: list[User]
) -> None:
    set_policy(project, "unanimous")
    review = factories.review(project, "Kettle one.")
    say(review, people[0], "positive", 5, SPAN)
    assert gold_of(review)["aspect_spans"]

    said = say(review, people[1], "positive", 5)

    assert gold_of(review) == {"sentiment": "positive", "rating": 5.0}
    assert not GoldSpan.objects.exists()

    answers = {**BARE, "sentiment": "positive", "rating": 5, "aspect_spans": [SPAN]}
    edit(annotation=said, annotator=people[1], schema_version=1, answers=answers)

    assert set(gold_of(review)) == {"sentiment", "rating", "aspect_spans"}


def test_imported_gold_stays_until_people_agree(project: Project, people: list[User]) -> None:
    set_policy(project, "unanimous")
    review = factories.review(project)
    question = current_schema(project).question("rating")
    assert question is not None
    gold.write_gold(project, [(review.pk, question, 1.0)], source=GoldSource.IMPORTED)

    say(review, people[0], "positive", 5)
    assert gold_of(review)["rating"] == 5.0
    Gold.objects.filter(question_id=question.id).update(source=GoldSource.IMPORTED, number=1)
    say(review, people[1], "positive", 4)

    assert gold_of(review)["rating"] == 1.0


def test_answers_to_a_quality_check_make_no_gold(project: Project, people: list[User]) -> None:
    review, other = factories.review(project), factories.review(project)
    said = say(review, people[0], "positive", 5)
    Annotation.objects.filter(pk=said.pk).update(is_check=True)
    schema = current_schema(project)

    gold.recompute(review, schema, gold.spoken_about(review, schema))
    assert gold_of(review) == {}

    say(review, people[1], "negative", 1)
    say(review, people[2], "negative", 1)
    assert gold_of(review)["sentiment"] == "negative"

    check = say(other, people[0], "positive", 5)
    Annotation.objects.filter(pk=check.pk).update(is_check=True)
    Review.objects.filter(pk=other.pk).update(is_labelled=False)
    gold.recompute_many(project, schema, [review.pk, other.pk])
    other.refresh_from_db()
    assert (gold_of(other), other.is_labelled) == ({}, False)
    assert gold_of(review)["sentiment"] == "negative"


# --- The change ---------------------------------------------------------------------------------


@pytest.fixture
def said(project: Project, people: list[User]) -> list[Review]:
    """Return five reviews: all agree on the even ones, the odd ones are disputed."""
    reviews = [factories.review(project, f"Kettle {number}.") for number in range(5)]
    for number, review in enumerate(reviews):
        say(review, people[0], "positive", 5, SPAN)
        say(review, people[1], "negative" if number % 2 else "positive", 5, SPAN)
        say(review, people[2], "positive", 5, SPAN)
    return reviews


def test_a_change_settles_everything_anew_and_back_again(
    project: Project, owner: User, said: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "SLICE", 4)
    before = [gold_of(review) for review in said]

    unanimous = change_gold_policy(project=project, policy="unanimous", actor=owner)
    assert run_here(unanimous).state == Job.State.SUCCEEDED, unanimous.reason

    assert ["sentiment" in gold_of(review) for review in said] == [True, False, True, False, True]
    assert all(gold_of(review)["aspect_spans"] for review in said)
    assert unanimous.result["annotations"] == 15

    run_here(change_gold_policy(project=project, policy="adjudicated", actor=owner))
    assert not Gold.objects.exists()
    assert not GoldSpan.objects.exists()

    run_here(change_gold_policy(project=project, policy="majority", actor=owner))
    assert [gold_of(review) for review in said] == before
    changes = AuditEvent.objects.filter(action="gold_policy.changed").order_by("pk")
    assert [(each.detail["before"], each.subject) for each in changes] == [
        ("majority", "unanimous"),
        ("unanimous", "adjudicated"),
        ("adjudicated", "majority"),
    ]


def test_no_change_touches_what_a_reviewer_decided(
    project: Project, owner: User, said: list[Review]
) -> None:
    answers = {"sentiment": "negative", "aspect_spans": []}
    adjudicate(review=said[0], reviewer=owner, schema_version=1, answers=answers)
    decided = gold_of(said[0])

    for policy in ("unanimous", "adjudicated", "majority"):
        run_here(change_gold_policy(project=project, policy=policy, actor=owner))

        held = gold_of(said[0])
        assert (held["sentiment"], held["aspect_spans"]) == ("negative", ())
    assert gold_of(said[0]) == decided


def test_one_change_at_a_time_and_only_known_policies(project: Project, owner: User) -> None:
    with pytest.raises(Invalid, match="Known: majority, unanimous, adjudicated"):
        change_gold_policy(project=project, policy="loudest", actor=owner)
    change_gold_policy(project=project, policy="unanimous", actor=owner)

    with pytest.raises(Conflict, match="already under way"):
        change_gold_policy(project=project, policy="majority", actor=owner)

    project.refresh_from_db()
    assert project.gold_policy == "unanimous"


def test_an_owner_changes_it_on_the_page_and_over_rest(
    project: Project,
    owner: User,
    signed_in: Callable[[User], Client],
    api: Callable[..., APIClient],
) -> None:
    answer = signed_in(owner).post("/projects/shop/label/gold-policy/", {"policy": "unanimous"})

    job = Job.objects.get(kind="gold")
    assert answer["Location"] == f"/projects/shop/jobs/{job.pk}/"
    wrong = signed_in(owner).post("/projects/shop/label/gold-policy/", {"policy": "x"}, follow=True)
    assert "is no policy" in wrong.content.decode()
    run_here(job)
    client = api(owner)
    path = "/api/v1/projects/shop/gold-policy/"
    assert client.get(path).json() == {"policy": "unanimous"}

    changed = client.put(path, {"policy": "adjudicated"}, format="json")

    assert changed.status_code == 202
    assert changed.json()["policy"] == "adjudicated"
    assert Job.objects.get(pk=changed.json()["job"]["id"]).kind == "gold"
    assert client.put(path, {"policy": "x"}, format="json").status_code == 400
