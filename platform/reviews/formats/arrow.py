"""The columns of an export as Arrow has them, for Parquet and for Hugging Face's `datasets`."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reviews.formats.cells import Column

#: How many rows are held in memory before they are written.
GROUP_ROWS = 20_000
_SPAN = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("option", pa.string()),
        ("polarity", pa.string()),
    ]
)
_TYPES = {
    "id": pa.int64(),
    "text": pa.string(),
    "date": pa.date32(),
    "choice": pa.string(),
    "number": pa.float64(),
    "multichoice": pa.list_(pa.string()),
    "spans": pa.list_(_SPAN),
}


def schema_of(columns: Iterable[Column]) -> Any:
    """Return the Arrow schema of the columns."""
    return pa.schema([(column.name, _TYPES[column.kind]) for column in columns])


class Groups:
    """A Parquet file that is written in groups of rows."""

    def __init__(self, target: Any, columns: list[Column]) -> None:
        self._columns = columns
        self._schema = schema_of(columns)
        self._writer: Any = pq.ParquetWriter(target, self._schema, compression="zstd")
        self._rows: list[list[Any]] = []
        self.row_count = 0

    def add(self, row: list[Any]) -> None:
        """Add a row."""
        self._rows.append(row)
        self.row_count += 1
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        arrays = [
            pa.array([_value(column, row[at]) for row in self._rows], field.type)
            for at, (column, field) in enumerate(zip(self._columns, self._schema, strict=True))
        ]
        self._rows.clear()
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Complete the file."""
        if self._rows or not self.row_count:
            self._flush()
        self._writer.close()


def _value(column: Column, value: Any) -> Any:
    """Return a value as Arrow wants it: what is empty is null."""
    if column.kind == "date":
        return date.fromisoformat(value) if value else None
    return None if value == "" else value
