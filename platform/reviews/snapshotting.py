"""Make a version: write the reviews of a data set to a file that never changes, and hash both.

The file is written beside its place and moved there when it is whole. A worker that dies leaves a
part behind, and the next attempt writes it anew.
"""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

from common.errors import GlossError
from jobs.lease import JobFailed, Lease
from reviews import snapshots
from reviews.canonical import ContentHash, rows_of
from reviews.files import new_part, path_of
from reviews.members import hold_shown
from reviews.models import Dataset, DatasetVersion
from reviews.resumable import room

_MOST_TRIES = 3
_NO_ROOM = "nothing of the version is kept. Make room on the server, then make it once more."
_GONE = "The data set was removed before its version was made."


def run(lease: Lease) -> dict[str, Any]:
    """Write the file of the job's version and return what is in it."""
    versions = DatasetVersion.objects.select_related("dataset__project")
    version = versions.filter(job=lease.job, dataset__is_ready=True).first()
    if version is None:
        raise JobFailed(_GONE)
    part = new_part(snapshots.FOLDER, f"version-{lease.job.pk}", fence=lease.fence)
    try:
        with room(_NO_ROOM):
            content = _write_whole(lease, version, part)
            _show(lease, version, part, content)
    except GlossError as error:
        raise JobFailed(error.detail) from error
    finally:
        part.unlink(missing_ok=True)
    snapshots.sweep()
    same = version.dataset.versions.filter(sha256=version.sha256, number__lt=version.number)
    first = same.order_by("number").first()
    if first is not None:
        lease.log(f"Nothing has changed: the content is that of version {first.number}.")
    return {
        "version": version.number,
        "reviews": version.review_count,
        "bytes": version.byte_count,
        "sha256": version.sha256,
        "file_sha256": version.file_sha256,
        "same_as": first.number if first else None,
    }


def _write_whole(lease: Lease, version: DatasetVersion, part: Path) -> str:
    """Write the file until no draw of splits has come in between; return the content's hash."""
    for _ in range(_MOST_TRIES):
        drawn = _drawn(version)
        content = _write(lease, version, part)
        if _drawn(version) == drawn:
            return content
        lease.log("Splits were drawn or data sets came or went meanwhile; starting again.")
    raise JobFailed(
        "The data sets of the project keep changing. Make a version when they are done."
    )


def _drawn(version: DatasetVersion) -> list[Any]:
    sets = Dataset.objects.filter(project=version.dataset.project_id).order_by("pk")
    return list(sets.values_list("pk", "is_ready", "split_plan__at"))


def _write(lease: Lease, version: DatasetVersion, part: Path) -> str:
    from reviews.snapshot_files import VersionFile  # imports Arrow, some 25 MB

    content, count = ContentHash(), 0
    with part.open("wb") as binary, VersionFile(binary, title=str(version)) as file:
        for rows, gold in rows_of(version.dataset):
            hashes = [content.add(row, given) for row, given in zip(rows, gold, strict=True)]
            file.write(rows, gold, hashes)
            count += len(rows)
            lease.progress(done=count, message="Writing reviews")
    version.review_count = count
    return content.hexdigest()


def _show(lease: Lease, version: DatasetVersion, part: Path, content: str) -> None:
    """Move the file to its place and say so, unless the job is somebody else's by now."""
    version.file = f"{snapshots.FOLDER}/version-{lease.job.pk}.parquet"
    version.sha256 = content
    version.byte_count = part.stat().st_size
    with part.open("rb") as binary:
        version.file_sha256 = hashlib.file_digest(binary, "sha256").hexdigest()
    with lease.effect():
        if not hold_shown(version.dataset_id):
            raise JobFailed(_GONE)
        part.replace(path_of(version.file))
        version.save(update_fields=["file", "sha256", "file_sha256", "review_count", "byte_count"])


def tidy(job_id: UUID) -> None:
    """Remove what a version left that did not end well; its number is free again."""
    for path in path_of(snapshots.FOLDER).glob(f"version-{job_id}*"):
        path.unlink(missing_ok=True)
    DatasetVersion.objects.filter(job=job_id, file="").delete()
