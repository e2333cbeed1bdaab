"""Read the rows of a file to predict: CSV, JSON lines or Parquet, each row once, in order."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from common.errors import Invalid
from common.text import normalise
from reviews.guessing import SAMPLE_BYTES, guess_format
from reviews.parsing import open_table
from reviews.tables import MAX_CELL_CHARS

#: Tried in this order when nobody named the column.
TEXT_NAMES = ("text", "review", "review text", "review_text", "body", "comment", "content")
#: Of one text that is answered while somebody waits.
MAX_CHARS = 20_000
_MAX_LINE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input: its text, its own id if it has one, and why it cannot be used."""

    text: str
    id: Any = None
    error: str = ""


def format_of(name: str) -> str:
    """Return csv, jsonl or parquet by a file name's ending; raise Invalid for any other."""
    ending = PurePosixPath(name.lower()).suffix
    known = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    known[".parquet"] = "parquet"
    if ending not in known:
        raise Invalid.of(
            "file", f"{name[-80:]!r} ends in none of .csv, .jsonl, .parquet; name it by its kind."
        )
    return known[ending]


def text_column(binary: BinaryIO, *, name: str, wanted: str = "") -> str:
    """Return which column holds the text: `wanted`, or the one that is named like a text.

    Raises Invalid, naming the columns, when there is none or the file cannot be read.
    """
    columns = _columns(binary, format_of(name))
    if wanted:
        if wanted in columns:
            return wanted
        raise Invalid.of("text", f"There is no column {wanted[:200]!r}; it has: {_some(columns)}.")
    folded = {column.strip().casefold(): column for column in reversed(columns)}
    for each in TEXT_NAMES:
        if each in folded:
            return folded[each]
    if len(columns) == 1:
        return columns[0]
    raise Invalid.of("text", f"Which column holds the text? The file has: {_some(columns)}.")


def read_rows(binary: BinaryIO, *, name: str, column: str) -> Iterator[Row]:
    """Yield every row of the file; one without a usable text carries its error."""
    readers = {"csv": _csv_rows, "jsonl": _jsonl_rows, "parquet": _parquet_rows}
    yield from readers[format_of(name)](binary, column)


def row_of(value: Any, *, id: Any = None) -> Row:  # noqa: A002  (the column's own name)
    """Return a row of a text, or of what is none."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  (NaN)
        return Row("", id, "There is no text.")
    if not isinstance(value, str):
        return Row("", id, f"{str(value)[:40]!r} is not a text.")
    text = normalise(value)
    if not text:
        return Row("", id, "There is no text.")
    if len(text) > MAX_CELL_CHARS:
        return Row("", id, f"The text is longer than {MAX_CELL_CHARS:,} characters.")
    return Row(text, id)


def _some(columns: list[str]) -> str:
    return ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")


def _columns(binary: BinaryIO, kind: str) -> list[str]:
    binary.seek(0)
    if kind == "csv":
        chosen = guess_format(binary.read(SAMPLE_BYTES))
        binary.seek(0)
        return open_table(binary, chosen).columns
    if kind == "parquet":
        return list(_parquet(binary).schema_arrow.names)
    first = next(_objects(binary), None)
    if not isinstance(first, Mapping):
        raise Invalid.of("file", 'The first line is no JSON object such as {"text": "..."}.')
    return [str(key) for key in first]


# --- CSV ----------------------------------------------------------------------------------------


def _csv_rows(binary: BinaryIO, column: str) -> Iterator[Row]:
    binary.seek(0)
    chosen = guess_format(binary.read(SAMPLE_BYTES))
    binary.seek(0)
    table = open_table(binary, chosen)
    place = table.columns.index(column)
    own_id = table.columns.index("id") if "id" in table.columns else -1
    for record in table.records:
        if record.error:
            yield Row("", None, f"Line {record.line}: {record.error}.")
            continue
        cells = record.cells
        value = cells[place] if place < len(cells) else None
        yield row_of(value, id=cells[own_id] if 0 <= own_id < len(cells) else None)


# --- JSON lines -----------------------------------------------------------------------------------


def _objects(binary: BinaryIO) -> Iterator[Any]:
    """Yield what stands on each line that is not blank; an Exception where it is no JSON."""
    while line := binary.readline(_MAX_LINE_BYTES):
        if not line.strip():
            continue
        if len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(binary)
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            yield error


def _skip_line(binary: BinaryIO) -> None:
    while piece := binary.readline(_MAX_LINE_BYTES):
        if piece.endswith(b"\n"):
            return


def _jsonl_rows(binary: BinaryIO, column: str) -> Iterator[Row]:
    binary.seek(0)
    for found in _objects(binary):
        if isinstance(found, Mapping):
            yield row_of(found.get(column), id=_plain(found.get("id")))
        else:
            yield Row("", None, "The line is no JSON object.")


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


# --- Parquet --------------------------------------------------------------------------------------


def _parquet(binary: BinaryIO) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(binary)
    except (pa.ArrowException, OSError) as error:
        raise Invalid.of("file", f"This is no Parquet file that can be read: {error}") from error


def _parquet_rows(binary: BinaryIO, column: str) -> Iterator[Row]:
    file = _parquet(binary)
    has_id = "id" in file.schema_arrow.names and column != "id"
    for batch in file.iter_batches(batch_size=1000, columns=[column, *(["id"] if has_id else [])]):
        for cells in batch.to_pylist():
            yield row_of(cells[column], id=_plain(cells.get("id")))
