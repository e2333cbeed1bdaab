"""Files of ours: open what was uploaded, find what was made, sweep away what nobody has."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from django.core.files.storage import default_storage

from common.text import normalise
from reviews.models import Upload
from reviews.parsing import readable

#: A file without a row may be one whose row is being written.
_ORPHAN_SECONDS = 24 * 3600


@contextmanager
def open_upload(upload: Upload) -> Iterator[BinaryIO]:
    """Open the stored file for reading bytes."""
    file: Any = upload.file
    with file.storage.open(file.name, "rb") as stored:
        yield cast("BinaryIO", stored.file)


def kept_name(name: str | None) -> str:
    """Return the name of a file that people see; it is never a path of ours."""
    base = PurePosixPath((name or "").replace("\\", "/")).name
    return readable(normalise(base))[-255:] or "unnamed"


def path_of(name: str) -> Path:
    """Return where a file of ours lies."""
    return Path(default_storage.path(name))


def new_part(folder: str, stem: str, *, fence: int) -> Path:
    """Return where to write a file until it is whole; what attempts that died have left goes."""
    place = path_of(folder)
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(f"{stem}-*.part"):
        left.unlink(missing_ok=True)
    return place / f"{stem}-{fence}.part"


def sweep(folder: str, *, kept: Collection[str]) -> None:
    """Remove the files of a folder that are not among `kept`, once they are a day old."""
    place = path_of(folder)
    if not place.is_dir():
        return
    long_ago = time.time() - _ORPHAN_SECONDS
    with os.scandir(place) as entries:
        for entry in entries:
            is_ours = f"{folder}/{entry.name}" in kept
            if not is_ours and entry.is_file() and entry.stat().st_mtime < long_ago:
                Path(entry.path).unlink(missing_ok=True)
