"""What is labelled next: ranked by the champion, in steps that may be repeated."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from jobs.lease import Cancelled, JobFailed
from jobs.models import Job
from labelling.models import Suggestion
from ml import scoring, workplace
from ml.champion import promote, rank_again
from ml.models import ModelVersion
from projects.models import Project
from reviews.models import Review
from tests import factories
from tests.ml import encoded
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


@pytest.mark.parametrize(
    ("wish", "gpu", "engine"),
    [
        pytest.param("auto", "NVIDIA L4", "torch", id="a GPU where there is one"),
        pytest.param("auto", "", "auto", id="none is there"),
        pytest.param("cuda", "", "torch", id="wished for, and torch says that it is not there"),
        pytest.param("cpu", "NVIDIA L4", "auto", id="configured away"),
    ],
)
def test_many_texts_go_to_a_gpu_as_the_worker_is_configured(
    wish: str, gpu: str, engine: str
) -> None:
    assert scoring.engine_for(wish, gpu) == engine


def test_work_that_must_use_a_gpu_says_when_there_is_none(
    project: Project,
    owner: User,
    labelled: list[Review],
    learned_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = encoded.register(project, owner, learned_encoder)
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cuda")

    with pytest.raises(JobFailed, match="no usable GPU"):
        scoring.load_for_work(version)
