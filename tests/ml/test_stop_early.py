"""A training that is stopped early keeps the best so far."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from ml.models import ModelVersion, TrainingRun
from reviews.models import Review
from tests.ml.conftest import finish, hold
from tests.ml_core import tiny

pytestmark = pytest.mark.django_db

RUN = "/projects/shop/models/runs/1/"


@pytest.fixture
def endless(
    labelled: list[Review], start: Callable[..., TrainingRun], tmp_path: Path
) -> TrainingRun:
    """Return a training of a tiny encoder that would go on for hours."""
    run = start()
    encoder = str(tiny.make_encoder(tmp_path / "tiny"))
    run.config |= {
        "tier": "frozen", "encoder": encoder, "layers": "upper", "max_tokens": 32, "device": "cpu",
        "epochs": 100_000, "patience": 100_000, "learning_rate": 1e-4, "head_learning_rate": 1e-3,
    }  # fmt: skip
    run.tier = "frozen"
    run.save()
    return run


def test_the_best_so_far_becomes_a_version(endless: TrainingRun) -> None:
    assert endless.job is not None
    TrainingRun.objects.update(is_stop_requested=True)

    job = finish(endless.job)

    version = ModelVersion.objects.get(training_run=endless)
    assert version.training_run.curve
    assert version.evaluations.exists()
    assert "stop early" in " ".join(job.log_lines.values_list("text", flat=True))


def test_only_what_runs_can_be_stopped_early(
    endless: TrainingRun, owner: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(owner)
    assert endless.job is not None
    waiting = browser.post(RUN + "stop/", follow=True).content.decode()
    assert "has not begun yet" in waiting
    hold(endless.job)
    assert "Stop now and keep the best" in browser.get(RUN).content.decode()

    page = browser.post(RUN + "stop/", follow=True).content.decode()
    browser.post(RUN + "stop/")

    endless.refresh_from_db()
    assert endless.is_stop_requested
    assert "Stopping early; the best so far is measured and kept." in page
    assert AuditEvent.objects.filter(action="training.stopped_early").count() == 1


def test_rest_refuses_to_stop_what_does_not_run(
    endless: TrainingRun, owner: User, api: Callable[..., APIClient]
) -> None:
    answer = api(owner).post("/api/v1/projects/shop/training-runs/1/stop/")

    assert answer.status_code == 409
    assert "Cancel it" in answer.json()["detail"]
