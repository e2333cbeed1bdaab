"""The Parquet files of versions: written by row groups, compared by two columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from reviews.canonical import Gold, Row, text_of
from reviews.shingles import I64

_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("metadata", pa.string(), nullable=False),
        pa.field("product", pa.string(), nullable=False),
        pa.field("author", pa.string(), nullable=False),
        pa.field("date", pa.date32()),
        pa.field("split", pa.string(), nullable=False),
        pa.field("is_control", pa.bool_(), nullable=False),
        pa.field("group", pa.int64()),
        pa.field("gold", pa.string(), nullable=False),
        pa.field("row_hash", pa.int64(), nullable=False),
    ]
)
_GROUP_ROWS = 20_000


class VersionFile:
    """Writes one version. Metadata and gold are JSON, in the shapes of the API."""

    def __init__(self, binary: BinaryIO, *, title: str) -> None:
        schema = _SCHEMA.with_metadata({"title": title})
        self._writer = parquet.ParquetWriter(binary, schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._schema = schema

    def write(self, rows: Sequence[Row], gold: Sequence[Gold], hashes: Sequence[int]) -> None:
        """Add reviews."""
        ids, metadata, products, authors, days, splits, controls, groups, texts = zip(
            *rows, strict=True
        )
        columns = [
            ids, texts, map(text_of, metadata), products, authors, days, splits, controls, groups,
            map(text_of, gold), hashes,
        ]  # fmt: skip
        arrays = [
            pa.array(list(column), field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= _GROUP_ROWS:
            self._flush()

    def __enter__(self) -> Self:
        """Write in a `with`, so that the file is complete after it."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Complete the file, or close what there is of it."""
        if error is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
        self._batches.clear()


def compared(earlier: Path, later: Path) -> tuple[int, int, int]:
    """Return how many reviews came, went and changed."""
    (old_ids, old_hashes), (new_ids, new_hashes) = _keys(earlier), _keys(later)
    common, old_at, new_at = np.intersect1d(
        old_ids, new_ids, assume_unique=True, return_indices=True
    )
    changed = int((old_hashes[old_at] != new_hashes[new_at]).sum())
    return len(new_ids) - len(common), len(old_ids) - len(common), changed


def _keys(path: Path) -> tuple[I64, I64]:
    table = parquet.read_table(path, columns=["id", "row_hash"])
    return table["id"].to_numpy(), table["row_hash"].to_numpy()
