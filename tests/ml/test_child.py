"""The supervised child: its lines, its end, what it may see, and that it never stays behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from jobs.lease import Cancelled, JobFailed
from jobs.models import Job
from ml import runner, workplace
from ml.child import Child, environment
from ml.following import ChildKilled
from ml.models import ModelVersion, TrainingRun
from reviews.models import Review
from tests.ml.conftest import hold


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], Path]:
    """Return a maker of a folder with the repository's ml.tether and a module `job`."""

    def make(body: str) -> Path:
        (tmp_path / "ml").symlink_to(Path(settings.ROOT) / "ml")
        (tmp_path / "job.py").write_text(textwrap.dedent(body))
        return tmp_path

    return make


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_lines_come_as_they_are_printed_and_silence_is_told(
    module: Callable[[str], Path], tmp_path: Path
) -> None:
    root = module(
        """
        import sys, time
        print("one", sys.argv[1])
        time.sleep(0.5)
        print("two")
        print("aside", file=sys.stderr)
        """
    )

    with Child("job", "x", root=root, errors=tmp_path / "errors") as child:
        lines = list(child.lines(every=0.1))
        status = child.wait()

    assert [line for line in lines if line] == ["one x", "two"]
    assert "" in lines
    assert (status, child.last_words()) == (0, "aside")


def test_leaving_the_block_ends_the_whole_group_even_when_it_is_deaf(
    module: Callable[[str], Path], tmp_path: Path
) -> None:
    root = module(
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(grandchild.pid)
        time.sleep(60)
        """
    )

    with Child("job", root=root, errors=tmp_path / "errors") as child:
        grandchild = int(next(line for line in child.lines(every=1.0) if line))
        assert is_alive(grandchild)

    assert not is_alive(child.pid)
    assert wait_for(lambda: not is_alive(grandchild))


def test_a_child_does_not_outlive_a_starter_that_is_killed(
    module: Callable[[str], Path], tmp_path: Path
) -> None:
    root = module("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    starter = f"""
import sys
sys.path[:0] = [{str(settings.ROOT)!r}]
from pathlib import Path
from ml.child import Child
child = Child("job", root=Path({str(root)!r}), errors=Path({str(tmp_path / "errors")!r}))
print(next(line for line in child.lines(every=1.0) if line), flush=True)
import time; time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_alive(pid)

    process.kill()
    process.wait()
    process.stdout.close()

    assert wait_for(lambda: not is_alive(pid))


def test_the_child_sees_no_secret() -> None:
    given = {
        "PATH": "/bin",
        "HF_HOME": "/models",
        "https_proxy": "http://proxy",
        "DATABASE_URL": "postgres://user:secret@host/db",
        "SECRET_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONPATH": "/elsewhere",
    }

    seen = environment(given, root=Path("/root"))

    assert set(seen) == {"PATH", "HF_HOME", "https_proxy", "PYTHONPATH", "PYTHONUNBUFFERED"}
    assert seen["PYTHONPATH"] == "/root"


# --- With a training -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_cancel_in_the_middle_ends_the_child_within_seconds(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    lease = hold(run.job)
    Job.objects.filter(pk=run.job.pk).update(is_cancel_requested=True)
    folder = workplace.open_attempt(lease)
    began = time.monotonic()

    with pytest.raises(Cancelled):
        runner._watch_child(lease, run, folder)

    # Far more than it takes, far less than the minute that a deaf child would be waited for.
    assert time.monotonic() - began < 40
    assert not processes_of(str(run.job.pk))
    assert not ModelVersion.objects.exists()


@pytest.mark.django_db
def test_the_childs_own_sentence_is_the_reason_of_the_failure(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    run.config = run.config | {"heads": []}
    run.save()

    with pytest.raises(JobFailed, match="Choose at least one question"):
        runner.train(hold(run.job))


@pytest.mark.django_db
def test_a_child_killed_from_outside_is_told_by_its_signal_and_leaves_no_version(
    labelled: list[Review], start: Callable[..., TrainingRun]
) -> None:
    run = start()
    assert run.job is not None
    killer = threading.Thread(target=kill_child_of, args=(str(run.job.pk),))
    killer.start()

    with pytest.raises(ChildKilled, match="SIGKILL"):
        runner.train(hold(run.job))

    killer.join()
    assert not ModelVersion.objects.exists()


def kill_child_of(job: str) -> None:
    """Kill the process that trains for a job, as soon as there is one."""
    assert wait_for(lambda: bool(processes_of(job)))
    for pid in processes_of(job):
        os.kill(pid, signal.SIGKILL)


def processes_of(job: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue
        if f"job-{job}".encode() in command:
            found.append(int(path.parent.name))
    return found
