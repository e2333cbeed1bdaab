"""Start trainings, keep what they yield, predict in bulk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, GlossError, Invalid
from jobs.models import Job
from jobs.services import enqueue, once
from ml import checkpoints, inputs
from ml.champion import crown
from ml.checkpoints import Kept
from ml.core.config import HeadConfig, TrainConfig
from ml.models import (
    Evaluation,
    ModelVersion,
    Prediction,
    PredictionJob,
    Promotion,
    TrainingRun,
)
from ml.planning import TrainingPlan, checked_config
from ml.shapes import stored
from projects.models import Project
from reviews.files import open_upload
from reviews.models import Dataset, Review, Upload
from reviews.services import discard_upload, receive_upload

_BATCH = 500


# --- Training -----------------------------------------------------------------------------------


def start_training(
    *,
    project: Project,
    plan: TrainingPlan,
    actor: User | None,
    idempotency_key: str | None = None,
) -> TrainingRun:
    """Queue the training of a plan; repeated with the same key, return the run of the first time.

    Raises Conflict when the plan cannot be carried out or a training is already under way.
    """
    return once(
        before=lambda: _run_of_key(project, actor, idempotency_key),
        start=lambda: _start_training(project, plan, actor, idempotency_key),
    )


@transaction.atomic
def _start_training(
    project: Project, plan: TrainingPlan, actor: User | None, key: str | None
) -> TrainingRun:
    config = checked_config(plan)
    job = enqueue(
        project=project,
        kind="train",
        actor=actor,
        params={"tier": plan.tier.value, "encoder": plan.encoder},
        idempotency_key=key,
        single_key="train",
    )
    last = TrainingRun.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return TrainingRun.objects.create(
        project=project,
        number=(last or 0) + 1,
        job=job,
        created_by=actor,
        tier=plan.tier.value,
        encoder=plan.encoder,
        config=config.to_json(),
        schema_version=plan.schema_version,
    )


def _run_of_key(project: Project, actor: User | None, key: str | None) -> TrainingRun | None:
    job = _job_of_key(actor, key)
    if job is None:
        return None
    run = TrainingRun.objects.filter(job=job, project=project).first()
    if run is None:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return run


def _job_of_key(actor: User | None, key: str | None) -> Job | None:
    return Job.objects.filter(created_by=actor, idempotency_key=key).first() if key else None


@transaction.atomic
def stop_early(*, run: TrainingRun, actor: User | None) -> TrainingRun:
    """Have a running training end now and keep the best weights so far; twice changes nothing.

    Raises Conflict for one that has not finished an epoch or has ended: there is nothing to keep
    yet, or no more to stop.
    """
    job = Job.objects.select_for_update().filter(training_run=run).first()
    if job is None or job.is_finished:
        raise Conflict("This training has ended already.")
    if job.state != Job.State.RUNNING:
        raise Conflict("This training has not begun yet, so there is nothing to keep. Cancel it.")
    run.refresh_from_db()
    if not run.curve and not run.is_stop_requested:
        raise Conflict(
            "This training has not finished an epoch yet, so there is nothing to keep. Cancel it."
        )
    if TrainingRun.objects.filter(pk=run.pk, is_stop_requested=False).update(
        is_stop_requested=True
    ):
        audit.record(
            actor=actor,
            project_id=run.project_id,
            action="training.stopped_early",
            subject=str(run),
        )
    run.refresh_from_db()
    return run


def note_epoch(*, run: TrainingRun, point: dict[str, Any]) -> None:
    """Add a point to the loss curve, in the caller's transaction."""
    run.curve = [*run.curve, point]
    run.save(update_fields=["curve"])


def reset_run(*, run: TrainingRun) -> None:
    """Forget what an earlier attempt told about the run, in the caller's transaction."""
    run.curve = []
    run.save(update_fields=["curve"])


def register_version(
    *, run: TrainingRun, kept: Kept, predictions: Iterable[tuple[int, dict[str, Any]]]
) -> ModelVersion:
    """Write everything that a finished training yields, in the caller's transaction.

    The first version of a project becomes its champion; later ones wait to be promoted. One whose
    training diverged is kept in quarantine.
    """
    # The row lock keeps two registrations and a promotion of one project apart.
    project = Project.objects.select_for_update().get(pk=run.project_id)
    metrics = kept.metrics()
    version = _new_version(project, run, kept, fault=checkpoints.divergence(metrics))
    _note_end(run, kept, metrics)
    Evaluation.objects.bulk_create(_evaluations(version, metrics), batch_size=_BATCH)
    config = TrainConfig.from_json(run.config)
    store_predictions(version=version, heads=config.heads, rows=predictions)
    audit.record(
        actor=run.created_by,
        project_id=project.pk,
        action="model.registered",
        subject=str(version),
        training_run=run.number,
    )
    is_usable = version.state == ModelVersion.State.READY
    if is_usable and not ModelVersion.objects.filter(project=project, is_champion=True).exists():
        crown(version, kind=Promotion.Kind.FIRST, actor=None)
    return version


def _new_version(project: Project, run: TrainingRun, kept: Kept, *, fault: str) -> ModelVersion:
    last = ModelVersion.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return ModelVersion.objects.create(
        project=project,
        number=(last or 0) + 1,
        training_run=run,
        tier=run.tier,
        encoder=run.encoder,
        directory=kept.name,
        manifest_sha256=kept.manifest_sha256,
        state=ModelVersion.State.QUARANTINED if fault else ModelVersion.State.READY,
        quarantine_reason=fault,
    )


def _note_end(run: TrainingRun, kept: Kept, metrics: dict[str, Any]) -> None:
    run.finished_at = timezone.now()
    run.snapshot_hash = str(kept.manifest.get("snapshot_sha256", ""))
    run.counts = metrics["counts"]
    run.curve = metrics["curve"]
    run.seconds = metrics["seconds"]["total"]
    run.save(update_fields=["finished_at", "snapshot_hash", "counts", "curve", "seconds"])


def _evaluations(version: ModelVersion, metrics: dict[str, Any]) -> Iterator[Evaluation]:
    for key, measured in metrics["questions"].items():
        question = {name: value for name, value in measured.items() if name != "details"}
        yield Evaluation(
            model_version=version,
            question_key=key,
            kind=question["kind"],
            example_count=question["n"],
            metrics=question,
            details=measured.get("details", {}),
        )


def store_predictions(
    *,
    version: ModelVersion,
    heads: Iterable[HeadConfig],
    rows: Iterable[tuple[int, dict[str, Any]]],
) -> int:
    """Keep predictions about reviews of the version's project; what is there already stays.

    A version answers the same text always alike, so repeating changes nothing.
    """
    by_key = {head.question: head for head in heads}
    given = dict(rows)
    known = _known_reviews(version.project_id, given)
    made = [
        _prediction(version, review_id, by_key[key], value)
        for review_id, answers in given.items()
        if review_id in known
        for key, value in answers.items()
    ]
    Prediction.objects.bulk_create(made, batch_size=_BATCH, ignore_conflicts=True)
    return len(made)


def _known_reviews(project_id: int, wanted: Iterable[int]) -> set[int]:
    ids, known = list(wanted), set[int]()
    for start in range(0, len(ids), _BATCH):
        chunk = ids[start : start + _BATCH]
        found = Review.objects.filter(project_id=project_id, pk__in=chunk)
        known.update(found.values_list("pk", flat=True))
    return known


def _prediction(version: ModelVersion, review_id: int, head: HeadConfig, value: Any) -> Prediction:
    parts = stored(head, value)
    return Prediction(
        model_version=version,
        review_id=review_id,
        question_key=head.question,
        option=parts.option[:100],
        number=parts.number,
        confidence=parts.confidence,
        value=value,
    )


# --- Bulk predictions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """What to predict: a data set, or a file and the column of its text."""

    dataset: Dataset | None = None
    upload: Upload | None = None
    text_column: str = ""


def start_prediction(
    *,
    project: Project,
    version: ModelVersion,
    source: Source,
    actor: User | None,
    idempotency_key: str | None = None,
) -> PredictionJob:
    """Queue a version's predictions about a data set or a file.

    Raises Conflict for a version whose files cannot be trusted.
    """
    return once(
        before=lambda: prediction_of_key(project=project, actor=actor, key=idempotency_key),
        start=lambda: _start_prediction(project, version, source, actor, idempotency_key),
    )


@transaction.atomic
def _start_prediction(
    project: Project,
    version: ModelVersion,
    source: Source,
    actor: User | None,
    key: str | None,
) -> PredictionJob:
    if version.state != ModelVersion.State.READY:
        name = str(version).capitalize()
        raise Conflict(
            f"{name} is in quarantine; choose another version. {version.quarantine_reason}".strip()
        )
    if source.dataset is not None and not source.dataset.is_ready:
        raise Invalid.of("dataset", "This data set is still being imported. Wait for its import.")
    job = enqueue(
        project=project,
        kind="predict",
        actor=actor,
        params={"model_version": version.number},
        idempotency_key=key,
    )
    return PredictionJob.objects.create(
        project=project,
        job=job,
        model_version=version,
        created_by=actor,
        dataset=source.dataset,
        upload=source.upload,
        text_column=source.text_column,
    )


def start_file_prediction(
    *,
    project: Project,
    version: ModelVersion,
    file: File[bytes],
    column: str = "",
    actor: User | None,
    idempotency_key: str | None = None,
) -> PredictionJob:
    """Take a file in and queue a version's predictions about it; `column` may be left to us.

    Raises Invalid when the file cannot be read or has no such column; then nothing is kept.
    """
    inputs.format_of(file.name or "")
    upload = receive_upload(project=project, file=file, actor=actor)
    try:
        with open_upload(upload) as binary:
            found = inputs.text_column(binary, name=upload.original_name, wanted=column)
        work = start_prediction(
            project=project,
            version=version,
            source=Source(upload=upload, text_column=found),
            actor=actor,
            idempotency_key=idempotency_key,
        )
    except GlossError:
        discard_upload(upload=upload)
        raise
    if work.upload_id != upload.pk:  # the file came twice at once; the first one is in use
        discard_upload(upload=upload)
    return work


def prediction_of_key(
    *, project: Project, actor: User | None, key: str | None
) -> PredictionJob | None:
    """Return what the same person started with the same idempotency key."""
    job = _job_of_key(actor, key)
    if job is None:
        return None
    work = PredictionJob.objects.filter(job=job, project=project).first()
    if work is None:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return work
