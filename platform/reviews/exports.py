"""Write an export: the reviews by keyset, their labels by the chunk, the file by the piece.

A file is written beside its place and moved there when it is whole, so nobody ever sees half of
one. Writing takes less time than joining parts would cost in complexity: an export whose worker
died starts again from the first review.
"""

import hashlib
import os
import time
from io import BufferedRandom
from pathlib import Path
from typing import Any
from uuid import UUID

from common import bulk
from common.errors import GlossError
from jobs.lease import JobFailed, Lease
from projects.models import Project
from reviews import export_services as services
from reviews import wanted
from reviews.export_rows import Rows
from reviews.files import new_part, path_of
from reviews.formats import OutFormat, Plan, Unwritable, Writer
from reviews.labels import LabelSource
from reviews.models import Export
from reviews.resumable import room
from reviews.wanted import Wanted, format_of

_PROGRESS_SECONDS = 1.0
_MOST_TRIES = 3
_NO_ROOM = "nothing of the export is kept. Make room on the server, then export once more."


def run(lease: Lease) -> dict[str, Any]:
    """Write the job's file and return what is in it."""
    export = Export.objects.select_related("project").get(job=lease.job)
    wish = wanted.from_json(export.params)
    part = new_part(services.FOLDER, f"export-{lease.job.pk}", fence=lease.fence)
    try:
        with bulk.lean(), room(_NO_ROOM):
            return _written(lease, export, wish, part)
    except (GlossError, Unwritable) as error:
        raise JobFailed(str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def tidy(job_id: UUID) -> None:
    """Remove what an export left that did not end well."""
    for path in path_of(services.FOLDER).glob(f"export-{job_id}*"):
        path.unlink(missing_ok=True)


def _written(lease: Lease, export: Export, wish: Wanted, part: Path) -> dict[str, Any]:
    begun = time.monotonic()
    chosen = format_of(wish.format)
    source = services.source_of(export.project, wish)
    for _ in range(_MOST_TRIES):
        shown = _shown(export.project)
        rows = services.rows_of(export.project, wish, source)
        plan = _plan(lease, export.project, wish, source, rows)
        with part.open("w+b") as binary:
            count = _write(lease, chosen.make(binary, plan), rows)
            binary.flush()
            os.fsync(binary.fileno())
            sha256 = _sha256(binary)
        if _shown(export.project) == shown:
            break
        lease.log("Data sets came or went meanwhile; starting again.")
    else:
        raise JobFailed("The data sets of the project keep changing. Export when they are done.")
    _show(lease, export, chosen, part, sha256=sha256, count=count)
    return {
        "export": export.pk,
        "reviews": count,
        "bytes": export.byte_count,
        "sha256": sha256,
        "left_out": {"count": plan.left_out.count, "examples": plan.left_out.examples},
        "seconds": round(time.monotonic() - begun, 3),
    }


def _shown(project: Project) -> list[int]:
    """Return the data sets that are shown: one that goes meanwhile leaves half of itself."""
    sets = project.datasets.filter(is_ready=True).order_by("pk")
    return list(sets.values_list("pk", flat=True))


def _plan(
    lease: Lease,
    project: Project,
    wish: Wanted,
    source: LabelSource | None,
    rows: Rows,
) -> Plan:
    chosen = format_of(wish.format)
    questions = source.questions(project) if source else []
    metadata = wish.metadata
    if metadata is None and chosen.is_table:
        metadata = _metadata_keys(lease, rows)
    return Plan(
        title=f"{project.name}: reviews",
        labels=wish.labels,
        names_people=source is not None and source.names_people,
        questions=tuple(each for each in questions if each.kind in chosen.kinds),
        metadata=metadata,
        facts=wish.facts,
        question=wanted.question_of(wish, questions) if source else None,
        tokens=wish.tokens,
    )


def _metadata_keys(lease: Lease, rows: Rows) -> tuple[str, ...]:
    """Return every key of the reviews' metadata, in the order in which they turn up."""
    keys: dict[str, None] = {}
    for chunk in rows.metadata():
        lease.check()
        for metadata in chunk:
            if not metadata.keys() <= keys.keys():
                keys |= dict.fromkeys(metadata)
    return tuple(keys)


def _write(lease: Lease, writer: Writer, rows: Rows) -> int:
    """Write every chunk; return how many reviews there were."""
    count, said = 0, 0.0
    try:
        for chunk in rows.chunks():
            lease.check()
            writer.write(chunk)
            count += len(chunk)
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                lease.progress(done=count, total=max(count, rows.total), message="Writing reviews")
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    lease.progress(done=count, total=count, message="Writing reviews")
    return count


def _sha256(binary: BufferedRandom) -> str:
    binary.seek(0)
    return hashlib.file_digest(binary, "sha256").hexdigest()


def _show(
    lease: Lease, export: Export, chosen: OutFormat, part: Path, *, sha256: str, count: int
) -> None:
    """Move the file to its place and say so, unless the job is somebody else's by now."""
    name = f"{services.FOLDER}/export-{lease.job.pk}.{chosen.ending}"
    export.byte_count = part.stat().st_size
    with lease.effect():
        part.replace(path_of(name))
        Export.objects.filter(pk=export.pk).update(
            file=name, sha256=sha256, review_count=count, byte_count=export.byte_count
        )
