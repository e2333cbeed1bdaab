"""What the training page shows of the last search of settings."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from jobs.models import Job
from jobs.selectors import is_anybody_listening
from labelling.selectors import current_schema
from ml.core import encoders
from ml.searching import KIND
from projects.models import Project


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One setting and what it reached."""

    number: int
    learning_rate: float
    hidden: int
    dropout: float
    score: float
    #: One loss a question, None where it has no validation answers.
    losses: tuple[float | None, ...]
    seconds: float
    is_best: bool
    #: Where a training with this setting is planned.
    url: str


@dataclass(frozen=True, slots=True)
class SearchPanel:
    """The last search of a project."""

    job: Job
    is_heard: bool = True
    questions: tuple[str, ...] = ()
    #: The best first.
    rows: tuple[TrialRow, ...] = ()


def last_search(project: Project) -> SearchPanel | None:
    """Return the newest search of the project with its trials, if there was one."""
    job = project.jobs.filter(kind=KIND).order_by("-created_at").first()
    if job is None:
        return None
    trials: list[dict[str, Any]] = job.result.get("trials", [])
    keys = [head["question"] for head in job.params["config"]["heads"]]
    names = {each.key: each.name for each in current_schema(project).questions}
    rows = [_row(project, job, trial, keys) for trial in trials]
    return SearchPanel(
        job=job,
        is_heard=job.is_finished or is_anybody_listening(job),
        questions=tuple(names.get(key, key) for key in keys),
        rows=tuple(sorted(rows, key=lambda row: (row.score, row.number))),
    )


def _row(project: Project, job: Job, trial: dict[str, Any], keys: list[str]) -> TrialRow:
    config = job.params["config"]
    known = {settings.GLOSS_ENCODER, *(each.name for each in encoders.catalogue())}
    chosen = {
        "tier": "frozen",
        "encoder" if config["encoder"] in known else "other_encoder": config["encoder"],
        "questions": keys,
        **{name: trial[name] for name in ("learning_rate", "hidden", "dropout")},
    }
    # While the search goes on nothing is best yet.
    best = job.result.get("best") if job.is_finished else None
    address = reverse("ml:retrain", args=[project.slug])
    return TrialRow(
        **{
            name: trial[name]
            for name in ("number", "learning_rate", "hidden", "dropout", "score", "seconds")
        },
        losses=tuple(trial["per_question"].get(key) for key in keys),
        is_best=trial["number"] == best,
        url=f"{address}?{urlencode(chosen, doseq=True)}",
    )
