"""How fast a file becomes reviews, beside the database's own bare loading of the same rows."""

import contextlib
import csv
import io
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg

from tests import servers
from tests.bench.data import Source, reviews
from tests.bench.memory import ended
from tests.bench.report import Report
from tests.stack import ROOT, Stack

RUNS = 3


def run(report: Report) -> None:
    """Import on SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = reviews(folder)
        note = "the named file" if source.has_real_data else "made-up reviews"
        report.add("rows in the file", _row_count(source.path), "rows", n=1, note=note)
        _on(report, "SQLite", folder / "sqlite", source, _bare_sqlite)
        if servers.postgres_bin() is None:
            sys.stdout.write("  PostgreSQL: skipped, no initdb here\n")
            return
        with servers.postgres() as url, environment(DATABASE_URL=url):
            _on(report, "PostgreSQL", folder / "postgres", source, _bare_postgres)


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set variables of the environment for as long as a `with` lasts."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def _on(
    report: Report,
    name: str,
    home: Path,
    source: Source,
    bare: Callable[[Stack, Source, Path], float],
) -> None:
    rates, bare_rates, memory = [], [], []
    with Stack(home) as gloss:
        gloss.env |= {"DJANGO_SUPERUSER_PASSWORD": "a long enough secret"}
        gloss.manage("createsuperuser", "--noinput", "--username", "o", "--email", "o@example.org")
        for number in range(RUNS):
            result, peak = run_import(gloss, source.path, source.options, slug=f"run-{number}")
            rates.append(result["accepted"] / result["seconds"])
            memory.append(peak)
            bare_rates.append(result["accepted"] / bare(gloss, source, home))
        repeated = _repeated(source.path, home, 4)
        _, large = run_import(gloss, repeated, source.options, slug="large")
    ratios = [ours / theirs for ours, theirs in zip(rates, bare_rates, strict=True)]
    report.add(f"{name}: accepted rows", statistics.median(rates), "rows/s", n=RUNS)
    report.add(
        f"{name}: bare loading of the texts", statistics.median(bare_rates), "rows/s", n=RUNS
    )
    report.add(f"{name}: share of bare loading", statistics.median(ratios), "ratio", n=RUNS)
    report.add(f"{name}: peak memory", statistics.median(memory), "MB", n=RUNS)
    report.add(f"{name}: peak memory, file four times as large", large, "MB", n=1)


def run_import(
    gloss: Stack, path: Path, options: Sequence[str], *, slug: str
) -> tuple[dict[str, float], float]:
    """Run the command; return what it printed and its peak memory in MB."""
    gloss.manage("create_project", slug, "--preset", "product-reviews", "--owner", "o")
    command = [sys.executable, str(ROOT / "manage.py"), "import_reviews", str(path)]
    command += ["--project", slug, "--dataset", "bench", *options]
    process = subprocess.Popen(
        command, env=gloss.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    peak = ended(process)
    return json.loads(printed.splitlines()[-1]), peak


def _row_count(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _rows(source: Source) -> Iterator[tuple[str, ...]]:
    """Yield each record's cells, as a loader that asks no questions takes them."""
    with source.path.open(newline="", encoding="utf-8") as file:
        records = csv.reader(file)
        next(records)
        yield from (tuple(record) for record in records)


def _bare_sqlite(_gloss: Stack, source: Source, home: Path) -> float:
    """Return the seconds that executemany takes for the same file in one transaction."""
    path = home / "bare.sqlite3"
    width = len(next(_rows(source)))
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute(f"CREATE TABLE bare ({', '.join(f'c{n} TEXT' for n in range(width))})")
        started = time.perf_counter()
        marks = ", ".join("?" * width)
        file.executemany(f"INSERT INTO bare VALUES ({marks})", _rows(source))  # noqa: S608
        file.commit()
        seconds = time.perf_counter() - started
    for leftover in home.glob("bare.sqlite3*"):
        leftover.unlink()
    return seconds


def _bare_postgres(_gloss: Stack, source: Source, _home: Path) -> float:
    """Return the seconds that COPY takes for the same file, parsed by the server."""
    width = len(next(_rows(source)))
    columns = ", ".join(f"c{n} text" for n in range(width))
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(f"CREATE TEMPORARY TABLE bare ({columns})")
        started = time.perf_counter()
        with (
            source.path.open("rb") as file,
            connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while chunk := file.read(io.DEFAULT_BUFFER_SIZE * 8):
                copy.write(chunk)
        connection.commit()
        return time.perf_counter() - started


def _repeated(path: Path, folder: Path, times: int) -> Path:
    """Return a file with the rows several times: duplicates, but every one is read and judged."""
    target = folder / "large.csv"
    with path.open("rb") as source, target.open("wb") as out:
        header = source.readline()
        out.write(header)
        start = source.tell()
        for _ in range(times):
            source.seek(start)
            shutil.copyfileobj(source, out)
    return target
