"""Reviewers who decide at once, and annotators who answer meanwhile: real threads."""

from typing import Any

import pytest

from accounts.models import User
from common.errors import Conflict
from jobs.models import Job
from jobs.worker import run_here
from labelling.adjudication import adjudicate, take_back
from labelling.gold_policy import change_gold_policy
from labelling.models import Adjudication, Annotation, Gold, GoldSource
from labelling.services import record_annotation
from projects.models import Project, Role
from reviews.models import Review
from tests import factories
from tests.faults.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project)


def decide(review: Review, person: User, rating: int, replaces: int | None = None) -> Any:
    return adjudicate(
        review=Review.objects.get(pk=review.pk),
        reviewer=person,
        schema_version=1,
        answers={"rating": rating},
        replaces=replaces,
    )


def say(review: Review, person: User, rating: int) -> Annotation:
    answers = {"sentiment": "neutral", "rating": rating, "aspects": []}
    return record_annotation(review=review, annotator=person, answers=answers)


def rating_of(review: Review) -> tuple[float | None, str]:
    row = Gold.objects.get(review=review, question__key="rating")
    return row.number, row.source


@pytest.mark.parametrize("is_second_time", [False, True], ids=["first", "replacing"])
def test_of_reviewers_who_decide_at_once_one_is_heard_and_the_others_are_told(
    project: Project, owner: User, review: Review, *, is_second_time: bool
) -> None:
    people = [factories.member(project, Role.REVIEWER) for _ in range(4)]
    seen = decide(review, owner, 3).pk if is_second_time else None

    gave = together(
        *(
            lambda person=person, at=at: decide(review, person, at, seen)
            for at, person in enumerate(people, start=1)
        )
    )

    made = [each for each in gave if isinstance(each, Adjudication)]
    told = [each for each in gave if isinstance(each, Conflict)]
    assert (len(made), len(told)) == (1, 3), gave
    holding = Adjudication.objects.get(ended_at=None)
    assert holding.pk == made[0].pk
    assert rating_of(review) == (holding.answers["rating"], GoldSource.ADJUDICATED)


def test_the_same_decision_sent_twice_at_once_is_one(owner: User, review: Review) -> None:
    gave = together(*[lambda: decide(review, owner, 2)] * 3)

    assert len({each.pk for each in gave}) == 1
    assert Adjudication.objects.count() == 1


def test_answers_that_come_at_once_do_not_touch_the_decision(
    project: Project, owner: User, review: Review
) -> None:
    people = [factories.member(project, Role.ANNOTATOR) for _ in range(3)]

    gave = together(
        lambda: decide(review, owner, 1),
        *(lambda person=person: say(review, person, 5) for person in people),
    )

    assert not [each for each in gave if isinstance(each, Exception)], gave
    assert rating_of(review) == (1.0, GoldSource.ADJUDICATED)

    together(
        lambda: take_back(review=review, reviewer=owner),
        lambda: say(review, factories.member(project, Role.ANNOTATOR), 5),
    )

    assert rating_of(review) == (5.0, GoldSource.CONSENSUS)


def test_answers_that_come_while_the_policy_changes_follow_the_new_one(
    project: Project, owner: User
) -> None:
    reviews = [factories.review(project) for _ in range(4)]
    people = [factories.member(project, Role.ANNOTATOR) for _ in range(2)]
    for review in reviews:
        say(review, people[0], 1)

    def change() -> Job:
        job = change_gold_policy(project=project, policy="unanimous", actor=owner)
        return run_here(job)

    gave = together(
        change,
        lambda: [say(review, people[1], 5) for review in reviews],
    )

    assert not [each for each in gave if isinstance(each, Exception)], gave
    assert not Gold.objects.filter(question__key="rating").exists()
    assert Gold.objects.filter(question__key="sentiment").count() == 4
