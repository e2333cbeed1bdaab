"""Open what was uploaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from reviews.models import Upload


@contextmanager
def open_upload(upload: Upload) -> Iterator[BinaryIO]:
    """Open the stored file for reading bytes."""
    file: Any = upload.file
    with file.storage.open(file.name, "rb") as stored:
        yield cast("BinaryIO", stored.file)
