"""Follow a learning process: tell the page of its job, pass on a cancel, judge its end."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from jobs.lease import JobFailed, Lease
from ml.child import Child

log = structlog.get_logger("jobs")

_LOOK_SECONDS = 1.0
_PROGRESS_SECONDS = 0.5
_MOST_LOG_LINES = 500


class ChildKilled(Exception):
    """The training process was ended by a signal that was not ours; it is tried again."""

    def __init__(self, number: int) -> None:
        self.number = number
        name = signal.Signals(number).name if number in list(signal.Signals) else str(number)
        super().__init__(
            f"The training process was ended from outside ({name}); when that was for want of "
            "memory, a smaller batch size or fewer tokens help."
        )


class Story:
    """What the child tells, passed on to the job's page; a subclass takes its own events too."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.is_finished = False
        self.error = ""
        self._told_at = 0.0
        self._log_count = 0

    def tell(self, line: str) -> None:
        """Take one line; what is no event goes to the log as it is."""
        try:
            event = json.loads(line)
            name = event["event"]
        except (ValueError, TypeError, KeyError):
            self.log(line)
            return
        self.take(name, event)

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Take one event; what nobody knows is passed over."""
        match name:
            case "stage":
                self.log(event["message"])
                self.lease.progress(done=0, total=0, message=event["message"])
            case "progress":
                self._progress(event)
            case "error":
                self.error = str(event["message"])

    def log(self, text: str) -> None:
        """Add a line to the job's log, up to a bound."""
        self._log_count += 1
        if self._log_count <= _MOST_LOG_LINES:
            self.lease.log(text)

    def _progress(self, event: dict[str, Any]) -> None:
        is_last = event["done"] >= event["total"]
        if not is_last and time.monotonic() - self._told_at < _PROGRESS_SECONDS:
            return
        self._told_at = time.monotonic()
        self.lease.progress(done=event["done"], total=event["total"], message=event["message"])


def follow(
    lease: Lease, folder: Path, story: Story, *, look: Callable[[Child], None] | None = None
) -> None:
    """Run the learning process of a job's folder to its end; `look` is called every second.

    Raises JobFailed with what the process said, ChildKilled when somebody else ended it, and what
    `lease` raises when the job was cancelled or lost.
    """
    errors = folder / "errors.log"
    with Child("ml.core.child", str(folder), root=settings.ROOT, errors=errors) as child:
        lease.log(f"Learning in process {child.pid}")
        looked_at = 0.0
        for line in child.lines(every=_LOOK_SECONDS):
            if time.monotonic() - looked_at >= _LOOK_SECONDS:
                # Asked here and not left to the heartbeat, so that a cancel takes a second.
                lease.extend()
                looked_at = time.monotonic()
                if look is not None:
                    look(child)
            lease.check()
            if line:
                story.tell(line)
        status = child.wait()
        words = child.last_words()
    _judge(status, words, story)


def _judge(status: int, words: str, story: Story) -> None:
    """Raise what the end of a learning process means, where it did not finish."""
    if status == 0 and story.is_finished:
        return
    if story.error:
        raise JobFailed(story.error)
    if status < 0:
        raise ChildKilled(-status)
    log.error("training_child_failed", status=status, words=words)
    last = words.rpartition("\n")[2] or "it said nothing"
    raise JobFailed(f"The training process ended with status {status}: {last[:500]}")
