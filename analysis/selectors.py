"""What the overview says: how far we are, what to do next, how good the champion is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import AuditEvent
from jobs.models import Job
from jobs.selectors import label_of, queues_with_workers
from labelling.models import Annotation
from ml.models import ModelVersion
from projects.models import Membership, Project
from reviews.selectors import visible_reviews

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far labelling is, and when it would be done at last week's pace."""

    review_count: int
    labelled_count: int
    last_week_count: int
    annotator_count: int

    @property
    def days_left(self) -> float | None:
        """Return how many days the rest would take; None without a pace."""
        if not self.last_week_count:
            return None
        return (self.review_count - self.labelled_count) / (self.last_week_count / 7)


def progress_of(project: Project) -> Progress:
    """Count reviews, labelled ones, and last week's annotations.

    Those that an import brought or that were given to many reviews at once say nothing about how
    fast people label.
    """
    reviews = visible_reviews(project)
    recent = Annotation.objects.filter(
        project=project,
        created_at__gte=timezone.now() - WEEK,
        import_job=None,
        bulk_action=None,
    )
    return Progress(
        # Kept by the imports: nothing counts a million rows to draw a page.
        review_count=sum(
            project.datasets.filter(is_ready=True).values_list("review_count", flat=True)
        ),
        labelled_count=reviews.filter(is_labelled=True).count(),
        last_week_count=recent.count(),
        annotator_count=recent.values("annotator").distinct().count(),
    )


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing that this person should do now."""

    text: str
    label: str
    url_name: str


def next_step(
    membership: Membership, progress: Progress, champion: ModelVersion | None
) -> NextStep | None:
    """Choose the next action by role and by what the project lacks."""
    if not progress.review_count:
        if membership.can_analyse:
            return NextStep("There are no reviews yet.", "Upload reviews", "reviews:upload")
        return None
    if membership.can_own and champion is None and progress.labelled_count >= 50:
        text = f"{progress.labelled_count:,} reviews are labelled and no model has learned yet."
        return NextStep(text, "Retrain", "ml:retrain")
    left = progress.review_count - progress.labelled_count
    if left <= 0:
        return NextStep("Every review is labelled.", "See insights", "analysis:insights")
    text = "One review has no label yet." if left == 1 else f"{left:,} reviews have no label yet."
    if membership.can_label:
        return NextStep(text, "Start labelling", "labelling:label")
    return NextStep(text, "See insights", "analysis:insights")


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A job under way and whether somebody listens for it."""

    job: Job
    label: str
    is_heard: bool


def active_jobs(project: Project) -> list[ActiveJob]:
    """Return what waits or runs, oldest first."""
    listening = queues_with_workers()
    active = project.jobs.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])
    return [
        ActiveJob(job, label_of(job), job.queue in listening)
        for job in active.order_by("created_at")[:10]
    ]


#: What an action is called when people read it; what is not here is not news.
_SAID = {
    "project.created": "made the project",
    "project.renamed": "renamed the project to",
    "dataset.created": "uploaded",
    "member.set": "gave a role to",
    "member.removed": "removed",
    "token.created": "made the token",
    "token.revoked": "revoked the token",
    "questions.changed": "changed the questions:",
    "model.registered": "trained",
    "model.promoted": "promoted",
    "job.train.requested": "asked for a training",
    "job.predict.requested": "asked for predictions",
    "job.cancelled": "cancelled a job",
}
_NAMELESS = frozenset({"job.train.requested", "job.predict.requested", "job.cancelled"})


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened, in words."""

    who: str
    did: str
    subject: str
    at: datetime


def recent_changes(project: Project) -> list[Change]:
    """Return what changed lately, newest first; labels are too many to list."""
    events = AuditEvent.objects.select_related("actor").filter(
        project=project, action__in=list(_SAID)
    )
    return [
        Change(
            who=event.actor.get_username() if event.actor else "Gloss",
            did=_SAID[event.action],
            subject="" if event.action in _NAMELESS else event.subject,
            at=event.at,
        )
        for event in events.order_by("-id")[:8]
    ]
