"""A training that is stopped early keeps the best so far."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from ml.models import ModelVersion, TrainingRun
from ml.services import note_epoch
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


def test_the_best_so_far_becomes_a_version(
    endless: TrainingRun, owner: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(owner)
    assert endless.job is not None
    TrainingRun.objects.update(is_stop_requested=True)

    job = finish(endless.job)

    version = ModelVersion.objects.get(training_run=endless)
    assert version.training_run.curve
    assert version.evaluations.exists()
    # A wish from before reaches a training that began again only once there is something to keep.
    told = list(job.log_lines.order_by("id").values_list("text", flat=True))
    (asked,) = (place for place, line in enumerate(told) if "stop early" in line)
    assert any(line.startswith("Epoch 1:") for line in told[:asked])
    page = browser.get("/projects/shop/models/versions/1/").content.decode()
    assert "Stopped early" in page


def test_only_what_runs_and_has_an_epoch_can_be_stopped_early(
    endless: TrainingRun, owner: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(owner)
    assert endless.job is not None
    waiting = browser.post(RUN + "stop/", follow=True).content.decode()
    assert "has not begun yet" in waiting
    hold(endless.job)
    assert "once its first epoch is done" in browser.get(RUN).content.decode()
    refused = browser.post(RUN + "stop/", follow=True).content.decode()
    assert "has not finished an epoch yet" in refused
    assert not TrainingRun.objects.filter(is_stop_requested=True).exists()
    note_epoch(run=endless, point={"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4})
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


def test_rest_refuses_to_stop_what_has_learned_nothing_yet(
    endless: TrainingRun, owner: User, api: Callable[..., APIClient]
) -> None:
    assert endless.job is not None
    hold(endless.job)

    answer = api(owner).post("/api/v1/projects/shop/training-runs/1/stop/")

    assert answer.status_code == 409
    assert "has not finished an epoch yet" in answer.json()["detail"]
    endless.refresh_from_db()
    assert not endless.is_stop_requested
