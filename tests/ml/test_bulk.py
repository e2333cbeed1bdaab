"""Bulk predictions: every row of every kind of file, in order, once."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from pyarrow import parquet
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from ml import bulk, results
from ml.models import ModelVersion, Prediction, PredictionJob
from ml.scoring import load_for_work
from projects.models import Project
from reviews.models import Dataset, Review
from tests.ml.conftest import finish, hold

pytestmark = pytest.mark.django_db

BASE = "/api/v1/projects/shop/prediction-jobs/"
ROWS = [
    {"id": "a", "text": "The quality is lovely."},
    {"id": "b", "text": "  "},
    {"id": "c", "text": '=cmd|"awful"'},
]


@pytest.fixture
def client(owner: User, trained: Callable[..., ModelVersion], api: Any) -> APIClient:
    trained()
    made: APIClient = api(owner)
    return made


def csv_file() -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ["id", "text"])
    writer.writeheader()
    writer.writerows(ROWS)
    return buffer.getvalue().encode()


def jsonl_file() -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in ROWS) + b"\nnot json\n"


def parquet_file() -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([*ROWS, {"id": "d", "text": None}]), sink)
    return sink.getvalue()


def start(client: APIClient, **data: Any) -> Any:
    return client.post(BASE, data, format="multipart")


def run(client: APIClient, name: str, content: bytes, **data: str) -> PredictionJob:
    response = start(client, file=SimpleUploadedFile(name, content), **data)
    assert response.status_code == 202, response.json()
    work = PredictionJob.objects.get(pk=response.json()["prediction_job"]["id"])
    assert work.job is not None
    finish(work.job)
    work.refresh_from_db()
    return work


def fetch(client: APIClient, work: PredictionJob, chosen: str) -> bytes:
    response: Any = client.get(f"{BASE}{work.pk}/results/?format={chosen}")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment;")
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        pytest.param("rows.csv", csv_file(), 3, id="csv"),
        pytest.param("rows.jsonl", jsonl_file(), 4, id="jsonl"),
        pytest.param("rows.parquet", parquet_file(), 4, id="parquet"),
    ],
)
def test_every_row_comes_back_in_order_in_every_format(
    name: str, content: bytes, count: int, client: APIClient
) -> None:
    work = run(client, name, content)

    lines = [json.loads(line) for line in fetch(client, work, "jsonl").splitlines()]
    cells = list(csv.DictReader(io.StringIO(fetch(client, work, "csv").decode("utf-8-sig"))))
    table = parquet.read_table(io.BytesIO(fetch(client, work, "parquet"))).to_pylist()
    assert work.row_count == count
    for rows in (lines, cells, table):
        assert [int(row["row"]) for row in rows] == list(range(1, count + 1))
        assert [row["id"] for row in rows[:3]] == ["a", "b", "c"]
        assert rows[1]["error"] == "There is no text."
    assert lines[0]["sentiment"]["option"] == "positive"
    assert "error" not in lines[0]
    assert cells[0]["sentiment"] == table[0]["sentiment"] == "positive"
    assert float(cells[0]["rating_low"]) <= float(cells[0]["rating"])
    assert json.loads(cells[0]["aspects"]) == lines[0]["aspects"]["selected"]
    assert cells[2]["text"] == "'" + ROWS[2]["text"]  # no spreadsheet runs it
    assert table[2]["text"] == ROWS[2]["text"]


def test_a_data_set_leaves_predictions_that_filters_find(
    client: APIClient, dataset: Dataset, waiting: list[Review]
) -> None:
    response = start(client, dataset=str(dataset.pk))
    work = PredictionJob.objects.get(pk=response.json()["prediction_job"]["id"])
    assert work.job is not None
    finish(work.job)

    found = Prediction.objects.filter(review__in=waiting, question_key="sentiment")
    assert found.count() == len(waiting)
    lines = [json.loads(line) for line in fetch(client, work, "jsonl").splitlines()]
    assert [line["id"] for line in lines] == sorted(dataset.reviews.values_list("pk", flat=True))


def test_a_repeated_attempt_goes_on_and_doubles_nothing(
    client: APIClient, dataset: Dataset, waiting: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 10)
    response = start(client, dataset=str(dataset.pk))
    work = PredictionJob.objects.get(pk=response.json()["prediction_job"]["id"])
    assert work.job is not None
    lease = hold(work.job)
    predictor = load_for_work(work.model_version)
    Path(default_storage.path(results.folder_of(work.job.pk))).mkdir(parents=True)
    rows = [list(bulk._reviews(work))[first : first + 10] for first in (0, 10)]
    bulk._take(lease, work, predictor, rows[0], step=1, first=1)
    first_part = Path(default_storage.path(results.part_of(work.job.pk, 1)))
    before = first_part.stat().st_mtime_ns
    # Killed after writing the second part, before its step was taken.
    bulk._write(results.part_of(work.job.pk, 2), ['{"row": 11, "text": "half"}'])
    lease.give_back("gone", wait=timedelta())

    job = finish(Job.objects.get(pk=work.job.pk))

    work.refresh_from_db()
    lines = [json.loads(line) for line in fetch(client, work, "jsonl").splitlines()]
    assert [line["row"] for line in lines] == list(range(1, 72))
    assert "sentiment" in lines[10]
    assert first_part.stat().st_mtime_ns == before
    assert (job.step, job.done_count, job.result["rows"]) == (8, 71, 71)
    assert Prediction.objects.filter(question_key="sentiment").count() == 71


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param({}, "Send either a file or a dataset.", id="nothing"),
        pytest.param({"dataset": "99"}, "nothing here", id="unknown data set"),
        pytest.param({"file": ("rows.xlsx", b"x")}, "ends in none of", id="unknown kind"),
        pytest.param({"file": ("rows.csv", b"")}, "The file is empty.", id="empty"),
        pytest.param(
            {"file": ("rows.csv", b"a,b\n1,2\n")}, "The file has: a, b.", id="which column"
        ),
        pytest.param(
            {"file": ("rows.csv", csv_file()), "text": "body"}, "no column 'body'", id="no column"
        ),
        pytest.param({"file": ("rows.parquet", b"PAR1 no")}, "no Parquet file", id="bad parquet"),
        pytest.param({"file": ("rows.jsonl", b"[1]\n")}, "no JSON object", id="bad jsonl"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(
    data: dict[str, Any], message: str, client: APIClient, project: Project
) -> None:
    if "file" in data:
        data = data | {"file": SimpleUploadedFile(*data["file"])}

    response = start(client, **data)

    assert response.status_code in {400, 404}
    assert message in response.json()["detail"]
    assert not PredictionJob.objects.exists()
    assert not project.uploads.exists()


def test_results_are_a_conflict_before_the_end_and_need_a_known_format(client: APIClient) -> None:
    started = start(client, file=SimpleUploadedFile("rows.csv", csv_file()))
    path = f"{BASE}{started.json()['prediction_job']['id']}/results/"

    assert client.get(path).status_code == 409
    assert client.get(path + "?format=xml").status_code == 400


def test_the_same_request_starts_one_prediction(client: APIClient) -> None:
    answers = [
        client.post(
            BASE,
            {"file": SimpleUploadedFile("rows.csv", csv_file())},
            format="multipart",
            headers={"Idempotency-Key": "once"},
        )
        for _ in range(2)
    ]

    assert answers[0].json()["job"] == answers[1].json()["job"]
    assert PredictionJob.objects.count() == 1


def test_a_prediction_that_fails_leaves_no_parts(client: APIClient) -> None:
    started = start(client, file=SimpleUploadedFile("rows.csv", csv_file()))
    work = PredictionJob.objects.get(pk=started.json()["prediction_job"]["id"])
    assert work.job is not None
    folder = Path(default_storage.path(results.folder_of(work.job.pk)))
    folder.mkdir(parents=True)

    bulk.tidy(work.job.pk)

    assert not folder.exists()
