"""Versions of data sets: ask for one, find them, compare two, take their files away."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import Max, QuerySet
from django.urls import reverse
from django.utils.text import slugify

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid, NotReady, NotVisible
from common.text import normalise
from jobs.models import Job
from jobs.services import enqueue, once
from reviews import files
from reviews.files import path_of
from reviews.models import Dataset, DatasetVersion

KIND = "snapshot"
FOLDER = "versions"
MAX_NOTE = 300


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different in the later of two versions."""

    added_count: int
    removed_count: int
    changed_count: int


def request_version(
    *, dataset: Dataset, note: str, actor: User | None, idempotency_key: str | None = None
) -> DatasetVersion:
    """Queue an immutable snapshot of a data set; it has a file once its job has ended well.

    Raises Conflict while another one is being made or the data set is not ready.
    """
    return once(
        before=lambda: _version_of_key(dataset, actor, idempotency_key),
        start=lambda: _request(dataset, note, actor, idempotency_key),
    )


@transaction.atomic
def _request(dataset: Dataset, note: str, actor: User | None, key: str | None) -> DatasetVersion:
    note = normalise(note)
    if len(note) > MAX_NOTE:
        raise Invalid.of("note", f"A note has at most {MAX_NOTE} characters.")
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is still being made. Wait for its job.")
    # The row lock keeps two versions from getting one number.
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    job = enqueue(
        project=dataset.project,
        kind=KIND,
        actor=actor,
        params={"dataset": dataset.pk},
        total=dataset.review_count,
        idempotency_key=key,
        single_key=f"{KIND}-{dataset.pk}",
    )
    last = dataset.versions.aggregate(last=Max("number"))["last"]
    return DatasetVersion.objects.create(
        dataset=dataset, number=(last or 0) + 1, created_by=actor, job=job, note=note
    )


def _version_of_key(dataset: Dataset, actor: User | None, key: str | None) -> DatasetVersion | None:
    job = Job.objects.filter(created_by=actor, idempotency_key=key).first() if key else None
    if job is None:
        return None
    version = versions_of(dataset).filter(job=job).first()
    if version is None:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return version


# --- Finding --------------------------------------------------------------------------------------


def versions_of(dataset: Dataset) -> QuerySet[DatasetVersion]:
    """Return the versions of a data set, newest first, with their jobs and who asked."""
    rows = DatasetVersion.objects.filter(dataset=dataset)
    return rows.select_related("dataset__project", "job", "created_by").order_by("-number")


def version_of(dataset: Dataset, number: int) -> DatasetVersion:
    """Return one version of a data set; raise NotVisible when there is none."""
    version = versions_of(dataset).filter(number=number).first()
    if version is None:
        raise NotVisible
    return version


def file_of(version: DatasetVersion, *, actor: User | None) -> Path:
    """Return the file of a version and write down who took it; raise NotReady without one."""
    path = _present(version)
    audit.record(
        actor=actor,
        project_id=version.dataset.project_id,
        action="dataset_version.downloaded",
        subject=str(version),
        sha256=version.file_sha256,
    )
    return path


def _present(version: DatasetVersion) -> Path:
    if not version.file:
        raise NotReady(f"{version} is still being made. Ask again when its job has succeeded.")
    path = path_of(version.file)
    if not path.is_file():
        raise Conflict(f"The file of {version} is gone from this server.")
    return path


def file_name(version: DatasetVersion) -> str:
    """Return the name under which people keep the file."""
    name = slugify(version.dataset.name)[:60] or f"dataset-{version.dataset_id}"
    return f"{name}-v{version.number}.parquet"


def compare(earlier: DatasetVersion, later: DatasetVersion) -> Changes:
    """Count the reviews that came, went or changed from one version to the other."""
    if earlier.sha256 == later.sha256 and later.file:
        return Changes(0, 0, 0)
    # Loaded only where files are compared: it takes its time and its memory.
    from reviews.snapshot_files import compared

    return Changes(*compared(_present(earlier), _present(later)))


def outcome(job: Job) -> tuple[str, str] | None:
    """Return the page of the data set, for the page of the job."""
    version = DatasetVersion.objects.select_related("dataset__project").filter(job=job).first()
    if version is None or not version.file:
        return None
    slug = version.dataset.project.slug
    return "See the version", reverse("reviews:dataset", args=[slug, version.dataset_id])


# --- Files ----------------------------------------------------------------------------------------


def remove_files(dataset: Dataset) -> None:
    """Take the versions of a data set away that is about to go, and their files."""
    for version in DatasetVersion.objects.filter(dataset=dataset).exclude(file=""):
        path_of(version.file).unlink(missing_ok=True)
    DatasetVersion.objects.filter(dataset=dataset).delete()


def sweep() -> None:
    """Remove files whose data set has gone."""
    kept = set(DatasetVersion.objects.exclude(file="").values_list("file", flat=True))
    files.sweep(FOLDER, kept=kept)
