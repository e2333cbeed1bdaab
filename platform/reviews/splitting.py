"""Ask for splits to be drawn, and freeze them.

An import draws from the hash of each text at once; the job (reviews.drawing) then draws anew with
groups and strata. The first training freezes what there is, and nothing of it is drawn again:
reviews that come later join the split of those that they resemble.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from common.errors import Conflict, Invalid
from jobs.models import Job
from jobs.services import enqueue
from jobs.worker import run_here
from projects.models import Project
from reviews import strata
from reviews.models import Dataset
from reviews.splits import TRAIN_SHARE, VALIDATION_SHARE

KIND = "split"
DEFAULT_SHARES = (TRAIN_SHARE, VALIDATION_SHARE, 0.15)
_ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)
_MOST_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants a data set drawn. A question of None: the first that is answered."""

    question: str | None = None
    by_product: bool = False
    shares: tuple[float, float, float] = DEFAULT_SHARES
    seed: int = 0

    @classmethod
    def from_json(cls, params: dict[str, Any]) -> "Wishes":
        """Return the wishes that are written in a job."""
        train, validation, test = params["shares"]
        return cls(
            params["question"], params["by_product"], (train, validation, test), params["seed"]
        )


# --- Asking for a draw ----------------------------------------------------------------------------


def follow(dataset: Dataset) -> None:
    """Have the splits of a data set drawn that is shown from now on."""
    if dataset.kind != Dataset.Kind.SELECTION:
        with suppress(Conflict):  # it is asked for already
            _enqueue(dataset, Wishes(), actor=dataset.created_by)


@transaction.atomic
def redraw(*, dataset: Dataset, wishes: Wishes, actor: User | None) -> Job:
    """Queue a new draw; raises Conflict when the splits are fixed, Invalid for bad wishes."""
    # The row lock keeps this and a training that freezes the splits apart.
    Project.objects.select_for_update(no_key=True).get(pk=dataset.project_id)
    dataset.refresh_from_db()
    refusal = why_fixed(dataset)
    if refusal:
        raise Conflict(refusal)
    _check(dataset, wishes)
    return _enqueue(dataset, wishes, actor=actor)


def why_fixed(dataset: Dataset) -> str:
    """Say why a data set's splits cannot be drawn anew; empty when they can."""
    if dataset.splits_frozen_at is not None:
        return (
            f"The splits of {dataset.name} were frozen on {dataset.splits_frozen_at:%d %B %Y} by a "
            "training: drawn anew, models would be tested on what they have learned from. Reviews "
            "that you import from now on are drawn when they come."
        )
    if dataset.kind == Dataset.Kind.CLEANED:
        return f"The reviews of {dataset.name} are copies and have the splits of their originals."
    if dataset.kind == Dataset.Kind.SELECTION:
        return f"{dataset.name} points to reviews of other data sets, which have the splits."
    if not dataset.is_ready:
        return f"{dataset.name} is still being imported. Wait for its import."
    return ""


def _check(dataset: Dataset, wishes: Wishes) -> None:
    known = [each.key for each in strata.questions(dataset)]
    if wishes.question and wishes.question not in known:
        names = ", ".join(known) or "none yet"
        raise Invalid.of(
            "question",
            f"No review of {dataset.name} answers {wishes.question[:50]!r} with one option or a "
            f"number; questions with answers: {names}.",
        )
    if abs(sum(wishes.shares) - 1) > 1e-6 or min(wishes.shares) < 0.01:
        raise Invalid.of("shares", "The shares are at least 1 % each and 100 % together.")
    if not 0 <= wishes.seed < _MOST_SEEDS:
        raise Invalid.of("seed", f"A seed is a whole number from 0 to {_MOST_SEEDS - 1:,}.")


def _enqueue(dataset: Dataset, wishes: Wishes, *, actor: User | None) -> Job:
    return enqueue(
        project=dataset.project,
        kind=KIND,
        actor=actor,
        params={"dataset": dataset.pk, **asdict(wishes)},
        total=dataset.review_count,
        single_key=f"{KIND}-{dataset.pk}",
    )


# --- Freezing -------------------------------------------------------------------------------------


def freeze(project: Project) -> int:
    """Have no split of the project's data sets change from now on; return how many were frozen.

    Draws that were asked for are carried out first, here or by whoever has begun: a model never
    learns from splits that are about to change.
    """
    while True:
        for job in _active(project):
            run_here(job)
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            if _active(project):
                continue
            open_sets = project.datasets.filter(is_ready=True, splits_frozen_at__isnull=True)
            return open_sets.update(splits_frozen_at=timezone.now())


def _active(project: Project) -> list[Job]:
    return list(Job.objects.filter(project=project, kind=KIND, state__in=_ACTIVE).order_by("pk"))


def is_under_way(dataset: Dataset) -> bool:
    """Tell whether a draw of this data set waits or runs."""
    key = f"{KIND}-{dataset.pk}"
    jobs = Job.objects.filter(project=dataset.project_id, single_key=key, state__in=_ACTIVE)
    return jobs.exists()


def outcome(job: Job) -> tuple[str, str] | None:
    """Return the page of the data set that was drawn, for the page of the job."""
    dataset = job.project.datasets.filter(pk=job.params.get("dataset", 0), is_ready=True).first()
    if dataset is None:
        return None
    return "See the splits", reverse("reviews:dataset", args=[job.project.slug, dataset.pk])
