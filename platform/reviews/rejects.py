"""Give refused rows back as a CSV file: mend them, upload them again."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

from common.text import is_number
from reviews.models import Dataset
from reviews.selectors import import_of, rejected_of

_CHUNK_ROWS = 500


def response(dataset: Dataset) -> StreamingHttpResponse:
    """Stream the original columns, then `line` and `error`, then cells beyond the header."""
    answer = StreamingHttpResponse(_lines(dataset), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="dataset-{dataset.pk}-rejects.csv"'
    return answer


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _lines(dataset: Dataset) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    work = import_of(dataset)
    columns: list[str] = work.columns if work else []
    yield writer.writerow([*map(neutral, columns), "line", "error"])
    for row in rejected_of(dataset).iterator(chunk_size=_CHUNK_ROWS):
        cells = [neutral(cell) for cell in row.cells]
        padded = _padded(cells[: len(columns)], len(columns))
        error = neutral(row.sentence)
        yield writer.writerow([*padded, row.line, error, *cells[len(columns) :]])


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def neutral(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula; numbers stay."""
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) or is_number(cell):
        return cell
    return f"'{cell}"
