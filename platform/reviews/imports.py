"""Run an import: read the file as a stream and write it in checkpointed batches.

Rows and the counts that say how far we are are written in one transaction, which first checks
the job's fence. A worker that dies leaves whole batches behind; whoever takes over skips as many
rows as have been counted and goes on, so the outcome is the same as without the death.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

import structlog
from django.db.models import Count, F
from django.utils import timezone

from common.errors import GlossError
from jobs.lease import JobFailed, Lease
from reviews import answers, mapping, services, writing
from reviews.dates import is_day_first
from reviews.files import open_upload
from reviews.guessing import SAMPLE_BYTES, sample_rows
from reviews.models import Dataset, ImportJob, Review
from reviews.parsing import open_table
from reviews.rows import Accepted, Rejected, RowReader
from reviews.tables import Format, Record, Table

log = structlog.get_logger("jobs.import")

BATCH_ROWS = 2_000
#: A batch also ends after so many characters, to keep memory flat.
BATCH_CHARS = 4_000_000

Numbered = tuple[int, Record]


def run(lease: Lease) -> dict[str, Any]:
    """Import the job's file and return what became of its rows."""
    work = ImportJob.objects.select_related("dataset__project", "upload").get(job=lease.job)
    try:
        with open_upload(work.upload) as binary:
            _import_rows(lease, work, binary)
    except GlossError as error:
        raise JobFailed(error.detail) from error
    return _finish(lease, work)


def _import_rows(lease: Lease, work: ImportJob, binary: BinaryIO) -> None:
    sink = answers.sink_for(work.dataset.project)
    chosen = Format(**work.read_as)
    reader = _row_reader(work, chosen, binary, sink)
    table = open_table(binary, chosen)
    begun = time.monotonic()
    for batch in _batches(table, skip=work.read_count):
        lease.check()
        outcomes = [reader.read(record, number) for number, record in batch]
        _write(lease, work, sink, outcomes, total=_estimate(batch[-1][0], binary, work))
        work.refresh_from_db(fields=["read_count"])
        log.info("rows_read", read=work.read_count, seconds=round(time.monotonic() - begun, 1))


def _row_reader(
    work: ImportJob, chosen: Format, binary: BinaryIO, sink: answers.AnswerSink
) -> RowReader:
    wanted = mapping.from_json(work.mapping)
    return RowReader(
        wanted,
        work.columns,
        parse_answer=sink.parse,
        day_first=_is_day_first(work, chosen, binary, wanted.date),
    )


def _is_day_first(work: ImportJob, chosen: Format, binary: BinaryIO, column: str) -> bool:
    if not column:
        return False
    head = binary.read(SAMPLE_BYTES // 64)
    binary.seek(0)
    at = work.columns.index(column)
    return is_day_first(row[at] for row in sample_rows(head, chosen) if at < len(row))


def _batches(table: Table, *, skip: int) -> Iterator[list[Numbered]]:
    """Yield numbered records in batches, without the first `skip`."""
    batch: list[Numbered] = []
    chars = 0
    for number, record in islice(enumerate(table.records, start=1), skip, None):
        batch.append((number, record))
        chars += sum(map(len, record.cells))
        if len(batch) >= BATCH_ROWS or chars >= BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _estimate(done: int, binary: BinaryIO, work: ImportJob) -> int:
    """Guess how many rows there are from how much of the file has been read."""
    return max(done, round(done * work.upload.byte_count / max(1, binary.tell())))


def _write(
    lease: Lease,
    work: ImportJob,
    sink: answers.AnswerSink,
    outcomes: Sequence[Accepted | Rejected],
    *,
    total: int,
) -> None:
    """Write one batch: its reviews, their answers, the refused rows and the counts, or nothing."""
    rejected = [row for row in outcomes if isinstance(row, Rejected)]
    read = [row for row in outcomes if isinstance(row, Accepted)]
    done = work.read_count + len(outcomes)
    with lease.effect(
        step=lease.job.step + 1, done_count=done, total_count=total, message="Reading rows"
    ):
        fresh = _without_duplicates(work, read)
        share = work.dataset.project.control_share
        labelled = [sink.is_complete(row.answers) for row in fresh]
        ids = writing.write_reviews(work, fresh, control_share=share, labelled=labelled)
        answered = zip(ids, fresh, strict=True)
        sink.store([(number, row.answers) for number, row in answered if row.answers])
        writing.write_rejected(work, rejected)
        ImportJob.objects.filter(pk=work.pk).update(
            read_count=F("read_count") + len(outcomes),
            accepted_count=F("accepted_count") + len(fresh),
            rejected_count=F("rejected_count") + len(rejected),
            duplicate_count=F("duplicate_count") + len(read) - len(fresh),
        )


def _without_duplicates(work: ImportJob, rows: Sequence[Accepted]) -> list[Accepted]:
    """Leave out texts that the project shows already, that this import has had, or both.

    Data sets that are still being imported do not count: theirs may yet be removed.
    """
    first: dict[str, Accepted] = {}
    for row in rows:
        first.setdefault(row.text_hash, row)
    known = writing.known_hashes(work, list(first))
    return [row for key, row in first.items() if key not in known]


def _finish(lease: Lease, work: ImportJob) -> dict[str, Any]:
    """Show the data set and return the counts; doing it twice gives the same."""
    work.refresh_from_db()
    with lease.effect(
        step=lease.job.step + 1, done_count=work.read_count, total_count=work.read_count
    ):
        Dataset.objects.filter(pk=work.dataset_id).update(
            is_ready=True,
            review_count=work.accepted_count,
            split_counts=split_counts(work.dataset_id),
        )
    started_at = lease.job.started_at or work.created_at
    return {
        "read": work.read_count,
        "accepted": work.accepted_count,
        "rejected": work.rejected_count,
        "duplicates": work.duplicate_count,
        "seconds": round((timezone.now() - started_at).total_seconds(), 3),
    }


def split_counts(dataset_id: int) -> dict[str, int]:
    """Count a data set's reviews by split, and those of the control slice."""
    reviews = Review.objects.filter(dataset=dataset_id)
    by_split = reviews.values_list("split").annotate(Count("id")).order_by("split")
    return {**dict(by_split), "control": reviews.filter(is_control=True).count()}


def tidy(job_id: UUID) -> None:
    """Remove what a failed or cancelled import left; its name is free again, the file stays."""
    work = ImportJob.objects.select_related("dataset").filter(job=job_id).first()
    if work is not None:
        services.discard_import(work=work)
