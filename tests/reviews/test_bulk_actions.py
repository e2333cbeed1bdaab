"""One thing done to many reviews: at once or by a job, once, and undone to the letter."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict, Invalid, NotAllowed
from jobs.models import Job
from jobs.worker import run_here
from labelling.models import Annotation, Gold
from projects.models import Membership, Project, Role
from reviews import bulk, members
from reviews.models import BulkAction, Dataset, Review, SelectedReview
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
API = "/api/v1/projects/shop/"


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project)


@pytest.fixture
def reviews(project: Project, dataset: Dataset) -> list[Review]:
    return [factories.review(project, f"zip {n}", dataset=dataset) for n in range(6)]


@pytest.fixture
def analyst(project: Project, member: Callable[[Role], User]) -> Membership:
    return Membership.objects.get(user=member(Role.ANALYST))


def do(membership: Membership, kind: str, chosen: bulk.Chosen, **given: Any) -> BulkAction:
    key = given.pop("key", "")
    return bulk.start(
        project=membership.project,
        membership=membership,
        kind=kind,
        given=given,
        chosen=chosen,
        key=key,
    )


def ticked(reviews: list[Review]) -> bulk.Chosen:
    return bulk.Chosen(ids=tuple(review.pk for review in reviews))


def every(**filters: str) -> bulk.Chosen:
    return bulk.Chosen(filters=list(filters.items()), is_all=True)


def places() -> list[tuple[Any, ...]]:
    fields = ("pk", "priority", "ranked_by", "ranked_at", "is_labelled")
    return list(Review.objects.order_by("pk").values_list(*fields))


# --- Into a data set ------------------------------------------------------------------------------


def test_ticked_reviews_make_a_new_data_set(analyst: Membership, reviews: list[Review]) -> None:
    action = do(analyst, "dataset", ticked(reviews[:4]), name="Sample")

    made = Dataset.objects.get(name="Sample")
    assert set(members.reviews_in(made)) == set(reviews[:4])
    assert (made.kind, made.is_ready, made.created_by) == ("selection", True, analyst.user)
    assert (made.review_count, made.split_counts["train"]) == (4, 4)
    assert bulk.sentence(action) == "4 reviews added to Sample"


def test_adding_to_a_data_set_skips_what_is_in_it_and_undo_takes_out_only_what_came(
    analyst: Membership, reviews: list[Review]
) -> None:
    first = do(analyst, "dataset", ticked(reviews[:3]), name="Sample")
    target = str(first.params["dataset"])

    second = do(analyst, "dataset", ticked(reviews[1:5]), dataset=target)
    assert (second.changed_count, second.skipped_count) == (2, 2)
    assert bulk.sentence(second) == "2 reviews added to Sample, 2 skipped (in it already)"
    bulk.undo(membership=analyst, action=second)

    made = Dataset.objects.get(name="Sample")
    assert set(members.reviews_in(made)) == set(reviews[:3])
    assert made.review_count == 3
    bulk.undo(membership=analyst, action=first)
    assert not Dataset.objects.filter(name="Sample").exists()
    assert Review.objects.count() == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({}, "Choose a data set", id="neither"),
        pytest.param({"name": "A", "dataset": "1"}, "Choose a data set", id="both"),
        pytest.param({"dataset": "999999"}, "999999", id="no such data set"),
        pytest.param({"name": "x" * 101}, "at most 100", id="a long name"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    analyst: Membership, reviews: list[Review], given: dict[str, str], message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        do(analyst, "dataset", ticked(reviews), **given)

    assert not BulkAction.objects.exists()


def test_an_imported_data_set_takes_no_reviews_of_others(
    analyst: Membership, reviews: list[Review], dataset: Dataset
) -> None:
    with pytest.raises(Invalid, match="selected from others"):
        do(analyst, "dataset", ticked(reviews), dataset=str(dataset.pk))
    with pytest.raises(Invalid, match="already"):
        do(analyst, "dataset", ticked(reviews), name=dataset.name)


# --- To the queue ---------------------------------------------------------------------------------


def test_reviews_go_to_the_front_of_the_queue_and_back_to_where_they_were(
    analyst: Membership, reviews: list[Review], project: Project, dataset: Dataset
) -> None:
    Review.objects.filter(pk=reviews[0].pk).update(
        priority=0.7, ranked_by=3, ranked_at=timezone.now()
    )
    factories.review(project, dataset=dataset, is_labelled=True)
    factories.review(project, dataset=dataset, split=Review.Split.TEST)
    before = places()

    action = do(analyst, "queue", every())

    assert (action.changed_count, action.skipped_count) == (6, 2)
    sent = Review.objects.filter(ranked_by=0, priority=1e9)
    assert set(sent) == set(reviews)
    again = do(analyst, "queue", every())
    assert (again.changed_count, again.skipped_count) == (0, 8)
    bulk.undo(membership=analyst, action=action)
    assert places() == before


def test_undo_leaves_alone_what_was_labelled_or_ranked_since(
    analyst: Membership, reviews: list[Review]
) -> None:
    action = do(analyst, "queue", ticked(reviews[:3]))
    Review.objects.filter(pk=reviews[0].pk).update(is_labelled=True)
    Review.objects.filter(pk=reviews[1].pk).update(ranked_by=4, priority=0.2)

    bulk.undo(membership=analyst, action=action)

    assert [place[1:3] for place in places()[:3]] == [(1e9, 0), (0.2, 4), (0.0, None)]


# --- Labels ---------------------------------------------------------------------------------------


def test_many_are_labelled_with_one_answer_and_unlabelled_again(
    project: Project, reviews: list[Review], member: Callable[[Role], User]
) -> None:
    person = member(Role.REVIEWER)
    reviewer = Membership.objects.get(user=person)
    form = QueryDict("answer.sentiment=positive&answer.rating=")

    action = bulk.start(
        project=project, membership=reviewer, kind="label", given=form,
        chosen=ticked(reviews[:4]), key="",
    )  # fmt: skip

    assert action.params["answers"] == {"sentiment": "positive"}
    assert Annotation.objects.filter(annotator=person).count() == 4
    gold = Gold.objects.filter(question__key="sentiment", option__key="positive")
    assert set(gold.values_list("review_id", flat=True)) == {each.pk for each in reviews[:4]}
    assert bulk.sentence(action) == "4 reviews labelled with sentiment: positive"
    bulk.undo(membership=reviewer, action=action)
    assert not Annotation.objects.exists()
    assert not Gold.objects.exists()


def test_answers_that_no_question_has_are_refused(
    analyst: Membership, reviews: list[Review]
) -> None:
    for answers in ({}, {"sentiment": "green"}, {"colour": "red"}):
        with pytest.raises(Invalid):
            do(analyst, "label", ticked(reviews), answers=answers)

    assert not Annotation.objects.exists()


# --- All that fit ---------------------------------------------------------------------------------


def test_many_are_changed_by_a_job_that_leaves_out_what_comes_later(
    analyst: Membership,
    reviews: list[Review],
    project: Project,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 2)
    factories.review(project, "a button", dataset=dataset)

    action = do(analyst, "queue", every(q="zip"))
    assert action.job is not None
    assert not Review.objects.filter(ranked_by=0).exists()
    late = factories.review(project, "zip late", dataset=dataset)
    with pytest.raises(Conflict, match="under way"):
        bulk.undo(membership=analyst, action=action)
    assert run_here(action.job).state == Job.State.SUCCEEDED

    action.refresh_from_db()
    assert (action.changed_count, action.skipped_count) == (6, 0)
    assert set(Review.objects.filter(ranked_by=0)) == set(reviews)
    late.refresh_from_db()
    assert late.ranked_by is None
    bulk.undo(membership=analyst, action=action)
    undoing = Job.objects.get(kind=bulk.UNDO_KIND)
    assert run_here(undoing).state == Job.State.SUCCEEDED
    action.refresh_from_db()
    assert action.undone_at is not None
    assert not Review.objects.filter(ranked_by=0).exists()


def test_a_job_that_starts_again_changes_nothing_twice(
    analyst: Membership, reviews: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 4)
    action = do(analyst, "dataset", every(), name="All")
    assert action.job is not None
    ids = [review.pk for review in reviews][::-1]
    bulk._do(bulk.doer_of("dataset"), action, ids[:4])
    BulkAction.objects.filter(pk=action.pk).update(params=action.params | {"below": ids[3]})

    run_here(action.job)

    action.refresh_from_db()
    assert action.changed_count == 6
    assert SelectedReview.objects.count() == 6


# --- Who, and how often ---------------------------------------------------------------------------


def test_a_double_press_does_it_once(analyst: Membership, reviews: list[Review]) -> None:
    first = do(analyst, "dataset", ticked(reviews), name="Sample", key="k1")
    second = do(analyst, "dataset", ticked(reviews), name="Sample", key="k1")

    assert first == second
    assert BulkAction.objects.count() == 1


def test_undoing_twice_changes_nothing_more(analyst: Membership, reviews: list[Review]) -> None:
    action = do(analyst, "queue", ticked(reviews))
    first = bulk.undo(membership=analyst, action=action)
    do(analyst, "queue", ticked(reviews))

    second = bulk.undo(membership=analyst, action=action)

    assert second.undone_at == first.undone_at
    assert Review.objects.filter(ranked_by=0).count() == 6


def test_roles_bound_what_can_be_done(
    project: Project, reviews: list[Review], member: Callable[[Role], User], analyst: Membership
) -> None:
    reviewer = Membership.objects.get(user=member(Role.REVIEWER))
    for kind in ("dataset", "queue"):
        with pytest.raises(NotAllowed):
            do(reviewer, kind, ticked(reviews), name="Mine")
    annotator = Membership.objects.get(user=member(Role.ANNOTATOR))
    with pytest.raises(NotAllowed):
        do(annotator, "label", ticked(reviews), answers={"sentiment": "positive"})
    action = do(analyst, "queue", ticked(reviews))
    other = Membership.objects.get(user=member(Role.ANALYST))
    with pytest.raises(NotAllowed, match="Somebody else"):
        bulk.undo(membership=other, action=action)

    owner = Membership.objects.get(project=project, user__username="olga-owner")
    assert bulk.undo(membership=owner, action=action).undone_at is not None


def test_reviews_of_other_projects_are_none(analyst: Membership, mallory: User) -> None:
    theirs = factories.review(Project.objects.get(slug="mallorys"))

    with pytest.raises(Invalid, match="No review fits"):
        do(analyst, "queue", ticked([theirs]))

    theirs.refresh_from_db()
    assert theirs.ranked_by is None


# --- The pages ------------------------------------------------------------------------------------


def test_the_pages_lead_from_ticks_to_done_and_undone(
    owner: User, reviews: list[Review], signed_in: Callable[[User], Client]
) -> None:
    visitor = signed_in(owner)
    chosen = "&".join(f"review={each.pk}" for each in reviews[:3])

    offer = visitor.get(f"{BASE}bulk/?scope=ticked&{chosen}")
    assert "3 ticked reviews" in offer.content.decode()
    key = f"queue-{offer.context['key']}"
    body = {"kind": "queue", "key": key, "review": [each.pk for each in reviews[:3]]}
    done = visitor.post(f"{BASE}bulk/start/", body)
    again = visitor.post(f"{BASE}bulk/start/", body)

    assert done["Location"] == again["Location"]
    page = visitor.get(done["Location"]).content.decode()
    assert "3 reviews sent to the front of the queue" in page
    assert "Undo" in page
    undone = visitor.post(f"{done['Location']}undo/", follow=True).content.decode()
    assert "the reviews are as they were" in undone
    assert not Review.objects.filter(ranked_by=0).exists()
    assert "Undone" in visitor.get(f"{BASE}bulk/").content.decode()


def test_all_that_fit_are_counted_and_taken(
    owner: User, reviews: list[Review], signed_in: Callable[[User], Client]
) -> None:
    visitor = signed_in(owner)

    offer = visitor.get(f"{BASE}bulk/?scope=all&filters=q%3Dzip%26min_length%3D3")
    assert "6 reviews that fit the filters" in offer.content.decode()
    visitor.post(
        f"{BASE}bulk/start/",
        {"kind": "dataset", "name": "Zips", "scope": "all", "filters": "q=zip", "key": "a"},
    )

    assert Dataset.objects.get(name="Zips").review_count == 6


def test_what_is_wrong_is_said_on_the_page(
    owner: User, reviews: list[Review], signed_in: Callable[[User], Client]
) -> None:
    visitor = signed_in(owner)

    wrong = visitor.post(
        f"{BASE}bulk/start/", {"kind": "dataset", "name": "", "review": [reviews[0].pk]}
    )
    nothing = visitor.post(f"{BASE}bulk/start/", {"kind": "queue"})

    assert wrong.status_code == 400
    assert "Choose a data set, or name a new one." in wrong.content.decode()
    assert nothing.status_code == 400


# --- REST -----------------------------------------------------------------------------------------


def test_programs_do_and_undo(
    owner: User, reviews: list[Review], api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    body = {"kind": "queue", "filters": {"q": "zip"}}

    made = client.post(f"{API}bulk-actions/", body, format="json", HTTP_IDEMPOTENCY_KEY="x")
    same = client.post(f"{API}bulk-actions/", body, format="json", HTTP_IDEMPOTENCY_KEY="x")

    assert (made.status_code, same.json()["id"]) == (201, made.json()["id"])
    assert made.json() | {"id": 0, "created_at": ""} == {
        "id": 0, "kind": "queue", "created_at": "", "created_by": owner.username,
        "changed": 6, "skipped": 0, "undone_at": None, "job": None,
    }  # fmt: skip
    url = f"{API}bulk-actions/{made.json()['id']}/"
    assert client.post(f"{url}undo/").json()["undone_at"]
    assert client.get(url).json()["undone_at"]
    assert len(client.get(f"{API}bulk-actions/").json()["results"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "queue"},
        {"kind": "paint", "reviews": [1]},
        {"kind": "queue", "reviews": []},
        {"kind": "queue", "reviews": [1], "filters": {}},
        {"kind": "queue", "filters": {"colour": "red"}},
        {"kind": "label", "filters": {}, "answers": {}},
    ],
    ids=["no choice", "unknown kind", "none", "both", "unknown filter", "no answers"],
)
def test_programs_are_told_what_is_wrong(
    owner: User, reviews: list[Review], api: Callable[..., APIClient], body: dict[str, Any]
) -> None:
    answer = api(owner).post(f"{API}bulk-actions/", body, format="json")

    assert answer.status_code == 400
    assert answer.json()["detail"]
