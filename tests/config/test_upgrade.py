"""A database of the release before keeps what is in it when the tables change."""

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT

MOMENT = "2026-01-01 00:00:00"


def manage(home: Path, *arguments: str) -> None:
    env = {**os.environ, "GLOSS_HOME": str(home), "DATABASE_URL": f"sqlite:///{home}/old.sqlite3"}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments, "--verbosity", "0"]
    subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, timeout=300)


def insert(file: sqlite3.Connection, table: str, **values: object) -> None:
    """Insert a row, with something harmless in every column that must not be empty."""
    for _, name, kind, is_required, default, is_key in file.execute(f"PRAGMA table_info({table})"):
        if is_required and not is_key and default is None and name not in values:
            values[name] = MOMENT if "date" in kind else "" if "char" in kind else 0
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    file.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def an_import_of_the_release_before(file: sqlite3.Connection) -> None:
    insert(file, "projects_project", id=1, slug="shop", name="Shop", control_share=0.1)
    insert(file, "reviews_dataset", id=1, project_id=1, name="old", split_counts="{}", is_ready=1)
    insert(file, "reviews_upload", id=1, project_id=1, original_name="old.csv")
    insert(
        file, "reviews_importjob", id=1, dataset_id=1, upload_id=1, encoding="cp1252",
        delimiter=";", has_header=0, mapping="{}", columns="[]",
    )  # fmt: skip
    insert(file, "labelling_labelschema", id=1, project_id=1, version=1)
    insert(file, "labelling_question", id=1, schema_id=1, key="tone", kind="choice")
    insert(file, "labelling_option", id=7, question_id=1, key="good")
    for number in (1, 2, 3):
        insert(
            file, "reviews_review", id=number, project_id=1, dataset_id=1, import_job_id=1,
            row_number=number, text=f"text {number}", text_hash=str(number), metadata="{}",
            split="train",
        )  # fmt: skip
    insert(
        file, "labelling_gold", id=1, project_id=1, review_id=1, question_id=1, option_id=7,
        source="imported",
    )  # fmt: skip
    insert(
        file, "labelling_gold", id=2, project_id=1, review_id=2, question_id=1, number=4.0,
        source="imported",
    )  # fmt: skip


def test_reviews_gold_and_imports_of_the_release_before_are_kept(tmp_path: Path) -> None:
    manage(tmp_path, "migrate", "labelling", "0002")
    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite3")) as file:
        an_import_of_the_release_before(file)
        file.commit()

    manage(tmp_path, "migrate")

    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite3")) as file:
        keys = [key for (key,) in file.execute("SELECT text_key FROM reviews_review ORDER BY id")]
        gold = file.execute(
            "SELECT review_id, slot, option_id, number FROM labelling_gold ORDER BY review_id"
        ).fetchall()
        (read_as,) = file.execute("SELECT read_as FROM reviews_importjob").fetchone()
        (blob,) = file.execute("SELECT keys FROM reviews_fingerprints").fetchone()
        jobs = file.execute("SELECT kind, state, params FROM jobs_job").fetchall()
    digests = [hashlib.sha256(f"text {number}".encode()).digest() for number in (1, 2, 3)]
    assert keys == [int.from_bytes(digest[:8], "big") >> 1 for digest in digests]
    assert blob == b"".join(key.to_bytes(8, "little") for key in keys)
    assert gold == [(1, 7, 7, None), (2, 0, None, 4.0)]
    assert '"delimiter": ";"' in read_as
    assert '"has_header": false' in read_as
    assert jobs == [("search-index", "queued", '{"dataset": 1}')]


def test_the_database_takes_reviews_and_gold_along_with_their_data_set(tmp_path: Path) -> None:
    manage(tmp_path, "migrate", "labelling", "0002")
    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite3")) as file:
        an_import_of_the_release_before(file)
        file.commit()
    manage(tmp_path, "migrate")

    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite3")) as file:
        file.execute("DELETE FROM reviews_dataset")
        counts = [
            file.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608
            for table in ("reviews_review", "labelling_gold")
        ]
    assert counts == [(0,), (0,)]
