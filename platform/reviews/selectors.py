"""Read data sets and reviews: only what a project shows."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from common.errors import NotVisible
from jobs.models import Job
from projects.models import Project
from reviews.models import Dataset, ImportJob, RejectedRow, Review, Upload

#: Imports in these states have left nothing that anybody should see.
ENDED_BADLY = (Job.State.FAILED, Job.State.CANCELLED)


def visible_reviews(project: Project) -> QuerySet[Review]:
    """Return the reviews of the project's data sets that are ready: what everything else uses."""
    return Review.objects.filter(project=project, dataset__is_ready=True)


def review_of(project: Project, review_id: int) -> Review:
    """Return one visible review with its data set; raise NotVisible when there is none."""
    reviews = visible_reviews(project).select_related("dataset", "import_job__upload")
    review = reviews.filter(pk=review_id).first()
    if review is None:
        raise NotVisible
    return review


def datasets_of(project: Project) -> QuerySet[Dataset]:
    """Return the project's data sets, newest first, with who made them and their imports.

    Those whose import is under way are among them, those whose import failed are not.
    """
    ended = ImportJob.objects.filter(dataset=OuterRef("pk"), job__state__in=ENDED_BADLY)
    return (
        Dataset.objects.filter(Q(is_ready=True) | ~Exists(ended), project=project, removed_at=None)
        .select_related("created_by")
        .prefetch_related("imports__upload", "imports__job")
        .order_by("-id")
    )


def datasets_in_brief(project: Project, *, limit: int | None) -> list[Dataset]:
    """Return the newest data sets with who made them, for a list that says no more."""
    ended = ImportJob.objects.filter(dataset=OuterRef("pk"), job__state__in=ENDED_BADLY)
    rows = Dataset.objects.filter(
        Q(is_ready=True) | ~Exists(ended), project=project, removed_at=None
    )
    shown = rows.select_related("created_by").only(
        "name", "review_count", "is_ready", "created_at", "created_by__username"
    )
    return list(shown.order_by("-id")[:limit])


def dataset_of(project: Project, dataset_id: int) -> Dataset:
    """Return one data set of the project, ready or not; raise NotVisible when there is none."""
    dataset = datasets_of(project).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotVisible
    return dataset


def import_of(dataset: Dataset) -> ImportJob | None:
    """Return the import that made the data set, from what datasets_of has loaded."""
    return next(iter(dataset.imports.all()), None)


def upload_of(project: Project, upload_id: int) -> Upload:
    """Return one upload of the project; raise NotVisible when there is none."""
    upload = Upload.objects.filter(project=project, pk=upload_id).first()
    if upload is None:
        raise NotVisible
    return upload


def rejected_of(dataset: Dataset) -> QuerySet[RejectedRow]:
    """Return the rows that the data set's imports refused, in the order of the file."""
    return RejectedRow.objects.filter(import_job__dataset=dataset).order_by("row_number")


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rows that were refused for the same reason."""

    column: str
    reason: str
    count: int


def reject_groups(dataset: Dataset, *, limit: int = 20) -> list[RejectGroup]:
    """Return the commonest reasons for refusing rows of the data set."""
    groups = (
        rejected_of(dataset)
        .order_by()
        .values_list("column", "reason")
        .annotate(number=Count("id"))
        .order_by("-number", "column", "reason")[:limit]
    )
    return [RejectGroup(*group) for group in groups]


def outcome_of_import(job: Job) -> tuple[str, str] | None:
    """Return where an import's reviews are, or its file when it came to nothing; else None."""
    if job.state in ENDED_BADLY:
        return "Go on with the file", reverse("reviews:upload", args=[job.project.slug])
    work = ImportJob.objects.select_related("dataset__project").filter(job=job).first()
    if work is None or not work.dataset.is_ready:
        return None
    project = work.dataset.project
    return "See the data set", reverse("reviews:dataset", args=[project.slug, work.dataset_id])
