"""A dry run: read a whole file as an import would, write nothing, and say what would happen."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from common.errors import GlossError, Invalid
from jobs.lease import JobFailed, Lease
from jobs.models import Job
from jobs.services import enqueue
from projects.models import Project
from reviews import answers, fingerprints, mapping, proposals, services
from reviews.batches import Batch, read_batches
from reviews.by_column import BatchReader
from reviews.dates import is_day_first
from reviews.decided import Decided, Rows, Spoken
from reviews.files import open_upload
from reviews.fingerprints import Known, Numbers
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, ImportCheck, Upload
from reviews.near import NearTexts
from reviews.personal import Personal
from reviews.rows import Rejected
from reviews.similar import NearIndex
from reviews.sources import open_table
from reviews.tables import Format
from reviews.tallies import Causes, Lengths
from reviews.value_guess import asked_with_options, is_option

BATCH_ROWS = 10_000
_SAMPLE_ROWS = 2_000
#: Near duplicates are looked for among so many texts from the start of the file.
NEAR_TEXTS = 50_000
_MAX_ANNOTATORS = 10_000


# --- Asked for ------------------------------------------------------------------------------------


def start_check(
    *,
    project: Project,
    dataset_name: str,
    upload: Upload,
    mapping: ColumnMapping | None,
    read_as: Mapping[str, Any] | None = None,
    actor: User,
) -> ImportCheck:
    """Make a check and the job that runs it; earlier checks of the file that have ended go.

    Raises Invalid when file and mapping do not fit.
    """
    seen, resolved = services.understand(upload=upload, mapping=mapping, read_as=read_as)
    with transaction.atomic():
        ended = ImportCheck.objects.filter(upload=upload, created_by=actor)
        ended.filter(job__state__in=Job.TERMINAL).delete()
        job = enqueue(
            project=project,
            kind="check",
            actor=actor,
            params={"upload": upload.pk, "file": upload.original_name},
        )
        return ImportCheck.objects.create(
            project=project,
            upload=upload,
            job=job,
            created_by=actor,
            dataset_name=dataset_name,
            read_as=asdict(seen.format),
            mapping=resolved.as_json(),
        )


# --- Run ------------------------------------------------------------------------------------------


def run(lease: Lease) -> dict[str, Any]:
    """Read the file of a check and keep what an import would do."""
    check = ImportCheck.objects.select_related("project", "upload").get(job=lease.job)
    begun = timezone.now()
    tally = _Tally(check)
    try:
        with open_upload(check.upload) as binary:
            tally.columns = _columns(binary, Format(**check.read_as))
            for decided, batch in _decided(check, binary):
                tally.add(decided, batch)
                done = tally.read_count
                total = round(done * check.upload.byte_count / max(1, batch.position))
                lease.progress(done=done, total=max(done, total), message="Checking rows")
    except GlossError as error:
        raise JobFailed(error.detail) from error
    seconds = (timezone.now() - begun).total_seconds()
    result: dict[str, Any] = {**tally.as_json(), "seconds": round(seconds, 1)}
    with lease.effect(done_count=tally.read_count, total_count=tally.read_count):
        ImportCheck.objects.filter(pk=check.pk).update(result=result)
    return dict(result["counts"])


def _decided(check: ImportCheck, binary: BinaryIO) -> Iterator[tuple[Decided, Batch]]:
    wanted, chosen = mapping.from_json(check.mapping), Format(**check.read_as)
    columns = _columns(binary, chosen)
    sink = answers.sink_for(check.project)
    reader = BatchReader(
        wanted,
        columns,
        parse_answer=sink.parse,
        is_complete=sink.is_complete,
        day_first=_is_day_first(binary, chosen, wanted, columns),
    )
    for batch in read_batches(binary, chosen, size=BATCH_ROWS):
        yield reader.read(batch), batch


def _columns(binary: BinaryIO, chosen: Format) -> list[str]:
    columns = open_table(binary, chosen).columns
    binary.seek(0)
    return columns


def _is_day_first(
    binary: BinaryIO, chosen: Format, wanted: ColumnMapping, columns: Sequence[str]
) -> bool:
    if not wanted.date:
        return False
    at = columns.index(wanted.date)
    with closing(read_batches(binary, chosen, size=_SAMPLE_ROWS)) as batches:
        first = next(batches, None)
    binary.seek(0)
    return is_day_first(row[at] for row in (first.cells if first else ()) if at < len(row))


def columns_of(check: ImportCheck) -> list[str]:
    """Return the columns of a check's file."""
    with open_upload(check.upload) as binary:
        return _columns(binary, Format(**check.read_as))


def refused_rows(check: ImportCheck) -> Iterator[Rejected]:
    """Yield the rows that an import would refuse, in the order of the file."""
    with open_upload(check.upload) as binary:
        for decided, _ in _decided(check, binary):
            yield from decided.rejected


class _Tally:
    """Counts what would become of the rows, the way an import decides."""

    def __init__(self, check: ImportCheck) -> None:
        self.columns: list[str] = []
        self._project = check.project
        self._wanted = mapping.from_json(check.mapping)
        self._is_kept = self._wanted.on_duplicate == "keep"
        compared = fingerprints.shown_in(check.project)
        self._shown = fingerprints.known_of(compared)
        self._own = Known()
        self._voices: set[int] = set()
        self._annotators: Counter[str] = Counter()
        self._near = _near_index(check.project)
        self._near_of = self._near_count = 0
        self._causes, self._lengths, self._personal = Causes(), Lengths(), Personal()
        self.read_count = self._new = self._voiced = 0
        self._in_file = self._in_project = self._rejected = 0

    def add(self, decided: Decided, batch: Batch) -> None:
        """Count one batch."""
        rows = decided.rows
        self.read_count += decided.read_count
        self._rejected += len(decided.rejected)
        self._causes.add(decided.rejected, self._wanted.answers)
        self._lengths.add(rows.texts)
        self._find_personal(rows, batch)
        self._count_duplicates(rows)

    def _count_duplicates(self, rows: Rows) -> None:
        keys = fingerprints.keys_of(rows.digests) if len(rows) else np.zeros(0, np.int64)
        shown = set() if self._is_kept else {place for place, _ in self._shown.find(keys)}
        repeated = {place for place, _ in self._own.find(keys)} | _later(keys)
        voices = {
            place for place, said in enumerate(rows.said) if said and self._hear(said, keys[place])
        }
        if self._is_kept:  # only what several people say about a text is put together
            repeated = {place for place in repeated if rows.said[place]}
        repeated -= shown
        self._in_project += len(shown)
        self._voiced += len(repeated & voices)
        self._in_file += len(repeated - voices)
        gone = shown | repeated
        fresh = [place for place in range(len(rows)) if place not in gone]
        self._new += len(fresh)
        own = keys[fresh]
        self._own.add(own, np.arange(len(own), dtype=np.int64))
        self._look_near([rows.texts[place] for place in fresh[: NEAR_TEXTS - self._near_of]])

    def _hear(self, said: Sequence[Spoken], key: np.int64) -> bool:
        """Tell whether somebody says something about a text who has not done so before."""
        is_new = False
        for name, _ in said:
            if name in self._annotators or len(self._annotators) < _MAX_ANNOTATORS:
                self._annotators[name] += 1
            voice = hash((int(key), name))
            is_new = is_new or voice not in self._voices
            self._voices.add(voice)
        return is_new

    def _look_near(self, texts: list[str]) -> None:
        if texts:
            self._near_of += len(texts)
            near = self._near
            seen = near.are_seen(texts) if isinstance(near, NearTexts) else near.seen_batch(texts)
            self._near_count += sum(seen)

    def _find_personal(self, rows: Rows, batch: Batch) -> None:
        wanted = self._wanted
        self._personal.add(", ".join(wanted.text), rows.texts)
        kept = [*(wanted.metadata or ()), wanted.product, wanted.author, wanted.annotator]
        cells = [batch.cells[number - batch.first_row] for number in rows.numbers]
        for column in filter(None, kept):
            at = self.columns.index(column)
            self._personal.add(column, [row[at] for row in cells])

    def as_json(self) -> dict[str, Any]:
        """Return all that was counted."""
        repeated = self._in_file + self._in_project
        near = self._near_count if self._wanted.on_near_duplicate == "skip" else 0
        is_update = self._wanted.on_duplicate == "update"
        return {
            "counts": {
                "read": self.read_count,
                "new": self._new - near,
                "near_left_out": near,
                "voices": self._voiced,
                "duplicates_in_file": self._in_file,
                "duplicates_in_project": self._in_project,
                "duplicates": repeated,
                "updated": repeated if is_update else 0,
                "rejected": self._rejected,
                "annotators": len(self._annotators),
            },
            "causes": self._causes.as_json(),
            "misfits": self._causes.misfits_as_json(),
            "lacking": self._lacking(),
            "near": {
                "count": self._near_count,
                "of": self._near_of,
                "is_sample": self._near_of < self._new,
                "with_project": isinstance(self._near, NearTexts),
            },
            "personal": self._personal.as_json(),
            "lengths": self._lengths.as_json(),
        }

    def _lacking(self) -> list[dict[str, Any]]:
        """Return the options that the file names and the questions lack, most frequent first."""
        sink, asked = answers.sink_for(self._project), asked_with_options(self._project)
        found = []
        for column, key in self._wanted.answers.items():
            words = self._causes.words.get(column)
            if key in asked and words:
                every = [word for word, _ in words.most_common()]
                missing = [word for word in every if not is_option(sink, asked[key], word)]
                found.append((column, asked[key], missing[: proposals.MAX_VALUES]))
        return [
            {"column": column, "question": asked.key, "name": asked.name, "options": missing}
            for column, asked, missing in found
            if missing
        ]


def add_lacking(check: ImportCheck, column: str, actor: User) -> None:
    """Give the question that a column answers the options that a check found it to lack.

    The caller lets owners only. Raises Invalid when the check found none, or they cannot be ones.
    """
    lacking = (check.result or {}).get("lacking", [])
    found = next((each for each in lacking if each["column"] == column), None)
    asked = asked_with_options(check.project).get(found["question"]) if found else None
    if found is None or asked is None:
        raise Invalid.of("add", "The check found no such options. Check the file again.")
    proposals.question_from_values(check.project, actor, asked.name, asked.kind, found["options"])


def _near_index(project: Project) -> NearTexts | NearIndex:
    """Return what knows near duplicates: with the project's own texts unless they are many."""
    shown = Dataset.objects.filter(project=project, is_ready=True)
    is_small = (shown.aggregate(n=Sum("review_count"))["n"] or 0) <= NEAR_TEXTS
    return NearTexts(project) if is_small else NearIndex()


def _later(keys: Numbers) -> set[int]:
    """Return the places of keys that came before in the same batch."""
    is_later = np.ones(len(keys), np.bool)
    is_later[np.unique(keys, return_index=True)[1]] = False
    return set(np.flatnonzero(is_later).tolist())
