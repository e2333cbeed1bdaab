"""Read gzip, xz and zip as streams, with bounds that no decompression bomb gets past."""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol, cast

from common.errors import Invalid
from reviews.sources.archives import ZIP_MAGIC, is_office_document
from reviews.sources.zipped import Members, review_files

#: A compressed file may hold this much.
MAX_BYTES = 4 * 1024**3
#: Beyond the first bytes, what comes out may be so many times what went in.
FREE_BYTES = 64 * 1024**2
MAX_RATIO = 200
#: What unpacking xz may take; its own default settings take a tenth of this.
_XZ_MEMORY = 256 * 1024**2
_READ_BYTES = 64 * 1024

MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz"}
NAMES = {"gzip": "gzip", "xz": "xz", "zip": "zip"}


class _Source(Protocol):
    def read(self, size: int) -> bytes: ...


def compression_of(head: bytes) -> str:
    """Return "gzip", "xz" or "" by the first bytes of a file."""
    return next((key for magic, key in MAGIC.items() if head.startswith(magic)), "")


def compression_in(binary: BinaryIO) -> str:
    """Return "gzip", "xz", "zip" or "" of a file, and leave it at its start.

    Workbooks are zip archives too, but what they hold is one table: they count as files.
    """
    head = binary.read(8)
    is_archive = head.startswith(ZIP_MAGIC) and not is_office_document(binary)
    binary.seek(0)
    return "zip" if is_archive else compression_of(head)


def decompressed(binary: BinaryIO, compression: str) -> BinaryIO:
    """Return a stream of what a file holds; the file itself when nothing is compressed.

    Reading raises Invalid where the file is damaged, ends too early or is a bomb. Closing the
    stream leaves the file open. Shards in a zip come one after the other.
    """
    if not compression:
        return binary
    if compression == "zip":
        archive, members = review_files(binary)
        return _unzipped(binary, archive, members)
    source = (
        cast("_Source", gzip.GzipFile(fileobj=binary, mode="rb"))
        if compression == "gzip"
        else _Xz(binary)
    )
    return _bounded(binary, source, NAMES[compression])


def decompressed_shards(binary: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Yield a stream for each shard of a zip, and one for anything else that is compressed."""
    if compression != "zip":
        yield decompressed(binary, compression)
        return
    archive, members = review_files(binary)
    _check_sizes(members)
    for member in members:
        yield _unzipped(binary, archive, [member])


def _unzipped(
    binary: BinaryIO, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]
) -> BinaryIO:
    _check_sizes(members)
    return _bounded(binary, Members(archive, members), NAMES["zip"])


def _check_sizes(members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse at once what would be refused once so much of it had been unpacked."""
    _check(
        sum(member.file_size for member in members),
        sum(member.compress_size for member in members),
        NAMES["zip"],
    )


def _bounded(binary: BinaryIO, source: "_Source", name: str) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Bounded(binary, source, name), _READ_BYTES))


class _Xz:
    """What lzma.LZMAFile does, with a bound on memory, which that class does not take."""

    def __init__(self, binary: BinaryIO) -> None:
        self._binary = binary
        self._decoder: lzma.LZMADecompressor | None = None

    def read(self, size: int) -> bytes:
        while True:
            if self._decoder is None or self._decoder.eof:
                rest = self._rest()
                if not rest:
                    return b""
                self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
                found = self._decoder.decompress(rest, size)
            else:
                fresh = self._binary.read(_READ_BYTES) if self._decoder.needs_input else b""
                if not fresh and self._decoder.needs_input:
                    raise EOFError
                found = self._decoder.decompress(fresh, size)
            if found:
                return found

    def _rest(self) -> bytes:
        """Return the start of the next stream of a file that has several; padding is skipped."""
        unused = self._decoder.unused_data if self._decoder else b""
        rest = unused.lstrip(b"\x00")
        while not rest:
            fresh = self._binary.read(_READ_BYTES)
            if not fresh:
                return b""
            rest = fresh.lstrip(b"\x00") if self._decoder else fresh
        return rest


class _Bounded(io.RawIOBase):
    """A stream that counts what comes out of it and says in words what is wrong."""

    def __init__(self, binary: BinaryIO, source: _Source, name: str) -> None:
        self._binary, self._source, self._name = binary, source, name
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        found = self._read(len(view))
        view[: len(found)] = found
        self._count += len(found)
        _check(self._count, self._binary.tell(), self._name)
        return len(found)

    def _read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except EOFError:
            raise Invalid.of(
                "file",
                f"The {self._name} file ends before its content does, after {self._count:,} bytes "
                "of it: it was cut off on its way. Send it again.",
            ) from None
        except lzma.LZMAError as error:
            if "limit" in str(error).lower():
                message = "needs too much memory to unpack. Unpack it first."
                raise Invalid.of("file", f"The xz file {message}") from None
            raise self._damaged() from None
        except (OSError, zlib.error, zipfile.BadZipFile):
            raise self._damaged() from None

    def _damaged(self) -> Invalid:
        return Invalid.of(
            "file",
            f"The {self._name} file is damaged after {self._count:,} bytes of its content. "
            "Send it again, or unpack it first.",
        )


def _check(count: int, packed: int, name: str) -> None:
    """Raise Invalid when `count` bytes came out of `packed`, which no reviews do."""
    if count > MAX_BYTES:
        raise Invalid.of(
            "file", f"The {name} file holds more than {MAX_BYTES // 1024**3} GiB. Split it."
        )
    if count > FREE_BYTES and count > MAX_RATIO * packed:
        raise Invalid.of(
            "file",
            f"The {name} file unpacks to more than {MAX_RATIO} times its size, which no reviews "
            "do. If it is right, unpack it first.",
        )
