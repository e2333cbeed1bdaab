"""Hand out the answers of a bulk prediction, part by part, in three formats."""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage

from common.errors import Conflict, Invalid
from ml.core.config import HeadConfig, TrainConfig
from ml.models import PredictionJob
from ml.shapes import flat, flat_columns
from reviews.neutral import neutral

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_OWN_COLUMNS: dict[str, type] = {"row": int, "id": str, "text": str, "error": str}
_PARQUET_ROWS = 5000


def folder_of(job_id: UUID) -> str:
    """Return where the parts of a job are, below the storage's root."""
    return f"predictions/job-{job_id}"


def part_of(job_id: UUID, step: int) -> str:
    """Return the name of the part that a step writes."""
    return f"{folder_of(job_id)}/part-{step:07d}.jsonl"


def remove(job_id: UUID) -> None:
    """Remove every part of a job."""
    shutil.rmtree(default_storage.path(folder_of(job_id)), ignore_errors=True)


def stream(work: PredictionJob, chosen: str) -> Iterator[bytes]:
    """Return the results as bytes in `chosen` format, read while they are sent.

    Raises Invalid for an unknown format and Conflict while there is nothing to hand out yet.
    """
    if chosen not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        raise Invalid.of("format", f"There is no format {chosen[:20]!r}; known: {known}.")
    if not work.result_file:
        raise Conflict("This prediction has not ended well yet: there are no results to read.")
    folder = Path(default_storage.path(work.result_file))
    lines = _lines(folder)
    if chosen == "jsonl":
        return lines
    heads = TrainConfig.from_json(work.model_version.training_run.config).heads
    return (_csv if chosen == "csv" else _parquet)(map(json.loads, lines), heads)


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob("part-*.jsonl")):
        with path.open("rb") as file:
            yield from file


def _cells(row: dict[str, Any], heads: Iterable[HeadConfig]) -> dict[str, Any]:
    own = {name: row.get(name) for name in ("row", "text", "error")}
    own["id"] = None if row.get("id") is None else str(row["id"])
    return own | flat(heads, row)


# --- CSV ------------------------------------------------------------------------------------------


def _csv(rows: Iterator[dict[str, Any]], heads: tuple[HeadConfig, ...]) -> Iterator[bytes]:
    columns = [*_OWN_COLUMNS, *flat_columns(heads)]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\r\n")
    # The mark tells spreadsheets that this is UTF-8.
    buffer.write("\ufeff")
    writer.writeheader()
    for row in rows:
        cells = _cells(row, heads)
        writer.writerow({name: _safe(value) for name, value in cells.items()})
        if buffer.tell() > 65_536:
            yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def _safe(value: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula."""
    return neutral(value) if isinstance(value, str) else value


# --- Parquet --------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """A file that is read while it is written: keeps what was not taken yet, and its position."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        kept = bytes(data)
        self._waiting.append(kept)
        self._position += len(kept)
        return len(kept)

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


def _parquet(rows: Iterator[dict[str, Any]], heads: tuple[HeadConfig, ...]) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    arrow = {int: pa.int64(), str: pa.string(), float: pa.float64()}
    columns = _OWN_COLUMNS | flat_columns(heads)
    schema = pa.schema([(name, arrow[kind]) for name, kind in columns.items()])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for batch in _batches(rows, _PARQUET_ROWS):
            cells = [_cells(row, heads) for row in batch]
            writer.write_table(pa.Table.from_pylist(cells, schema=schema))
            yield sink.take()
    yield sink.take()


def _batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
