"""Cells that a spreadsheet would run: harmless at every door, and undone again."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.models import User
from common.text import is_number
from jobs.models import Job
from jobs.worker import run_here
from ml import results
from projects.models import Project
from reviews.models import Dataset, ImportCheck, Review
from reviews.neutral import neutral, restored
from tests import factories

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'=", "''@", "'＝"]
CELLS = [f'{start}HYPERLINK("http://canary.test";1)' for start in STARTS]
_RUNS = re.compile("[=+\\-@\t\r\n＝＋－＠]")

WRITTEN = st.lists(st.sampled_from(["'", *"=+-@\t\r\n＝＋－＠a1."])).map("".join)


@given(WRITTEN)
def test_no_cell_runs_and_every_cell_comes_back(cell: str) -> None:
    assert not _RUNS.match(neutral(cell)) or is_number(cell)
    assert restored(neutral(cell)) == cell


def test_the_charts_follow_the_same_rule() -> None:
    script = Path(__file__).parents[2] / "platform/static/js/chart-save.js"
    (rule,) = re.findall(r"const safe = .*?/\^(.+?)/\.test", script.read_text())

    for cell in [*CELLS, "plain", "a=b", "'quoted'", ""]:
        assert bool(re.match(rule, cell)) == (neutral(cell) != cell), cell


def test_predictions_follow_the_same_rule() -> None:
    rows = [{"row": n, "id": cell, "text": cell, "error": None} for n, cell in enumerate(CELLS)]

    written = b"".join(results._csv(iter(rows), ())).decode("utf-8-sig")

    found = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [restored(row["text"]) for row in found] == CELLS
    assert not [row for row in found if _RUNS.match(row["text"]) or _RUNS.match(row["id"])]


@pytest.fixture
def visitor(owner: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(owner)


def _table(answer: Any) -> list[list[str]]:
    body = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(body, newline="")))


@pytest.mark.django_db
def test_refused_rows_are_harmless_over_every_door(project: Project, visitor: Client) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([["text", "=stars"], *([cell, cell] for cell in CELLS), [*"abc"]])
    mapping = {"text": ["text"], "answers": {"=stars": "rating"}}
    api = f"/api/v1/projects/{project.slug}/"
    file = ContentFile(table.getvalue().encode(), name="=cmd.csv")
    sent = {"file": file, "name": "=set", "mapping": json.dumps(mapping)}
    visitor.post(f"{api}datasets/", sent)
    run_here(Job.objects.get(kind="import"))
    upload = {"mapping": mapping, "name": "=other"}
    number = Dataset.objects.get().imports.get().upload_id
    visitor.post(
        f"{api}uploads/{number}/check/", json.dumps(upload), content_type="application/json"
    )
    run_here(Job.objects.get(kind="check"))

    tables = [
        _table(visitor.get(f"{base}{thing}/rejects.csv"))
        for base in (api, f"/projects/{project.slug}/reviews/")
        for thing in (
            f"datasets/{Dataset.objects.get().pk}",
            f"checks/{ImportCheck.objects.get().pk}",
        )
    ]

    for header, *rows in tables:
        assert header[:2] == ["text", "'=stars"]
        assert len(rows) == len(CELLS) + 1
        assert not [cell for row in rows for cell in row if _RUNS.match(cell)]
    assert [restored(row[1]) for row in tables[0][1:-1]] == CELLS


@pytest.fixture
def hostile(project: Project) -> list[Review]:
    """Reviews whose every part begins like a formula."""
    dataset = factories.dataset(project, "=set")
    return [
        factories.review(
            project, cell, dataset=dataset, product=cell, author=cell,
            metadata={"=key": cell, "@other": f"{cell} too"},
        )
        for cell in map(str.strip, CELLS)  # as every import leaves them
    ]  # fmt: skip


def _cells(path: Path) -> list[list[Any]]:
    if path.suffix == ".csv":
        return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    rows = list(load_workbook(path)["reviews"].iter_rows())
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]
    return [[cell.value or "" for cell in row] for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["csv", "xlsx"])
def test_exports_are_harmless_and_come_back_whole(
    key: str, project: Project, hostile: list[Review], visitor: Client, tmp_path: Path
) -> None:
    path = tmp_path / f"out.{key}"
    call_command("export", "--project", project.slug, "--format", key, "--output", str(path))
    file = ContentFile(path.read_bytes(), name=path.name)
    api = f"/api/v1/projects/{project.slug}/datasets/"
    facts = ("product", "author", "date")
    mapping = {"text": ["text"], "on_duplicate": "keep", **{name: name for name in facts}}
    sent = {"file": file, "name": "again", "mapping": json.dumps(mapping)}

    answer = visitor.post(api, sent)
    run_here(Job.objects.get(kind="import"))

    assert answer.status_code == 202, answer.content
    assert not [cell for row in _cells(path) for cell in row if _RUNS.match(str(cell))]
    kept = ("text", "product", "author", "metadata")
    again = Review.objects.filter(dataset__name="again").order_by("row_number")
    assert list(again.values(*kept)) == [
        {name: getattr(review, name) for name in kept} for review in hostile
    ]
