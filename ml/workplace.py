"""Folders that a job works in: below the work folder, gone when the job has ended."""

import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings

from jobs.lease import Lease


def folder_of(job_id: UUID) -> Path:
    """Return the folder of a job, whoever works on it."""
    return settings.WORK_DIR / f"job-{job_id}"


def open_attempt(lease: Lease) -> Path:
    """Make an empty folder for this attempt and remove what earlier ones left.

    The fence is part of the name, so that an attempt that was thought dead disturbs nobody.
    """
    folder = folder_of(lease.job.pk)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name.startswith("fence-"):
            shutil.rmtree(path, ignore_errors=True)
    attempt = folder / f"fence-{lease.fence}"
    attempt.mkdir()
    return attempt


def close(job_id: UUID) -> None:
    """Remove the folder of a job that has ended."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)
