"""Open what was uploaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from common.text import normalise
from reviews.models import Upload
from reviews.parsing import readable


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
