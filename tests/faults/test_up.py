"""The one command: it opens a page, refuses a taken port in one line, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def processes_of(home: Path) -> list[int]:
    """Return every process that was told to live in `home` (Linux)."""
    wanted = f"GLOSS_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "environ").read_bytes().split(b"\0")
            is_gone = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if wanted in told and not is_gone:
            found.append(int(folder.name))
    return found


@pytest.fixture
def up(gloss: Stack) -> "subprocess.Popen[bytes]":
    gloss.env["DEMO"] = "0"
    process = gloss.start("manage.py", "up")
    gloss.wait(lambda: "Gloss is at" in gloss.logs())
    return process


def test_it_opens_a_page_and_its_three_processes_are_there(
    up: "subprocess.Popen[bytes]", gloss: Stack
) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{gloss.port}/accounts/login/") as page:
        assert page.status == 200
    assert len(processes_of(gloss.home)) >= 4


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_it_leaves_no_process_behind(
    up: "subprocess.Popen[bytes]", gloss: Stack, sent: signal.Signals
) -> None:
    os.kill(up.pid, sent)

    gloss.wait(lambda: processes_of(gloss.home) == [], seconds=30)
    assert up.wait(timeout=5) == {signal.SIGKILL: -signal.SIGKILL}.get(sent, 0)


def test_what_dies_is_started_again(up: "subprocess.Popen[bytes]", gloss: Stack) -> None:
    workers = "SELECT count(DISTINCT name) FROM jobs_workerheartbeat"
    gloss.wait(lambda: gloss.rows(workers) == [(1,)])
    [(name,)] = gloss.rows("SELECT DISTINCT name FROM jobs_workerheartbeat")
    os.killpg(int(name.rpartition(":")[2]), signal.SIGKILL)

    gloss.wait(lambda: gloss.rows(workers) == [(2,)])
    assert up.poll() is None


def test_a_taken_port_is_said_in_one_line(gloss: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", gloss.port))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=gloss.env,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Port {gloss.port} is taken" in done.stderr
