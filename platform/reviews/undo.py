"""Undo an import, or whatever else made a data set: hidden at once, removed by a job.

A killed job goes on where it stopped: every slice is gone or not, and what an import changed in
reviews of others is put back before the memory of it goes.
"""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid
from common.text import normalise
from jobs.lease import Lease
from jobs.models import Job
from jobs.services import enqueue
from projects.models import Project
from reviews import removal, resumable, snapshots
from reviews.answers import AnswerSink, sink_for
from reviews.models import Dataset, ImportJob, Review, ReviewChange

KIND = "undo-import"
_CHANGES = 500
_SAID = 2_000


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be gone with a data set."""

    review_count: int
    #: What people have said since: annotations, and how many people.
    annotation_count: int
    annotator_count: int
    #: Selections that point to its reviews.
    selection_count: int
    #: Reviews of others that its import renewed, which would be as they were before.
    restored_count: int

    @property
    def needs_name(self) -> bool:
        """Tell whether somebody's work would be lost: then the name has to be typed."""
        return self.annotation_count > 0


def loss_of(dataset: Dataset) -> Loss:
    """Count what undoing would take away."""
    is_selection = dataset.kind == Dataset.Kind.SELECTION
    annotations, annotators = (0, 0) if is_selection else _said_since(dataset)
    selections = Dataset.objects.filter(
        project=dataset.project_id, kind=Dataset.Kind.SELECTION, removed_at=None
    ).exclude(pk=dataset.pk)
    pointing = selections.filter(selected_reviews__review__dataset=dataset).distinct()
    return Loss(
        review_count=dataset.review_count,
        annotation_count=annotations,
        annotator_count=annotators,
        selection_count=0 if is_selection else pointing.count(),
        restored_count=ReviewChange.objects.filter(import_job__dataset=dataset).count(),
    )


def _said_since(dataset: Dataset) -> tuple[int, int]:
    return sink_for(dataset.project).said_since(dataset.pk)


def start_undo(
    *, project: Project, dataset: Dataset, actor: User | None, typed_name: str = ""
) -> Job:
    """Hide a data set at once and enqueue the job that removes it.

    Its name is free from then on. Raises Conflict while it is being made or gone already, Invalid
    when people's work would be lost and the name was not typed.
    """
    with transaction.atomic():
        hidden = Dataset.objects.filter(pk=dataset.pk, is_ready=True, removed_at=None).update(
            is_ready=False,
            removed_at=timezone.now(),
            name=_free_name(dataset),
        )
        if not hidden:
            raise Conflict(
                "The data set is still being made, or somebody has removed it. "
                "To stop an import, cancel its job."
            )
        # Counted once it is hidden: nobody labels its reviews from here on (see hold_shown).
        loss = loss_of(dataset)
        if loss.needs_name and normalise(typed_name) != dataset.name:
            raise Invalid.of(
                "name",
                f"{loss.annotation_count:,} annotations would be lost with it. "
                f"Type the data set's name, {dataset.name}, to go on.",
            )
        audit.record(
            actor=actor,
            project_id=project.pk,
            action="dataset.removed",
            subject=dataset.name,
            review_count=dataset.review_count,
            annotation_count=loss.annotation_count,
        )
        return enqueue(
            project=project,
            kind=KIND,
            actor=actor,
            params={
                "dataset": dataset.pk,
                "name": dataset.name,
                "restored": loss.restored_count,
                "uploads": list(dataset.imports.values_list("upload_id", flat=True)),
            },
            total=dataset.review_count,
            single_key=f"{KIND}-{dataset.pk}",
        )


def _free_name(dataset: Dataset) -> str:
    """Return a name for a removed data set that nobody has given to another."""
    name = f"{dataset.name[:50]} (removed {dataset.pk})"
    if Dataset.objects.filter(project=dataset.project_id, name=name).exists():
        name = f"{name} {uuid.uuid4().hex[:12]}"
    return name


def run(lease: Lease) -> dict[str, Any]:
    """Remove the data set of a job, slice by slice; doing it again goes on."""
    dataset = Dataset.objects.select_related("project").filter(pk=lease.params["dataset"]).first()
    # A worker that died may have done all but throw the file away and say so.
    if dataset is not None and dataset.removed_at is not None:
        _remove(dataset, list(dataset.imports.all()), _Fenced(lease))
    resumable.discard_unused(upload_ids=lease.params.get("uploads", []))
    return _result(lease)


def _result(lease: Lease) -> dict[str, Any]:
    params = lease.params
    removed, restored = lease.job.total_count, params.get("restored", 0)
    return {"name": params["name"], "removed": removed, "restored": restored}


def discard(dataset: Dataset) -> None:
    """Remove a data set that was never shown, at once; the file that it came from stays."""
    _remove(dataset, list(dataset.imports.all()), _Plain())


class _Plain:
    """Effects of whoever has no job: a transaction each."""

    def effect(self, message: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return transaction.atomic()

    def advance(self, count: int) -> None:
        pass


class _Fenced:
    """Effects of a job: its fence is checked first, and whether it should stop after each."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    @contextmanager
    def effect(self, message: str) -> Iterator[None]:
        with self._lease.effect(message=message):
            yield
        self._lease.check()

    def advance(self, count: int) -> None:
        self._lease.advance(count)


def _remove(dataset: Dataset, works: list[ImportJob], steps: _Plain | _Fenced) -> None:
    """Take everything of a data set away."""
    sink = sink_for(dataset.project)
    for work in works:
        _restore(steps, sink, work)
    with steps.effect("Removing reviews"):
        removal.let_go_of_copies(dataset)
    _remove_reviews(steps, dataset)
    for work in works:
        _remove_said(steps, sink, work)
    with steps.effect("Removing the data set"):
        snapshots.remove_files(dataset)
        dataset.delete()


def _restore(steps: _Plain | _Fenced, sink: AnswerSink, work: ImportJob) -> None:
    """Put back what the import changed in reviews of other data sets."""
    changes = ReviewChange.objects.filter(import_job=work).order_by("pk")
    while some := list(changes.select_related("review")[:_CHANGES]):
        with steps.effect("Putting back what was there before"):
            for change in some:
                _put_back(change.review, change.before)
            Review.objects.bulk_update(
                [change.review for change in some],
                ["metadata", "product", "author", "reviewed_at"],
            )
            sink.restore([(each.review_id, each.before.get("answers", {})) for each in some])
            ReviewChange.objects.filter(pk__in=[each.pk for each in some]).delete()


def _put_back(review: Review, before: dict[str, Any]) -> None:
    review.metadata = before["metadata"]
    review.product, review.author = before["product"], before["author"]
    day = before["reviewed_at"]
    review.reviewed_at = date.fromisoformat(day) if day else None


def _remove_reviews(steps: _Plain | _Fenced, dataset: Dataset) -> None:
    count = 1
    while count:
        with steps.effect("Removing reviews"):
            count = removal.remove_slice(dataset)
            steps.advance(count)


def _remove_said(steps: _Plain | _Fenced, sink: AnswerSink, work: ImportJob) -> None:
    """Take away what the import's annotators said about reviews of other data sets."""
    count = _SAID
    while count:
        with steps.effect("Removing labels"):
            count = sink.remove_said(work.pk, limit=_SAID)
