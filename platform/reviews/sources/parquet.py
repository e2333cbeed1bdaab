"""Read Parquet in batches of rows, with the names of Hugging Face's class labels put in."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import Invalid
from reviews.sources.objects import Row
from reviews.tables import MAX_COLUMNS

_BATCH_ROWS = 512
#: A row group or a page of a file that unpacks to more than this is refused.
_MAX_GROUP_BYTES = 1024**3
_MAX_BYTES = 64 * 1024**3
_TROUBLE = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, KeyError)


def read_rows(*files: BinaryIO) -> Iterator[Row]:
    """Yield every row of files as an object; raise Invalid when one is damaged or cut off."""
    number = 0
    for file in files:
        for row in _rows(file, number):
            yield row
            number = row.line


def _rows(binary: BinaryIO, number: int) -> Iterator[Row]:
    """Yield the rows of a file, which come after `number` others."""
    try:
        file = pq.ParquetFile(binary, memory_map=False, pre_buffer=False)
        _check(file)
        names = _class_names(file.schema_arrow)
        batches = file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False)
    except _TROUBLE as error:
        raise _damaged(error) from None
    while True:
        try:
            batch = next(batches, None)
            values = _values(batch) if batch is not None else []
        except _TROUBLE as error:
            raise _damaged(error, number) from None
        if batch is None:
            return
        size = batch.nbytes // max(1, batch.num_rows)
        for value in values:
            number += 1
            if isinstance(value, str):
                yield Row(number, None, value, size)
            else:
                yield Row(number, _named(value, names), "", size)


def _check(file: Any) -> None:
    """Refuse what would not fit into memory, by what the file says of itself."""
    meta = file.metadata
    if meta.num_columns > MAX_COLUMNS * 4 or len(file.schema_arrow) > MAX_COLUMNS:
        count = len(file.schema_arrow)
        raise Invalid.of(
            "file", f"The file has {count:,} columns; at most {MAX_COLUMNS:,} are read."
        )
    sizes = [meta.row_group(at).total_byte_size for at in range(meta.num_row_groups)]
    if max(sizes, default=0) > _MAX_GROUP_BYTES or sum(sizes) > _MAX_BYTES:
        raise Invalid.of(
            "file",
            "The file has row groups of more than 1 GiB. Write it with smaller ones "
            "(with pandas: row_group_size=100000).",
        )


def _values(batch: Any) -> list[Any]:
    """Return the rows of a batch; one whose bytes are no characters becomes its reason."""
    try:
        return list(batch.to_pylist())
    except UnicodeDecodeError:
        return [_value(batch, at) for at in range(batch.num_rows)]


def _value(batch: Any, at: int) -> Any:
    try:
        return batch.slice(at, 1).to_pylist()[0]
    except UnicodeDecodeError:
        return "it contains bytes that are no characters"


def _damaged(error: BaseException, number: int = 0) -> Invalid:
    if isinstance(error, Invalid):
        return error
    where = f"after row {number:,}" if number else "and cannot be opened"
    what = str(error).split("\n", 1)[0][:200]
    return Invalid.of(
        "file", f"The Parquet file is damaged or cut off {where} ({what}). Send it again."
    )


# --- Hugging Face -----------------------------------------------------------------------------


def _class_names(schema: Any) -> Mapping[str, list[str]]:
    """Return the names of the columns' classes, which `datasets` keeps beside the schema."""
    raw = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(raw)["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(features, dict):
        return {}
    found = {name: _names_of(feature) for name, feature in features.items()}
    return {name: names for name, names in found.items() if names}


def _names_of(feature: Any) -> list[str]:
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if not isinstance(feature, dict):
        return []
    if isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    names = feature.get("names")
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list):
        return []
    return [str(name) for name in names]


def _named(value: dict[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    for key, classes in names.items():
        each = value.get(key)
        if isinstance(each, list):
            value[key] = [_class(item, classes) for item in each]
        elif each is not None:
            value[key] = _class(each, classes)
    return value


def _class(item: Any, classes: list[str]) -> Any:
    """Return the name of a class; -1 stands for "none"."""
    if not isinstance(item, int):
        return item
    if item == -1:
        return None
    return classes[item] if 0 <= item < len(classes) else item
