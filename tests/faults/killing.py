"""Kill whoever runs a job at the n-th place where that could matter: SIGKILL, in a fork."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from jobs import worker
from jobs.lease import Lease, claim_one, reap
from jobs.models import Job

_VICTIM = "here:0"


class MortalLease(Lease):
    """A lease whose holder is killed at the place that was chosen, counted from 1.

    Places are: before an effect, at its end before the commit, after the commit, after a report of
    progress, and before and after the job is said to have ended.
    """

    def __init__(self, job: Job, *, dies_at: int) -> None:
        super().__init__(job)
        self._left = dies_at

    def _place(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def effect(self, *, step: int | None = None, **changes: Any) -> Iterator[None]:
        self._place()
        with super().effect(step=step, **changes):
            yield
            self._place()
        self._place()

    def progress(self, *, done: int, total: int | None = None, message: str = "") -> None:
        super().progress(done=done, total=total, message=message)
        self._place()

    def _end(self, **values: Any) -> bool:
        self._place()
        is_ours = super()._end(**values)
        self._place()
        return is_ours


def run_until_killed(job: Job, *, at: int) -> bool:
    """Run a job in a process of its own that dies at a place; False when the job ended before."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            lease = claim_one(job_id=job.pk, worker=_VICTIM)
            assert lease is not None
            worker.run(MortalLease(lease.job, dies_at=at))
        finally:
            os._exit(0)  # no handler of the parent's may run here
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def run_to_the_end(job: Job) -> Job:
    """Have the scheduler find that the worker is gone, and the job run by somebody else."""
    for each in reap(now_of=[_VICTIM]):
        if each.is_finished:
            worker._tidy(each)
    return worker.run_here(Job.objects.get(pk=job.pk))
