"""Ask for exports, find them, hand their files out, remove old ones."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid, NotReady, NotVisible
from jobs.models import Job
from jobs.services import enqueue, once
from projects.models import Project
from reviews import export_rows, labels, wanted
from reviews.export_rows import Rows
from reviews.files import path_of, sweep
from reviews.filters import apply_filters
from reviews.labels import LabelSource
from reviews.members import reviews_in
from reviews.models import Dataset, DatasetVersion, Export, Review
from reviews.selectors import dataset_of, visible_reviews
from reviews.wanted import NONE, Wanted, format_of

#: Files are kept this long; whoever needs one later exports again.
KEEP = timedelta(days=30)
FOLDER = "exports"


# --- Asking -----------------------------------------------------------------------------------


def request_export(
    *,
    project: Project,
    wish: Wanted,
    actor: User | None,
    idempotency_key: str | None = None,
) -> Export:
    """Queue an export; repeated with the same key, return what the first request started.

    Raises Invalid for what cannot be had, naming the field. Old files are removed on the way.
    """
    return once(
        before=lambda: export_of_key(project=project, actor=actor, key=idempotency_key),
        start=lambda: _request(project, checked(project, wish), actor, idempotency_key),
    )


@transaction.atomic
def _request(project: Project, wish: Wanted, actor: User | None, key: str | None) -> Export:
    job = enqueue(
        project=project,
        kind="export",
        actor=actor,
        params={"format": wish.format, "labels": wish.labels},
        idempotency_key=key,
    )
    export = Export.objects.create(
        project=project,
        created_by=actor,
        job=job,
        format=wish.format,
        params=wish.as_json(),
        file_name=_file_name(project, wish),
    )
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="export.requested",
        subject=export.file_name,
        **wish.as_json(),
    )
    transaction.on_commit(remove_old)
    return export


def checked(project: Project, wish: Wanted) -> Wanted:
    """Return the wish with its question named; raise Invalid for what cannot be had."""
    source = source_of(project, wish)
    wanted.check(wish, names_people=source is not None and source.names_people)
    if wish.version is not None:
        version_of(project, wish)
    else:
        reviews_of(project, wish)  # which raises for filters and data sets that do not exist
    if source is None:
        return wish
    question = wanted.question_of(wish, source.questions(project))
    return replace(wish, question=question.key if question else "")


def source_of(project: Project, wish: Wanted) -> LabelSource | None:
    """Return whose labels are wanted; None for nobody's."""
    if wish.labels == NONE:
        return None
    return labels.source_of(project, wish.labels, wish.label_settings)


def reviews_of(project: Project, wish: Wanted) -> QuerySet[Review]:
    """Return the reviews that are wanted, in no order."""
    if wish.dataset is None:
        return apply_filters(visible_reviews(project), project, wish.filters)
    dataset = ready_dataset(project, wish.dataset)
    reviews = reviews_in(dataset).filter(dataset__is_ready=True)
    return apply_filters(reviews, project, wish.filters)


def version_of(project: Project, wish: Wanted) -> DatasetVersion:
    """Return the version that is wanted; raise Invalid when it does not exist or is not whole."""
    dataset = ready_dataset(project, wish.dataset or 0)
    version = DatasetVersion.objects.filter(dataset=dataset, number=wish.version or 0).first()
    if version is None or not version.file:
        raise Invalid.of("version", f"{dataset.name} has no version {wish.version}.")
    return version


def rows_of(project: Project, wish: Wanted, source: LabelSource | None) -> Rows:
    """Return the reviews that are wanted with their labels."""
    if wish.version is None:
        return export_rows.of_reviews(project, reviews_of(project, wish), source)
    version = version_of(project, wish)
    return export_rows.of_version(version, path_of(version.file), has_gold=source is not None)


def ready_dataset(project: Project, dataset_id: int) -> Dataset:
    """Return a data set that can be exported; raise Invalid for any other."""
    try:
        dataset = dataset_of(project, dataset_id)
    except NotVisible:
        raise Invalid.of("dataset", f"The project has no data set {dataset_id}.") from None
    if not dataset.is_ready:
        raise Invalid.of("dataset", "This data set is still being made. Wait for its job.")
    return dataset


def _file_name(project: Project, wish: Wanted) -> str:
    parts = [project.slug]
    if wish.dataset is not None:
        parts.append(slugify(ready_dataset(project, wish.dataset).name)[:50] or str(wish.dataset))
    if wish.version is not None:
        parts.append(f"v{wish.version}")
    if wish.labels != NONE:
        parts.append(wish.labels)
    chosen = format_of(wish.format)
    if chosen.ending != chosen.key:
        parts.append(chosen.key)
    return f"{'-'.join(parts)}.{chosen.ending}"


# --- Finding ----------------------------------------------------------------------------------


def exports_of(project: Project) -> QuerySet[Export]:
    """Return the project's exports, newest first, with their jobs and who asked."""
    return (
        Export.objects.filter(project=project).select_related("job", "created_by").order_by("-id")
    )


def export_of(project: Project, export_id: int) -> Export:
    """Return one export of the project; raise NotVisible when there is none."""
    export = exports_of(project).filter(pk=export_id).first()
    if export is None:
        raise NotVisible
    return export


def export_of_key(*, project: Project, actor: User | None, key: str | None) -> Export | None:
    """Return what the same person asked for with the same idempotency key."""
    if not key:
        return None
    job = Job.objects.filter(created_by=actor, idempotency_key=key).first()
    if job is None:
        return None
    export = exports_of(project).filter(job=job).first()
    if export is None:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return export


def outcome_of_export(job: Job) -> tuple[str, str] | None:
    """Return where an export's file is, for the page of its job; None until it is there."""
    from django.urls import reverse

    export = Export.objects.select_related("project").filter(job=job).first()
    if export is None or not export.file:
        return None
    return "Download the file", reverse("reviews:exports", args=[export.project.slug])


# --- Files ------------------------------------------------------------------------------------


def download(*, export: Export, actor: User | None) -> Path:
    """Return the file of an export and write down who took it.

    Raises Conflict when it will not come any more and NotReady while it is being made.
    """
    if not export.file:
        job = export.job
        if job is not None and not job.is_finished:
            raise NotReady("The export is still being made. Ask again when its job has succeeded.")
        if job is not None and job.state == Job.State.SUCCEEDED:
            raise Conflict(f"Exports are kept for {KEEP.days} days. Export once more.")
        raise Conflict("The export has not ended well; its job says why. Export once more.")
    path = path_of(export.file)
    if not path.is_file():
        raise Conflict("The file is gone from this server. Export once more.")
    audit.record(
        actor=actor,
        project_id=export.project_id,
        action="export.downloaded",
        subject=export.file_name,
        export=export.pk,
        sha256=export.sha256,
    )
    return path


def remove_old() -> None:
    """Remove files that are older than KEEP, and files whose project has gone."""
    old = Export.objects.exclude(file="").filter(created_at__lt=timezone.now() - KEEP)
    for export in old[:100]:
        path_of(export.file).unlink(missing_ok=True)
        Export.objects.filter(pk=export.pk).update(file="")
    sweep(FOLDER, kept=set(Export.objects.exclude(file="").values_list("file", flat=True)))
