"""Find the review file in a zip archive: one file, or one that was cut into numbered shards.

Members are read where they stand and never unpacked under their own names, so those can say
anything; zipfile hands out no more of a member than its directory declares, and checks its sum.
"""

import re
import zipfile
from collections.abc import Sequence
from typing import IO, BinaryIO

from common.errors import Invalid
from reviews.sources.archives import TROUBLE, checked_directory
from reviews.sources.kinds import KINDS, ending

#: What stands in archives beside the reviews: of systems, of people, of Hugging Face's `datasets`.
_CLUTTER = re.compile(
    r"(?:.*/)?(?:(?:__MACOSX|\.[^./][^/]*)/.*|\.[^./][^/]*|thumbs\.db|desktop\.ini"
    r"|(?:readme|licen[cs]e|changelog|notice|citation|copying)(?:\.(?:txt|md|rst|html?|cff))?"
    r"|(?:dataset_infos?|dataset_dict|state)\.json)",
    re.IGNORECASE,
)
#: As `datasets` names the parts of one table: data/train-00000-of-00003.parquet.
_SHARD = re.compile(r"(?P<folder>(?:.*/)?)[^/]+-\d{5}-of-\d{5}\.(?P<ending>parquet|jsonl)")
_ENDINGS = frozenset(ending for kind in KINDS.values() for ending in kind.endings)
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LOCKED = 1
_READ_BYTES = 64 * 1024
_SHOWN_NAMES, _SHOWN_CHARS = 5, 60


def review_files(binary: BinaryIO) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Return an archive and the member with the reviews, or its shards in the archive's order.

    Raises Invalid when there is none, when there are several, and for what cannot be unpacked.
    """
    archive = checked_directory(binary)
    files = [member for member in archive.infolist() if not member.is_dir()]
    rest = [member for member in files if not _CLUTTER.fullmatch(member.filename)]
    found = [member for member in rest if ending(member.filename) in _ENDINGS] or rest
    if not found:
        raise Invalid.of(
            "file",
            f"The zip archive has no file with reviews (it holds {_listed(files)}). "
            "Choose the file itself.",
        )
    if len(found) > 1 and not _are_shards(found):
        raise Invalid.of(
            "file",
            f"The zip archive has {len(found):,} files that may hold reviews: {_listed(found)}. "
            "Unpack it and choose one of them, or pack that one alone.",
        )
    for member in found:
        _check(member)
    return archive, found


def name_inside(binary: BinaryIO) -> str:
    """Return the name of the file with the reviews, or of its first shard."""
    _, members = review_files(binary)
    return members[0].filename


def _are_shards(members: Sequence[zipfile.ZipInfo]) -> bool:
    matches = [_SHARD.fullmatch(member.filename) for member in members]
    return len({match and match.group("folder", "ending") for match in matches}) == 1 and all(
        matches
    )


def _listed(members: Sequence[zipfile.ZipInfo]) -> str:
    names = [_shown(member.filename) for member in members[:_SHOWN_NAMES]]
    more = len(members) - len(names)
    return (", ".join(names) or "nothing") + (f" and {more:,} more" if more else "")


def _shown(name: str) -> str:
    """Return a name as it can stand in a sentence: signs only, and its end if it is long."""
    signs = "".join(sign if sign.isprintable() else "\ufffd" for sign in name)
    return signs if len(signs) <= _SHOWN_CHARS else f"…{signs[-_SHOWN_CHARS:]}"


def _check(member: zipfile.ZipInfo) -> None:
    name = _shown(member.filename)
    if member.flag_bits & _LOCKED:
        raise Invalid.of("file", f"{name} is locked with a password. Pack it without one.")
    if member.compress_type not in _METHODS:
        raise Invalid.of(
            "file",
            f"{name} is packed by a method that is not read here "
            f"(number {member.compress_type}). "
            "Pack it as usual (deflate), or unpack it first.",
        )


class Members:
    """The bytes of members one after the other, each on a line of its own."""

    def __init__(self, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._waiting = list(members)
        self._opened: IO[bytes] | None = None
        self._ends_line = True

    def read(self, size: int) -> bytes:
        """Read as a file does; raise BadZipFile, EOFError or zlib.error for what is damaged."""
        while self._opened or self._waiting:
            if self._opened is None:
                if not self._ends_line:
                    self._ends_line = True
                    return b"\n"
                self._opened = self._next()
            found = self._opened.read(min(size, _READ_BYTES))
            if found:
                self._ends_line = found.endswith(b"\n")
                return found
            self._opened.close()
            self._opened = None
        return b""

    def _next(self) -> IO[bytes]:
        try:
            return self._archive.open(self._waiting.pop(0))
        except TROUBLE as error:
            raise zipfile.BadZipFile(str(error)) from None
