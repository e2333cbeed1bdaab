"""Where checkpoints live: one directory a version below the models folder, named by its run.

A directory gets there by a rename before its row is written. When the process ends in between, the
next attempt of the same training adopts what it finds instead of learning again, and what nobody
adopts is swept away later.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from common.errors import NotReady, NotVisible
from ml.core import checkpoint
from ml.core.encoders import file_sha256
from ml.core.errors import CheckpointError
from ml.models import ModelVersion, TrainingRun

_NAME = re.compile(r"^run-(\d+)-(\d+)$")
#: A directory without a row is left alone for so long: its row may be about to be written.
_SWEPT_AFTER_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint below the models folder, every file checked."""

    name: str
    path: Path
    manifest: dict[str, Any]

    @property
    def manifest_sha256(self) -> str:
        """Return the SHA-256 that names all its files, through theirs in the manifest."""
        return _manifest_sha256(self.path)

    def metrics(self) -> dict[str, Any]:
        """Return what the training measured."""
        return checkpoint.read_json(self.path / "metrics.json")


def directory_of(version: ModelVersion) -> Path:
    """Return where the version's files are."""
    return settings.MODELS_DIR / version.directory


def keep(source: Path, *, run: TrainingRun, fence: int) -> Kept:
    """Move a finished checkpoint below the models folder under a name of ours.

    Raises CheckpointError when a file is missing or was changed on the way.
    """
    manifest = checkpoint.verify(source)
    name = f"run-{run.pk}-{fence}"
    target = settings.MODELS_DIR / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    source.rename(target)
    _sync(target.parent)
    return Kept(name, target, manifest)


def adopt(run: TrainingRun) -> Kept | None:
    """Return the newest whole checkpoint that an earlier attempt of `run` left behind, if any."""
    for path in sorted(_directories_of(run), key=_fence, reverse=True):
        try:
            return Kept(path.name, path, checkpoint.verify(path))
        except CheckpointError:
            continue
    return None


def divergence(metrics: dict[str, Any]) -> str:
    """Return why a version must not be used, where its training diverged; else an empty text."""
    return str(metrics.get("diverged", {}).get("note", ""))[:500]


def check_present(version: ModelVersion) -> None:
    """Raise NotReady unless the version's manifest is here and the one that was recorded.

    Cheap: the files themselves are compared with the manifest when a version is loaded.
    """
    check_here(version)
    try:
        check_manifest(version)
    except CheckpointError as error:
        raise NotReady(f"{error} Promote another, or train again.") from error


def check_here(version: ModelVersion) -> None:
    """Raise NotReady unless the version has files on this machine; they may still come back."""
    if not (directory_of(version) / checkpoint.MANIFEST).is_file():
        raise NotReady(f"The files of {version} are not on this machine. Train again.")


def check_manifest(version: ModelVersion) -> None:
    """Raise CheckpointError unless the manifest is the one that was recorded."""
    if _manifest_sha256(directory_of(version)) != version.manifest_sha256:
        raise CheckpointError(f"The files of {version} were changed.")


#: What may be read of a version by whoever sees it: its description, never its weights.
READABLE = ("CARD.md", "manifest.json", "metrics.json", "config.json")


def readable_file(version: ModelVersion, name: str) -> Path:
    """Return a file that explains a version, after comparing it with what was recorded.

    Raises NotVisible for any other file and NotReady for one that is missing or was changed.
    """
    if name not in READABLE:
        raise NotVisible(f"A version has no file {name[:50]!r} to read.")
    check_present(version)
    path = directory_of(version) / name
    if name != checkpoint.MANIFEST:
        sums = checkpoint.read_json(directory_of(version) / checkpoint.MANIFEST)["files"]
        if not path.is_file() or file_sha256(path) != sums.get(name):
            raise NotReady(f"The file {name} of {version} is missing or was changed.")
    return path


def sweep() -> int:
    """Remove directories that belong to no version and are a day old; return how many."""
    known = set(ModelVersion.objects.values_list("directory", flat=True))
    before = time.time() - _SWEPT_AFTER_SECONDS
    count = 0
    for path in _all():
        if path.name not in known and path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)
            count += 1
    return count


def _all() -> Iterator[Path]:
    folder: Path = settings.MODELS_DIR
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if _NAME.match(path.name))


def _directories_of(run: TrainingRun) -> list[Path]:
    return [path for path in _all() if path.name.startswith(f"run-{run.pk}-")]


def _fence(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _manifest_sha256(path: Path) -> str:
    return hashlib.sha256((path / checkpoint.MANIFEST).read_bytes()).hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
