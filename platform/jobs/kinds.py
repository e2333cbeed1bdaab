"""What kinds of job there are, which queue each waits in and what runs it.

The runner is named by its dotted path and imported by the worker only: the web process enqueues
a training without ever importing what trains.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from jobs.lease import Lease
    from jobs.models import Job

#: A runner gets the lease of its job and returns the job's result.
Runner = Callable[["Lease"], dict[str, Any]]

QUEUES = ("default", "predict", "train")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job."""

    name: str
    label: str
    queue: str
    runner: str
    max_attempts: int = 3
    deadline: timedelta = timedelta(hours=12)
    #: Called with the job's id when it ends without success, to tidy what it left half done.
    on_end: str = ""
    #: Called with the job; returns (label, address) of the page that its work led to, or None.
    outcome: str = ""
    #: What people are told of the work's remains when the job has failed or was cancelled.
    remains: str = ""

    def load(self) -> Runner:
        """Import the runner."""
        runner: Runner = import_string(self.runner)
        return runner

    def outcome_of(self, job: "Job") -> tuple[str, str] | None:
        """Return label and address of what a job led to, if there is a page for it."""
        if not self.outcome:
            return None
        find: Callable[[Job], tuple[str, str] | None] = import_string(self.outcome)
        return find(job)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known; called once, when its package starts."""
    if kind.queue not in QUEUES:
        raise ValueError(f"{kind.name} wants the queue {kind.queue!r}; there are {QUEUES}")
    _kinds[kind.name] = kind


def get(name: str) -> Kind:
    """Return the kind called `name`; raise KeyError when nobody registered it."""
    return _kinds[name]


def known() -> list[Kind]:
    """Return every kind."""
    return list(_kinds.values())
