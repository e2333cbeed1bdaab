"""A disk that is full: said in words, the job ends with the reason, and no half file stays."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project
from reviews import export_services, formats, snapshot_files, snapshots
from reviews.files import path_of
from reviews.models import Dataset, DatasetVersion, Export, Upload
from reviews.snapshot_files import VersionFile
from reviews.wanted import Wanted
from tests import factories

pytestmark = pytest.mark.django_db

UPLOADS = "/api/v1/projects/shop/uploads/"


@pytest.fixture
def dataset(project: Project) -> Dataset:
    made = factories.dataset(project)
    factories.review(project, "Kettle.", dataset=made)
    return made


def left() -> list[Path]:
    return [path for folder in ("exports", "versions") for path in path_of(folder).glob("*")]


class _FullWriter(formats.Writer):
    """Takes what it is given until the file is to be completed."""

    def __init__(self, binary: Any, plan: formats.Plan) -> None:  # noqa: ARG002
        self._binary = binary

    def write(self, rows: Any) -> None:  # noqa: ARG002
        self._binary.write(b"half of it")

    def close(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_export_fails_with_the_reason(
    project: Project, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = replace(formats.FORMATS["jsonl"], make=_FullWriter)
    monkeypatch.setitem(formats.FORMATS, "jsonl", full)
    export = export_services.request_export(
        project=project, wish=Wanted(format="jsonl"), actor=None
    )
    assert export.job is not None

    job = run_here(export.job)

    assert (job.state, job.attempt) == (Job.State.FAILED, 1)
    assert job.reason.startswith("The disk is full; nothing of the export is kept.")
    assert left() == []
    assert Export.objects.get().file == ""


class _FullVersionFile(VersionFile):
    def write(self, *parts: Any) -> None:
        super().write(*parts)
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_version_fails_with_the_reason_and_its_number_is_free(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_files, "VersionFile", _FullVersionFile)
    version = snapshots.request_version(dataset=dataset, note="", actor=None)
    assert version.job is not None

    job = run_here(version.job)

    assert (job.state, job.attempt) == (Job.State.FAILED, 1)
    assert job.reason.startswith("The disk is full; nothing of the version is kept.")
    assert left() == []
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize("size", [10, 100_000], ids=["a small piece", "a large piece"])
def test_a_piece_of_an_upload_is_refused_and_can_be_sent_again(
    project: Project, owner: User, size: int
) -> None:
    """Linux has a device that is always full."""
    client = APIClient()
    client.force_authenticate(owner)
    tus = {"Tus-Resumable": "1.0.0"}
    begun = client.post(UPLOADS, headers=tus | {"Upload-Length": str(size)})
    file = Path(Upload.objects.get().file.path)
    file.unlink()
    file.symlink_to("/dev/full")

    def send() -> Any:
        return client.patch(
            begun["Location"],
            b"x" * size,
            content_type="application/offset+octet-stream",
            headers=tus | {"Upload-Offset": "0"},
        )

    refused = send()

    assert refused.status_code == 507, refused.content
    assert "disk is full" in refused.json()["detail"]
    assert Upload.objects.get().received_count == 0
    file.unlink()
    file.touch()
    assert send().status_code == 204
    assert file.read_bytes() == b"x" * size
