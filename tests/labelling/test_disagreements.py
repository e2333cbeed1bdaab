"""Where people differ, and what becomes of it when a reviewer decides."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid, NotVisible
from labelling import disagreements, gold
from labelling.adjudication import adjudicate, holding, take_back
from labelling.changes import Merge
from labelling.disagreements import Asked, Cursor
from labelling.models import Adjudication, Annotation, Gold, GoldSource
from labelling.schemas import key_of
from labelling.selectors import current_schema
from labelling.services import create_version, edit, record_annotation
from labelling.versions import change_questions
from projects.models import Project, Role
from reviews.models import Review
from tests import factories

pytestmark = pytest.mark.django_db

TEXT = "Kettle boils fast, lid is loose."
LIST = "/projects/shop/label/disagreements/"
API = "/api/v1/projects/shop/"
#: A question that must be answered and of which these tests say nothing.
BARE: dict[str, Any] = {"aspects": []}


def span(start: int, end: int, option: str = "quality", polarity: str = "negative") -> Any:
    text = TEXT[start:end]
    return {"start": start, "end": end, "text": text, "option": option, "polarity": polarity}


@pytest.fixture
def ada(project: Project) -> User:
    return factories.member(project, Role.ANNOTATOR, "ada")


@pytest.fixture
def ben(project: Project) -> User:
    return factories.member(project, Role.ANNOTATOR, "ben")


@pytest.fixture
def reviewer(project: Project) -> User:
    return factories.member(project, Role.REVIEWER, "chloe")


@pytest.fixture
def review(project: Project) -> Review:
    return factories.review(project, TEXT)


def say(review: Review, person: User, sentiment: str, rating: int, **more: Any) -> Annotation:
    answers = {**BARE, "sentiment": sentiment, "rating": rating, **more}
    return record_annotation(review=review, annotator=person, answers=answers)


def found(project: Project, asked: Asked | None = None) -> list[int]:
    page = disagreements.page_of(project, asked or Asked(), Cursor())
    return [row.review_id for row in page.rows]


def gold_of(review: Review) -> dict[str, Any]:
    schema = current_schema(review.project)
    held = gold.held(review.project, schema, [review.pk]).get(review.pk, {})
    return {key: value for key, value in held.items() if key not in BARE}


# --- The list -------------------------------------------------------------------------------------


def test_the_most_different_come_first_and_what_agrees_does_not_come(
    project: Project, ada: User, ben: User
) -> None:
    same, little, much, alone = (factories.review(project) for _ in range(4))
    for one, other, review in [(5, 5, same), (5, 4, little), (5, 1, much)]:
        say(review, ada, "positive", one)
        say(review, ben, "positive", other)
    say(alone, ada, "positive", 5)

    page = disagreements.page_of(project, Asked(), Cursor())

    assert [row.review_id for row in page.rows] == [much.pk, little.pk]
    assert (page.count, page.compared_count, page.has_older) == (2, 3, False)
    assert page.rows[0].questions == ("rating",)
    assert page.rows[0].score == pytest.approx(1 / 3, abs=1e-5)  # of three questions
    assert page.rows[0].people == (ada.pk, ben.pk)


def test_filters_narrow_by_question_person_and_data_set(
    project: Project, ada: User, ben: User, reviewer: User
) -> None:
    ratings, moods = factories.review(project), factories.review(project)
    say(ratings, ada, "positive", 5)
    say(ratings, ben, "positive", 1)
    say(ratings, reviewer, "positive", 5)
    say(moods, reviewer, "negative", 3)
    say(moods, ben, "positive", 3)

    assert found(project, Asked(question="rating")) == [ratings.pk]
    assert found(project, Asked(question="sentiment")) == [moods.pk]
    assert found(project, Asked(person=ada.pk)) == [ratings.pk]
    assert set(found(project, Asked(person=ben.pk))) == {ratings.pk, moods.pk}
    assert found(project, Asked(dataset=moods.dataset_id)) == [moods.pk]


def test_pages_go_on_through_windows_and_every_disagreement_comes_once(
    project: Project, ada: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disagreements, "SCANNED", 5)
    monkeypatch.setattr(disagreements, "COMPARED", 2)
    reviews = [factories.review(project) for _ in range(9)]
    for number, review in enumerate(reviews):
        say(review, ada, "positive", 5)
        if number % 4 != 3:
            say(review, ben, "negative", 1 + number % 4)
    # An old review that is answered once more is met at its newest answer only.
    third = factories.member(project, Role.ANNOTATOR)
    say(reviews[0], third, "neutral", 3)
    seen: list[int] = []
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        page = disagreements.page_of(project, Asked(), cursor, size=1)
        seen += [row.review_id for row in page.rows]
        if page.rows and page.next and page.next.place:
            again = disagreements.page_of(project, Asked(), page.next, size=1).previous
            assert again is not None
            back = disagreements.page_of(project, Asked(), again, size=1)
            assert back.rows == page.rows
        cursor = page.next

    differing = [review.pk for at, review in enumerate(reviews) if at % 4 != 3]
    assert sorted(seen) == differing
    assert reviews[0].pk in seen[:2]
    assert disagreements.read_cursor(str(Cursor(7, (-0.5, -3)))) == Cursor(7, (-0.5, -3))


def test_quality_checks_and_removed_data_sets_are_no_disagreements(
    project: Project, ada: User, ben: User, review: Review
) -> None:
    say(review, ada, "positive", 5)
    check = say(review, ben, "negative", 1)
    Annotation.objects.filter(pk=check.pk).update(is_check=True)
    assert found(project) == []

    Annotation.objects.filter(pk=check.pk).update(is_check=False)
    assert found(project) == [review.pk]

    type(review.dataset).objects.filter(pk=review.dataset_id).update(is_ready=False)
    assert found(project) == []


def test_answers_to_older_questions_are_compared_by_their_keys(
    project: Project, owner: User, ada: User, ben: User, review: Review
) -> None:
    say(review, ada, "positive", 5)
    schema = current_schema(project)
    create_version(project=project, questions=schema.questions, guidelines="new", actor=owner)
    say(review, ben, "positive", 5)
    assert found(project) == []

    said = Annotation.objects.get(annotator=ben)
    answers = {**BARE, "sentiment": "neutral", "rating": 5}
    edit(annotation=said, annotator=ben, schema_version=2, answers=answers)

    assert found(project) == [review.pk]
    assert key_of("x", []) == "x"


# --- Deciding -------------------------------------------------------------------------------------


def test_a_decision_is_gold_whatever_is_said_from_then_on(
    project: Project, ada: User, ben: User, reviewer: User, review: Review
) -> None:
    say(review, ada, "positive", 5, aspect_spans=[span(0, 6)])
    say(review, ben, "positive", 4, aspect_spans=[])
    wanted = {"sentiment": "negative", "aspect_spans": [span(19, 22)]}

    made = adjudicate(
        review=review, reviewer=reviewer, schema_version=1, answers=wanted, reason="The lid."
    )

    assert made.answers == wanted
    assert found(project) == [review.pk]  # about the rating they still differ
    say(review, factories.member(project, Role.ANNOTATOR), "positive", 5)
    gold.recompute_many(project, current_schema(project), [review.pk])
    held = gold_of(review)
    assert held["sentiment"] == "negative"
    assert [each.text for each in held["aspect_spans"]] == ["lid"]
    assert held["rating"] == 5.0
    sources = dict(Gold.objects.values_list("question__key", "source"))
    assert sources == {
        "sentiment": GoldSource.ADJUDICATED,
        "aspect_spans": GoldSource.ADJUDICATED,
        "rating": GoldSource.CONSENSUS,
        "aspects": GoldSource.CONSENSUS,
    }
    event = AuditEvent.objects.get(action="review.adjudicated")
    assert (event.actor, event.subject) == (reviewer, f"review {review.pk}")


def test_what_is_decided_leaves_the_list(
    project: Project, ada: User, ben: User, reviewer: User, review: Review
) -> None:
    say(review, ada, "positive", 5)
    say(review, ben, "negative", 5)

    adjudicate(
        review=review, reviewer=reviewer, schema_version=1, answers={"sentiment": "negative"}
    )
    assert found(project) == []

    take_back(review=review, reviewer=reviewer)
    assert found(project) == [review.pk]
    assert gold_of(review)["sentiment"] == "positive"
    assert holding(project, review.pk) is None
    assert AuditEvent.objects.filter(action="adjudication.taken_back").count() == 1
    with pytest.raises(NotVisible):
        take_back(review=review, reviewer=reviewer)


def test_a_decision_replaces_the_one_that_its_reviewer_has_seen(
    owner: User, reviewer: User, review: Review
) -> None:
    first = adjudicate(
        review=review,
        reviewer=reviewer,
        schema_version=1,
        answers={"sentiment": "negative", "rating": 1},
    )
    again = adjudicate(
        review=review,
        reviewer=reviewer,
        schema_version=1,
        answers={"sentiment": "negative", "rating": 1},
    )
    assert again.pk == first.pk

    with pytest.raises(Conflict, match="chloe has decided this review meanwhile"):
        adjudicate(review=review, reviewer=owner, schema_version=1, answers={"rating": 2})
    second = adjudicate(
        review=review, reviewer=owner, schema_version=1, answers={"rating": 2}, replaces=first.pk
    )

    assert gold_of(review) == {"rating": 2.0}
    with pytest.raises(Conflict, match="olga-owner has decided"):
        take_back(review=review, reviewer=reviewer, adjudication_id=first.pk)
    take_back(review=review, reviewer=owner, adjudication_id=second.pk)
    assert gold_of(review) == {}
    review.refresh_from_db()
    assert not review.is_labelled
    with pytest.raises(Conflict, match="was taken back meanwhile"):
        adjudicate(
            review=review,
            reviewer=owner,
            schema_version=1,
            answers={"rating": 2},
            replaces=second.pk,
        )
    assert Adjudication.objects.filter(ended_at=None).count() == 0


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "answers"),
        ({"sentiment": None}, "answers"),
        ([], "answers"),
        ({"mood": "x"}, "answers.mood"),
        ({"sentiment": "angry"}, "answers.sentiment"),
        ({"aspect_spans": [span(0, 6) | {"text": "kettle"}]}, "answers.aspect_spans"),
    ],
    ids=["nothing", "all open", "no object", "no question", "no option", "another text"],
)
def test_what_decides_nothing_or_does_not_fit_is_refused(
    reviewer: User, review: Review, answers: Any, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        adjudicate(review=review, reviewer=reviewer, schema_version=1, answers=answers)

    assert [each.field for each in caught.value.errors] == [field]
    assert not Adjudication.objects.exists()


def test_a_decision_moves_with_the_questions_and_can_still_be_taken_back(
    project: Project, owner: User, ada: User, reviewer: User, review: Review
) -> None:
    say(review, ada, "positive", 5)
    adjudicate(
        review=review,
        reviewer=reviewer,
        schema_version=1,
        answers={"sentiment": "negative", "aspect_spans": [span(0, 6)]},
    )
    schema = current_schema(project)
    create_version(project=project, questions=schema.questions, guidelines="new", actor=owner)

    assert gold_of(review)["sentiment"] == "negative"
    take_back(review=review, reviewer=reviewer)

    assert gold_of(review) == {"sentiment": "positive", "rating": 5.0}
    assert set(Gold.objects.values_list("source", flat=True)) == {GoldSource.CONSENSUS}


def import_gold(review: Review, **answers: str | float) -> None:
    schema = current_schema(review.project)
    given = [
        (review.pk, each, answers[each.key]) for each in schema.questions if each.key in answers
    ]
    gold.write_gold(review.project, given, source=GoldSource.IMPORTED)


def sources(review: Review) -> dict[str, str]:
    rows = Gold.objects.filter(review=review).exclude(question__key__in=BARE)
    return dict(rows.values_list("question__key", "source"))


def test_what_an_import_had_said_comes_back_with_the_undoing(
    owner: User, reviewer: User, review: Review
) -> None:
    import_gold(review, sentiment="positive", rating=5.0)

    both = {"sentiment": "negative", "rating": 1}
    first = adjudicate(review=review, reviewer=reviewer, schema_version=1, answers=both)
    assert gold_of(review) == {"sentiment": "negative", "rating": 1.0}
    # Another decision leaves the rating open: it is the import's again.
    adjudicate(
        review=review,
        reviewer=owner,
        schema_version=1,
        answers={"sentiment": "neutral"},
        replaces=first.pk,
    )
    assert gold_of(review) == {"sentiment": "neutral", "rating": 5.0}
    take_back(review=review, reviewer=reviewer)

    assert gold_of(review) == {"sentiment": "positive", "rating": 5.0}
    assert sources(review) == {"sentiment": "imported", "rating": "imported"}


def test_what_people_said_meanwhile_goes_over_the_import(
    ada: User, reviewer: User, review: Review
) -> None:
    import_gold(review, sentiment="positive", rating=5.0)
    adjudicate(review=review, reviewer=reviewer, schema_version=1, answers={"sentiment": "neutral"})
    say(review, ada, "negative", 2)

    take_back(review=review, reviewer=reviewer)

    assert gold_of(review) == {"sentiment": "negative", "rating": 2.0}
    assert sources(review) == {"sentiment": "consensus", "rating": "consensus"}


def test_decisions_and_what_they_put_aside_read_under_newer_questions(
    project: Project,
    owner: User,
    reviewer: User,
    review: Review,
    signed_in: Callable[[User], Client],
) -> None:
    import_gold(review, sentiment="positive")
    adjudicate(review=review, reviewer=reviewer, schema_version=1, answers={"sentiment": "neutral"})
    merge = Merge(question="sentiment", options=("positive", "neutral"), into="fine", name="Fine")
    change_questions(project=project, changes=[merge], actor=owner)

    html = signed_in(reviewer).get(f"{LIST}{review.pk}/").content.decode()
    assert 'value="fine" checked' in html
    assert gold_of(review) == {"sentiment": "fine"}
    take_back(review=review, reviewer=reviewer)

    assert gold_of(review) == {"sentiment": "fine"}
    assert sources(review) == {"sentiment": "imported"}


# --- Pages ----------------------------------------------------------------------------------------


@pytest.fixture
def disputed(review: Review, ada: User, ben: User) -> Review:
    say(review, ada, "positive", 5, aspect_spans=[span(0, 6), span(19, 31)])
    say(review, ben, "negative", 2, aspect_spans=[span(0, 6), span(19, 22)])
    return review


def test_the_page_shows_both_side_by_side_and_what_differs(
    disputed: Review, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    html = signed_in(reviewer).get(f"{LIST}{disputed.pk}/").content.decode()

    for words in (
        "Quality, negative · both",
        "Quality, negative · ada, other boundaries",
        "ada’s answers",
        "ben’s answers",
        'name="span.aspect_spans" value="19:22:negative:quality"',
    ):
        assert words in html
    assert html.count("decide-different") == 6
    assert 'value="positive" checked' in html

    taken = Annotation.objects.get(annotator__username="ben").pk
    html = signed_in(reviewer).get(f"{LIST}{disputed.pk}/?take={taken}").content.decode()

    assert 'value="negative" checked' in html
    assert 'value="19:22:negative:quality" checked' in html
    assert 'value="19:31:negative:quality" checked' not in html


def test_deciding_goes_on_to_the_next_and_can_be_undone_there(
    project: Project,
    disputed: Review,
    ada: User,
    ben: User,
    reviewer: User,
    signed_in: Callable[[User], Client],
) -> None:
    other = factories.review(project)
    say(other, ada, "positive", 5)
    say(other, ben, "positive", 4)
    client = signed_in(reviewer)
    first = client.get(f"{LIST}next/")
    assert first["Location"].startswith(f"{LIST}{disputed.pk}/?cursor=")
    form = {
        "schema_version": "1",
        "answer.sentiment": "negative",
        "open.rating": "1",
        "answer.aspects": ["quality"],
        "span.aspect_spans": ["0:6:negative:quality"],
        "reason": "The lid decides.",
    }

    decided = client.post(first["Location"], form)

    assert decided["Location"].startswith(f"{LIST}{other.pk}/?cursor=")
    made = Adjudication.objects.get()
    assert made.answers == {
        "sentiment": "negative",
        "aspects": ["quality"],
        "aspect_spans": [span(0, 6)],
    }
    assert made.reason == "The lid decides."
    page = client.get(decided["Location"]).content.decode()
    assert f"Review {disputed.pk} is decided." in page

    undone = client.post(f"{LIST}{disputed.pk}/undo/", {"adjudication": made.pk})

    assert undone["Location"] == f"{LIST}{disputed.pk}/"
    assert holding(project, disputed.pk) is None


def test_the_last_one_leads_back_to_the_list(
    disputed: Review, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(reviewer)
    form = {"schema_version": "1", "answer.sentiment": "positive", "answer.rating": "3"}

    answer = client.post(client.get(f"{LIST}next/")["Location"], form, follow=True)

    html = answer.content.decode()
    assert "That was the last one of this list." in html
    assert "Nothing is left to decide" in html


def test_a_form_that_is_refused_keeps_what_was_filled_in(
    disputed: Review, owner: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(reviewer)
    form = {
        "schema_version": "1",
        "answer.sentiment": "neutral",
        "open.rating": "1",
        "span.aspect_spans": ["0:6:negative:quality", "0:99:negative:quality", "x", "1:2"],
        "reason": "Half of it.",
    }

    wrong = client.post(f"{LIST}{disputed.pk}/", form)

    html = wrong.content.decode()
    assert wrong.status_code == 422
    assert 'value="neutral" checked' in html
    assert "Half of it." in html
    assert "Every span" in html or "goes beyond" in html
    assert not Adjudication.objects.exists()

    adjudicate(review=disputed, reviewer=owner, schema_version=1, answers={"rating": 1})
    late = client.post(f"{LIST}{disputed.pk}/", form | {"span.aspect_spans": []})

    html = late.content.decode()
    assert late.status_code == 409
    assert "olga-owner has decided this review meanwhile" in html
    assert 'value="neutral" checked' in html
    assert f'name="replaces" value="{Adjudication.objects.get().pk}"' in html


def test_an_address_that_makes_no_sense_is_refused(
    reviewer: User, signed_in: Callable[[User], Client], project: Project
) -> None:
    client = signed_in(reviewer)

    for query in ("question=x", "person=x", "dataset=99", "source=model", "cursor=x", "cursor=W10"):
        assert client.get(f"{LIST}?{query}").status_code == 400, query
    for place in ('[1,"x",-2]', "[1,0,2]", "[-1]", "{}", "[1,2]", "[1,1e999,-2]", "[null,NaN,-1]"):
        cursor = base64.urlsafe_b64encode(place.encode()).decode()
        assert client.get(f"{LIST}?cursor={cursor}").status_code == 400, place


# --- REST -----------------------------------------------------------------------------------------


def test_rest_lists_decides_and_takes_back(
    project: Project, disputed: Review, reviewer: User, api: Callable[..., APIClient]
) -> None:
    client = api(reviewer)
    path = f"{API}reviews/{disputed.pk}/adjudication/"

    listed = client.get(f"{API}disagreements/").json()

    (row,) = listed["results"]
    assert row["review"] == disputed.pk
    assert row["questions"] == ["sentiment", "rating", "aspect_spans"]
    assert [each["name"] for each in row["people"]] == ["ada", "ben"]
    assert row["differing"] == [each["id"] for each in row["people"]]
    assert (listed["next"], listed["previous"]) == (None, None)
    assert client.get(f"{API}disagreements/?page=2").status_code == 400
    assert client.get(path).status_code == 404

    body = {"schema_version": 1, "answers": {"sentiment": "neutral"}, "reason": "both"}
    once = {"Idempotency-Key": "once"}
    made = client.post(path, body, format="json", headers=once)
    again = client.post(path, body, format="json", headers=once)

    assert made.status_code == 201
    assert again.json() == made.json() == client.get(path).json()
    assert made.json()["reviewer"] == "chloe"
    assert client.post(path, {**body, "schema_version": 9}, format="json").status_code == 409
    assert client.post(path, {**body, "answers": {}}, format="json").status_code == 400
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404


def test_pages_over_rest_follow_next_and_previous(
    project: Project, ada: User, ben: User, reviewer: User, api: Callable[..., APIClient]
) -> None:
    reviews = [factories.review(project) for _ in range(3)]
    for review in reviews:
        say(review, ada, "positive", 5)
        say(review, ben, "negative", 5)
    client = api(reviewer)

    first = client.get(f"{API}disagreements/?page_size=2").json()
    second = client.get(first["next"]).json()
    back = client.get(second["previous"]).json()

    pages = [[row["review"] for row in page["results"]] for page in (first, second, back)]
    newest = [review.pk for review in reversed(reviews)]
    assert pages == [newest[:2], newest[2:], newest[:2]]
    assert second["next"] is None
    assert back["previous"] is None
