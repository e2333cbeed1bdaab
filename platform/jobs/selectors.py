"""Read jobs and who works on them."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from common.errors import NotVisible
from jobs import kinds
from jobs.models import Job, WorkerHeartbeat
from jobs.worker import FRESH
from projects.models import Project


def jobs_of(project: Project) -> QuerySet[Job]:
    """Return the project's jobs, newest first, with who asked for them."""
    return project.jobs.select_related("created_by").order_by("-created_at", "id")


def job_of(project: Project, job_id: UUID) -> Job:
    """Return one job of the project; raise NotVisible when there is none."""
    job = jobs_of(project).filter(pk=job_id).first()
    if job is None:
        raise NotVisible
    return job


def queues_with_workers() -> set[str]:
    """Return the queues that a living worker listens to."""
    fresh = timezone.now() - FRESH
    seen = WorkerHeartbeat.objects.filter(seen_at__gte=fresh).values_list("queue", flat=True)
    return set(seen)


def gpus_of(queue: str) -> list[str]:
    """Return the GPU of every living worker of a queue, empty for one that has none."""
    fresh = timezone.now() - FRESH
    listening = WorkerHeartbeat.objects.filter(queue=queue, seen_at__gte=fresh)
    return list(listening.order_by("name").values_list("gpu", flat=True))


def is_anybody_listening(job: Job) -> bool:
    """Tell whether a worker is there for this job's queue."""
    return job.queue in queues_with_workers()


@dataclass(frozen=True, slots=True)
class JobsSummary:
    """What the indicator in the top bar shows."""

    active_count: int
    is_stuck: bool


def summary_of(project: Project) -> JobsSummary:
    """Count what waits or runs, and whether something waits that nobody listens for."""
    active = list(
        project.jobs.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).values_list(
            "queue", flat=True
        )
    )
    return JobsSummary(active_count=len(active), is_stuck=bool(set(active) - queues_with_workers()))


def label_of(job: Job) -> str:
    """Return what people call this kind of job."""
    return kinds.get(job.kind).label


#: Results that people call by another word than the row does.
_RESULT_WORDS = {"rejected": "refused", "largest_group": "largest group"}


def results_of(job: Job) -> list[tuple[str, str]]:
    """Return what a job counted, as names and words; what has parts of its own is left out."""
    return [
        (_RESULT_WORDS.get(name, name.replace("_", " ")), f"{value:,}")
        for name, value in (job.result or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
