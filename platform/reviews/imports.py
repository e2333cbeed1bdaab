"""Run an import: read the file as a stream and write it in checkpointed batches.

Rows and the counts that say how far we are are written in one transaction, which first checks
the job's fence. A worker that dies leaves whole batches behind; whoever takes over skips as many
rows as have been counted and goes on, so the outcome is the same as without the death.

Reading, deciding and writing down for the database run in a thread of their own, one batch ahead
of whoever sends it. Ids are therefore drawn ahead too; those of rows that turn out to be known stay
unused.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import compress
from operator import attrgetter
from typing import Any, BinaryIO
from uuid import UUID

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from common import bulk
from common.coded import mapped
from common.errors import GlossError
from jobs.lease import JobFailed, Lease
from projects.models import Project
from reviews import aftermath, answers, fingerprints, mapping, services, updates, writing
from reviews.ahead import Ahead
from reviews.batches import Batch, read_batches
from reviews.by_column import BatchReader
from reviews.dates import is_day_first
from reviews.decided import Decided, Rows
from reviews.duplicates import Duplicates, Found
from reviews.files import open_upload
from reviews.late import drop_late_duplicates, sum_of
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, ImportJob
from reviews.near import NearTexts
from reviews.tables import Format

log = structlog.get_logger("jobs.import")

BATCH_ROWS = 10_000
_SAMPLE_ROWS = 2_000
_ANSWERS = attrgetter("answers")
_MAX_COUNT = 2**31 - 1


def run(lease: Lease) -> dict[str, Any]:
    """Import the job's file and return what became of its rows."""
    work = ImportJob.objects.select_related("dataset__project", "upload").get(job=lease.job)
    importing = _Importing(lease, work)
    try:
        with bulk.lean(), open_upload(work.upload) as binary:
            importing.all_rows(binary)
    except GlossError as error:
        raise JobFailed(error.detail) from error
    return importing.finish()


@dataclass(frozen=True, slots=True)
class _Ready:
    """What only has to be sent to the database."""

    reviews: writing.Ready
    #: The parsed answers of reviews by id, and what the sink made of them.
    answered: Sequence[tuple[int, Mapping[str, Any]]]
    prepared: Any


class _Importing:
    """One import under way."""

    def __init__(self, lease: Lease, work: ImportJob) -> None:
        self._lease = lease
        self._work = work
        self._wanted: ColumnMapping = mapping.from_json(work.mapping)
        self._chosen = Format(**work.read_as)
        self._sink = answers.sink_for(work.dataset.project)
        self._is_resumed = work.read_count > 0
        self._known = Duplicates(work, is_kept=self._wanted.on_duplicate == "keep")
        self._ids: list[int] = []
        self._is_copied = connection.vendor == "postgresql"

    def all_rows(self, binary: BinaryIO) -> None:
        """Read and write what has not been written yet."""
        reader = self._reader(binary)
        near = self._near(reader, binary)
        binary.seek(0)
        batches = read_batches(binary, self._chosen, skip=self._work.read_count, size=BATCH_ROWS)
        begun = time.monotonic()
        with transaction.atomic():
            self._draw_ids()
        with Ahead(self._decided(reader, batches)) as made:
            for decided, ready in made:
                self._lease.check()
                self._write(decided, ready, near, begin_next=made.begin)
                seconds = round(time.monotonic() - begun, 1)
                log.info("rows_read", read=self._work.read_count, seconds=seconds)

    def _decided(
        self, reader: BatchReader, batches: Iterable[Batch]
    ) -> Iterator[tuple[Decided, _Ready]]:
        """Yield what becomes of batches, ready to be written; in another thread."""
        for batch in batches:
            decided = reader.read(batch)
            count = len(decided.rows)
            ids, self._ids = self._ids[:count], self._ids[count:]
            yield decided, self._made_ready(decided.rows, ids)

    def _made_ready(self, rows: Rows, ids: Sequence[int]) -> _Ready:
        share = self._work.dataset.project.control_share
        reviews = writing.ready(
            self._work, rows, ids=ids, control_share=share, is_copied=self._is_copied
        )
        answers = list(mapped(rows.given, _ANSWERS))
        answered = list(compress(zip(ids, answers, strict=True), answers))
        return _Ready(reviews, answered, self._sink.prepare(answered))

    def _draw_ids(self) -> None:
        """Have enough ids for the rows of another batch, while nobody takes any."""
        self._ids += writing.take_ids(BATCH_ROWS - len(self._ids))

    def _reader(self, binary: BinaryIO) -> BatchReader:
        return BatchReader(
            self._wanted,
            self._work.columns,
            parse_answer=self._sink.parse,
            is_complete=self._sink.is_complete,
            day_first=self._is_day_first(binary),
        )

    def _is_day_first(self, binary: BinaryIO) -> bool:
        if not self._wanted.date:
            return False
        at = self._work.columns.index(self._wanted.date)
        with closing(read_batches(binary, self._chosen, size=_SAMPLE_ROWS)) as batches:
            first = next(batches, None)
        binary.seek(0)
        return is_day_first(row[at] for row in (first.cells if first else ()) if at < len(row))

    def _near(self, reader: BatchReader, binary: BinaryIO) -> NearTexts | None:
        """Return what knows near duplicates, as far as the file has been read; None: all stay."""
        if self._wanted.on_near_duplicate != "skip":
            return None
        near = NearTexts(self._work.dataset.project)
        done = self._work.read_count
        if done:
            for batch in read_batches(binary, self._chosen, size=BATCH_ROWS):
                rows = reader.read(batch).rows
                near.are_seen(
                    [t for t, n in zip(rows.texts, rows.numbers, strict=True) if n <= done]
                )
                if batch.first_row + len(batch) > done:
                    break
        return near

    # --- A batch ------------------------------------------------------------------------------

    def _write(
        self,
        decided: Decided,
        ready: _Ready,
        near: NearTexts | None,
        begin_next: Callable[[], None],
    ) -> None:
        """Write one batch: reviews, answers, fingerprints, refused rows, counts, or nothing.

        `begin_next` is called before the long writes, to have the next batch read meanwhile.
        """
        work, rows = self._work, decided.rows
        found = self._known.find(rows, ready.reviews.keys)
        if near is not None:
            seen = near.are_seen(rows.texts)
            found = replace(found, fresh=[at for at in found.fresh if not seen[at]])
        with self._effect(decided):
            self._hold()
            self._draw_ids()
            begin_next()
            if len(found.fresh) < len(rows):
                ids = [ready.reviews.ids[at] for at in found.fresh]
                ready = self._made_ready(rows.at(found.fresh), ids)
            fresh = ready.reviews
            self._write_fresh(decided, ready)
            brought, renewed = self._write_more(rows, found, fresh.ids)
            writing.write_rejected(work, decided.rejected)
            # A repeated row that brought somebody's annotation is no duplicate, unless the review
            # is that of another data set.
            accepted = len(fresh.rows) + len(brought - found.shown.keys())
            self._count(
                fresh.splits,
                read_count=decided.read_count,
                accepted_count=accepted,
                rejected_count=len(decided.rejected),
                duplicate_count=decided.read_count - accepted - len(decided.rejected),
                updated_count=len(renewed),
            )
        work.read_count += decided.read_count
        self._known.remember(fresh.keys, fresh.ids)

    def _effect(self, decided: Decided) -> Any:
        done = self._work.read_count + decided.read_count
        total = round(done * self._work.upload.byte_count / max(1, decided.position))
        return self._lease.effect(
            step=self._lease.job.step + 1,
            done_count=done,
            total_count=min(max(done, total), _MAX_COUNT),
            message="Reading rows",
        )

    def _hold(self) -> None:
        """Keep the project and the data set from going while rows are written that belong to them.

        No foreign key does: see reviews.models.Review.
        """
        lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
        statement = f"""
            SELECT 1 FROM reviews_importjob work
            JOIN reviews_dataset dataset ON dataset.id = work.dataset_id
            JOIN projects_project project ON project.id = dataset.project_id
            WHERE work.id = %s AND dataset.removed_at IS NULL{lock}
        """  # noqa: S608  (only our own words are put together)
        with connection.cursor() as cursor:
            cursor.execute(statement, [self._work.pk])
            if cursor.fetchone() is None:
                raise JobFailed("The data set was removed while its file was being imported.")

    def _write_fresh(self, decided: Decided, ready: _Ready) -> None:
        writing.write_reviews(self._work, ready.reviews)
        self._sink.store(ready.answered, ready.prepared)
        fingerprints.record(
            dataset_id=self._work.dataset_id,
            first_row=decided.first_row,
            keys=ready.reviews.keys,
            ids=np.asarray(ready.reviews.ids, np.int64),
        )

    def _write_more(
        self, rows: Rows, found: Found, ids: Sequence[int]
    ) -> tuple[AbstractSet[int], AbstractSet[int]]:
        """Write what rows bring besides new reviews.

        Return the places of those that brought an annotation to a review that another row made,
        and of those that changed a review that was there before.
        """
        if self._wanted.on_duplicate != "update" and not any(rows.said):
            return frozenset(), frozenset()
        written = dict(zip(found.fresh, ids, strict=True))
        brought = self._write_said(rows, found, written) - written.keys()
        return brought, self._renew(rows, found, written) | (brought & found.shown.keys())

    def _write_said(self, rows: Rows, found: Found, written: dict[int, int]) -> set[int]:
        """Write what annotators said; return the places of rows that brought an annotation."""
        targets = self._targets(found, written)
        said = [
            (place, number, *spoken)
            for place, number in targets.items()
            for spoken in rows.said[place]
        ]
        if not said:
            return set()
        is_new = self._sink.store_said([each[1:] for each in said], self._work.pk)
        return {each[0] for each, new in zip(said, is_new, strict=True) if new}

    def _targets(self, found: Found, written: dict[int, int]) -> dict[int, int]:
        """Return the reviews that rows may add to, by place: a known one only if it is renewed."""
        targets = {**written, **found.own}
        targets |= {at: written[first] for at, first in found.within.items() if first in written}
        if self._wanted.on_duplicate == "update":
            targets |= found.shown
        return dict(sorted(targets.items()))

    def _renew(self, rows: Rows, found: Found, written: dict[int, int]) -> set[int]:
        if self._wanted.on_duplicate != "update":
            return set()
        targets = self._targets(found, written).items()
        repeated = [(at, number) for at, number in targets if at not in written]
        return updates.renew(self._work, self._sink, rows, repeated)

    def _count(self, splits: Counter[str], **counts: int) -> None:
        more = {name: F(name) + count for name, count in counts.items()}
        ImportJob.objects.filter(pk=self._work.pk).update(**more)
        dataset = self._work.dataset
        total = Counter(dataset.split_counts) + splits
        Dataset.objects.filter(pk=dataset.pk).update(split_counts=dict(total))
        dataset.split_counts = dict(total)

    # --- The end ------------------------------------------------------------------------------

    def finish(self) -> dict[str, Any]:
        """Show the data set and return the counts; doing it twice gives the same."""
        lease, work = self._lease, self._work
        # Before it is shown: the first who ask for a review find one as fast as those after them.
        bulk.learn_growth()
        with lease.effect(
            step=lease.job.step + 1, done_count=work.read_count, total_count=work.read_count
        ):
            # One import of a project ends at a time: whoever comes second sees the first.
            projects = Project.objects.select_for_update(no_key=True)
            projects.get(pk=work.dataset.project_id)
            work.refresh_from_db()
            dataset = Dataset.objects.get(pk=work.dataset_id)
            if not dataset.is_ready:
                self._drop_late(dataset)
                self._show(dataset)
        work.refresh_from_db()
        return _result(lease, work)

    def _drop_late(self, dataset: Dataset) -> None:
        if self._wanted.on_duplicate != "keep":
            # A worker before this one may have known less.
            compared = [] if self._is_resumed else self._known.compared
            drop_late_duplicates(self._work, dataset, compared=compared)

    def _show(self, dataset: Dataset) -> None:
        dataset.is_ready = True
        dataset.review_count = sum_of(dataset.split_counts)
        dataset.save(update_fields=["is_ready", "review_count", "split_counts"])
        aftermath.follow(dataset)


def _result(lease: Lease, work: ImportJob) -> dict[str, Any]:
    started_at = lease.job.started_at or work.created_at
    return {
        "read": work.read_count,
        "accepted": work.accepted_count,
        "rejected": work.rejected_count,
        "duplicates": work.duplicate_count,
        "updated": work.updated_count,
        "seconds": round((timezone.now() - started_at).total_seconds(), 3),
    }


def tidy(job_id: UUID) -> None:
    """Remove what a failed or cancelled import left; its name is free again, the file stays."""
    work = ImportJob.objects.select_related("dataset").filter(job=job_id).first()
    if work is not None:
        services.discard_import(work=work)
