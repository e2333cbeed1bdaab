"""A supervised child process: its lines as they come, and a sure end for its whole group."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

GRACE_SECONDS = 5.0

# What a learning process needs of the environment. Everything else stays here: the database's
# address, the secret key and whatever other secrets the worker was given.
_PASSED = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"})
_PASSED_STARTS = (
    "LC_", "HF_", "TORCH", "PYTORCH", "CUDA", "NVIDIA", "OMP_", "MKL_", "OPENBLAS_",
    "TOKENIZERS_", "TRANSFORMERS_", "SSL_CERT",
)  # fmt: skip
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"})


def environment(given: Mapping[str, str], *, root: Path) -> dict[str, str]:
    """Return what of `given` the child may see, with `root` as its import path."""
    passed = {
        name: value
        for name, value in given.items()
        if name in _PASSED or name.startswith(_PASSED_STARTS) or name.upper() in _PROXIES
    }
    return passed | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}


class Child:
    """A module that runs in a process group of its own and dies with this process.

    Use it as a context manager: leaving the block, however it happens, ends the group.
    """

    def __init__(self, module: str, *arguments: str, root: Path, errors: Path) -> None:
        """Start `module`; what it writes to standard error goes to the file `errors`."""
        self._errors = errors
        with errors.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ml.tether", module, *arguments],
                cwd=root,
                env=environment(os.environ, root=root),
                stdin=subprocess.PIPE,  # held open for as long as we live; see ml.tether
                stdout=subprocess.PIPE,
                stderr=sink,
                start_new_session=True,
            )
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Return the process id, which is the id of its group too."""
        return self._process.pid

    def lines(self, *, every: float) -> Iterator[str]:
        """Yield what the child prints, and "" whenever `every` seconds pass without a line."""
        while True:
            try:
                line = self._lines.get(timeout=every)
            except queue.Empty:
                yield ""
                continue
            if line is None:
                return
            yield line

    def wait(self) -> int:
        """Wait for the end; return the exit status, negative for the signal that killed it."""
        return self._process.wait()

    def last_words(self, count: int = 2000) -> str:
        """Return the end of what the child wrote to standard error."""
        with self._errors.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - count))
            return file.read().decode("utf-8", "replace").strip()

    def signal(self, number: int) -> None:
        """Send a signal to the child alone; nothing happens when it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def stop(self) -> None:
        """Ask the group to end, wait, kill what is left."""
        self._signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self, stdout: IO[bytes]) -> None:
        try:
            for line in stdout:
                self._lines.put(line.decode("utf-8", "replace").rstrip("\n"))
        except ValueError:
            pass  # closed while we read: the group has been ended
        self._lines.put(None)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return
