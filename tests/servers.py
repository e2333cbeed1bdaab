"""Throw-away PostgreSQL and Redis on loopback, for as long as a `with` lasts."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY_SECONDS = 60


def postgres_bin() -> Path | None:
    """Return the folder of PostgreSQL's programs, newest version first; None without them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*found, *([Path(on_path).parent] if on_path else [])]
    return next((each for each in candidates if (each / "initdb").exists()), None)


def redis_program() -> str | None:
    """Return redis-server, if it is here."""
    return shutil.which("redis-server")


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def free_port() -> int:
    """Return a port that nobody listens to at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _unprivileged() -> dict[str, Any]:
    """Return whom PostgreSQL runs as: it refuses root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            person = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of our own and yield its DATABASE_URL."""
    programs = postgres_bin()
    if programs is None:
        raise FileNotFoundError("initdb")
    folder = Path(tempfile.mkdtemp(prefix="gloss-pg-"))
    who = _unprivileged()
    if who:
        os.chown(folder, who["user"], who["group"])
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    data, port = folder / "data", free_port()
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "gloss", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, env=env, cwd=folder, **who,
    )  # fmt: skip
    settings = [
        f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}",
        "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100",
    ]  # fmt: skip
    command = [str(programs / "postgres"), "-D", str(data)]
    command += [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=folder, **who)
    try:
        _wait_for_port(process, port, folder / "log")
        _create_database(programs, port, env)
        yield f"postgres://gloss@127.0.0.1:{port}/gloss"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _create_database(programs: Path, port: int, env: dict[str, str]) -> None:
    command = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-U", "gloss", "gloss"]
    until = time.monotonic() + READY_SECONDS
    while subprocess.run(command, env=env, capture_output=True, check=False).returncode:
        if time.monotonic() > until:
            raise TimeoutError("PostgreSQL takes no connections")
        time.sleep(0.1)


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis of our own and yield its URL."""
    program = redis_program()
    if program is None:
        raise FileNotFoundError("redis-server")
    folder, port = Path(tempfile.mkdtemp(prefix="gloss-redis-")), free_port()
    command = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--save", "", "--appendonly", "no", "--databases", "64",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for_port(process, port, folder / "log")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
