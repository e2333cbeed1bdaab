"""What a worker makes of a job's end, and how it drains a queue."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs import kinds, tasks, worker
from jobs.kinds import Kind
from jobs.lease import JobFailed, Lease, claim
from jobs.models import Job, WorkerHeartbeat
from jobs.selectors import queues_with_workers
from jobs.services import enqueue
from projects.models import Project

pytestmark = pytest.mark.django_db


def run_next() -> Job:
    lease = claim(queue="default", worker="here:1")
    assert lease is not None
    worker.run(lease)
    return Job.objects.get(pk=lease.job.pk)


def test_a_result_ends_the_job_well(queued: Callable[..., Job]) -> None:
    queued(lambda _lease: {"rows": 3})

    job = run_next()

    assert (job.state, job.result) == ("succeeded", {"rows": 3})


def test_a_plain_failure_is_not_tried_again(queued: Callable[..., Job]) -> None:
    def body(_lease: Lease) -> dict[str, Any]:
        raise JobFailed("The file is empty. Choose another.")

    queued(body)

    job = run_next()

    assert (job.state, job.reason) == ("failed", "The file is empty. Choose another.")


def test_an_unexpected_error_is_tried_again_after_a_pause(queued: Callable[..., Job]) -> None:
    def body(_lease: Lease) -> dict[str, Any]:
        raise ConnectionError("the disk went away")

    queued(body)

    job = run_next()

    assert job.state == "queued"
    assert job.not_before > timezone.now()
    assert "the disk went away" in job.reason


def test_an_unexpected_error_on_the_last_attempt_fails_the_job(queued: Callable[..., Job]) -> None:
    def body(_lease: Lease) -> dict[str, Any]:
        raise ConnectionError("the disk went away")

    job = queued(body)
    Job.objects.filter(pk=job.pk).update(attempt=2)

    assert run_next().state == "failed"


def test_a_drained_queue_is_empty_and_in_order(queued: Callable[..., Job]) -> None:
    done: list[str] = []

    def body(lease: Lease) -> dict[str, Any]:
        done.append(str(lease.job.pk))
        return {}

    jobs = [queued(body), queued(body), queued(body)]

    assert worker.drain("default") == 3
    assert done == [str(job.pk) for job in jobs]


def test_the_scheduler_rings_for_jobs_whose_bell_was_lost(
    queued: Callable[..., Job], bells: list[str]
) -> None:
    queued()
    bells.clear()

    worker.reap_and_ring()

    assert bells == ["default"]


TIDIED: list[str] = []


def note_tidied(job_id: Any) -> None:
    TIDIED.append(str(job_id))


def test_what_a_dying_worker_left_is_tidied_later_for_a_day(project: Project) -> None:
    """The sweep of every hour goes over what ended badly lately, and over nothing else."""
    tidy = "tests.jobs.test_worker.note_tidied"
    runner = "tests.jobs.conftest.run_body"
    kinds.register(Kind("untidy", "Untidy job", "default", runner, on_end=tidy))
    TIDIED.clear()
    made = {}
    for name, state, hours in [
        ("failed", Job.State.FAILED, 1),
        ("cancelled", Job.State.CANCELLED, 23),
        ("succeeded", Job.State.SUCCEEDED, 1),
        ("of yesterday", Job.State.FAILED, 25),
    ]:
        job = enqueue(project=project, kind="untidy", actor=None)
        ended = timezone.now() - timedelta(hours=hours)
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=ended)
        made[name] = str(job.pk)

    try:
        tasks.sweep()
    finally:
        kinds._kinds.pop("untidy")

    assert [made["cancelled"], made["failed"]] == TIDIED


def test_a_worker_that_says_it_is_there_is_seen() -> None:
    assert queues_with_workers() == set()

    worker.say_alive(name="here:1", queues=["default"], started_at=timezone.now())

    assert queues_with_workers() == {"default"}


def test_a_worker_that_fell_silent_is_not_seen() -> None:
    worker.say_alive(name="here:1", queues=["default"], started_at=timezone.now())
    WorkerHeartbeat.objects.update(seen_at=timezone.now() - 2 * worker.FRESH)

    assert queues_with_workers() == set()


@pytest.mark.django_db(transaction=True)
def test_eight_workers_run_each_job_once(project: Project) -> None:
    for _ in range(24):
        enqueue(project=project, kind="test", actor=None)
    taken: list[str] = []
    barrier = threading.Barrier(8)

    def work(name: str) -> None:
        barrier.wait()
        while (lease := claim(queue="default", worker=name)) is not None:
            taken.append(str(lease.job.pk))
            lease.succeed({})
        connection.close()

    threads = [threading.Thread(target=work, args=(f"here:{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 24


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_keeps_a_slow_job_alive(queued: Callable[..., Job], settings: Any) -> None:
    settings.GLOSS_JOB_LEASE_SECONDS = 0.8

    def body(_lease: Lease) -> dict[str, Any]:
        time.sleep(2)
        from jobs.lease import reap

        return {"reaped": len(reap())}

    queued(body)

    assert run_next().result == {"reaped": 0}


@pytest.mark.django_db(transaction=True)
def test_a_bell_during_the_last_look_is_not_lost(queued: Callable[..., Job]) -> None:
    """A job that arrives while its queue is being drained is run by that drain."""

    def first(_lease: Lease) -> dict[str, Any]:
        thread = threading.Thread(target=lambda: rung.append(worker.drain("default")))
        thread.start()
        thread.join()
        return {}

    rung: list[int] = []
    queued(first)

    assert worker.drain("default") == 1
    assert rung == [0]
