import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ml.core import stopping
from ml.core.config import TrainConfig
from ml.core.data import Example, write_snapshot
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


def make_job(folder: Path, workshop: Workshop, config: TrainConfig, rows: list[Example]) -> Path:
    folder.mkdir()
    folders = {name: str(workshop.folder / name) for name in ("features_dir", "encoders_dir")}
    settings = {"train": config.to_json(), **folders, "output_dir": str(folder / "out")}
    (folder / "config.json").write_text(json.dumps(settings))
    write_snapshot(folder / "snapshot.jsonl", rows)
    return folder


def start(job: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ml.core.child", str(job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(job: Path) -> tuple[int, list[dict[str, Any]], str]:
    process = start(job)
    out, err = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.parametrize("tier", ["tfidf", "frozen"])
def test_a_job_prints_its_events_and_leaves_a_checkpoint(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    config = workshop.config(tier, threads=0)
    job = make_job(tmp_path / "job", workshop, config, tiny.make_examples(60))

    status, events, errors = finish(job)

    assert status == 0, errors
    assert events[0]["event"] == "stage"
    assert events[-1]["event"] == "finished"
    assert events[-1]["directory"] == str(job / "out")
    assert events[-1]["metrics"] == json.loads((job / "out" / "metrics.json").read_text())


def test_an_encoder_that_is_not_here_is_one_plain_sentence(
    workshop: Workshop, tmp_path: Path
) -> None:
    config = TrainConfig.from_json(
        {**workshop.config("frozen").to_json(), "encoder": str(tmp_path / "nowhere")}
    )
    job = make_job(tmp_path / "job", workshop, config, tiny.make_examples(60))

    status, events, _ = finish(job)

    assert status == 1
    assert events[-1]["event"] == "error"
    assert events[-1]["code"] == "EncoderMissingError"
    assert "is not on this machine" in events[-1]["message"]
    assert not (job / "out").exists()


def test_too_little_data_is_one_plain_sentence(workshop: Workshop, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", workshop, workshop.config("tfidf"), [])

    status, events, _ = finish(job)

    assert status == 1
    assert "Label some reviews first" in events[-1]["message"]


def test_a_damaged_job_is_reported_as_an_event(workshop: Workshop, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", workshop, workshop.config("tfidf"), tiny.make_examples(5))
    (job / "config.json").write_text("{")

    status, events, errors = finish(job)

    assert status == 1
    assert events[-1]["event"] == "error"
    assert "Traceback" in errors


def long_at_it(workshop: Workshop, tmp_path: Path) -> tuple[Path, "subprocess.Popen[str]"]:
    """Start a training of five thousand epochs; return it once it learns."""
    config = workshop.config("full", epochs=5000, learning_rate=1e-4, patience=5000)
    job = make_job(tmp_path / "job", workshop, config, tiny.make_examples(200))
    process = start(job)
    assert process.stdout is not None
    assert any('"Training"' in line for line in process.stdout)
    return job, process


def test_told_to_stop_it_goes_at_once_and_leaves_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    job, process = long_at_it(workshop, tmp_path)

    os.kill(process.pid, signal.SIGTERM)

    # Five thousand epochs take far longer than this on any machine, however busy.
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert sorted(path.name for path in job.iterdir()) == ["config.json", "snapshot.jsonl"]


def test_told_to_stop_early_it_measures_and_keeps_the_best_so_far(
    workshop: Workshop, tmp_path: Path
) -> None:
    job, process = long_at_it(workshop, tmp_path)

    os.kill(process.pid, stopping.SIGNAL)

    # Measuring takes seconds of processor time, and minutes on a machine of others.
    out, errors = process.communicate(timeout=240)
    last = json.loads(out.splitlines()[-1])
    assert process.returncode == 0, errors
    assert last["event"] == "finished"
    assert 1 <= len(last["metrics"]["curve"]) < 5000
    assert (job / "out" / "manifest.json").is_file()
