"""A worker's hold on a job: claim, heartbeat, fenced effects, one end.

Every write of a job goes through a transaction that first checks the fence, so a worker that was
frozen longer than its lease finds that its successor's fence is higher and changes nothing.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from jobs.models import Job, JobLogLine

log = structlog.get_logger("jobs")


class LeaseLost(Exception):
    """Another worker holds the job now, or it has ended: stop without a trace."""


class Cancelled(Exception):
    """Somebody asked the job to stop."""


class DeadlinePassed(Exception):
    """The job ran longer than it may."""


class JobFailed(Exception):
    """The work cannot succeed; the sentence says why and what to do. It is not tried again."""


def lease_time() -> timedelta:
    """Return how long a worker may be silent."""
    seconds: float = settings.GLOSS_JOB_LEASE_SECONDS
    return timedelta(seconds=seconds)


def claim(*, queue: str, worker: str) -> "Lease | None":
    """Take the oldest job of `queue` that may start; None when there is none.

    PostgreSQL skips rows that others are claiming; on SQLite the write lock taken at the start of
    the transaction keeps claims apart.
    """
    return _claim(Q(queue=queue, not_before__lte=timezone.now()), worker)


def claim_one(*, job_id: UUID, worker: str) -> "Lease | None":
    """Take this very job, whatever else waits; None when somebody else has it or it has ended."""
    return _claim(Q(pk=job_id), worker)


def _claim(wanted: Q, worker: str) -> "Lease | None":
    now = timezone.now()
    with transaction.atomic():
        waiting = (
            Job.objects.filter(wanted, state=Job.State.QUEUED)
            .order_by("created_at")
            .select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        )
        job = waiting.first()
        if job is None:
            return None
        job.state = Job.State.RUNNING
        job.fence += 1
        job.attempt += 1
        job.worker = worker
        job.reason = ""
        job.lease_until = now + lease_time()
        job.started_at = job.started_at or now
        job.save(
            update_fields=[
                "state", "fence", "attempt", "worker", "reason", "lease_until", "started_at",
            ]
        )  # fmt: skip
    return Lease(job)


class Lease:
    """The running job as its worker sees it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.fence = job.fence
        self._mine = Q(pk=job.pk, fence=job.fence, state=Job.State.RUNNING)
        self._lost = threading.Event()
        self._cancelled = threading.Event()
        self._stopped = threading.Event()

    @property
    def params(self) -> dict[str, Any]:
        """What the job was asked to do."""
        params: dict[str, Any] = self.job.params
        return params

    def check(self) -> None:
        """Raise when the work should stop: lease lost, cancelled, or past the deadline."""
        if self._lost.is_set():
            raise LeaseLost
        if self._cancelled.is_set():
            raise Cancelled
        deadline = self.job.deadline_at
        if deadline is not None and timezone.now() > deadline:
            raise DeadlinePassed

    def extend(self) -> None:
        """Extend the lease and learn whether to stop; called by the heartbeat."""
        until = timezone.now() + lease_time()
        if not Job.objects.filter(self._mine).update(lease_until=until):
            self._lost.set()
            return
        if Job.objects.filter(pk=self.job.pk, is_cancel_requested=True).exists():
            self._cancelled.set()

    def progress(self, *, done: int, total: int | None = None, message: str = "") -> None:
        """Publish how far the work is; raise when it should stop."""
        values: dict[str, Any] = {"done_count": done, "lease_until": timezone.now() + lease_time()}
        if total is not None:
            values["total_count"] = total
        if message:
            values["message"] = message[:300]
        if not Job.objects.filter(self._mine).update(**values):
            self._lost.set()
        elif Job.objects.filter(pk=self.job.pk, is_cancel_requested=True).exists():
            self._cancelled.set()
        self.check()

    def advance(self, count: int) -> None:
        """Count work as done within the effect that does it, so that no death parts the two."""
        Job.objects.filter(self._mine).update(done_count=F("done_count") + count)

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        JobLogLine.objects.create(job=self.job, text=text[:1000])

    @contextmanager
    def effect(self, *, step: int | None = None, **changes: Any) -> Iterator[None]:
        """Open the transaction of one effect; with `step`, of the next checkpoint.

        The fence is checked first and the row stays locked until the commit, so effect and
        checkpoint are one. Raises LeaseLost when the job is not ours any more or the step was
        taken before.
        """
        values = dict(changes, lease_until=timezone.now() + lease_time())
        mine = self._mine
        if step is not None:
            mine &= Q(step=step - 1)
            values["step"] = step
        with transaction.atomic():
            if not Job.objects.filter(mine).update(**values):
                self._lost.set()
                raise LeaseLost
            yield
        if step is not None:
            self.job.step = step

    def succeed(self, result: dict[str, Any]) -> bool:
        """End the job well; False when it was not ours any more."""
        return self._end(state=Job.State.SUCCEEDED, reason="", result=result)

    def fail(self, reason: str) -> bool:
        """End the job for good, with a sentence that says why."""
        return self._end(state=Job.State.FAILED, reason=reason)

    def cancelled(self) -> bool:
        """End the job as cancelled."""
        return self._end(state=Job.State.CANCELLED, reason="Cancelled while it was running.")

    def give_back(self, reason: str, *, wait: timedelta, is_attempt: bool = True) -> bool:
        """Put the job back in the queue, to be tried again after `wait`."""
        changes: dict[str, Any] = {
            "state": Job.State.QUEUED,
            "reason": reason[:2000],
            "not_before": timezone.now() + wait,
            "lease_until": None,
        }
        if not is_attempt:
            changes["attempt"] = F("attempt") - 1
        return bool(Job.objects.filter(self._mine).update(**changes))

    def _end(self, *, state: Job.State, reason: str, result: dict[str, Any] | None = None) -> bool:
        changes: dict[str, Any] = {
            "state": state,
            "reason": reason[:2000],
            "finished_at": timezone.now(),
            "lease_until": None,
        }
        if result is not None:
            changes["result"] = result
        return bool(Job.objects.filter(self._mine).update(**changes))

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Extend the lease from a thread of its own while the work goes on."""
        thread = threading.Thread(target=self._beat, name=f"heartbeat-{self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join(timeout=30)

    def _beat(self) -> None:
        pause = lease_time().total_seconds() / 4
        while not self._stopped.wait(pause) and not self._lost.is_set():
            try:
                self.extend()
            except Exception:
                log.warning("heartbeat_missed", job=str(self.job.pk), exc_info=True)
                close_old_connections()
        connection.close()


def backoff(attempt: int) -> timedelta:
    """Return how long to wait before the next attempt: 5 s, doubled each time, at most 5 min."""
    return timedelta(seconds=min(300, 5 * 2.0 ** max(0, attempt - 1)))


def reap(*, now_of: Sequence[str] = ()) -> list[Job]:
    """Return jobs with expired leases to the queue, or fail them with a reason.

    `now_of` names workers that are known to be gone (this host's, at start): their leases do not
    have to expire first.
    """
    now = timezone.now()
    gone = Q(lease_until__lt=now)
    if now_of:
        gone |= Q(worker__in=now_of)
    reaped = []
    with transaction.atomic():
        stale = Job.objects.filter(gone, state=Job.State.RUNNING).select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        )
        for job in stale[:100]:
            _reap_one(job)
            reaped.append(job)
    return reaped


def _reap_one(job: Job) -> None:
    now = timezone.now()
    job.lease_until = None
    if job.is_cancel_requested:
        job.state, job.reason = Job.State.CANCELLED, "Cancelled; its worker had stopped."
    elif job.deadline_at is not None and now > job.deadline_at:
        job.state, job.reason = Job.State.FAILED, "It ran longer than it may (deadline)."
    elif job.attempt >= job.max_attempts:
        job.state = Job.State.FAILED
        job.reason = (
            f"Its worker stopped {job.attempt} times; it is not tried again (max_attempts)."
        )
    else:
        job.state = Job.State.QUEUED
        job.reason = "Its worker stopped answering; it starts again."
        job.not_before = now + (backoff(job.attempt) if job.attempt > 1 else timedelta())
    if job.is_finished:
        job.finished_at = now
    job.save(update_fields=["state", "reason", "lease_until", "not_before", "finished_at"])
    JobLogLine.objects.create(job=job, text=job.reason)
