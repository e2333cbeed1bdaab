"""How fast reviews leave as JSON Lines with their gold, and in how much memory."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.memory import ended
from tests.bench.report import Report
from tests.stack import ROOT, Stack


def measure(
    report: Report, gloss: Stack, *, name: str, slug: str, smaller: str = ""
) -> dict[str, Any]:
    """Export every review of the project `slug`, and of a `smaller` one to compare the memory.

    Runs the job of everybody's exports in a process of its own; raises when it fails.
    """
    target = gloss.home / "export.jsonl"
    options = ("--format", "jsonl", "--labels", "gold", "--output", str(target))
    if smaller:
        _, peak = run_export(gloss, smaller, options)
        report.add(f"{name}: peak memory, export of the smaller project", peak, "MB", n=1)
    result, peak = run_export(gloss, slug, options)
    rate = result["reviews"] / result["seconds"]
    report.add(f"{name}: reviews exported", rate, "rows/s", n=1, note=f"{result['reviews']:,}")
    report.add(f"{name}: size of the export", target.stat().st_size / 1e6, "MB", n=1)
    report.add(f"{name}: peak memory, export", peak, "MB", n=1)
    if _line_count(target) != result["reviews"]:
        raise RuntimeError(f"{target} does not hold the {result['reviews']} reviews it should")
    target.unlink()
    return result


def run_export(gloss: Stack, slug: str, options: Sequence[str]) -> tuple[dict[str, Any], float]:
    """Run the command; return what it printed and the peak memory of its process in MB."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "export", "--project", slug, *options],
        env=gloss.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    peak = ended(process)
    result: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return result, peak


def _line_count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
