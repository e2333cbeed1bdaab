"""Taking over a model's suggestions where it is confident, and taking that back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Invalid, NotAllowed, NotVisible
from jobs.models import Job
from jobs.worker import run_here
from labelling import accept, imported, services
from labelling.models import Annotation, Assignment, QualityCheck, Suggestion
from labelling.services import Suggested
from projects.models import Membership, Project, Role
from reviews import bulk
from reviews.models import BulkAction, Dataset, Review
from tests import factories
from tests.labelling.test_imported import held, is_labelled

PAGE = "/projects/shop/label/suggestions/"
API = "/api/v1/projects/shop/"
WHOLE = {"sentiment": "positive", "rating": 4, "aspects": ["price"], "aspect_spans": []}


@pytest.fixture
def rita(project: Project) -> Membership:
    user = factories.member(project, Role.REVIEWER, "rita")
    return Membership.objects.get(project=project, user=user)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project)


def review_with(dataset: Dataset, confidence: float = 0.97, **fields: Any) -> Review:
    """Make a review of which a model says "positive, 4 stars", the latter less surely."""
    review = factories.review(dataset.project, dataset=dataset, **fields)
    rows = [
        Suggested(review.pk, "sentiment", "positive", confidence),
        Suggested(review.pk, "rating", 4, 0.6),
    ]
    services.store_suggestions(project=dataset.project, version=7, rows=rows)
    return review


def start(rita: Membership, *, threshold: Any = 0.9, questions: Any = ("sentiment",)) -> BulkAction:
    return bulk.start(
        project=rita.project,
        membership=rita,
        kind="accept",
        given={"questions": list(questions), "threshold": threshold},
        chosen=bulk.Chosen(is_all=True),
        key="",
    )


def tried(rita: Membership, *questions: str, threshold: float = 0.9) -> accept.DryRun:
    wish = accept.Wish(questions or ("sentiment",), threshold)
    return accept.dry_run(project=rita.project, actor=rita.user, wish=wish)


def test_what_is_sure_is_taken_over_with_its_origin(rita: Membership, dataset: Dataset) -> None:
    sure, unsure = review_with(dataset), review_with(dataset, confidence=0.89)

    action = start(rita)

    (said,) = Annotation.objects.all()
    assert (said.review, said.annotator, said.bulk_action) == (sure, rita.user, action)
    assert (said.saw_suggestions, said.suggested_by) == (True, 7)
    assert held(rita.project, sure) == {"sentiment": "positive"}
    assert held(rita.project, unsure) == {}
    assert (action.changed_count, action.skipped_count) == (1, 1)
    assert "1 review answered as a model suggests (sentiment; 0.9 or more)" in bulk.sentence(action)


def test_each_question_is_taken_over_where_it_is_sure_itself(
    rita: Membership, dataset: Dataset
) -> None:
    review = review_with(dataset)

    start(rita, questions=("sentiment", "rating"))

    assert held(rita.project, review) == {"sentiment": "positive"}
    assert not is_labelled(review)


def test_the_threshold_itself_is_enough(rita: Membership, dataset: Dataset) -> None:
    review_with(dataset, confidence=0.9)

    assert start(rita, threshold="0.9").changed_count == 1


def lease(review: Review, *, minutes: int = 5) -> None:
    Assignment.objects.create(
        project=review.project,
        review=review,
        annotator=factories.member(review.project, Role.ANNOTATOR),
        lease_until=timezone.now() + timedelta(minutes=minutes),
    )


def answer(review: Review) -> None:
    services.record_annotation(
        review=review,
        annotator=factories.user(f"p{review.pk}"),
        answers=WHOLE | {"sentiment": "negative"},
    )


def known(review: Review) -> None:
    imported.update_gold(project=review.project, rows=[(review.pk, {"sentiment": "negative"})])


LEFT: dict[str, Callable[[Review], Any]] = {
    "of the control slice": lambda review: Review.objects.filter(pk=review.pk).update(
        is_control=True
    ),
    "of the test split": lambda review: Review.objects.filter(pk=review.pk).update(split="test"),
    "answered by a person": answer,
    "answered by an import": known,
    "held by somebody": lease,
    "a quality check": lambda review: QualityCheck.objects.create(
        review=review, project=review.project
    ),
    "suggested by older questions": lambda review: Suggestion.objects.filter(
        review=review, question_key="sentiment"
    ).update(question_key="gone"),
}


@pytest.mark.parametrize("befall", LEFT.values(), ids=LEFT)
def test_what_is_not_free_is_never_touched(
    rita: Membership, dataset: Dataset, befall: Callable[[Review], Any]
) -> None:
    review = review_with(dataset)
    befall(review)
    before = held(rita.project, review)

    assert tried(rita).review_count == 0
    assert start(rita).changed_count == 0

    assert not Annotation.objects.filter(annotator=rita.user).exists()
    assert held(rita.project, review) == before


def test_an_expired_lease_holds_nothing(rita: Membership, dataset: Dataset) -> None:
    lease(review_with(dataset), minutes=-5)

    assert tried(rita).review_count == start(rita).changed_count == 1


def test_what_the_questions_do_not_allow_any_more_is_left(
    rita: Membership, dataset: Dataset
) -> None:
    review_with(dataset)
    Suggestion.objects.filter(question_key="sentiment").update(value="splendid")

    assert start(rita).changed_count == 0


def test_spans_are_taken_over_with_their_text(rita: Membership, dataset: Dataset) -> None:
    review = factories.review(rita.project, "The price 👍🏽 is fine", dataset=dataset)
    span = {"start": 4, "end": 9, "text": "price", "option": "price", "polarity": "positive"}
    rows = [Suggested(review.pk, "aspect_spans", [span], 0.95)]
    services.store_suggestions(project=rita.project, version=7, rows=rows)

    start(rita, questions=("aspect_spans",))

    (marked,) = Annotation.objects.get().spans.all()
    assert (marked.start, marked.end, marked.text) == (4, 9, "price")


def test_undoing_takes_everything_back(rita: Membership, dataset: Dataset) -> None:
    review = review_with(dataset)
    action = start(rita)

    bulk.undo(membership=rita, action=action)

    assert held(rita.project, review) == {}
    assert not Annotation.objects.exists()
    assert tried(rita).review_count == 1


def test_who_edits_what_is_being_taken_back_is_told(rita: Membership, dataset: Dataset) -> None:
    review_with(dataset)
    action = start(rita)
    on_the_page = Annotation.objects.get()
    bulk.undo(membership=rita, action=action)

    with pytest.raises(NotVisible, match="taken back meanwhile"):
        services.edit(annotation=on_the_page, annotator=rita.user, schema_version=1, answers=WHOLE)

    assert not Annotation.objects.exists()


def test_a_job_does_many(
    rita: Membership, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    for _ in range(4):
        review_with(dataset)

    action = start(rita)
    assert action.job is not None
    run_here(Job.objects.get(pk=action.job.pk))
    again = run_here(Job.objects.get(pk=action.job.pk))

    action.refresh_from_db()
    assert (action.changed_count, again.state) == (4, Job.State.SUCCEEDED)
    assert Annotation.objects.filter(bulk_action=action).count() == 4


def test_a_job_does_many_that_were_ticked(
    rita: Membership, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    ids = tuple(review_with(dataset).pk for _ in range(4))
    given = {"questions": ["sentiment"], "threshold": 0.9}

    action = bulk.start(
        project=rita.project,
        membership=rita,
        kind="accept",
        given=given,
        chosen=bulk.Chosen(ids=ids[:3]),
        key="",
    )
    assert action.job is not None
    job = run_here(Job.objects.get(pk=action.job.pk))

    assert (job.state, job.result) == (Job.State.SUCCEEDED, {"changed": 3, "skipped": 0})


def test_a_dry_run_counts_and_changes_nothing(rita: Membership, dataset: Dataset) -> None:
    review_with(dataset)
    review_with(dataset, confidence=0.5)
    elsewhere = review_with(factories.dataset(rita.project))

    found = tried(rita, "sentiment", "rating", threshold=0.6)
    wish = accept.Wish(("sentiment",), 0.9)
    there = accept.dry_run(
        project=rita.project, actor=rita.user, wish=wish, dataset=elsewhere.dataset
    )

    assert (found.review_count, found.by_question) == (3, {"sentiment": 2, "rating": 3})
    assert there.review_count == 1
    assert not Annotation.objects.exists()


@pytest.mark.parametrize(
    ("questions", "threshold", "says"),
    [
        ((), 0.9, "Choose the questions"),
        (("mood",), 0.9, "no question 'mood'"),
        (("sentiment",), "", "not nothing"),
        (("sentiment",), "high", "not 'high'"),
        (("sentiment",), 1.1, "not '1.1'"),
        (("sentiment",), "nan", "not 'nan'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    rita: Membership, dataset: Dataset, questions: Any, threshold: Any, says: str
) -> None:
    review_with(dataset)

    with pytest.raises(Invalid, match=says):
        start(rita, questions=questions, threshold=threshold)

    assert not BulkAction.objects.exists()


def test_annotators_accept_nothing_in_bulk(project: Project, dataset: Dataset) -> None:
    review_with(dataset)
    person = factories.member(project, Role.ANNOTATOR)

    with pytest.raises(NotAllowed):
        start(Membership.objects.get(user=person))


# --- Page and REST --------------------------------------------------------------------------------


def test_the_page_counts_then_accepts_then_undoes(
    rita: Membership, dataset: Dataset, signed_in: Callable[[User], Client]
) -> None:
    review_with(dataset)
    visitor = signed_in(rita.user)
    asked = {"questions": "sentiment", "threshold": "0.95", "dataset": str(dataset.pk)}

    empty = visitor.get(PAGE).content.decode()
    counted = visitor.get(PAGE, asked)
    sent = {
        "kind": "accept",
        "scope": "all",
        "filters": counted.context["filters"],
        "key": "k",
        "questions": "sentiment",
        "threshold": "0.95",
    }
    done = visitor.post("/projects/shop/reviews/bulk/start/", sent, follow=True)

    assert "would be answered" not in empty
    assert "1 review would be answered" in counted.content.decode()
    assert "1 review answered as a model suggests" in done.content.decode()
    assert "Undo" in done.content.decode()
    assert "Nothing to accept" in visitor.get(PAGE, asked).content.decode()


def test_the_page_says_what_makes_no_sense(
    rita: Membership, signed_in: Callable[[User], Client], mallory: User
) -> None:
    theirs = factories.dataset(Project.objects.get(slug="mallorys"))
    visitor = signed_in(rita.user)

    for asked in (
        {"threshold": "0.9"},
        {"threshold": "x", "questions": "sentiment"},
        {"threshold": "0.9", "questions": "sentiment", "dataset": str(theirs.pk)},
    ):
        answer = visitor.get(PAGE, asked)

        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()


def test_programs_count_accept_and_undo(
    rita: Membership, dataset: Dataset, api: Callable[..., APIClient]
) -> None:
    review_with(dataset)
    client = api(rita.user)
    body = {"kind": "accept", "filters": {}, "questions": ["sentiment"], "threshold": 0.9}

    count = client.get(f"{API}suggestions/acceptable/?question=sentiment&threshold=0.9")
    made = client.post(f"{API}bulk-actions/", body, format="json")
    undone = client.post(f"{API}bulk-actions/{made.json()['id']}/undo/")

    assert count.json() == {"reviews": 1, "by_question": {"sentiment": 1}}
    assert (made.status_code, made.json()["kind"], made.json()["changed"]) == (201, "accept", 1)
    assert undone.status_code == 200
    assert not Annotation.objects.exists()
    wrong = client.get(f"{API}suggestions/acceptable/?questions=sentiment&threshold=0.9")
    assert wrong.status_code == 400


def test_mallory_counts_nothing(
    dataset: Dataset, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    review_with(dataset)
    visitor = signed_in(mallory)

    assert visitor.get(PAGE).status_code == 404
    assert visitor.get(f"{API}suggestions/acceptable/").status_code == 404
    theirs = "/projects/mallorys/label/suggestions/"
    asked = {"questions": "sentiment", "threshold": "0", "dataset": str(dataset.pk)}
    assert visitor.get(theirs, asked).status_code == 400
