"""Read trainings, versions and predictions of a project."""

from typing import Any

from django.db.models import Min, Prefetch, QuerySet
from django.urls import reverse

from common.errors import Conflict, Invalid, NotVisible
from jobs.models import Job
from ml.models import Evaluation, ModelVersion, PredictionJob, Promotion, TrainingRun
from projects.models import Project


def champion_of(project: Project) -> ModelVersion | None:
    """Return the project's champion, its training loaded."""
    champions = ModelVersion.objects.select_related("project", "training_run")
    return champions.filter(project=project, is_champion=True).first()


def versions_of(project: Project) -> QuerySet[ModelVersion]:
    """Return the project's versions, newest first, with their training and evaluations."""
    return (
        ModelVersion.objects.filter(project=project)
        .select_related("project", "training_run", "training_run__created_by")
        .prefetch_related(
            # Details are large; only the page of one version reads them.
            Prefetch("evaluations", queryset=Evaluation.objects.defer("details"))
        )
        .order_by("-id")
    )


def version_of(project: Project, number: int) -> ModelVersion:
    """Return one version of the project; raise NotVisible when there is none."""
    version = versions_of(project).filter(number=number).first()
    if version is None:
        raise NotVisible(f"This project has no model version {number}.")
    return version


def promotions_of(project: Project) -> QuerySet[Promotion]:
    """Return the changes of the project's champion, newest first, with who made them."""
    return (
        Promotion.objects.filter(project=project)
        .select_related("model_version", "before", "actor")
        .order_by("-id")
    )


def earlier_champion(project: Project, champion: ModelVersion | None) -> ModelVersion | None:
    """Return the version to roll back to: the champion before the present one's first time.

    Going by first times, one step back after the other leads to the beginning, not in a circle.
    """
    if champion is None:
        return None
    crowned = (
        ModelVersion.objects.filter(project=project, state=ModelVersion.State.READY)
        .exclude(pk=champion.pk)
        .annotate(first_id=Min("promotions"))
    )
    first = Promotion.objects.filter(model_version=champion).order_by("id").first()
    if first is None:
        return None
    return crowned.filter(first_id__lt=first.pk).order_by("-first_id").first()


def version_to_ask(project: Project, number: int | None = None) -> ModelVersion:
    """Return the version called `number`, or the champion; raise Conflict when there is none."""
    if number is not None:
        return version_of(project, number)
    champion = champion_of(project)
    if champion is None:
        raise Conflict("This project has no model yet. An owner trains one under Models, Retrain.")
    return champion


def version_named(project: Project, number: str) -> ModelVersion | None:
    """Return the version whose number an address gives; None where it gives none.

    Raises Invalid for what is no number, NotVisible for one that no version has.
    """
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise Invalid(f"{number[:20]!r} is no number of a model version.")
    return version_of(project, int(number))


def runs_of(project: Project) -> QuerySet[TrainingRun]:
    """Return the project's trainings, newest first, with job, version and who asked."""
    return (
        TrainingRun.objects.filter(project=project)
        .select_related("job", "model_version", "created_by")
        .order_by("-id")
    )


def run_of(project: Project, number: int) -> TrainingRun:
    """Return one training of the project; raise NotVisible when there is none."""
    run = runs_of(project).filter(number=number).first()
    if run is None:
        raise NotVisible(f"This project has no training run {number}.")
    return run


def active_run_of(project: Project) -> TrainingRun | None:
    """Return the training that waits or runs, if there is one."""
    active = (Job.State.QUEUED, Job.State.RUNNING)
    return runs_of(project).filter(job__state__in=active).first()


def predictions_of(project: Project) -> QuerySet[PredictionJob]:
    """Return the project's bulk predictions, newest first, with what they speak of."""
    return (
        PredictionJob.objects.filter(project=project)
        .select_related(
            "project", "job", "model_version__training_run", "dataset", "upload", "created_by"
        )
        .order_by("-id")
    )


def prediction_of(project: Project, prediction_id: int) -> PredictionJob:
    """Return one bulk prediction of the project; raise NotVisible when there is none."""
    work = predictions_of(project).filter(pk=prediction_id).first()
    if work is None:
        raise NotVisible
    return work


def last_ranking_of(project: Project) -> Job | None:
    """Return the newest ranking of the project's queue."""
    return project.jobs.filter(kind="score").order_by("-created_at").first()


def evaluations_of(version: ModelVersion) -> list[Evaluation]:
    """Return the version's evaluations in the order in which its questions are asked."""
    place = {
        head["question"]: index
        for index, head in enumerate(version.training_run.config.get("heads", []))
    }
    rows = list(version.evaluations.all())
    return sorted(rows, key=lambda row: (place.get(row.question_key, len(place)), row.pk))


def details_of(version: ModelVersion) -> dict[str, dict[str, Any]]:
    """Return what charts show of every question; older versions have kept none of it."""
    rows = Evaluation.objects.filter(model_version=version).values_list("question_key", "details")
    return {key: details for key, details in rows if details}


def outcome_of_training(job: Job) -> tuple[str, str] | None:
    """Return where a training is looked at, for the page of its job."""
    run = TrainingRun.objects.select_related("project").filter(job=job).first()
    if run is None:
        return None
    return f"See training {run.number}", reverse("ml:run", args=[run.project.slug, run.number])


def outcome_of_search(job: Job) -> tuple[str, str] | None:
    """Return where the trials of a search are looked at, for the page of its job."""
    return "See the trials", reverse("ml:retrain", args=[job.project.slug])


def outcome_of_prediction(job: Job) -> tuple[str, str] | None:
    """Return where bulk predictions are downloaded, for the page of their job."""
    work = PredictionJob.objects.select_related("project").filter(job=job).first()
    if work is None:
        return None
    return "See the predictions", reverse("ml:prediction", args=[work.project.slug, work.pk])
