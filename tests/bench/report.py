"""How a benchmark says what it found: a table for people, JSON for programs."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "bench-results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number with its unit and how many measurements are behind it."""

    name: str
    value: float
    unit: str
    n: int
    note: str = ""


@dataclass(slots=True)
class Report:
    """All figures of one benchmark."""

    name: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, *, n: int, note: str = "") -> None:
        """Add a figure and show it at once."""
        figure = Figure(name, value, unit, n, note)
        self.figures.append(figure)
        sys.stdout.write(f"  {name:<58} {value:>12,.3f} {unit:<10} n={n} {note}\n")
        sys.stdout.flush()

    def save(self) -> Path:
        """Write the figures with date and machine as JSON."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        body = {
            "benchmark": self.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine,
            "figures": [asdict(figure) for figure in self.figures],
        }
        path.write_text(json.dumps(body, indent=1), encoding="utf-8")
        return path


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` lie."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
