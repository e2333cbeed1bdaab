"""How fast a project is labelled, how much is left, and when it may be done."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from labelling import people
from labelling.forecast import Forecast, forecast
from labelling.models import OpenReview
from projects.models import Project
from reviews.models import Review
from reviews.selectors import visible_reviews

#: A million reviews are counted for it.
KEPT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Outlook:
    """Labels a day over the last whole days, and the forecast from the longer window."""

    #: Of the last 7 days and of the last 28, or as many as there are; None before the first ends.
    week_rate: float | None
    month_rate: float | None
    #: Of how many days the second one is, from the first label on.
    day_count: int
    left_count: int
    forecast: Forecast


def outlook(project: Project) -> Outlook:
    """Return the pace of a project and where it leads; today, being unfinished, is left out."""
    today = timezone.localdate()
    seen = people.labels_a_day(project, until=today, back=people.DAYS)
    first = min(seen, default=today)
    counts = [
        seen.get(today - timedelta(days=back), 0) for back in range(1, (today - first).days + 1)
    ]
    left = left_labels(project)
    return Outlook(
        week_rate=_rate(counts[:7]),
        month_rate=_rate(counts),
        day_count=len(counts),
        left_count=left,
        forecast=forecast(counts=counts, left_count=left, today=today),
    )


def _rate(counts: list[int]) -> float | None:
    return sum(counts) / len(counts) if counts else None


def left_labels(project: Project) -> int:
    """Return about how many labels are still to be given, some minutes old.

    Every waiting review wants one, and where several people answer as many more as the share
    drawn for them gives on average; a review that has been begun wants at least one.
    """
    key = f"labelling.left.{project.pk}"
    known: tuple[int, int] | None = cache.get(key)
    if known is None:
        waiting = visible_reviews(project).filter(is_labelled=False)
        fresh = waiting.exclude(split=Review.Split.TEST, is_control=False).order_by().count()
        begun = OpenReview.objects.filter(project=project).count()
        known = (fresh, begun)
        cache.set(key, known, KEPT_SECONDS)
    fresh, begun = known
    return round(fresh * (1 + project.overlap_share * (project.overlap_count - 1))) + begun
