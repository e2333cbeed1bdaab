"""Look into a zip archive before anything in it is unpacked."""

import zipfile
import zlib
from typing import BinaryIO

from common.errors import Invalid

_MAX_MEMBERS = 10_000
_MAX_BYTES = 1024**3
#: Beyond the first bytes, a member may unpack to so many times its size.
_FREE_BYTES = 16 * 1024**2
_MAX_RATIO = 200
TROUBLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, LookupError, RuntimeError, ValueError)

ZIP_MAGIC = b"PK\x03\x04"
_WORKBOOK = "xl/workbook.xml"


def checked_archive(binary: BinaryIO) -> zipfile.ZipFile:
    """Open an archive; raise Invalid for one that is damaged, a bomb or locked."""
    try:
        archive = zipfile.ZipFile(binary)
    except TROUBLE as error:
        raise Invalid.of(
            "file", f"The file is damaged or cut off ({str(error)[:100]}). Send it again."
        ) from None
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS:
        raise _bomb(f"it has {len(members):,} parts")
    if sum(member.file_size for member in members) > _MAX_BYTES:
        raise _bomb("it unpacks to more than 1 GiB")
    for member in members:
        if member.file_size > max(_FREE_BYTES, _MAX_RATIO * member.compress_size):
            raise _bomb(f"a part of it unpacks to more than {_MAX_RATIO} times its size")
        if member.flag_bits & 1:
            raise Invalid.of("file", "The file is locked with a password. Save it without one.")
    return archive


def _bomb(why: str) -> Invalid:
    return Invalid.of("file", f"The file is not read: {why}. Save its table as CSV.")


def workbook_in(binary: BinaryIO) -> zipfile.ZipFile:
    """Return the archive of a workbook; raise Invalid saying what the archive is otherwise."""
    archive = checked_archive(binary)
    names = set(archive.namelist())
    if _WORKBOOK in names:
        return archive
    raise Invalid.of("file", _what(names))


def _what(names: set[str]) -> str:
    if "word/document.xml" in names:
        return "This is a Word document. Save its table as CSV or as an Excel workbook."
    if "xl/workbook.bin" in names:
        return "This is a binary Excel workbook (.xlsb). Save it as .xlsx or as CSV."
    if "mimetype" in names and "content.xml" in names:
        return "This is an OpenDocument file. Save it as .xlsx or as CSV."
    inside = ", ".join(sorted(names)[:3])[:200] or "nothing"
    return f"This is a zip archive (it holds {inside}). Unpack it and choose one file of it."
