"""A training from rows to a version, whatever happens on the way."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings

from accounts.models import AuditEvent
from common.errors import Conflict
from jobs.lease import Lease, LeaseLost
from jobs.models import Job
from ml import checkpoints, runner
from ml.core.checkpoint import read_json
from ml.core.data import read_snapshot
from ml.models import Evaluation, ModelVersion, Prediction, TrainingRun
from projects.models import Project
from reviews import splitting
from reviews.models import Dataset, Review
from tests import factories
from tests.ml.conftest import finish, gold, hold

pytestmark = pytest.mark.django_db

_NO_TIME = timedelta()


def test_a_training_ends_in_a_version_with_measures_and_test_predictions(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None

    job = finish(run.job)

    run.refresh_from_db()
    version = run.model_version
    tested = [review.pk for review in labelled if review.split == "test"]
    assert job.result == {"training_run": 1, "model_version": 1}
    assert {each.question_key for each in version.evaluations.all()} == {
        "sentiment", "rating", "aspects", "aspect_spans",
    }  # fmt: skip
    sentiment = Evaluation.objects.get(model_version=version, question_key="sentiment")
    assert sentiment.example_count == len(tested)
    assert sentiment.metrics["model"]["headline"]["value"] == 1.0
    assert sentiment.metrics["baselines"]["majority"]["headline"]["value"] == pytest.approx(0.5)
    assert sum(map(sum, sentiment.metrics["confusion"]["rows"])) == len(tested)
    predicted = Prediction.objects.filter(model_version=version, question_key="sentiment")
    assert sorted(predicted.values_list("review_id", flat=True)) == tested
    assert (run.counts["test"], len(run.snapshot_hash)) == (len(tested), 64)
    assert run.seconds is not None
    assert run.seconds > 0


def test_the_first_version_becomes_champion_and_ranks_and_the_second_waits(
    trained: Callable[..., ModelVersion],
) -> None:
    first, second = trained(), trained(seed=1)

    first.refresh_from_db()
    assert (first.number, first.is_champion) == (1, True)
    assert (second.number, second.is_champion) == (2, False)
    assert Job.objects.filter(kind="score").values_list("params", flat=True).get() == {
        "model_version": 1
    }
    assert AuditEvent.objects.filter(action="model.promoted").count() == 1


def test_two_trainings_at_once_are_a_conflict(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    start()

    with pytest.raises(Conflict, match="already under way"):
        start()

    assert TrainingRun.objects.count() == 1


def test_nothing_labelled_is_a_conflict_that_says_what_to_do(
    start: Callable[..., TrainingRun],
) -> None:
    with pytest.raises(Conflict, match="Label some reviews"):
        start()

    assert not Job.objects.exists()


def test_the_log_and_the_progress_tell_what_happened(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None

    job = finish(run.job)

    lines = list(job.log_lines.order_by("id").values_list("text", flat=True))
    assert "Gold answers of 36 train, 12 validation, 12 test" in lines
    assert lines[-1] == "Kept as version 1"


def test_a_kill_after_the_rename_is_mended_without_learning_again(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    lease = hold(run.job)
    kept = runner._learn(lease, run)  # the process is killed here, before any row is written
    lease.give_back("gone", wait=_NO_TIME)

    began = time.monotonic()
    finish(run.job)

    version = ModelVersion.objects.get(training_run=run)
    assert version.directory == kept.name
    assert time.monotonic() - began < 1.0  # nothing was learned again
    assert [path.name for path in Path(settings.MODELS_DIR).iterdir()] == [kept.name]


def test_a_kill_after_the_rows_changes_nothing_when_repeated(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    lease = hold(run.job)
    runner.train(lease)  # the process is killed here, before the job is ended
    lease.give_back("gone", wait=_NO_TIME)
    count = Prediction.objects.count()

    finish(run.job)

    assert ModelVersion.objects.count() == 1
    assert Prediction.objects.count() == count
    assert Job.objects.filter(kind="score").count() == 1


def test_a_damaged_checkpoint_is_not_adopted(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    lease = hold(run.job)
    kept = runner._learn(lease, run)
    (kept.path / "metrics.json").write_text("{}")
    lease.give_back("gone", wait=_NO_TIME)

    finish(run.job)

    assert ModelVersion.objects.get(training_run=run).directory != kept.name


def test_a_worker_that_lost_its_lease_writes_nothing(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    frozen = hold(run.job, "here:1")
    kept = runner._learn(frozen, run)
    frozen.give_back("gone", wait=_NO_TIME)
    hold(run.job, "here:2")

    with pytest.raises(LeaseLost):
        runner._register(frozen, run, kept)

    assert not ModelVersion.objects.exists()
    assert not Prediction.objects.exists()


def test_old_directories_without_a_version_are_swept(
    trained: Callable[..., ModelVersion],
) -> None:
    version = trained()
    folder = Path(settings.MODELS_DIR)
    for name in ("run-999-1", "run-999-2", "something-else"):
        (folder / name).mkdir()
    for name in (version.directory, "run-999-1", "something-else"):
        os.utime(folder / name, (0, 0))

    assert checkpoints.sweep() == 1

    left = {path.name for path in folder.iterdir()}
    assert left == {version.directory, "run-999-2", "something-else"}


def test_a_training_freezes_the_splits_after_those_that_wait_are_drawn(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    dataset = labelled[0].dataset
    drawing = splitting.redraw(dataset=dataset, wishes=splitting.Wishes(seed=2), actor=None)
    run = start()
    assert run.job is not None

    finish(run.job)

    drawing.refresh_from_db()
    dataset.refresh_from_db()
    run.refresh_from_db()
    assert drawing.state == Job.State.SUCCEEDED
    assert dataset.splits_frozen_at is not None
    assert dataset.split_plan["seed"] == 2
    assert run.counts["test"] == dataset.split_counts["test"]
    with pytest.raises(Conflict, match="frozen"):
        splitting.redraw(dataset=dataset, wishes=splitting.Wishes(seed=3), actor=None)


class _ImportEnds:
    """A lease during which, after the splits were frozen, an import comes to its end."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def progress(self, **_said: object) -> None:
        Dataset.objects.filter(pk=self._dataset.pk).update(is_ready=True)

    def log(self, _text: str) -> None:
        """Forget it."""


def test_an_import_that_ends_after_the_freeze_is_not_learned_from(
    labelled: list[Review], project: Project, tmp_path: Path
) -> None:
    late = factories.dataset(project, "late")
    gold(factories.review(project, "Late, and lovely.", dataset=late), sentiment="positive")
    Dataset.objects.filter(pk=late.pk).update(is_ready=False)

    runner.write_snapshot_of(cast("Lease", _ImportEnds(late)), project, ["sentiment"], tmp_path)

    late.refresh_from_db()
    read = {example.id for example in read_snapshot(tmp_path / "snapshot.jsonl")}
    assert (late.is_ready, late.splits_frozen_at) == (True, None)  # a draw may still move it
    assert read == {review.pk for review in labelled}


def test_a_training_runs_on_the_device_of_the_worker_that_carries_it_out(
    labelled: list[Review],
    start: Callable[..., TrainingRun],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cpu")  # of the web process
    run = start()
    assert run.job is not None
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cuda")  # of the trainer

    finish(run.job)

    kept = checkpoints.directory_of(run.model_version)
    # Words need no GPU, so that this trains anywhere; an encoder would have asked for one.
    assert read_json(kept / "config.json")["train"]["device"] == "cuda"
