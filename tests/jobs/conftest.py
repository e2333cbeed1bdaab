"""A kind of job for tests, and a way to claim it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs import kinds
from jobs.kinds import Kind
from jobs.lease import Lease, claim
from jobs.models import Job
from jobs.services import enqueue
from projects.models import Project

#: What the running test wants the job to do.
BODY: list[Callable[[Lease], dict[str, Any]]] = []


def run_body(lease: Lease) -> dict[str, Any]:
    """Do what the test wants."""
    return BODY[-1](lease)


@pytest.fixture(autouse=True)
def _a_kind_of_job() -> Iterator[None]:
    kinds.register(Kind("test", "Test job", "default", "tests.jobs.conftest.run_body"))
    yield
    kinds._kinds.pop("test")
    BODY.clear()


@pytest.fixture
def queued(project: Project) -> Callable[..., Job]:
    """Return a maker of queued jobs."""

    def make(body: Callable[[Lease], dict[str, Any]] | None = None, **fields: Any) -> Job:
        BODY.append(body or (lambda _lease: {}))
        return enqueue(project=project, kind="test", actor=None, **fields)

    return make


@pytest.fixture
def claimed(queued: Callable[..., Job]) -> Callable[..., Lease]:
    """Return a maker of jobs that a worker holds."""

    def make(**fields: Any) -> Lease:
        queued(**fields)
        lease = claim(queue="default", worker="here:1")
        assert lease is not None
        return lease

    return make
