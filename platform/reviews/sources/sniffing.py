"""Tell what a file is by looking into it; its name only breaks ties."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from common.errors import Invalid
from reviews.guessing import SAMPLE_BYTES, guess_delimited, guess_encoding, guess_header
from reviews.sources.archives import ZIP_MAGIC
from reviews.sources.compression import compression_of
from reviews.sources.conll import looks_like_conll
from reviews.sources.containers import HEAD_BYTES, PARQUET_MAGIC, container_of, dialect_of
from reviews.sources.jsondocument import read_document
from reviews.sources.jsonlines import read_lines
from reviews.sources.kinds import KINDS, ending
from reviews.sources.marks import starts_our_csv
from reviews.sources.objects import Row, as_object
from reviews.sources.semeval import looks_like_semeval
from reviews.tables import Format

__all__ = ["SAMPLE_BYTES", "guess"]

_LOOK_BYTES = 256 * 1024
_LOOK_ROWS = 50
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: How files begin that hold no reviews, and what to say about them.
_OTHERS: Mapping[bytes, str] = {
    _OLE: "This is an old Excel file (.xls), or a workbook with a password. "
    "Save it as .xlsx without one, or as CSV.",
    b"%PDF": "This is a PDF. Save the table that it shows as CSV or as an Excel workbook.",
    b"{\\rtf": "This is a text with formatting (RTF). Save it as plain text or as CSV.",
    b"BZh": "This file is compressed with bzip2. Unpack it, or use zip, gzip or xz.",
    b"\x28\xb5\x2f\xfd": "This file is compressed with zstd. Unpack it, or use zip, gzip or xz.",
    b"\x04\x22\x4d\x18": "This file is compressed with lz4. Unpack it, or use zip, gzip or xz.",
    b"7z\xbc\xaf\x27\x1c": "This is a 7z archive. Unpack it and choose one file of it.",
    b"Rar!": "This is a RAR archive. Unpack it and choose one file of it.",
    b"PK\x05\x06": "This zip archive is empty. Choose the file that should be in it.",
    b"SQLite format 3": "This is an SQLite database. Export the table with the reviews as CSV.",
    b"\x89PNG": "This is a picture. Choose a file with text.",
    b"\xff\xd8\xff": "This is a picture. Choose a file with text.",
    b"GIF8": "This is a picture. Choose a file with text.",
    b"\x7fELF": "This is a program. Choose a file with text.",
    b"ARROW1": "This is an Arrow (Feather) file. Write it as Parquet.",
    b"\x93NUMPY": "This is a NumPy array. Write the reviews as CSV or Parquet.",
    b"\x89HDF": "This is an HDF5 file. Write the reviews as CSV or Parquet.",
    b"Obj\x01": "This is an Avro file. Write the reviews as CSV or Parquet.",
    b"ORC": "This is an ORC file. Write the reviews as CSV or Parquet.",
    b"\x80\x04\x95": "These are Python objects, which are never read. Write the reviews as CSV.",
    b"\x80\x05\x95": "These are Python objects, which are never read. Write the reviews as CSV.",
}
_HTML = re.compile(
    r"<!doctype html|<html|<head|<body|<!--.{0,2000}?--\s*>\s*<html", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(r"<\?xml|<!DOCTYPE|<!ENTITY")
#: Control characters, of which a text has hardly any; NUL is judged apart.
_CONTROLS = re.compile("[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")


def guess(
    sample: bytes, whole: Callable[[], BinaryIO], *, name: str, decided: Mapping[str, Any]
) -> Format:
    """Guess what was not decided from the start of a file; `whole` opens all of it.

    Raises Invalid for what holds no reviews, saying what it is and what to do.
    """
    if not sample.strip(b"\x00 \t\r\n"):
        raise Invalid.of("file", "The file is empty. Choose a file with a row for every review.")
    _refuse_others(sample)
    if sample.startswith(PARQUET_MAGIC):
        return _parquet(whole(), decided)
    if sample.startswith(ZIP_MAGIC):
        return _workbook(whole(), decided)
    encoding = decided.get("encoding") or guess_encoding(sample)
    head = sample[:_LOOK_BYTES]
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n\x00")
    if decided.get("kind") is None:
        _refuse_text(text)
    kind = decided.get("kind") or _text_kind(sample, text, encoding, name)
    if kind in {"csv", "lines"}:
        return _delimited(sample, kind, name, {**decided, "encoding": encoding})
    return Format(**{**decided, "kind": kind, "encoding": encoding})


def _refuse_others(sample: bytes) -> None:
    if compression_of(sample):
        raise Invalid.of("file", "The file is compressed twice. Unpack it once.")
    for magic, message in _OTHERS.items():
        if sample.startswith(magic):
            raise Invalid.of("file", message)
    if sample[257:262] == b"ustar":
        raise Invalid.of("file", "This is a tar archive. Unpack it and choose one file of it.")


def _refuse_text(text: str) -> None:
    """Raise Invalid for web pages and for what is no text at all."""
    if _HTML.match(text):
        raise Invalid.of(
            "file",
            "This is a web page, perhaps one that asked to sign in. Download the file itself.",
        )
    start = text[:65_536]
    strange = len(_CONTROLS.findall(start)) + start.count("\ufffd") / 2
    if strange > 0.05 * len(start) or start.count("\x00") > 0.2 * len(start):
        raise Invalid.of(
            "file",
            "This is no text and no kind of file that is known here. "
            "Choose CSV, JSON, Parquet or an Excel workbook.",
        )


# --- Kinds ------------------------------------------------------------------------------------


def _parquet(binary: BinaryIO, decided: Mapping[str, Any]) -> Format:
    from reviews.sources.parquet import read_rows

    kind = decided.get("kind")
    if kind is None:
        values = [row.value for row in _first(read_rows(binary))]
        kind = dialect_of(values) or "parquet"
    return Format(**{**decided, "kind": kind})


def _workbook(binary: BinaryIO, decided: Mapping[str, Any]) -> Format:
    from reviews.sources.xlsx import first_rows

    rows = first_rows(binary, decided.get("sheet", ""), _LOOK_ROWS)
    has_header = decided.get("has_header")
    if has_header is None:
        has_header = guess_header(rows)
    return Format(**{**decided, "kind": decided.get("kind") or "xlsx", "has_header": has_header})


def _text_kind(sample: bytes, text: str, encoding: str, name: str) -> str:
    if starts_our_csv(text):
        return "gloss-csv"
    if looks_like_semeval(text):
        return "semeval"
    if _XML.match(text):
        raise Invalid.of(
            "file",
            "This XML is of no kind that is known here: only SemEval's ABSA files are. "
            "Save its table as CSV.",
        )
    if text[:1] in {"[", "{"} and (kind := _json_kind(sample, encoding, name)):
        return kind
    if looks_like_conll(text):
        return "conll"
    return "csv"


def _json_kind(sample: bytes, encoding: str, name: str) -> str:
    """Return the kind of JSON, or "" when hardly anything in the file is JSON after all."""
    container = container_of(sample[:HEAD_BYTES], encoding)
    reader = read_lines if container == "jsonl" else read_document
    rows = _first(reader(io.BytesIO(sample), encoding))
    sound = [row.value for row in rows if not row.error]
    is_named = ending(name) in KINDS["json"].endings + KINDS["jsonl"].endings
    objects = sum(isinstance(as_object(value), dict) for value in sound)
    if is_named or objects * 2 > len(rows):
        return dialect_of(sound) or container
    return ""


def _first(rows: Any) -> list[Row]:
    """Return the first rows of a sample, which may be cut; its reader then says Invalid."""
    found: list[Row] = []
    try:
        for row in rows:
            found.append(row)
            if len(found) >= _LOOK_ROWS:
                break
    except Invalid:
        if not found:
            return [Row(1, None, "it cannot be read")]
    return found


def _delimited(sample: bytes, kind: str, name: str, decided: Mapping[str, Any]) -> Format:
    guessed = guess_delimited(
        sample,
        encoding=decided["encoding"],
        delimiter=decided.get("delimiter"),
        quote=decided.get("quote"),
        has_header=decided.get("has_header"),
    )
    is_free = decided.get("kind") is None and decided.get("delimiter") is None
    is_text = not guessed.is_table or (guessed.is_list and ending(name) == ".txt")
    is_named = ending(name) in KINDS["csv"].endings
    if kind == "lines" or (is_free and is_text and not is_named):
        has_header = decided.get("has_header", guessed.starts_with_name)
        return Format(**{**decided, "kind": "lines", "has_header": has_header})
    return replace(guessed.format, kind="csv")
