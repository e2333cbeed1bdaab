"""Carry a training out in a worker: rows to files, a child process, files back to rows.

Whatever the moment at which this process is killed, the next attempt ends in the same rows: the
checkpoint appears below the models folder by one rename, and everything about it is written in
one transaction under the job's fence.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.conf import settings

from jobs.lease import JobFailed, Lease
from labelling.selectors import GoldExample, gold_examples
from ml import checkpoints, services, workplace
from ml.checkpoints import Kept
from ml.child import Child
from ml.comparing import answer_of
from ml.core import disk, stopping
from ml.core.config import TrainConfig
from ml.core.data import Example, Split, write_snapshot
from ml.core.errors import CheckpointError, SnapshotError
from ml.following import Story, follow
from ml.models import ModelVersion, TrainingRun
from ml.unlabelled import write_texts
from projects.models import Project
from reviews import splitting


def train(lease: Lease) -> dict[str, Any]:
    """Run a training to its model version; see the module for what happens after a kill."""
    run = TrainingRun.objects.select_related("project", "created_by").get(job_id=lease.job.pk)
    version = ModelVersion.objects.filter(training_run=run).first()
    if version is None:
        kept = checkpoints.adopt(run) or _learn(lease, run)
        version = _register(lease, run, kept)
    workplace.close(lease.job.pk)
    checkpoints.sweep()
    return {"training_run": run.number, "model_version": version.number}


def tidy(job_id: UUID) -> None:
    """Remove what a training that did not end well has left behind."""
    workplace.close(job_id)


def _learn(lease: Lease, run: TrainingRun) -> Kept:
    with lease.effect():
        services.reset_run(run=run)
    try:
        folder = workplace.open_attempt(lease)
        keys = [head["question"] for head in run.config["heads"]]
        write_snapshot_of(lease, run.project, keys, folder)
        _write_texts(lease, run, folder)
        _write_config(run, folder)
        _watch_child(lease, run, folder)
        lease.progress(done=0, total=0, message="Keeping the model")
        return checkpoints.keep(folder / "checkpoint", run=run, fence=lease.fence)
    except CheckpointError as error:
        raise JobFailed(str(error)) from error
    except OSError as error:
        if disk.is_full(error):  # trying again does not empty it
            raise JobFailed(disk.FULL) from error
        raise


# --- What the child reads -------------------------------------------------------------------------


def write_snapshot_of(lease: Lease, project: Project, keys: Sequence[str], folder: Path) -> None:
    """Write the gold answers to some questions below `folder`, and freeze the splits."""
    # What is frozen never changes its split, and only that is read: what is learned from is never
    # tested on. An import that ends from here on waits for the next training.
    splitting.freeze(project)
    lease.progress(done=0, total=0, message="Collecting gold answers")
    counts = dict.fromkeys(("train", "validation", "test"), 0)

    def examples() -> Iterator[Example]:
        for number, gold in enumerate(gold_examples(project, keys), start=1):
            counts[gold.split] += 1
            if number % 1000 == 0:
                lease.progress(done=number, message="Collecting gold answers")
            yield _example(gold)

    try:
        write_snapshot(folder / "snapshot.jsonl", examples())
    except SnapshotError as error:
        raise JobFailed(f"The gold answers cannot be used: {error}") from error
    lease.log("Gold answers of " + ", ".join(f"{n:,} {split}" for split, n in counts.items()))


def _example(gold: GoldExample) -> Example:
    answers = {key: answer_of(value) for key, value in gold.answers.items()}
    return Example(gold.review_id, gold.text, cast("Split", gold.split), answers, gold.product)


def _write_texts(lease: Lease, run: TrainingRun, folder: Path) -> None:
    # The settings are the child's to check: it says in its own words what is wrong with them.
    if wanted := int(run.config.get("pretraining_texts", 0)):
        seed = int(run.config.get("seed", 0))
        count = write_texts(folder / "texts.jsonl", run.project, count=wanted, seed=seed)
        lease.log(f"{count:,} texts to read without labels, none of the test split")


def _write_config(run: TrainingRun, folder: Path) -> None:
    config = {
        "train": run.config | device_here(),
        "features_dir": str(settings.FEATURES_DIR),
        "encoders_dir": str(settings.ENCODERS_DIR),
        "output_dir": str(folder / "checkpoint"),
        # Beside the attempts' own folders, so that the next one finds what this one had reached.
        "resume_dir": str(folder.parent / "resume"),
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


def device_here() -> dict[str, str]:
    """Return the device as this worker is configured: whoever asked may have no GPU, or another."""
    return {"device": settings.GLOSS_DEVICE}


# --- The child ----------------------------------------------------------------------------------


def _watch_child(lease: Lease, run: TrainingRun, folder: Path) -> None:
    story = _Story(lease, run)
    follow(lease, folder, story, look=story.stop_early)


class _Story(Story):
    """What the child tells of a training."""

    def __init__(self, lease: Lease, run: TrainingRun) -> None:
        super().__init__(lease)
        self.run = run
        self._has_epoch = False
        self._is_told_to_stop = False

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Take one event."""
        match name:
            case "epoch":
                self._epoch(event)
            case "finished":
                self.is_finished = True
            case _:
                super().take(name, event)

    def stop_early(self, child: Child) -> None:
        """Pass on that somebody wants the best so far, once there is one.

        A training that was killed after the wish begins again without a finished epoch.
        """
        if self._has_epoch and not self._is_told_to_stop and _is_stop_requested(self.run):
            child.signal(stopping.SIGNAL)
            self._is_told_to_stop = True
            self.log("Asked to stop early: the best so far is kept")

    def _epoch(self, event: dict[str, Any]) -> None:
        names = ("epoch", "train_loss", "validation_loss")
        with self.lease.effect():
            services.note_epoch(run=self.run, point={name: event.get(name) for name in names})
        self._has_epoch = True
        validation = event.get("validation_loss")
        beside = f", validation loss {validation:.4f}" if validation is not None else ""
        self.log(f"Epoch {event['epoch']}: training loss {event['train_loss']:.4f}{beside}")


def _is_stop_requested(run: TrainingRun) -> bool:
    return TrainingRun.objects.filter(pk=run.pk, is_stop_requested=True).exists()


# --- What the child has left ---------------------------------------------------------------------


def _register(lease: Lease, run: TrainingRun, kept: Kept) -> ModelVersion:
    with lease.effect():
        version = services.register_version(
            run=run, kept=kept, predictions=_test_predictions(kept, run)
        )
    lease.log(f"Kept as version {version.number}")
    return version


def _test_predictions(kept: Kept, run: TrainingRun) -> Iterator[tuple[int, dict[str, Any]]]:
    asked = {head.question for head in TrainConfig.from_json(run.config).heads}
    with (kept.path / "test_predictions.jsonl").open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            answers = {key: value for key, value in row["answers"].items() if key in asked}
            yield int(row["id"]), answers
