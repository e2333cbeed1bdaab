"""Objects in files: which container holds them, and which dialect they speak."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from reviews.sources import argilla, doccano, gloss, label_studio, prodigy, spacy, tokens
from reviews.sources.jsondocument import are_columns, read_document
from reviews.sources.jsonlines import DECODER, read_lines
from reviews.sources.objects import Dialect, as_object, plain, table_of
from reviews.tables import Format, Table

#: The kinds that are made of objects, with what tells answers from cells in them.
DIALECTS: Mapping[str, Dialect] = {
    "jsonl": plain,
    "json": plain,
    "parquet": plain,
    "gloss": gloss.read_review,
    "label-studio": label_studio.read_task,
    "label-studio-min": label_studio.read_min,
    "argilla": argilla.read_record,
    "prodigy": prodigy.read_task,
    "tokens": tokens.read_sentence,
    "spacy": spacy.read_example,
    "doccano": doccano.read_example,
}
#: In this order: what a later one takes for its own, an earlier one may know better.
_RECOGNISED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "gloss": gloss.is_review,
    "label-studio": label_studio.is_task,
    "label-studio-min": label_studio.is_min,
    "argilla": argilla.is_record,
    "prodigy": prodigy.is_task,
    "tokens": tokens.is_sentence,
    "spacy": spacy.is_example,
    "doccano": doccano.is_example,
}
PARQUET_MAGIC = b"PAR1"
HEAD_BYTES = 1 << 20
_LOOK_LINES = 20
_LOOK_ROWS = 50


def container_of(head: bytes, encoding: str) -> str:
    """Return "parquet", "json" or "jsonl" by the start of a file."""
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    text = head.decode(_plain_codec(encoding), "replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        return "json"
    seen = [line for line in re.split(r"[\r\n]+", text) if line.strip()][:_LOOK_LINES]
    first = _parsed(seen[0])
    if first is not None:
        is_alone = len(seen) == 1 and len(head) < HEAD_BYTES
        return "json" if is_alone and _is_document(first) else "jsonl"
    if len(seen) == 1:
        return "jsonl" if len(text) >= HEAD_BYTES else "json"
    whole = sum(line.lstrip().startswith("{") and line.rstrip()[-1] in "},\n" for line in seen[1:])
    return "jsonl" if whole * 2 > len(seen) - 1 else "json"


def _plain_codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _parsed(line: str) -> Any:
    try:
        return DECODER.decode(line.strip())
    except (ValueError, RecursionError):
        return None


def _is_document(value: Any) -> bool:
    """Tell an object that holds records from one that is a record."""
    if not isinstance(value, dict) or dialect_of([value]):
        return False
    values = list(value.values())
    return (len(values) > 1 and are_columns(values)) or any(
        isinstance(each, list) and each and isinstance(each[0], dict) for each in values
    )


def dialect_of(values: list[Any]) -> str:
    """Return the kind whose export these objects are; "" for none."""
    objects = [each for each in map(as_object, values) if isinstance(each, dict)][:_LOOK_ROWS]
    for kind, recognises in _RECOGNISED.items():
        known = sum(map(recognises, objects))
        if known and known * 2 > len(objects):
            return kind
    return ""


def open_objects(binary: BinaryIO, chosen: Format, container: str) -> Table:
    """Open JSON or JSON Lines; raise Invalid when there is no object in it."""
    dialect = DIALECTS[chosen.kind]
    if container == "jsonl":
        rows = read_lines(binary, chosen.encoding)
        return table_of(rows, dialect, unit="line", what="an object")
    rows = read_document(binary, chosen.encoding)
    return table_of(rows, dialect, unit="element", what="an object")


def open_parquet(files: Sequence[BinaryIO], chosen: Format) -> Table:
    """Open Parquet files as one table; raise Invalid when they have no row."""
    # Loaded only where such a file is read: it takes its time and its memory.
    from reviews.sources.parquet import read_rows

    return table_of(read_rows(*files), DIALECTS[chosen.kind], unit="row", what="a row")
