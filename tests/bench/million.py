"""A million reviews in and out: imports beside the database's own bare loading of the same file.

ROWS makes it smaller, to try it out.
"""

import contextlib
import csv
import http.client
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests import servers
from tests.bench import exporting, tables
from tests.bench.imports import environment, run_import
from tests.bench.made_up import COLUMNS, write_reviews
from tests.bench.report import Report
from tests.stack import Stack

ROWS = int(os.environ.get("ROWS", "1000000"))
REST_ROWS = min(100_000, ROWS)
#: Text, metadata and two columns of answers.
OPTIONS = (
    "--text", "text", "--answer", "rating=rating", "--answer", "sentiment=sentiment",
    "--product", "product", "--date", "date", "--metadata", "department",
)  # fmt: skip
MAPPING = {
    "text": ["text"],
    "answers": {"rating": "rating", "sentiment": "sentiment"},
    "product": "product",
    "date": "date",
    "metadata": ["department"],
}
#: Loads a file bare, in a folder, and returns the seconds that it took.
Bare = Callable[[Path, Path], float]


def run(report: Report) -> None:
    """Load, import, look and export, on SQLite and then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, small = folder / "large.csv", folder / "small.csv"
        write_reviews(large, ROWS)
        _head(large, small, ROWS // 10)
        report.add("rows in the file", ROWS, "rows", n=1)
        report.add("size of the file", large.stat().st_size / 1e6, "MB", n=1)
        _over_rest(report, folder, large)
        _on(report, "SQLite", folder / "sqlite", (small, large), bare_sqlite)
        if servers.postgres_bin() is None:
            sys.stdout.write("  PostgreSQL: skipped, no initdb here\n")
            return
        with servers.postgres() as url, environment(DATABASE_URL=url):
            _on(report, "PostgreSQL", folder / "postgres", (small, large), bare_postgres)


def _head(source: Path, target: Path, rows: int) -> None:
    with (
        source.open(newline="", encoding="utf-8") as read,
        target.open("w", newline="", encoding="utf-8") as write,
    ):
        writer = csv.writer(write)
        for number, row in enumerate(csv.reader(read)):
            if number > rows:
                return
            writer.writerow(row)


def _on(report: Report, name: str, home: Path, files: tuple[Path, Path], bare: Bare) -> None:
    small, large = files
    with Stack(home) as gloss:
        create_owner(gloss)
        _, small_peak = run_import(gloss, small, OPTIONS, slug="small")
        theirs = _rate(bare, large, home)
        result, peak = run_import(gloss, large, OPTIONS, slug="large")
        # Twice, before and after, since other programs may take from the machine.
        theirs = (theirs + _rate(bare, large, home)) / 2
        ours = ROWS / result["seconds"]
        report.add(f"{name}: reviews imported", ours, "rows/s", n=1)
        report.add(f"{name}: bare loading of the same file", theirs, "rows/s", n=2)
        report.add(f"{name}: share of bare loading", ours / theirs, "ratio", n=1)
        report.add(f"{name}: peak memory, a tenth of the file", small_peak, "MB", n=1)
        report.add(f"{name}: peak memory, the whole file", peak, "MB", n=1)
        if result["accepted"] != ROWS:
            raise RuntimeError(f"{result} is not what the file holds")
        tables.measure(report, gloss, name=name, slug="large")
        exporting.measure(report, gloss, name=name, slug="large", smaller="small")


def _rate(bare: Bare, path: Path, home: Path) -> float:
    return ROWS / bare(path, home)


def create_owner(gloss: Stack) -> None:
    """Make the person to whom the projects of a benchmark belong."""
    gloss.env |= {"DJANGO_SUPERUSER_PASSWORD": "a long enough secret"}
    gloss.manage("createsuperuser", "--noinput", "--username", "o", "--email", "o@example.org")


# --- Bare loading -------------------------------------------------------------------------------


def bare_sqlite(source: Path, home: Path) -> float:
    """Return the seconds that executemany takes in one transaction, parsing included."""
    path = home / "bare.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        file.execute(f"CREATE TABLE bare ({', '.join(f'{name} TEXT' for name in COLUMNS)})")
        marks = ", ".join("?" * len(COLUMNS))
        started = time.perf_counter()
        file.executemany(f"INSERT INTO bare VALUES ({marks})", _records(source))  # noqa: S608
        file.commit()
        seconds = time.perf_counter() - started
    for leftover in home.glob("bare.sqlite3*"):
        leftover.unlink()
    return seconds


def _records(source: Path) -> Iterator[list[str]]:
    with source.open(newline="", encoding="utf-8") as file:
        records = csv.reader(file)
        next(records)
        yield from records


def bare_postgres(source: Path, _home: Path) -> float:
    """Return the seconds that COPY into a plain logged table takes, parsed by the server."""
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(f"CREATE TABLE bare ({columns})")
        connection.commit()
        started = time.perf_counter()
        statement = "COPY bare FROM STDIN (FORMAT csv, HEADER)"
        with source.open("rb") as file, connection.cursor().copy(statement) as copy:
            shutil.copyfileobj(file, copy, 1 << 16)
        connection.commit()
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bare")
    return seconds


# --- By REST ------------------------------------------------------------------------------------


def _over_rest(report: Report, folder: Path, large: Path) -> None:
    """Upload a file to a running installation on SQLite, and wait for its job."""
    path = folder / "rest.csv"
    _head(large, path, REST_ROWS)
    with Stack(folder / "rest") as gloss:
        create_owner(gloss)
        gloss.manage("create_project", "rest", "--preset", "product-reviews", "--owner", "o")
        scopes = ("--scope", "read", "--scope", "write")
        token = gloss.manage("create_token", "o", "--project", "rest", *scopes).strip()
        gloss.start("-m", "gunicorn", "-c", "python:config.gunicorn_conf")
        gloss.worker()
        gloss.wait(lambda: _is_up(gloss.port))
        started = time.perf_counter()
        job = _upload(gloss, token, path)
        while (state := _ask(gloss, token, job))["state"] in {"queued", "running"}:
            time.sleep(0.05)
        seconds = time.perf_counter() - started
    if state["state"] != "succeeded" or state["result"]["accepted"] != REST_ROWS:
        raise RuntimeError(f"the import by REST ended as {state}")
    report.add(f"SQLite: {REST_ROWS:,} rows by REST, upload to end", seconds, "s", n=1)


def _is_up(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        client.request("GET", "/healthz")
        return client.getresponse().status == 200
    except OSError:
        return False


def _upload(gloss: Stack, token: str, path: Path) -> str:
    mark = uuid.uuid4().hex
    fields = {"name": "By REST", "mapping": json.dumps(MAPPING)}
    head = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="reviews.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    kind = f"multipart/form-data; boundary={mark}"
    answer = _request(gloss, token, "POST", "/api/v1/projects/rest/datasets/", body, kind)
    return str(answer["job"]["url"])


def _ask(gloss: Stack, token: str, url: str) -> dict[str, Any]:
    return _request(gloss, token, "GET", url)


def _request(
    gloss: Stack, token: str, method: str, url: str, body: bytes | None = None, kind: str = ""
) -> dict[str, Any]:
    client = http.client.HTTPConnection("127.0.0.1", gloss.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": kind} if kind else {})
    client.request(method, url, body=body, headers=headers)
    answer = client.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {url}: {answer.status} {content[:500]!r}")
    found: dict[str, Any] = json.loads(content)
    return found
