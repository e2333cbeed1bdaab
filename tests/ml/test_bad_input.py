"""What goes wrong with a training reaches people as one sentence, and no bad version is used."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict, NotReady
from jobs.models import Job
from jobs.worker import run_here
from ml import champion, serving
from ml.checkpoints import directory_of
from ml.core import disk
from ml.core.encoders import file_sha256
from ml.models import ModelVersion, TrainingRun
from ml.services import Source, start_prediction
from reviews.models import Dataset, Review
from tests.ml.conftest import finish

pytestmark = pytest.mark.django_db

NOTE = "The loss stopped being a number in epoch 3. Train again with a lower learning rate."


@pytest.fixture
def diverged(
    trained: Callable[..., ModelVersion], start: Callable[..., TrainingRun]
) -> ModelVersion:
    """Return a second version whose training diverged."""
    first = trained()
    run = start(seed=8)
    assert run.job is not None
    folder = settings.MODELS_DIR / f"run-{run.pk}-0"
    shutil.copytree(directory_of(first), folder)
    rewrite(folder, "metrics.json", diverged={"epoch": 3, "note": NOTE})
    finish(run.job)
    return ModelVersion.objects.get(training_run=run)


def rewrite(folder: Path, name: str, **added: Any) -> None:
    """Add to a JSON file of a checkpoint, and tell its manifest."""
    path, manifest = folder / name, folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | added), "utf-8")
    known = json.loads(manifest.read_text("utf-8"))
    known["files"][name] = file_sha256(path)
    manifest.write_text(json.dumps(known), "utf-8")


def test_a_version_that_diverged_is_never_promoted_nor_asked(
    diverged: ModelVersion, owner: User, dataset: Dataset
) -> None:
    assert diverged.state == "quarantined"
    with pytest.raises(Conflict, match=r"cannot be promoted\. The loss stopped being a number"):
        champion.promote(version=diverged, actor=owner, override="I want it.")
    with pytest.raises(Conflict, match="choose another version"):
        start_prediction(
            project=diverged.project, version=diverged, source=Source(dataset=dataset), actor=owner
        )
    with pytest.raises(NotReady, match="promote another"):
        serving.predict(diverged, ["Fine."])

    # Its files are whole, but checking them does not let it out.
    assert champion.check_files(version=diverged, actor=owner) == NOTE
    diverged.refresh_from_db()
    assert diverged.state == "quarantined"
    assert ModelVersion.objects.get(is_champion=True).number == 1


def test_the_page_and_rest_say_why_it_is_not_promoted(
    diverged: ModelVersion,
    owner: User,
    signed_in: Callable[[User], Client],
    api: Callable[[User], APIClient],
) -> None:
    page = signed_in(owner).get("/projects/shop/models/versions/2/").content.decode()
    answer = api(owner).post("/api/v1/projects/shop/model-versions/2/promote/", format="json")

    assert NOTE in page
    assert "not what they were" not in page
    assert answer.status_code == 409
    assert NOTE in answer.json()["detail"]


def test_a_full_disk_ends_the_job_with_its_sentence_at_once(
    labelled: list[Review],
    start: Callable[..., TrainingRun],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start()
    assert run.job is not None
    make = os.mkdir

    def full(path: Any, *rest: Any, **named: Any) -> None:
        if "fence-" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        make(path, *rest, **named)

    monkeypatch.setattr(os, "mkdir", full)

    job = run_here(run.job)

    assert (job.state, job.reason) == (Job.State.FAILED, disk.FULL)
    assert not ModelVersion.objects.exists()
