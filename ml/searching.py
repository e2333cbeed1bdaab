"""Try settings of the heads on a frozen encoder, in a worker; the trials are the job's result."""

import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts.models import User
from common.errors import Invalid
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from ml import runner, workplace
from ml.core import disk
from ml.core.config import Tier
from ml.core.space import MOST_TRIALS
from ml.following import Story, follow
from ml.planning import checked_config, plan_training
from ml.wishes import Wishes
from projects.models import Project

KIND: Final = "search"
USUAL_TRIALS: Final = 12


@transaction.atomic
def start_search(
    *,
    project: Project,
    actor: User | None,
    count: int = USUAL_TRIALS,
    wishes: Wishes | None = None,
    idempotency_key: str | None = None,
) -> Job:
    """Queue a search of settings; `wishes` name the questions and the encoder.

    Raises Invalid for an impossible number of trials, Conflict when nothing can be trained or a
    search is under way.
    """
    if not 2 <= count <= MOST_TRIALS:
        raise Invalid.of("count", f"Try from 2 to {MOST_TRIALS} settings.")
    asked = wishes or Wishes()
    only = Wishes(tier=Tier.FROZEN.value, encoder=asked.encoder, questions=asked.questions)
    config = checked_config(plan_training(project, only))
    return enqueue(
        project=project,
        kind=KIND,
        actor=actor,
        params={"config": config.to_json(), "count": count},
        idempotency_key=idempotency_key,
        single_key=KIND,
    )


def run(lease: Lease) -> dict[str, Any]:
    """Carry a search out; the result holds every trial and the number of the best."""
    try:
        folder = workplace.open_attempt(lease)
        story = _search(lease, folder)
    except OSError as error:
        if disk.is_full(error):
            raise JobFailed(disk.FULL) from error
        raise
    workplace.close(lease.job.pk)
    return {"trials": story.trials, "best": story.best}


def _search(lease: Lease, folder: Path) -> "_Story":
    config = lease.params["config"]
    keys = [head["question"] for head in config["heads"]]
    runner.write_snapshot_of(lease, lease.job.project, keys, folder)
    given = {
        "train": config | runner.device_here(),
        "search": lease.params["count"],
        "features_dir": str(settings.FEATURES_DIR),
        "encoders_dir": str(settings.ENCODERS_DIR),
        "output_dir": str(folder / "unused"),
    }
    (folder / "config.json").write_text(json.dumps(given), "utf-8")
    story = _Story(lease)
    follow(lease, folder, story)
    return story


class _Story(Story):
    """What the child tells of a search: its trials are kept."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(lease)
        self.trials: list[dict[str, Any]] = []
        self.best = 0

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Take one event."""
        match name:
            case "trial":
                self._trial({key: value for key, value in event.items() if key != "event"})
            case "searched":
                self.best = int(event["best"])
                self.is_finished = self.best > 0
            case _:
                super().take(name, event)

    def _trial(self, trial: dict[str, Any]) -> None:
        self.trials.append(trial)
        best = min(self.trials, key=lambda each: (each["score"], each["number"]))
        # The page shows what was tried so far; the end of the job says it once more.
        with self.lease.effect(result={"trials": self.trials, "best": best["number"]}):
            pass
        self.log(
            f"Trial {trial['number']}: rate {trial['learning_rate']:g}, hidden {trial['hidden']}, "
            f"dropout {trial['dropout']:g}: {trial['score']:.4f} in {trial['seconds']:.1f} s"
        )
