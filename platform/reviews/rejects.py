"""Give refused rows back as a CSV file: mend them, upload them again."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from django.http import StreamingHttpResponse

from reviews.models import Dataset
from reviews.neutral import neutral
from reviews.selectors import import_of, rejected_of

_CHUNK_ROWS = 500


class Refused(Protocol):
    """A row that was refused, or would be."""

    line: int
    column: str
    reason: str
    cells: Any


def response(dataset: Dataset) -> StreamingHttpResponse:
    """Stream the rows that an import refused."""
    work = import_of(dataset)
    columns: list[str] = work.columns if work else []
    rows = rejected_of(dataset).iterator(chunk_size=_CHUNK_ROWS)
    return stream(columns, rows, name=f"dataset-{dataset.pk}-rejects.csv")


def stream(columns: Sequence[str], rows: Iterable[Any], *, name: str) -> StreamingHttpResponse:
    """Stream the original columns, then `line` and `error`, then cells beyond the header."""
    answer = StreamingHttpResponse(_lines(columns, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _lines(columns: Sequence[str], rows: Iterable[Refused]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield writer.writerow([*map(neutral, columns), "line", "error"])
    for row in rows:
        cells = [neutral(_written(cell)) for cell in row.cells]
        padded = _padded(cells[: len(columns)], len(columns))
        yield writer.writerow([*padded, row.line, neutral(_sentence(row)), *cells[len(columns) :]])


def _sentence(row: Refused) -> str:
    """Say where and why, as RejectedRow.sentence does."""
    where = f", column {row.column}" if row.column else ""
    return _written(f"line {row.line}{where}: {row.reason}")


def _written(text: str) -> str:
    """Replace what no encoding can write, such as half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]
