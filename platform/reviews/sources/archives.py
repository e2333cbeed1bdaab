"""Look into a zip archive before anything in it is unpacked."""

import zipfile
import zlib
from typing import BinaryIO, cast

from common.errors import Invalid

_MAX_MEMBERS = 10_000
#: Far more than the directory of so many members takes; it is read at once.
_MAX_DIRECTORY_BYTES = 4 * 1024**2
_MAX_BYTES = 1024**3
#: Beyond the first bytes, a member may unpack to so many times its size.
_FREE_BYTES = 16 * 1024**2
_MAX_RATIO = 200
TROUBLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, LookupError, RuntimeError, ValueError)

ZIP_MAGIC = b"PK\x03\x04"
_WORKBOOK = "xl/workbook.xml"
#: What stands in every document of an office program, and in no archive of reviews.
_OFFICE = ("[Content_Types].xml", "mimetype", "xl/", "word/")


class _Guarded:
    """A file of which no more is read at once than the directory of an archive may take."""

    def __init__(self, binary: BinaryIO) -> None:
        self._binary = binary
        self.seek, self.tell, self.seekable = binary.seek, binary.tell, binary.seekable

    def read(self, size: int = -1) -> bytes:
        """Read as a file does; raise ValueError for too much."""
        if size > _MAX_DIRECTORY_BYTES:
            raise ValueError("its directory is too long to be one")
        return self._binary.read(size)


def checked_directory(binary: BinaryIO) -> zipfile.ZipFile:
    """Open an archive; raise Invalid for one that is damaged or has too many members."""
    try:
        archive = zipfile.ZipFile(cast("BinaryIO", _Guarded(binary)))
    except TROUBLE as error:
        raise Invalid.of(
            "file", f"The file is damaged or cut off ({str(error)[:100]}). Send it again."
        ) from None
    if len(archive.filelist) > _MAX_MEMBERS:
        raise _bomb(f"it has {len(archive.filelist):,} parts")
    return archive


def is_office_document(binary: BinaryIO) -> bool:
    """Tell a workbook, or what else an office program writes, from an archive of other files."""
    names = checked_directory(binary).namelist()
    return any(name.startswith(_OFFICE) for name in names)


def _checked_archive(binary: BinaryIO) -> zipfile.ZipFile:
    """Open an archive; raise Invalid for one that is damaged, a bomb or locked."""
    archive = checked_directory(binary)
    members = archive.infolist()
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
    archive = _checked_archive(binary)
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
    return "This is a zip archive inside another file, or no workbook. Unpack it once."
