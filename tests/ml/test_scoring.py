"""What is labelled next: ranked by the champion, in steps that may be repeated."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs.lease import Cancelled
from jobs.models import Job
from labelling.models import Suggestion
from ml import scoring, workplace
from ml.champion import promote, rank_again
from ml.models import ModelVersion
from projects.models import Project
from reviews.models import Review
from tests import factories
from tests.ml.conftest import finish, hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def ranking(trained: Callable[..., ModelVersion], waiting: list[Review]) -> Job:
    """The ranking that the first version asked for."""
    trained()
    return Job.objects.get(kind="score")


def test_unlabelled_reviews_get_a_priority_and_say_who_ranked_them(
    ranking: Job, waiting: list[Review], labelled: list[Review]
) -> None:
    job = finish(ranking)

    *pool, test = Review.objects.filter(pk__in=[each.pk for each in waiting]).order_by("pk")
    assert job.result["ranked"] == 10
    assert {review.ranked_by for review in pool} == {1}
    assert all(0 <= review.priority <= 1 for review in pool)
    assert len({review.priority for review in pool}) > 1
    assert test.ranked_by is None
    assert not Review.objects.filter(is_labelled=True, ranked_by__isnull=False).exists()


def test_the_reviews_that_come_next_get_suggestions_in_the_shape_of_answers(
    ranking: Job, waiting: list[Review]
) -> None:
    finish(ranking)

    suggested = {
        row.question_key: row.value for row in Suggestion.objects.filter(review=waiting[0])
    }
    assert suggested["sentiment"] in {"negative", "neutral", "positive"}
    assert suggested["rating"] in {1, 2, 3, 4, 5}
    assert isinstance(suggested["aspects"], list)
    assert isinstance(suggested["aspect_spans"], list)


def test_the_random_slice_is_ranked_but_gets_no_suggestion(
    ranking: Job, waiting: list[Review]
) -> None:
    Review.objects.filter(pk=waiting[-1].pk).update(is_control=True)

    finish(ranking)

    control = Review.objects.get(pk=waiting[-1].pk)
    assert control.ranked_by == 1
    assert not Suggestion.objects.filter(review=control).exists()


def test_a_repeated_attempt_goes_on_after_the_last_chunk(
    ranking: Job, waiting: list[Review], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "CHUNK", 4)
    lease = hold(ranking)
    version = ModelVersion.objects.get()
    predictor = scoring.load_for_work(version)
    folder = workplace.folder_of(ranking.pk)
    folder.mkdir(parents=True)
    first = next(scoring._parts(lease, version, predictor, folder))  # killed after one chunk
    lease.give_back("gone", wait=timedelta())
    marked = {key: [9.0] * 4 for key in first.values}
    kept = {"ids": first.ids, "values": marked}
    (folder / "after-0.json").write_text(json.dumps(kept))

    finish(ranking)

    # The kept uncertainties were used: those four are the most uncertain of all.
    order = list(Review.objects.filter(ranked_by=1).order_by("-priority", "pk"))
    assert {review.pk for review in order[:4]} == set(first.ids)
    assert not folder.exists()


def test_a_ranking_by_a_version_that_is_no_champion_any_more_changes_nothing(
    ranking: Job, trained: Callable[..., ModelVersion]
) -> None:
    promote(version=trained(seed=5), actor=None)

    job = finish(ranking)

    assert job.result["ranked"] == 0
    assert not Review.objects.filter(ranked_by__isnull=False).exists()


def test_a_cancel_leaves_the_order_as_it_was(ranking: Job, waiting: list[Review]) -> None:
    lease = hold(ranking)
    Job.objects.filter(pk=ranking.pk).update(is_cancel_requested=True)

    with pytest.raises(Cancelled):
        scoring.score(lease)

    assert not Review.objects.filter(ranked_by__isnull=False).exists()


def test_new_reviews_are_ranked_on_request(ranking: Job, project: Project) -> None:
    finish(ranking)
    late = factories.review(project, "A late parcel, lovely.")

    finish(rank_again(project=project, actor=None))

    late.refresh_from_db()
    assert late.ranked_by == 1
