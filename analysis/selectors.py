"""What the overview says: how far we are, what to do next, how good the champion is."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.models import AuditEvent
from jobs.models import Job
from jobs.selectors import queues_with_workers
from labelling.models import Annotation
from ml.models import ModelVersion
from projects.models import Membership, Project
from reviews.models import Review

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
    """Count reviews, labelled ones, and last week's annotations."""
    reviews = Review.objects.filter(project=project, dataset__is_ready=True)
    recent = Annotation.objects.filter(project=project, created_at__gte=timezone.now() - WEEK)
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
class Quality:
    """The champion's headline for one question, beside the baselines'."""

    question: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    majority: float | None
    tfidf: float | None


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in force and how good it is."""

    version: ModelVersion
    qualities: list[Quality]


def champion_of(project: Project) -> Champion | None:
    """Return the champion with its measures; None before the first training."""
    version = project.model_versions.filter(is_champion=True).first()
    if version is None:
        return None
    rows = version.evaluations.order_by("id")
    return Champion(version, [_quality(row.question_key, row.metrics) for row in rows])


def _quality(question: str, metrics: dict[str, object]) -> Quality:
    def headline(part: object) -> dict[str, float | str | None]:
        found = part.get("headline") if isinstance(part, dict) else None
        return found if isinstance(found, dict) else {}

    baselines = metrics.get("baselines")
    baselines = baselines if isinstance(baselines, dict) else {}
    model = headline(metrics.get("model"))
    return Quality(
        question=question,
        name=str(model.get("name") or ""),
        value=_number(model.get("value")),
        low=_number(model.get("low")),
        high=_number(model.get("high")),
        n=int(_number(model.get("n")) or 0),
        majority=_number(headline(baselines.get("majority")).get("value")),
        tfidf=_number(headline(baselines.get("tfidf")).get("value")),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing that this person should do now."""

    text: str
    label: str
    url_name: str


def next_step(
    membership: Membership, progress: Progress, champion: Champion | None
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
    if membership.can_label and left:
        text = f"{left:,} reviews have no label yet."
        return NextStep(text, "Start labelling", "labelling:label")
    return NextStep("Every review is labelled.", "See insights", "analysis:insights")


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A job under way and whether somebody listens for it."""

    job: Job
    is_heard: bool


def active_jobs(project: Project) -> list[ActiveJob]:
    """Return what waits or runs, oldest first."""
    listening = queues_with_workers()
    active = project.jobs.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])
    return [ActiveJob(job, job.queue in listening) for job in active.order_by("created_at")[:10]]


def recent_changes(project: Project) -> list[AuditEvent]:
    """Return what changed lately, newest first; labels are too many to list."""
    events = AuditEvent.objects.select_related("actor").filter(project=project)
    return list(
        events.exclude(action__startswith="annotation.")
        .exclude(action__startswith="assignment.")
        .order_by("-id")[:8]
    )
