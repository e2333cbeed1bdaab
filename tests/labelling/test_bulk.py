"""The same answers about many reviews at once, and taking them back."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from common.errors import Conflict, Invalid
from labelling import bulk_kind, imported, services
from labelling.bulk import label_reviews, undo_labels
from labelling.models import Annotation, Assignment
from projects.models import Membership, Project, Role
from reviews import bulk
from reviews.models import BulkAction, Review
from tests import factories
from tests.labelling.test_imported import held, import_job, is_labelled

WHOLE = {"sentiment": "positive", "rating": 4, "aspects": ["price"]}
AS_GOLD = {"sentiment": "positive", "rating": 4.0, "aspects": frozenset({"price"})}


@pytest.fixture
def action(project: Project, owner: User) -> BulkAction:
    return BulkAction.objects.create(
        project=project, created_by=owner, kind=BulkAction.Kind.LABEL, params={}
    )


@pytest.fixture
def reviews(project: Project) -> list[Review]:
    dataset = factories.dataset(project)
    return [factories.review(project, dataset=dataset) for _ in range(4)]


def label(action: BulkAction, reviews: list[Review], answers: Any = WHOLE) -> tuple[int, int]:
    """Label reviews as the person behind the action."""
    assert action.created_by is not None
    return label_reviews(
        project=action.project,
        actor=action.created_by,
        action=action,
        review_ids=[review.pk for review in reviews],
        answers=answers,
    )


def test_every_review_gets_an_annotation_and_gold(
    project: Project, owner: User, action: BulkAction, reviews: list[Review]
) -> None:
    assert label(action, reviews) == (4, 0)

    assert Annotation.objects.filter(annotator=owner, bulk_action=action).count() == 4
    for review in reviews:
        assert held(project, review) == AS_GOLD
        assert is_labelled(review)


def test_one_answer_leaves_the_rest_to_the_queue(
    project: Project, action: BulkAction, reviews: list[Review]
) -> None:
    label(action, reviews, {"rating": 2})

    assert not any(is_labelled(review) for review in reviews)
    assert held(project, reviews[0]) == {"rating": 2.0}
    person = factories.member(project, Role.ANNOTATOR)
    assert services.next_assignment(project=project, annotator=person, roll=0.9) is not None


def test_what_others_said_is_a_vote_beside_it(
    project: Project, action: BulkAction, reviews: list[Review]
) -> None:
    for name in ("ann", "bob"):
        services.record_annotation(
            review=reviews[0],
            annotator=factories.user(name),
            answers={"sentiment": "negative", "rating": 1, "aspects": []},
        )

    label(action, reviews)

    assert held(project, reviews[0])["sentiment"] == "negative"
    assert held(project, reviews[1])["sentiment"] == "positive"


def test_reviews_that_are_not_free_are_left_out_and_counted(
    project: Project, owner: User, action: BulkAction, reviews: list[Review]
) -> None:
    mine, leased, stale, control = reviews
    services.record_annotation(review=mine, annotator=owner, answers=WHOLE | {"rating": 1})
    for review, minutes in ((leased, 5), (stale, -5)):
        Assignment.objects.create(
            project=project,
            review=review,
            annotator=factories.member(project, Role.ANNOTATOR),
            lease_until=timezone.now() + timedelta(minutes=minutes),
        )
    Review.objects.filter(pk=control.pk).update(is_control=True)

    assert label(action, [*reviews, *reviews]) == (1, 3)

    assert set(Annotation.objects.filter(bulk_action=action).values_list("review", flat=True)) == {
        stale.pk
    }
    assert held(project, mine)["rating"] == 1.0


def test_reviews_of_another_project_are_left_out(
    action: BulkAction, reviews: list[Review], mallory: User
) -> None:
    theirs = factories.review(Project.objects.get(slug="mallorys"))

    assert label(action, [reviews[0], theirs]) == (1, 1)
    assert not theirs.annotations.exists()


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, "at least one question"),
        ({"rating": None}, "at least one question"),
        ({"rating": 9}, "not a number from 1 to 5"),
        ({"sentiment": "mixed"}, "has no option 'mixed'"),
        ({"mood": "good"}, "has no question 'mood'"),
        ({"aspect_spans": []}, "Spans are marked in one text"),
        ([], "Answers are an object"),
    ],
)
def test_answers_that_do_not_fit_are_refused(
    action: BulkAction, reviews: list[Review], answers: Any, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        label(action, reviews, answers)

    assert not Annotation.objects.exists()


def test_undoing_brings_back_what_was_there(
    project: Project, owner: User, action: BulkAction, reviews: list[Review]
) -> None:
    first, second, _, fourth = reviews
    services.record_annotation(
        review=first,
        annotator=factories.user("ann"),
        answers={"sentiment": "negative", "rating": 1, "aspects": []},
    )
    imported.store_said(
        project=project,
        rows=[(second.pk, "bob", {"sentiment": "neutral"})],
        import_job_id=import_job(second.dataset).pk,
    )
    before = [(held(project, review), is_labelled(review)) for review in reviews]
    label(action, reviews)
    own = Annotation.objects.get(review=fourth, annotator=owner)
    services.edit(annotation=own, annotator=owner, schema_version=1, answers=WHOLE | {"rating": 5})

    assert undo_labels(action=action) == 3
    assert undo_labels(action=action) == 0

    after = [(held(project, review), is_labelled(review)) for review in reviews]
    assert after[:3] == before[:3]
    assert after[3] == (AS_GOLD | {"rating": 5.0}, True)


# --- Reviews that are answered in part, in the queue ----------------------------------------------


def test_a_review_answered_in_part_stays_with_whoever_holds_it(
    project: Project, action: BulkAction, reviews: list[Review]
) -> None:
    label(action, reviews, {"rating": 2})
    person = factories.member(project, Role.ANNOTATOR)

    first = services.next_assignment(project=project, annotator=person, roll=0.9)
    again = services.next_assignment(project=project, annotator=person, roll=0.9)

    assert first is not None
    assert again is not None
    assert first.pk == again.pk
    Assignment.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    services.submit(assignment=first, annotator=person, schema_version=1, answers=WHOLE)
    assert is_labelled(first.review)


def test_who_labelled_in_bulk_may_answer_the_rest_in_the_queue(
    project: Project, owner: User, action: BulkAction, reviews: list[Review]
) -> None:
    label(action, reviews, {"rating": 2})
    assignment = services.next_assignment(project=project, annotator=owner, roll=0.9)
    assert assignment is not None

    said = services.submit(assignment=assignment, annotator=owner, schema_version=1, answers=WHOLE)
    again = services.submit(assignment=assignment, annotator=owner, schema_version=1, answers=WHOLE)

    assert said.pk == again.pk
    assert held(project, assignment.review) == AS_GOLD
    assert undo_labels(action=action) == 3
    assert is_labelled(assignment.review)


def test_a_review_labelled_in_the_meantime_is_not_answered_late(
    project: Project, action: BulkAction, reviews: list[Review]
) -> None:
    person = factories.member(project, Role.ANNOTATOR)
    assignment = services.next_assignment(project=project, annotator=person, roll=0.9)
    assert assignment is not None
    Assignment.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    label(action, reviews)

    with pytest.raises(Conflict, match="somebody else has labelled it since"):
        services.submit(assignment=assignment, annotator=person, schema_version=1, answers=WHOLE)


# --- As an action of the review table -------------------------------------------------------------


def _start(project: Project, owner: User, given: Any, reviews: list[Review]) -> BulkAction:
    return bulk.start(
        project=project,
        membership=Membership.objects.get(project=project, user=owner),
        kind="label",
        given=given,
        chosen=bulk.chosen_from(ids=[str(review.pk) for review in reviews], query=None),
        key="",
    )


def test_a_form_labels_and_undo_takes_it_back(
    project: Project, owner: User, reviews: list[Review]
) -> None:
    form = QueryDict(
        "answer.sentiment=&answer.rating=2&answer.aspects=price&answer.aspects=quality"
    )

    action = _start(project, owner, form, reviews)

    assert (action.changed_count, action.skipped_count) == (4, 0)
    assert held(project, reviews[0]) == {
        "rating": 2.0,
        "aspects": frozenset({"price", "quality"}),
    }
    assert "rating: 2, aspects: quality, price" in bulk.sentence(action)
    bulk.undo(membership=Membership.objects.get(project=project, user=owner), action=action)
    assert not Annotation.objects.exists()


def test_a_program_labels_with_the_answers_of_the_api(
    project: Project, owner: User, reviews: list[Review]
) -> None:
    _start(project, owner, {"answers": {"aspects": [], "sentiment": "neutral"}}, reviews)

    assert held(project, reviews[0]) == {"aspects": frozenset(), "sentiment": "neutral"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (QueryDict("answer.sentiment=&answer.rating="), "at least one question"),
        (QueryDict("answer.rating=five"), '"five" is not a number'),
        ({"answers": "all good"}, "Answers are an object"),
    ],
)
def test_a_form_that_cannot_be_read_says_why(
    project: Project, owner: User, reviews: list[Review], given: Any, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        _start(project, owner, given, reviews)


def test_spans_are_not_offered(project: Project) -> None:
    names = [each.name for each in bulk_kind.DOER.fields(project)]

    assert names == ["answer.sentiment", "answer.rating", "answer.aspects"]
