"""Claim, heartbeat, fence, one end, reaper."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.lease import Cancelled, DeadlinePassed, Lease, LeaseLost, backoff, claim, reap
from jobs.models import Job, JobLogLine
from jobs.services import cancel
from projects.models import Project

pytestmark = pytest.mark.django_db


def expire(lease: Lease) -> None:
    Job.objects.filter(pk=lease.job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_claim_takes_the_oldest_job_and_counts_the_attempt(queued: Callable[..., Job]) -> None:
    first, _second = queued(), queued()

    lease = claim(queue="default", worker="here:1")

    assert lease is not None
    assert lease.job.pk == first.pk
    assert (lease.job.state, lease.job.attempt, lease.fence) == ("running", 1, 1)


def test_a_claim_finds_nothing_in_another_queue(queued: Callable[..., Job]) -> None:
    queued()

    assert claim(queue="train", worker="here:1") is None


def test_a_claim_leaves_a_job_that_may_not_start_yet(queued: Callable[..., Job]) -> None:
    job = queued()
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() + timedelta(minutes=1))

    assert claim(queue="default", worker="here:1") is None


def test_an_effect_and_its_step_are_committed_together(claimed: Callable[..., Lease]) -> None:
    lease = claimed()

    def half_an_effect() -> None:
        with lease.effect(step=1):
            lease.log("half an effect")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_an_effect()

    assert Job.objects.get().step == 0
    assert not JobLogLine.objects.exists()


def test_a_step_is_taken_once(claimed: Callable[..., Lease]) -> None:
    lease = claimed()
    with lease.effect(step=1):
        pass

    with pytest.raises(LeaseLost), lease.effect(step=1):
        pytest.fail("the step was taken twice")


def test_a_frozen_worker_changes_nothing_once_another_has_the_job(
    claimed: Callable[..., Lease],
) -> None:
    frozen = claimed()
    expire(frozen)
    reap()
    second = claim(queue="default", worker="here:2")
    assert second is not None

    with pytest.raises(LeaseLost), frozen.effect(step=1):
        pytest.fail("a stale fence was let through")
    assert frozen.succeed({"from": "the frozen one"}) is False
    assert second.succeed({"from": "the second"}) is True
    assert Job.objects.get().result == {"from": "the second"}


def test_progress_carries_the_request_to_cancel(claimed: Callable[..., Lease], owner: User) -> None:
    lease = claimed()
    cancel(job=lease.job, actor=owner)

    with pytest.raises(Cancelled):
        lease.progress(done=1, total=2)


def test_a_job_past_its_deadline_is_told_to_stop(claimed: Callable[..., Lease]) -> None:
    lease = claimed()
    lease.job.deadline_at = timezone.now() - timedelta(seconds=1)

    with pytest.raises(DeadlinePassed):
        lease.check()


def test_the_reaper_gives_a_silent_workers_job_back(claimed: Callable[..., Lease]) -> None:
    lease = claimed()
    expire(lease)

    reap()

    job = Job.objects.get()
    assert (job.state, job.attempt) == ("queued", 1)
    assert "starts again" in job.reason


def test_the_reaper_leaves_a_job_whose_lease_runs(claimed: Callable[..., Lease]) -> None:
    claimed()

    assert reap() == []


def test_the_reaper_does_not_wait_for_a_worker_known_to_be_gone(
    claimed: Callable[..., Lease],
) -> None:
    claimed()

    assert [job.state for job in reap(now_of=["here:1"])] == ["queued"]


def test_the_reaper_fails_a_job_that_keeps_killing_its_worker(
    claimed: Callable[..., Lease],
) -> None:
    lease = claimed()
    Job.objects.update(attempt=3)
    expire(lease)

    reap()

    job = Job.objects.get()
    assert job.state == "failed"
    assert "max_attempts" in job.reason
    assert job.finished_at is not None


def test_the_reaper_ends_a_cancelled_job_whose_worker_is_gone(
    claimed: Callable[..., Lease], owner: User
) -> None:
    lease = claimed()
    cancel(job=lease.job, actor=owner)
    expire(lease)

    reap()

    assert Job.objects.get().state == "cancelled"


@pytest.mark.parametrize("end", ["succeed", "fail", "cancelled"])
def test_a_terminal_state_never_changes(claimed: Callable[..., Lease], end: str) -> None:
    lease = claimed()
    arguments = {"succeed": ({},), "fail": ("why",), "cancelled": ()}
    assert getattr(lease, end)(*arguments[end])
    state = Job.objects.get().state

    later = [lease.succeed({"again": 1}), lease.fail("again"), lease.cancelled()]

    assert later == [False, False, False]
    assert Job.objects.get().state == state


def test_a_job_given_back_without_fault_costs_no_attempt(claimed: Callable[..., Lease]) -> None:
    lease = claimed()

    lease.give_back("The worker is being replaced.", wait=timedelta(), is_attempt=False)

    assert Job.objects.get().attempt == 0


def test_the_pause_grows_and_has_an_end() -> None:
    pauses = [backoff(attempt).total_seconds() for attempt in (1, 2, 3, 50)]

    assert pauses == [5, 10, 20, 300]


def test_a_job_belongs_to_its_project(queued: Callable[..., Job], project: Project) -> None:
    assert queued().project == project
