"""What a worker does when the bell rings: drain its queue, one job after the other."""

import os
import socket
import threading
import time
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections, connection, transaction
from django.db.models import Min
from django.utils import timezone

from jobs import kinds, machine
from jobs.lease import (
    Cancelled,
    DeadlinePassed,
    JobFailed,
    Lease,
    LeaseLost,
    backoff,
    claim,
    claim_one,
    reap,
)
from jobs.models import Job, WorkerHeartbeat
from jobs.services import ring, tidy

log = structlog.get_logger("jobs")

FRESH = timedelta(seconds=20)
BEAT_SECONDS = 5.0


def worker_name() -> str:
    """Name this process so that a person finds it: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


class _Drain:
    """One queue of this process: who drains it, and whether the bell rang meanwhile."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_draining = False
        self._rang = False

    def enter(self) -> bool:
        with self._guard:
            if self._is_draining:
                self._rang = True
                return False
            self._is_draining = True
            return True

    def leave(self) -> bool:
        """Return True when the bell rang meanwhile: look once more before leaving."""
        with self._guard:
            again, self._rang = self._rang, False
            self._is_draining = again
            return again

    def abandon(self) -> None:
        with self._guard:
            self._is_draining = self._rang = False


_drains = {queue: _Drain() for queue in kinds.QUEUES}


def drain(queue: str) -> int:
    """Run jobs of `queue` until none may start; return how many were run.

    One thread of a process drains a queue: two trainings at once on one machine help nobody.
    """
    turn = _drains[queue]
    if not turn.enter():
        return 0
    count = 0
    try:
        while True:
            while (lease := claim(queue=queue, worker=worker_name())) is not None:
                run(lease)
                count += 1
            if not turn.leave():
                return count
    except BaseException:
        turn.abandon()
        raise


def run(lease: Lease) -> None:
    """Run one claimed job to its end, whatever happens."""
    job = lease.job
    log.info("job_started", job=str(job.pk), kind=job.kind, attempt=job.attempt)
    try:
        with lease.heartbeat():
            lease.check()
            result = kinds.get(job.kind).load()(lease)
        lease.succeed(result)
    except LeaseLost:
        log.warning("lease_lost", job=str(job.pk), fence=lease.fence)
    except Cancelled:
        lease.cancelled()
    except DeadlinePassed:
        lease.fail("It ran longer than it may (deadline). Ask for less at a time.")
    except JobFailed as error:
        lease.fail(str(error))
    except Exception as error:  # the edge of the process: whatever it was, the job must end
        log.exception("job_error", job=str(job.pk), kind=job.kind)
        _retry_or_fail(lease, error)
    _tidy(job)
    if not connection.in_atomic_block:  # a caller's transaction needs its connection
        close_old_connections()


def run_here(job: Job) -> Job:
    """Run a job in this process, unless a worker was quicker: then wait for it.

    Management commands use it, so that they work without a worker.
    """
    while not job.is_finished:
        lease = claim_one(job_id=job.pk, worker=worker_name())
        if lease is not None:
            run(lease)
        else:
            time.sleep(0.5)
        job.refresh_from_db()
    return job


def _retry_or_fail(lease: Lease, error: Exception) -> None:
    job = lease.job
    reason = f"{type(error).__name__}: {error}"
    lease.log(reason)
    if job.attempt < job.max_attempts:
        lease.give_back(f"{reason} It is tried again.", wait=backoff(job.attempt))
    else:
        lease.fail(f"{reason} (tried {job.attempt} times)")


def _tidy(job: Job) -> None:
    """Let the kind clear up after a job that ended without success."""
    job.refresh_from_db(fields=["state", "reason", "finished_at"])
    log.info("job_ended", job=str(job.pk), kind=job.kind, state=job.state, reason=job.reason)
    if job.state in {Job.State.FAILED, Job.State.CANCELLED}:
        tidy(job)


def tidy_late() -> None:
    """Tidy once more what ended without success lately, in case a worker died over it."""
    lately = timezone.now() - timedelta(days=1)
    badly = (Job.State.FAILED, Job.State.CANCELLED)
    for job in Job.objects.filter(state__in=badly, finished_at__gt=lately).order_by("finished_at"):
        tidy(job)


def gone_from_this_host() -> list[str]:
    """Return workers of this host that hold a job and whose process is no more."""
    host = socket.gethostname()
    holders = Job.objects.filter(state=Job.State.RUNNING, worker__startswith=f"{host}:")
    names = set(holders.values_list("worker", flat=True)) - {worker_name()}
    return [name for name in names if not _is_alive(int(name.rpartition(":")[2]))]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def reap_and_ring(*, now_of: list[str] | None = None) -> None:
    """Give lost jobs back and ring for whatever waits: what the scheduler does every 10 s."""
    for job in reap(now_of=now_of or ()):
        log.warning("job_reaped", job=str(job.pk), state=job.state, reason=job.reason)
        if job.is_finished:
            _tidy(job)
    now = timezone.now()
    waiting = (
        Job.objects.filter(state=Job.State.QUEUED, not_before__lte=now)
        .values("queue")
        .annotate(oldest=Min("created_at"))
    )
    for row in waiting:
        ring(queue=row["queue"])


def beat_forever(queues: list[str], stopped: threading.Event) -> None:
    """Say every few seconds that this worker listens to `queues`; also reap while at it."""
    name, started_at, gpu = worker_name(), timezone.now(), machine.gpu()
    while True:
        try:
            say_alive(name=name, queues=queues, started_at=started_at, gpu=gpu)
        except Exception:
            log.warning("worker_heartbeat_missed", exc_info=True)
            close_old_connections()
        if stopped.wait(BEAT_SECONDS):
            break
    WorkerHeartbeat.objects.filter(name=name).delete()
    connection.close()


@transaction.atomic
def say_alive(*, name: str, queues: list[str], started_at: datetime, gpu: str = "") -> None:
    """Refresh this worker's rows and drop those of workers long gone."""
    now = timezone.now()
    for queue in queues:
        WorkerHeartbeat.objects.update_or_create(
            name=name,
            queue=queue,
            defaults={"seen_at": now, "started_at": started_at, "gpu": gpu},
        )
    WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(hours=1)).delete()
