"""Guess what a file is, and open it as a table: the two doors to every reader."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import fields, replace
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from common.errors import Invalid
from reviews import parsing
from reviews.guessing import ENCODINGS
from reviews.sources import conll, plaintext, semeval, sniffing
from reviews.sources.compression import compression_in, decompressed, decompressed_shards
from reviews.sources.containers import HEAD_BYTES, container_of, open_objects, open_parquet
from reviews.sources.kinds import KINDS
from reviews.sources.marks import without_marks
from reviews.sources.zipped import name_inside
from reviews.tables import Format, Record, Table

_TEXT_READERS: Mapping[str, Callable[[BinaryIO, Format], Table]] = {
    "lines": plaintext.open_lines,
    "conll": conll.open_conll,
    "semeval": semeval.open_semeval,
}
_NAMES = frozenset(each.name for each in fields(Format))


def guess_format(
    binary: BinaryIO, *, name: str = "", chosen: Mapping[str, Any] | None = None
) -> Format:
    """Guess from content first and from the ending of `name` second how a file is to be read.

    `chosen` has what a person decided: names of Format's fields to values, None for "guess". The
    file is left at its start. Raises Invalid for an unknown choice, and for a file that holds no
    reviews, with what to do about it.
    """
    decided = {key: value for key, value in (chosen or {}).items() if value is not None}
    _check(decided)
    compression = compression_in(binary)
    sample = decompressed(binary, compression).read(sniffing.SAMPLE_BYTES)
    binary.seek(0)
    with ExitStack() as opened:
        guessed = sniffing.guess(
            sample,
            lambda: next(_wholes(binary, compression, opened)),
            name=name_inside(binary) if compression == "zip" else name,
            decided=decided,
        )
    binary.seek(0)
    return replace(guessed, compression=compression)


def _wholes(binary: BinaryIO, compression: str, opened: ExitStack) -> Iterator[BinaryIO]:
    """Yield files in which one can go back and forth: unpacked on disk when they have to be.

    There are several for the shards of a zip.
    """
    if not compression:
        yield binary
        return
    for shard in decompressed_shards(binary, compression):
        unpacked = opened.enter_context(TemporaryFile())  # noqa: SIM115  (the stack is one)
        shutil.copyfileobj(shard, unpacked, 1 << 20)
        unpacked.seek(0)
        yield cast("BinaryIO", unpacked)


def _check(decided: Mapping[str, Any]) -> None:
    for key in decided:
        if key not in _NAMES:
            raise Invalid.of(key[:100], f"{key[:100]!r} is no choice of how to read a file.")
    kind, encoding = decided.get("kind", "csv"), decided.get("encoding", "utf-8")
    if kind not in KINDS:
        raise Invalid.of(
            "kind", f"The kind {str(kind)[:50]!r} is not known; use {', '.join(KINDS)}."
        )
    if encoding not in ENCODINGS:
        raise Invalid.of("encoding", f"The encoding {str(encoding)[:50]!r} is not known here.")
    for key in ("delimiter", "quote"):
        mark = decided.get(key, ",")
        if not isinstance(mark, str) or len(mark) != 1 or mark in "\r\n\x00" or mark.isalnum():
            raise Invalid.of(
                key, f"{str(mark)[:20]!r} is no {key}; it is one sign, such as , or ;."
            )
    if decided.get("delimiter", ",") == decided.get("quote", '"'):
        raise Invalid.of("quote", "The quote and the delimiter are the same sign. Choose another.")


def open_table(binary: BinaryIO, chosen: Format) -> Table:
    """Start reading a file, which stands at its start, in the way that was chosen.

    Raises Invalid when the file as a whole cannot be used; so do the table's records where only
    later parts show that. Records that cannot be used carry their error.
    """
    table = _opened(binary, chosen)
    return without_marks(table, is_spreadsheet=chosen.kind in {"gloss-csv", "xlsx"})


def _opened(binary: BinaryIO, chosen: Format) -> Table:
    stream = decompressed(binary, chosen.compression)
    if chosen.kind in {"csv", "gloss-csv"}:
        return parsing.open_table(stream, chosen)
    if chosen.kind in _TEXT_READERS:
        return _TEXT_READERS[chosen.kind](stream, chosen)
    container = _container(binary, stream, chosen)
    if container in {"xlsx", "parquet"}:
        return _open_whole(binary, chosen, container)
    return open_objects(decompressed(binary, chosen.compression), chosen, container)


def _container(binary: BinaryIO, stream: BinaryIO, chosen: Format) -> str:
    """Return what holds the records: the kind says so, but for exports, which come in several."""
    if not KINDS[chosen.kind].is_labelled:
        return chosen.kind
    start = binary.tell()
    head = stream.read(HEAD_BYTES)
    binary.seek(start)
    return container_of(head, chosen.encoding)


def _open_whole(binary: BinaryIO, chosen: Format, container: str) -> Table:
    """Open a file that cannot be read from front to back."""
    # Loaded only where such a file is read: the libraries take their time and memory.
    from reviews.sources.xlsx import open_workbook

    with ExitStack() as opened:
        wholes = _wholes(binary, chosen.compression, opened)
        if container == "xlsx":
            table = open_workbook(next(wholes), chosen)
        else:
            table = open_parquet(list(wholes), chosen)
        return replace(table, records=_closing(table.records, opened.pop_all()))
    raise AssertionError  # an ExitStack never swallows an exception here


def sheet_names(binary: BinaryIO, chosen: Format) -> list[str]:
    """Return the names of the sheets that one can choose from; [] for other kinds.

    The file is left at its start.
    """
    if not KINDS[chosen.kind].has_sheets:
        return []
    from reviews.sources.xlsx import names_of_sheets

    with ExitStack() as opened:
        names = names_of_sheets(next(_wholes(binary, chosen.compression, opened)))
    binary.seek(0)
    return names


def _closing(records: Iterator[Record], opened: ExitStack) -> Iterator[Record]:
    """Return the same records; at their end, or when nobody wants them, the files are closed."""
    running = _closed_at_end(records, opened)
    next(running)  # one that was never started would not close anything
    return cast("Iterator[Record]", running)


def _closed_at_end(records: Iterator[Record], opened: ExitStack) -> Iterator[Record | None]:
    with opened:
        yield None
        yield from records
