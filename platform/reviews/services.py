"""Take uploads in and start imports."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid
from common.text import normalise
from jobs.models import Job
from jobs.services import enqueue, once
from projects.models import Project
from reviews import mapping as mappings
from reviews import undo
from reviews.answers import sink_for
from reviews.cleaning import check_steps
from reviews.files import kept_name
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, ImportJob, Upload
from reviews.previews import Preview, look_at
from reviews.remembered import remember
from reviews.resumable import room
from reviews.selectors import ENDED_BADLY

_CHUNK = 1024 * 1024
_OUR_NAME = re.compile(r"column \d+")
MAX_DATASET_NAME = 100


@dataclass(frozen=True, slots=True)
class Started:
    """An import under way; `is_new` is False when an earlier request had started it."""

    dataset: Dataset
    import_job: ImportJob
    job: Job
    is_new: bool = True


def receive_upload(*, project: Project, file: File[bytes], actor: User | None) -> Upload:
    """Store a file under a name of ours; raise Invalid when it is empty or too large."""
    limit = settings.GLOSS_UPLOAD_MAX_BYTES
    if file.size > limit:
        raise Invalid.of(
            "file", f"The file has {file.size:,} bytes, at most {limit:,} are taken. Split it."
        )
    if file.size == 0:
        raise Invalid.of("file", "The file is empty. Choose a file with a row for every review.")
    upload = Upload(
        project=project,
        created_by=actor,
        original_name=kept_name(file.name),
        byte_count=file.size,
        received_count=file.size,
        sha256=_sha256(file),
    )
    with room():
        upload.file.save(uuid.uuid4().hex, file, save=False)
    with transaction.atomic():
        upload.save()
        audit.record(
            actor=actor,
            project_id=project.pk,
            action="upload.received",
            subject=upload.original_name,
            sha256=upload.sha256,
            byte_count=upload.byte_count,
        )
    return upload


def _sha256(file: File[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def discard_upload(*, upload: Upload) -> None:
    """Remove an upload that no import uses, and its file."""
    upload.delete()
    upload.file.delete(save=False)


def started_before(*, project: Project, actor: User | None, key: str | None) -> Started | None:
    """Return the import that the same person started with the same idempotency key."""
    if not key:
        return None
    job = Job.objects.filter(created_by=actor, idempotency_key=key).first()
    if job is None:
        return None
    work = ImportJob.objects.select_related("dataset", "upload").filter(job=job).first()
    if work is None or job.project_id != project.pk:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return Started(work.dataset, work, job, is_new=False)


def check_repeated(
    before: Started, *, name: str, file: File[bytes] | None, upload_id: int | None
) -> None:
    """Raise Conflict where a repeated request brings something else than the first one did.

    Answered with the import of the first, nobody would notice that the second is not there.
    """
    upload = before.import_job.upload
    is_same_file = upload_id == upload.pk if file is None else _sha256(file) == upload.sha256
    if before.job.params["dataset"] != normalise(name) or not is_same_file:
        raise Conflict(
            "This Idempotency-Key came with another file or name before. Choose another key."
        )


def start_import(
    *,
    project: Project,
    dataset_name: str,
    upload: Upload,
    mapping: ColumnMapping | None = None,
    read_as: Mapping[str, Any] | None = None,
    actor: User | None,
    idempotency_key: str | None = None,
) -> Started:
    """Make a data set that is not shown yet and the job that will fill it.

    A mapping of None, or one without text columns, is completed by guessing; `read_as` has what
    was decided about the Format. Raises Invalid when file and mapping do not fit, Conflict when
    the name is taken.
    """

    def start() -> Started:
        name = _checked_name(dataset_name)
        seen, resolved = understand(upload=upload, mapping=mapping, read_as=read_as)
        return _record(
            project=project,
            name=name,
            upload=upload,
            read_as=seen,
            mapping=resolved,
            actor=actor,
            idempotency_key=idempotency_key,
        )

    return once(
        before=lambda: started_before(project=project, actor=actor, key=idempotency_key),
        start=start,
    )


def understand(
    *,
    upload: Upload,
    mapping: ColumnMapping | None,
    read_as: Mapping[str, Any] | None = None,
) -> tuple[Preview, ColumnMapping]:
    """Return how a file reads and what becomes of its columns, with every name checked.

    Raises Invalid when the file cannot be read so or the mapping does not fit it.
    """
    wanted = mapping or ColumnMapping(text=())
    try:
        check_steps(wanted.cleaning)
    except ValueError as error:
        raise Invalid.of("mapping.cleaning", str(error)) from None
    chosen = {"has_header": _implied_header(wanted)}
    chosen |= {key: value for key, value in (read_as or {}).items() if value is not None}
    seen = look_at(upload, chosen)
    resolved = mappings.resolve(
        _completed(wanted, seen, is_given=mapping is not None),
        columns=seen.columns,
        questions=sink_for(upload.project).questions(),
        fields=seen.fields,
    )
    return seen, resolved


@transaction.atomic
def _record(
    *,
    project: Project,
    name: str,
    upload: Upload,
    read_as: Preview,
    mapping: ColumnMapping,
    actor: User | None,
    idempotency_key: str | None,
) -> Started:
    """Write the data set, its job and its import, or nothing."""
    dataset = _new_dataset(project=project, name=name, actor=actor)
    job = enqueue(
        project=project,
        kind="import",
        actor=actor,
        params={"dataset": name, "upload": upload.pk, "file": upload.original_name},
        idempotency_key=idempotency_key,
    )
    work = ImportJob.objects.create(
        dataset=dataset,
        upload=upload,
        job=job,
        read_as=asdict(read_as.format),
        mapping=mapping.as_json(),
        columns=read_as.columns,
    )
    remember(project=project, seen=read_as, mapping=mapping)
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="dataset.created",
        subject=name,
        job=str(job.pk),
    )
    return Started(dataset, work, job)


def _implied_header(wanted: ColumnMapping) -> bool | None:
    """Tell whether there is a header: whoever names columns in words has seen one."""
    if wanted.has_header is not None or not wanted.text:
        return wanted.has_header
    return not all(_OUR_NAME.fullmatch(name) for name in wanted.text)


def _checked_name(raw: str) -> str:
    name = normalise(raw)
    if not 1 <= len(name) <= MAX_DATASET_NAME:
        raise Invalid.of("name", f"A data set's name has 1 to {MAX_DATASET_NAME} characters.")
    return name


def _completed(wanted: ColumnMapping, seen: Preview, *, is_given: bool) -> ColumnMapping:
    """Fill in what was left to us: everything, or the text columns."""
    if wanted.text:
        return wanted
    if not seen.guess.text:
        raise Invalid.of(
            "mapping.text",
            "No column looks like text. Name the one that holds it; "
            f"the file has: {', '.join(seen.columns[:20])}.",
        )
    return replace(wanted, text=seen.guess.text) if is_given else seen.guess


def discard_import(*, work: ImportJob) -> None:
    """Remove the data set of an import that ended without success, in slices.

    A job may be called lost between showing the data set and saying so: then all is well and
    nothing is removed.
    """
    if work.dataset.is_ready:
        return
    undo.discard(work.dataset)


def _new_dataset(*, project: Project, name: str, actor: User | None) -> Dataset:
    # An import that was cancelled while it waited never met a worker that would tidy up.
    ended = ImportJob.objects.select_related("dataset").filter(
        dataset__project=project,
        dataset__name=name,
        dataset__is_ready=False,
        job__state__in=ENDED_BADLY,
    )
    for work in ended:
        discard_import(work=work)
    try:
        with transaction.atomic():
            return Dataset.objects.create(project=project, name=name, created_by=actor)
    except IntegrityError:
        raise Conflict(
            f"The project has a data set called {name!r} already. Choose another name."
        ) from None
