"""Explain a version's answer about one review, in a worker: gradients need torch."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from common.errors import Invalid, NotReady
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from ml import checkpoints, serving
from ml.core.errors import CoreError
from ml.core.explain import Explanation, explain
from ml.models import ModelVersion
from reviews.models import Review
from reviews.selectors import visible_reviews

KIND = "explain"
_DIGITS = 5


def start(
    *,
    version: ModelVersion,
    review: Review,
    question: str,
    actor: User | None,
    idempotency_key: str | None = None,
) -> Job:
    """Queue the explanation of a version's answer to a question about a review.

    Raises Invalid for a question that cannot be explained.
    """
    if question not in explainable(version):
        raise Invalid.of("question", f"Version {version.number} has no such answer to explain.")
    return enqueue(
        project=version.project,
        kind=KIND,
        actor=actor,
        params={"model_version": version.number, "review": review.pk, "question": question},
        idempotency_key=idempotency_key,
    )


def explainable(version: ModelVersion) -> list[str]:
    """Return the questions whose answers are one thing: all but spans."""
    rows = version.evaluations.exclude(kind="spans").order_by("pk")
    return list(rows.values_list("question_key", flat=True))


def jobs_of(version: ModelVersion, review: Review) -> QuerySet[Job]:
    """Return the explanations of a version's answers about a review, newest first."""
    mine = version.project.jobs.filter(
        kind=KIND, params__review=review.pk, params__model_version=version.number
    )
    return mine.order_by("-created_at")


def answers_in(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what a job has explained, one answer each, the likeliest first."""
    yield result
    # Explanations of earlier releases have one answer alone.
    yield from result.get("others", ())


def run(lease: Lease) -> dict[str, Any]:
    """Explain what the job names; the result is the likeliest answer's, with `others` beside it."""
    version = ModelVersion.objects.select_related("project").get(
        project_id=lease.job.project_id, number=lease.params["model_version"]
    )
    review = visible_reviews(version.project).filter(pk=lease.params["review"]).first()
    if review is None:
        raise JobFailed("The review is not there any more.")
    lease.progress(done=0, total=0, message="Going from the empty text to this one")
    try:
        serving.check_trusted(version)
        checkpoints.check_present(version)
        found = explain(
            checkpoints.directory_of(version),
            review.text,
            lease.params["question"],
            device=settings.GLOSS_DEVICE,
        )
    except NotReady as error:
        raise JobFailed(error.detail) from error
    except CoreError as error:
        raise JobFailed(str(error)) from error
    first, *others = map(_told, found)
    return first | {"others": others}


def _told(found: Explanation) -> dict[str, Any]:
    words = [
        [w.start, w.end, round(w.score, _DIGITS), w.attention and round(w.attention, _DIGITS)]
        for w in found.words
    ]
    told = {name: value for name, value in asdict(found).items() if name != "words"}
    return {**told, "gap": found.gap, "words": words}
