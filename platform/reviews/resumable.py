"""Take a file in pieces: begun once, resumed as often as it takes, checked when it is whole.

The row says how much has arrived. Bytes are written before the row moves on, so that whatever lies
in the file beyond the row's count is written again; a worker that dies in between loses nothing.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, GlossError, Invalid
from projects.models import Project
from reviews.files import kept_name
from reviews.models import ImportCheck, Upload

#: How much is read before it is written and counted.
PIECE_BYTES = 4 * 1024 * 1024
#: A piece with a checksum is only counted as a whole, so it may not be larger than this.
MAX_CHECKED_BYTES = 16 * 1024 * 1024
MAX_UNFINISHED = 20
#: An upload that is not whole is kept for so long, and one that nothing uses for the longer time.
UNFINISHED_FOR = timedelta(days=3)
UNUSED_FOR = timedelta(days=30)
#: Room that an upload leaves on the disk for the database and everybody else.
_SPARE_BYTES = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

ALGORITHMS = ("sha1", "sha256")

Read = Callable[[int], bytes]


class TooLarge(GlossError):
    """More bytes than are taken."""

    status = 413
    title = "Too large"


class TooMany(GlossError):
    """This person has begun too many things at once."""

    status = 429
    title = "Too many"


class NoRoom(GlossError):
    """The disk is full."""

    status = 507
    title = "No room"


class Damaged(GlossError):
    """What arrived is not what was sent; the number is that of the tus protocol."""

    status = 460
    title = "Checksum mismatch"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the sender says about the bytes of one piece: base64 of a digest."""

    algorithm: str
    digest: str


def begin_upload(*, project: Project, name: str, byte_count: int, actor: User) -> Upload:
    """Make room for a file that will come in pieces.

    Raises Invalid for an empty file, TooLarge, TooMany unfinished ones, and NoRoom on the disk.
    """
    limit = settings.GLOSS_UPLOAD_MAX_BYTES
    if byte_count > limit:
        raise TooLarge(
            f"The file has {byte_count:,} bytes, at most {limit:,} are taken. Split or compress it."
        )
    if byte_count < 1:
        raise Invalid.of("file", "The file is empty. Choose a file with a row for every review.")
    _check_quota(project, actor)
    upload = Upload(
        project=project,
        created_by=actor,
        original_name=kept_name(name),
        byte_count=byte_count,
        is_complete=False,
    )
    with room():
        upload.file.save(uuid.uuid4().hex, ContentFile(b""), save=False)
    _check_room(upload, byte_count)
    upload.save()
    return upload


def _check_quota(project: Project, actor: User) -> None:
    unfinished = Upload.objects.filter(project=project, created_by=actor, is_complete=False)
    if unfinished.count() >= MAX_UNFINISHED:
        raise TooMany(
            f"You have {MAX_UNFINISHED} uploads that are not finished. "
            "Finish one or remove it first."
        )


def _check_room(upload: Upload, byte_count: int) -> None:
    free = shutil.disk_usage(os.path.dirname(upload.file.path)).free  # noqa: PTH120
    if free < byte_count + _SPARE_BYTES:
        upload.file.delete(save=False)
        raise NoRoom(
            f"There is no room for {byte_count:,} bytes: {free:,} are free. "
            "Tell whoever runs Gloss, or send a smaller file."
        )


def append(
    *,
    upload: Upload,
    offset: int,
    read: Read,
    size: int,
    checksum: Checksum | None = None,
) -> Upload:
    """Add up to `size` bytes at `offset`, as many as arrive, and return the upload as it is now.

    Nothing is locked while the network is slow. Raises Conflict when something else came first,
    TooLarge for more bytes than announced, Damaged when they do not fit their checksum.
    """
    if offset != upload.received_count:
        raise Conflict(
            f"The upload stands at {upload.received_count:,} bytes and not at {offset:,}. "
            "Ask for its offset and go on from there."
        )
    if offset + size > upload.byte_count:
        raise TooLarge(
            f"{offset + size:,} bytes are more than the {upload.byte_count:,} that were announced."
        )
    if checksum is not None:
        _append_piece(upload, _checked(read, size, checksum))
        return upload
    while size > 0:
        piece = _read_piece(read, min(size, PIECE_BYTES))
        if not piece:
            break
        _append_piece(upload, piece)
        size -= len(piece)
    return upload


def _read_piece(read: Read, size: int) -> bytes:
    """Read `size` bytes, or as many as come before the sender is gone."""
    parts: list[bytes] = []
    while size > 0:
        try:
            part = read(min(size, 256 * 1024))
        except OSError:
            break
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _checked(read: Read, size: int, checksum: Checksum) -> bytes:
    if checksum.algorithm not in ALGORITHMS:
        raise Invalid.of("Upload-Checksum", f"The checksums known are {', '.join(ALGORITHMS)}.")
    if size > MAX_CHECKED_BYTES:
        raise TooLarge(f"A piece with a checksum has at most {MAX_CHECKED_BYTES:,} bytes.")
    piece = _read_piece(read, size)
    digest = hashlib.new(checksum.algorithm, piece, usedforsecurity=False).digest()
    if len(piece) < size or b64encode(digest).decode() != checksum.digest:
        raise Damaged("The bytes do not fit their checksum. Send them again.")
    return piece


def _append_piece(upload: Upload, piece: bytes) -> None:
    """Write a piece where the upload stands and count it, unless another request has moved it."""
    before = upload.received_count
    after = before + len(piece)
    # The room is without: what a full disk did not take is tried again when the file is closed.
    with room(), _locked(upload) as file:
        mine = Upload.objects.filter(pk=upload.pk, received_count=before, is_complete=False)
        if not mine.exists():
            raise Conflict("Another request is sending this file. Ask for its offset and go on.")
        file.seek(before)
        file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        is_whole = after == upload.byte_count
        sha256 = _sha256(file) if is_whole else ""
        _count(mine, upload, after, sha256=sha256)
    upload.received_count, upload.sha256, upload.is_complete = after, sha256, is_whole


@transaction.atomic
def _count(mine: QuerySet[Upload], upload: Upload, after: int, *, sha256: str) -> None:
    is_whole = bool(sha256)
    if not mine.update(received_count=after, sha256=sha256, is_complete=is_whole):
        raise Conflict("The upload was removed while it came in. Begin again.")
    if is_whole:
        audit.record(
            actor=upload.created_by,
            project_id=upload.project_id,
            action="upload.received",
            subject=upload.original_name,
            sha256=sha256,
            byte_count=upload.byte_count,
        )


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _locked(upload: Upload) -> Iterator[BinaryIO]:
    """Open the file for writing with nobody else doing so; closing it lets go."""
    try:
        file = open(upload.file.path, "r+b")  # noqa: PTH123, SIM115
    except FileNotFoundError:
        raise Conflict("The upload was removed. Begin again.") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


@contextmanager
def room(
    advice: str = "what has arrived is kept. Go on when there is room again.",
) -> Iterator[None]:
    """Say in words that the disk is full, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise NoRoom(f"The disk is full; {advice}") from error


# --- What nobody uses any more ------------------------------------------------------------------


def expires_at(upload: Upload) -> datetime:
    """Return until when an upload that is not whole is kept."""
    return upload.created_at + UNFINISHED_FOR


def in_use() -> Q:
    """Return the condition that something was made of an upload; checks alone do not count."""
    used = Q()
    for relation in Upload._meta.get_fields(include_hidden=True):  # noqa: SLF001
        model = relation.related_model
        if relation.one_to_many and relation.auto_created and model is not ImportCheck:
            name = relation.field.name  # type: ignore[union-attr]  # a reverse relation has one
            users = model._base_manager.filter(**{name: OuterRef("pk")})  # type: ignore[union-attr]  # noqa: SLF001
            used |= Q(Exists(users))
    return used


def discard_unused(*, upload_ids: list[int]) -> int:
    """Remove those of the uploads that nothing uses, with their files; return how many."""
    count = 0
    for upload in Upload.objects.filter(~in_use(), pk__in=upload_ids):
        with transaction.atomic():
            deleted, _ = Upload.objects.filter(~in_use(), pk=upload.pk).delete()
        if deleted:
            count += 1
            default_storage.delete(upload.file.name or "")
    return count


def discard_stale(*, now: datetime | None = None) -> int:
    """Remove uploads that were begun and forgotten; return how many."""
    now = now or timezone.now()
    forgotten = Q(is_complete=False, created_at__lt=now - UNFINISHED_FOR)
    unused = Q(is_complete=True, created_at__lt=now - UNUSED_FOR)
    stale = Upload.objects.filter(forgotten | unused).filter(~in_use())
    return discard_unused(upload_ids=list(stale.values_list("pk", flat=True)[:1000]))
