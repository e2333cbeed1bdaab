"""How far people can be relied on, and who may see it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from labelling import reliability
from labelling.adjudication import adjudicate
from labelling.models import Annotation, QualityCheck
from labelling.services import record_annotation
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

pytestmark = pytest.mark.django_db

#: The other questions that must be answered.
REST: dict[str, Any] = {"rating": 4, "aspects": []}
MOODS = ("positive", "negative", "neutral")


@pytest.fixture
def team(project: Project) -> list[User]:
    """Return chloe, who errs on every third review, ben and ada, who do not."""
    return [factories.member(project, Role.ANNOTATOR, name) for name in ("chloe", "ben", "ada")]


@pytest.fixture
def said(project: Project, team: list[User]) -> list[Review]:
    reviews = [factories.review(project) for _ in range(12)]
    for number, review in enumerate(reviews):
        for person in team:
            is_wrong = person.username == "chloe" and number % 3 == 0
            mood = MOODS[(number + is_wrong) % 3]
            record_annotation(
                review=review,
                annotator=person,
                answers={"sentiment": mood, **REST},
            )
    return reviews


def of(project: Project, name: str, question: str = "sentiment") -> reliability.Figures:
    (person,) = [each for each in reliability.people(project) if each.user.username == name]
    (figures,) = [each for each in person.figures if each.question.key == question]
    return figures


def test_people_stand_by_name_and_nobodys_own_word_counts_for_them(
    project: Project, said: list[Review]
) -> None:
    assert [each.user.username for each in reliability.people(project)] == ["ada", "ben", "chloe"]

    chloe, ada = of(project, "chloe"), of(project, "ada")

    assert chloe.others.value == pytest.approx(8 / 12)
    assert chloe.others.n == 12
    # Of two others who differ the first counts: chloe has answered first.
    assert ada.others.value == pytest.approx(8 / 12)
    assert of(project, "ada", "rating").others.value == 1
    assert chloe.others.low is not None
    assert chloe.others.low < 8 / 12
    assert not chloe.others.is_too_few


def test_the_estimated_accuracy_tells_who_errs(project: Project, said: list[Review]) -> None:
    chloe, ada = of(project, "chloe").one_coin, of(project, "ada").one_coin

    assert chloe.value is not None
    assert ada.value is not None
    assert chloe.value == pytest.approx(9 / 14, abs=0.05)
    assert ada.value == pytest.approx(13 / 14, abs=0.05)
    assert chloe.low is not None
    assert ada.high is not None
    assert 0 < chloe.low < chloe.value < ada.value < ada.high <= 1
    assert of(project, "ada", "rating").one_coin.n == 0


def test_the_full_model_tells_what_somebody_says_where_it_is_true(
    project: Project,
    team: list[User],
    said: list[Review],
    api: Callable[..., APIClient],
    signed_in: Callable[[User], Client],
) -> None:
    reviewer = factories.member(project, Role.REVIEWER)
    rest, page = "/api/v1/projects/shop/reliability/", "/projects/shop/label/reliability/"

    rows = api(reviewer).get(rest, {"model": "dawid-skene"}).json()["results"]
    html = signed_in(reviewer).get(page, {"model": "dawid-skene"}).content.decode()

    chloe = {each["question"]: each for each in rows[2]["figures"]}["sentiment"]
    assert chloe["dawid_skene"]["n"] == chloe["one_coin"]["n"] == 12
    assert 0.4 < chloe["dawid_skene"]["value"] < 0.9
    table = {
        row["true"]: {each["option"]: each["share"] for each in row["said"]}
        for row in chloe["says"]
    }
    # Every third review is a positive one, and there chloe says negative.
    assert table["positive"]["negative"] > 0.5 > table["positive"]["positive"]
    assert table["negative"]["negative"] > 0.5
    assert all(sum(row.values()) == pytest.approx(1) for row in table.values())
    assert "says where it is true" in html
    plain = api(reviewer).get(rest).json()["results"][2]["figures"]
    assert all(each["dawid_skene"]["n"] == 0 and each["says"] == [] for each in plain)
    assert api(reviewer).get(rest, {"model": "coin"}).status_code == 400
    assert "too few" in signed_in(team[0]).get(page, {"model": "dawid-skene"}).content.decode()


def test_decisions_and_quality_checks_are_counted_apart(
    project: Project, owner: User, team: list[User], said: list[Review]
) -> None:
    for review in said[:2]:
        adjudicate(
            review=review, reviewer=owner, schema_version=1, answers={"sentiment": "positive"}
        )
    known = factories.review(project)
    adjudicate(review=known, reviewer=owner, schema_version=1, answers={"sentiment": "neutral"})
    QualityCheck.objects.create(project=project, review=known)
    check = record_annotation(
        review=known,
        annotator=team[0],
        answers={"sentiment": "neutral", **REST},
    )
    Annotation.objects.filter(pk=check.pk).update(is_check=True)

    chloe, ada = of(project, "chloe"), of(project, "ada")

    # The first review: chloe said negative, ada positive. The second: both said negative.
    assert (chloe.decided.value, chloe.decided.n) == (0, 2)
    assert (ada.decided.value, ada.decided.n) == (0.5, 2)
    assert ada.decided.is_too_few
    assert (chloe.checks.value, chloe.checks.n) == (1, 1)
    assert ada.checks.n == 0
    assert of(project, "chloe", "rating").checks.n == 0


def test_annotators_see_their_own_figures_only(
    project: Project,
    team: list[User],
    said: list[Review],
    signed_in: Callable[[User], Client],
    api: Callable[..., APIClient],
) -> None:
    reviewer = factories.member(project, Role.REVIEWER)
    page, rest = "/projects/shop/label/reliability/", "/api/v1/projects/shop/reliability/"

    own = signed_in(team[0]).get(page).content.decode()
    every = signed_in(reviewer).get(page).content.decode()

    assert "How reliable my answers are" in own
    assert 'id="person-' in own
    assert own.count('id="person-') == 1
    assert every.count('id="person-') == 3
    assert [each["person"]["name"] for each in api(team[1]).get(rest).json()["results"]] == ["ben"]
    listed = api(reviewer).get(rest).json()["results"]
    assert [each["person"]["name"] for each in listed] == ["ada", "ben", "chloe"]
    figures = {each["question"]: each for each in listed[2]["figures"]}
    assert figures["sentiment"]["others"]["n"] == 12
    assert figures["aspects"]["checks"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "is_too_few": True,
    }


def test_few_answers_are_said_to_be_too_few(
    project: Project, team: list[User], signed_in: Callable[[User], Client], owner: User
) -> None:
    empty = signed_in(owner).get("/projects/shop/label/reliability/").content.decode()
    review = factories.review(project)
    for person in team:
        record_annotation(
            review=review,
            annotator=person,
            answers={"sentiment": "neutral", **REST},
        )

    few = signed_in(owner).get("/projects/shop/label/reliability/").content.decode()

    assert "Nothing to compare yet" in empty
    assert "too few · n 1" in few
    assert "1.00" not in few
