"""What the commands about models share: run one's own job here and now, and say how it ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from common.errors import GlossError
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project


def project_called(slug: str) -> Project:
    """Return the project; whoever may run commands on the machine needs no role."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise CommandError(f"There is no project {slug!r}.")
    return project


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what a person can mend into the command's one line of error."""
    try:
        yield
    except GlossError as error:
        raise CommandError(error.detail) from error


def carry_out(job: Job) -> Job:
    """Run this very job in this process and return it ended.

    Raises CommandError with the job's reason when it did not end well. Ctrl-C calls the job off,
    so that no worker takes it up afterwards.
    """
    try:
        job = run_here(job)
    except KeyboardInterrupt:
        Job.objects.filter(pk=job.pk).update(is_cancel_requested=True)
        raise
    if job.state != Job.State.SUCCEEDED:
        raise CommandError(job.reason or f"The job was {job.state}.")
    return job


def say_json(output: OutputWrapper, values: dict[str, Any]) -> None:
    """Print one line of JSON: the last on standard output."""
    output.write(json.dumps(values, ensure_ascii=False))
