"""Carry a training out in a worker: rows to files, a child process, files back to rows.

Whatever the moment at which this process is killed, the next attempt ends in the same rows: the
checkpoint appears below the models folder by one rename, and everything about it is written in
one transaction under the job's fence.
"""

import json
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import structlog
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
from ml.models import ModelVersion, TrainingRun
from projects.models import Project
from reviews import splitting

log = structlog.get_logger("jobs")

_LOOK_SECONDS = 1.0
_PROGRESS_SECONDS = 0.5
_MOST_LOG_LINES = 500


class ChildKilled(Exception):
    """The training process was ended by a signal that was not ours; it is tried again."""

    def __init__(self, number: int) -> None:
        self.number = number
        name = signal.Signals(number).name if number in list(signal.Signals) else str(number)
        super().__init__(
            f"The training process was ended from outside ({name}); when that was for want of "
            "memory, a smaller batch size or fewer tokens help."
        )


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
    # From here on no review changes its split: what is learned from is never tested on.
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


def _write_config(run: TrainingRun, folder: Path) -> None:
    config = {
        "train": run.config,
        "features_dir": str(settings.FEATURES_DIR),
        "encoders_dir": str(settings.ENCODERS_DIR),
        "output_dir": str(folder / "checkpoint"),
        # Beside the attempts' own folders, so that the next one finds what this one had reached.
        "resume_dir": str(folder.parent / "resume"),
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


# --- The child ----------------------------------------------------------------------------------


def _watch_child(lease: Lease, run: TrainingRun, folder: Path) -> None:
    story = _Story(lease, run)
    errors = folder / "errors.log"
    with Child("ml.core.child", str(folder), root=settings.ROOT, errors=errors) as child:
        lease.log(f"Learning in process {child.pid}")
        looked_at = 0.0
        for line in child.lines(every=_LOOK_SECONDS):
            if time.monotonic() - looked_at >= _LOOK_SECONDS:
                # Asked here and not left to the heartbeat, so that a cancel takes a second.
                lease.extend()
                looked_at = time.monotonic()
                _stop_early(run, child, story)
            lease.check()
            if line:
                story.tell(line)
        status = child.wait()
        words = child.last_words()
    judge(status, words, is_finished=story.is_finished, error=story.error)


def _stop_early(run: TrainingRun, child: Child, story: "_Story") -> None:
    """Pass on that somebody wants the best so far, once the child listens: it speaks then."""
    if story.has_begun and not story.is_told_to_stop and _is_stop_requested(run):
        child.signal(stopping.SIGNAL)
        story.stop()


def _is_stop_requested(run: TrainingRun) -> bool:
    return TrainingRun.objects.filter(pk=run.pk, is_stop_requested=True).exists()


def judge(status: int, words: str, *, is_finished: bool, error: str) -> None:
    """Raise what the end of a learning process means, where it did not finish."""
    if status == 0 and is_finished:
        return
    if error:
        raise JobFailed(error)
    if status < 0:
        raise ChildKilled(-status)
    log.error("training_child_failed", status=status, words=words)
    last = words.rpartition("\n")[2] or "it said nothing"
    raise JobFailed(f"The training process ended with status {status}: {last[:500]}")


@dataclass
class _Story:
    """What the child tells, passed on to the job's page."""

    lease: Lease
    run: TrainingRun
    is_finished: bool = False
    error: str = ""
    has_begun: bool = False
    is_told_to_stop: bool = False
    _told_at: float = 0.0
    _log_count: int = 0

    def tell(self, line: str) -> None:
        """Take one line; what is no event goes to the log as it is."""
        try:
            event = json.loads(line)
            name = event["event"]
        except (ValueError, TypeError, KeyError):
            self._log(line)
            return
        match name:
            case "stage":
                self.has_begun = True
                self._log(event["message"])
                self.lease.progress(done=0, total=0, message=event["message"])
            case "progress":
                self._progress(event)
            case "epoch":
                self._epoch(event)
            case "finished":
                self.is_finished = True
            case "error":
                self.error = str(event["message"])

    def stop(self) -> None:
        """Note that the child was told to end early."""
        self.is_told_to_stop = True
        self._log("Asked to stop early: the best so far is kept")

    def _progress(self, event: dict[str, Any]) -> None:
        is_last = event["done"] >= event["total"]
        if not is_last and time.monotonic() - self._told_at < _PROGRESS_SECONDS:
            return
        self._told_at = time.monotonic()
        self.lease.progress(done=event["done"], total=event["total"], message=event["message"])

    def _epoch(self, event: dict[str, Any]) -> None:
        names = ("epoch", "train_loss", "validation_loss")
        with self.lease.effect():
            services.note_epoch(run=self.run, point={name: event.get(name) for name in names})
        validation = event.get("validation_loss")
        beside = f", validation loss {validation:.4f}" if validation is not None else ""
        self._log(f"Epoch {event['epoch']}: training loss {event['train_loss']:.4f}{beside}")

    def _log(self, text: str) -> None:
        self._log_count += 1
        if self._log_count <= _MOST_LOG_LINES:
            self.lease.log(text)


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
