"""Open answered reviews to more people after an owner has asked for more answers.

A review opens by itself when it is answered; those that were answered before the change need
somebody to go over them (see labelling.walking).
"""

from collections.abc import Collection
from functools import partial
from typing import Any

from accounts.models import User
from jobs.kinds import Kind
from jobs.lease import Lease
from jobs.models import Job
from jobs.services import enqueue
from labelling import gold, seats, walking
from labelling.models import Adjudication, Annotation, OpenReview, QualityCheck
from projects.models import Project

KIND = Kind(
    name="overlap",
    label="Opening reviews to more people",
    queue="default",
    runner="labelling.overlap_job.run",
    max_attempts=10,
    remains="Some reviews are open to more people and some are not. Raise the overlap again.",
)


def request_opening(*, project: Project, actor: User | None) -> Job | None:
    """Enqueue the job, in the caller's transaction; None while nobody has answered anything.

    Raises Conflict while such a job is under way.
    """
    said = Annotation.objects.filter(project=project, is_check=False)
    if not said.exists():
        return None
    return enqueue(
        project=project,
        kind=KIND.name,
        actor=actor,
        total=said.count(),
        single_key=f"{KIND.name}:{project.pk}",
    )


def run(lease: Lease) -> dict[str, Any]:
    """Look at every review that somebody has answered by hand, slice by slice."""
    rows = Annotation.objects.filter(
        project=lease.job.project_id, is_check=False, import_job=None, bulk_action=None
    )
    return walking.over_reviews(
        lease, rows, partial(_open, lease.job.project_id), message="Opening reviews"
    )


def _open(project_id: int, review_ids: Collection[int]) -> None:
    """Open those that want more answers than they have; what is decided wants none."""
    project = Project.objects.get(pk=project_id)  # the owner may have changed it once more
    held = gold.hold_reviews(project, review_ids)
    settled = set(
        Adjudication.objects.filter(review__in=held, ended_at=None).values_list("review", flat=True)
    )
    settled |= set(QualityCheck.objects.filter(review__in=held).values_list("review", flat=True))
    settled |= set(OpenReview.objects.filter(review__in=held).values_list("review", flat=True))
    OpenReview.objects.bulk_create(
        OpenReview(project=project, review_id=review_id, cause=OpenReview.Cause.OVERLAP)
        for review_id, people in seats.answered(held).items()
        if review_id not in settled and len(people) < seats.wanted(project, review_id)
    )
