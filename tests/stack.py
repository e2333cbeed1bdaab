"""Gloss as real processes, with a home and a database of its own, for as long as a `with` lasts.

On SQLite with the file broker by default; on PostgreSQL and Redis when the environment names them
(the second pass of `make test` does).
"""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[1]


class Stack:
    """One installation: run commands in it, start its processes, kill them, look at its rows."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.env = os.environ | {
            "GLOSS_HOME": str(home),
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT / "platform"),
            "GLOSS_JOB_LEASE_SECONDS": "3",
            "SECRET_KEY": "only-for-tests-" + "0123456789" * 4,
        }
        self._server = os.environ.get("DATABASE_URL", "")
        self._database = f"gloss_{uuid.uuid4().hex[:12]}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        if self._server:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{self._database}"')
            self.env["DATABASE_URL"] = self._url
        broker = os.environ.get("GLOSS_BROKER_URL", "")
        if broker.startswith("redis"):
            # One of sixty-four, by our own number: stacks side by side do not hear each other.
            number = 1 + uuid.uuid4().int % 60
            self.env["GLOSS_BROKER_URL"] = broker.rsplit("/", 1)[0] + f"/{number}"
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            self.kill(process)
        if self._server:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{self._database}" WITH (FORCE)')

    @property
    def _url(self) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{self._database}"))

    def manage(self, *arguments: str, **options: Any) -> str:
        """Run a management command and return what it printed; raise when it fails."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )
        if done.returncode:
            raise AssertionError(f"{arguments} failed:\n{done.stdout}\n{done.stderr}")
        return str(done.stdout)

    def python(self, code: str) -> Any:
        """Run code inside Django and return what its last line printed as JSON."""
        return json.loads(self.manage("shell", "-v", "0", "-c", code).strip().splitlines()[-1])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database from outside, as a person with psql would."""
        if self._server:
            with psycopg.connect(self._url) as connection:
                return connection.execute(query).fetchall()
        with contextlib.closing(sqlite3.connect(self.home / "gloss.sqlite3", timeout=20)) as file:
            return file.execute(query).fetchall()

    def worker(self, queues: str = "default,predict,train") -> "subprocess.Popen[bytes]":
        """Start a Celery worker."""
        return self.start(
            "-m", "celery", "-A", "config", "worker", "-Q", queues, "--pool", "threads",
            "--concurrency", "6", "--without-gossip", "--without-mingle", "--loglevel", "INFO",
        )  # fmt: skip

    def serve(self) -> "subprocess.Popen[bytes]":
        """Start the web processes and wait until they answer."""
        process = self.start("-m", "gunicorn", "-c", "python:config.gunicorn_conf")
        self.wait(self._is_up)
        return process

    def _is_up(self) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            client.request("GET", "/healthz")
            return client.getresponse().status == 200
        except OSError:
            return False

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a Python process in a group of its own; its output goes to the home."""
        with (self.home / f"process-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def logs(self) -> str:
        """Return what every process has printed, for a failing test's message."""
        parts = sorted(self.home.glob("process-*.log"))
        return "\n".join(f"--- {each.name}\n{each.read_text()[-3000:]}" for each in parts)

    @staticmethod
    def kill(process: "subprocess.Popen[bytes]") -> None:
        """SIGKILL the whole group: no handler runs, no connection is closed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait(self, is_true: Callable[[], bool], *, seconds: float = 90) -> None:
        """Wait for something to become true; fail with the logs when it does not."""
        until = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > until:
                raise AssertionError(f"not within {seconds:.0f} s:\n{self.logs()}")
            time.sleep(0.05)


@contextlib.contextmanager
def stack(home: Path) -> Iterator[Stack]:
    """Make an installation and tear it down."""
    with Stack(home) as made:
        yield made
