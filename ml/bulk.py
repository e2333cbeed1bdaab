"""Predict a data set or a file in a worker, in steps that may be repeated.

Every step answers one chunk of rows: the answers are written to a part file by a rename, then the
step is taken under the job's fence (with the rows of a data set in the same transaction). A
repeated attempt goes on after the last step taken. Part files hold one JSON object a row, in the
order of the input.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage

from common.errors import Invalid
from jobs.lease import JobFailed, Lease
from ml import inputs, results, services, shapes
from ml.core.predict import Predictor
from ml.inputs import Row
from ml.models import PredictionJob
from ml.scoring import load_for_work
from reviews.files import open_upload
from reviews.members import reviews_in

CHUNK = 512


def predict(lease: Lease) -> dict[str, Any]:
    """Answer every row of the job's source and return how many there were."""
    work = PredictionJob.objects.select_related(
        "project", "model_version__training_run", "dataset", "upload"
    ).get(job_id=lease.job.pk)
    predictor = load_for_work(work.model_version)
    folder = results.folder_of(lease.job.pk)
    Path(default_storage.path(folder)).mkdir(parents=True, exist_ok=True)
    try:
        with _rows(work) as rows:
            count, failed = _steps(lease, work, predictor, rows)
    except Invalid as error:
        raise JobFailed(error.detail) from error
    with lease.effect():
        work.row_count, work.result_file = count, folder
        work.save(update_fields=["row_count", "result_file"])
    return {
        "rows": count,
        "without_text": failed,
        "model_version": work.model_version.number,
        "prediction_job": work.pk,
    }


def tidy(job_id: UUID) -> None:
    """Remove the parts of a prediction that did not end well."""
    results.remove(job_id)


@contextmanager
def _rows(work: PredictionJob) -> Iterator[Iterator[Row]]:
    if work.upload is None:
        yield _reviews(work)
        return
    with open_upload(work.upload) as binary:
        name = work.upload.original_name
        yield inputs.read_rows(binary, name=name, column=work.text_column)


def _reviews(work: PredictionJob) -> Iterator[Row]:
    if work.dataset is None:
        return
    reviews = reviews_in(work.dataset).filter(dataset__is_ready=True).order_by("pk")
    after = 0
    while chunk := list(reviews.filter(pk__gt=after).values_list("pk", "text")[:CHUNK]):
        yield from (Row(text, pk) for pk, text in chunk)
        after = chunk[-1][0]


def _steps(
    lease: Lease, work: PredictionJob, predictor: Predictor, rows: Iterator[Row]
) -> tuple[int, int]:
    """Take every step; return the rows and, among them, those without a usable text."""
    total = work.dataset.review_count if work.dataset is not None else 0
    taken, done, failed, step = lease.job.step, 0, 0, 0
    while chunk := list(islice(rows, CHUNK)):
        step += 1
        if step > taken:
            lease.progress(done=done, total=total, message="Predicting")
            _take(lease, work, predictor, chunk, step=step, first=done + 1)
        done += len(chunk)
        failed += sum(bool(row.error) for row in chunk)
    lease.progress(done=done, total=done, message="Predicting")
    return done, failed


def _take(
    lease: Lease,
    work: PredictionJob,
    predictor: Predictor,
    chunk: list[Row],
    *,
    step: int,
    first: int,
) -> None:
    usable = [row for row in chunk if not row.error]
    answers = iter(predictor.predict([row.text for row in usable]))
    answered = [(row, next(answers) if not row.error else None) for row in chunk]
    lines = [
        _line(number, row, answer) for number, (row, answer) in enumerate(answered, start=first)
    ]
    _write(results.part_of(lease.job.pk, step), lines)
    with lease.effect(step=step, done_count=first - 1 + len(chunk)):
        if work.dataset is not None:
            services.store_predictions(
                version=work.model_version,
                heads=predictor.heads,
                rows=[(row.id, answer) for row, answer in answered if answer is not None],
            )


def _line(number: int, row: Row, answer: dict[str, Any] | None) -> str:
    line: dict[str, Any] = {"row": number}
    if row.id is not None:
        line["id"] = row.id
    line["text"] = row.text
    line |= {"error": row.error} if answer is None else shapes.named(answer)
    return json.dumps(line, ensure_ascii=False)


def _write(name: str, lines: list[str]) -> None:
    """Let the part appear whole: a half-written one would be half a result."""
    path = Path(default_storage.path(name))
    beside = path.with_suffix(f".{os.getpid()}")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
