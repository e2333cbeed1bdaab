"""Start web, worker and scheduler, keep them up, and leave no process behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 12.0
LONGEST_PAUSE = 30.0
LOG_BYTES = 5_000_000
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Program:
    """One process to keep up."""

    name: str
    command: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0
    next_start_at: float = 0.0
    started_at: float = field(default=0.0)


def programs() -> list[Program]:
    """Return what the embedded default is made of."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "config"]
    quiet = ["--loglevel", "WARNING"]
    queues = ["-Q", "default,predict,train"]
    # Threads, since nothing heavy runs in the worker itself: a training has a process of its own.
    pool = ["--pool", "threads", "--concurrency", "6", "--without-gossip", "--without-mingle"]
    return [
        Program("web", [python, "-m", "gunicorn", "-c", "python:config.gunicorn_conf"]),
        Program("worker", [*celery, "worker", *queues, *pool, *quiet]),
        Program("scheduler", [*celery, "beat", *quiet, "--pidfile="]),
    ]


class Supervisor:
    """Runs programs until it is told to stop; restarts what dies, with growing pauses."""

    def __init__(self, chosen: list[Program], *, logs: Path, say: Callable[[str], None]) -> None:
        logs.mkdir(exist_ok=True)
        self.programs = chosen
        self.logs = logs
        self.say = say
        self._is_stopping = False

    def start(self) -> None:
        """Start everything."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        for program in self.programs:
            self._start(program)

    @property
    def is_stopping(self) -> bool:
        """Tell whether Ctrl-C or SIGTERM has come."""
        return self._is_stopping

    def watch(self) -> None:
        """Restart what dies until told to stop, then stop everything."""
        while not self._is_stopping:
            self.tend()
            time.sleep(0.2)
        self.stop()

    def tend(self) -> None:
        """Restart what has died."""
        now = time.monotonic()
        for program in self.programs:
            process = program.process
            if process is not None and process.poll() is not None:
                self._note_death(program, now)
            if program.process is None and now >= program.next_start_at:
                self._start(program)

    def stop(self) -> None:
        """Ask every group to end, wait, then kill what is left."""
        running = [each.process for each in self.programs if each.process is not None]
        for process in running:
            _signal_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until and any(process.poll() is None for process in running):
            time.sleep(0.05)
        for process in running:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, program: Program) -> None:
        program.starts += 1
        program.started_at = time.monotonic()
        path = self.log_of(program)
        mode = "ab" if path.exists() and path.stat().st_size < LOG_BYTES else "wb"
        with path.open(mode) as log:
            program.process = subprocess.Popen(
                program.command,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT / "platform")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends groups
                preexec_fn=_die_with_parent,
            )

    def log_of(self, program: Program) -> Path:
        """Return where a program's output goes."""
        return self.logs / f"{program.name}.log"

    def _note_death(self, program: Program, now: float) -> None:
        assert program.process is not None  # noqa: S101  (the caller looked)
        _signal_group(program.process.pid, signal.SIGKILL)
        lived = now - program.started_at
        if lived > 60:
            program.starts = 0
        pause = min(LONGEST_PAUSE, 0.5 * 2**program.starts)
        code = program.process.returncode
        self.say(
            f"{program.name} ended (exit status {code}); starting it again in {pause:.0f} s. "
            f"What it said last is in {self.log_of(program)}"
        )
        program.process = None
        program.next_start_at = now + pause

    def _ask_to_stop(self, *_: object) -> None:
        self._is_stopping = True


def _die_with_parent() -> None:
    """Make the kernel end this child when the supervisor is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
