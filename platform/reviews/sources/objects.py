"""From objects (of JSON, of a Parquet file) to a table: one column a key, nothing lost."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import chain
from typing import Any, NamedTuple

from common.errors import Invalid
from reviews.parsing import name_columns
from reviews.sources.raw import Refused, Written, compact
from reviews.tables import MAX_CELL_CHARS, MAX_COLUMNS, Record, Said, Table

#: What is looked at to learn the columns; keys that turn up later share one column.
SAMPLE_RECORDS = 1_000
SAMPLE_CHARS = 16_000_000
OTHER_FIELDS = "other fields"
_MAX_DEPTH = 20


class Row(NamedTuple):
    """One object of a file, or why there is none; `size` is about its length in characters."""

    line: int
    value: Any
    error: str = ""
    size: int = 0


@dataclass(slots=True)
class Content:
    """What a dialect finds in an object: values for the cells, and what people said.

    Whoever handed in nothing at all has no answers here; that means "no spans" where spans are
    asked for, and nothing otherwise.
    """

    values: Mapping[str, Any]
    said: list[Said] = field(default_factory=list)


#: Tells cells from answers in an object; raises Refused (or any ValueError) with a reason.
Dialect = Callable[[dict[str, Any]], Content]


def plain(value: dict[str, Any]) -> Content:
    """Take every key for a cell."""
    return Content(value)


@dataclass(slots=True)
class _Found:
    """A row after its dialect has looked at it."""

    line: int
    cells: Mapping[str, str]
    said: tuple[Said, ...]
    error: str


def table_of(rows: Iterator[Row], dialect: Dialect, *, unit: str, what: str) -> Table:
    """Learn the columns from the first objects and return the table of all of them.

    Raises Invalid when there is no object, or they have too many keys.
    """
    sample, is_whole = _sample(rows, dialect)
    if not sample:
        raise Invalid.of("file", f"The file is empty. Choose one with {what} for every review.")
    keys = list(dict.fromkeys(key for found in sample for key in found.cells))
    if not keys:
        raise Invalid.of(
            "file", f"{_first_error(sample, unit)} Choose a file with {what} for every review."
        )
    if len(keys) > MAX_COLUMNS:
        raise Invalid.of(
            "file",
            f"The first {len(sample):,} records have {len(keys):,} different fields; at most "
            f"{MAX_COLUMNS:,} columns are read. Lists that grow belong in a list, not in keys.",
        )
    fields = list(
        dict.fromkeys(name for found in sample for said in found.said for name in said.answers)
    )
    marked = [name for name in fields if any(_has_spans(found, name) for found in sample)]
    later = (_found(row, dialect) for row in rows)
    names = keys if is_whole else [*keys, OTHER_FIELDS]
    records = _records(chain(_drained(sample), later), keys, len(names), marked)
    return Table(name_columns(names), records, fields, unit)


def _has_spans(found: _Found, name: str) -> bool:
    return any(said.answers.get(name, "").startswith('[{"start"') for said in found.said)


def _first_error(sample: list[_Found], unit: str) -> str:
    worst = next((found for found in sample if found.error), None)
    return (
        f"{unit.capitalize()} {worst.line}: {worst.error}." if worst else "No record has a field."
    )


def _sample(rows: Iterator[Row], dialect: Dialect) -> tuple[list[_Found], bool]:
    """Return the first records, and whether they are all there are."""
    sample: list[_Found] = []
    chars = 0
    for row in rows:
        sample.append(_found(row, dialect))
        chars += row.size
        if len(sample) >= SAMPLE_RECORDS or chars >= SAMPLE_CHARS:
            return sample, False
    return sample, True


def _drained(sample: list[_Found]) -> Iterator[_Found]:
    """Yield and forget, so that the sample does not stay in memory."""
    sample.reverse()
    while sample:
        yield sample.pop()


def _found(row: Row, dialect: Dialect) -> _Found:
    """Look at a row with the dialect; what a dialect refuses keeps its plain cells."""
    if row.error:
        return _Found(row.line, {}, (), row.error)
    value = as_object(row.value)
    if not isinstance(value, dict):
        return _Found(row.line, {}, (), f"it is {_kind(value)}, not an object with fields")
    try:
        content = dialect(value)
        return _Found(row.line, flattened(content.values), tuple(content.said), "")
    except RecursionError:
        return _Found(row.line, {}, (), "it is nested too deeply")
    except Refused as refused:
        return _Found(row.line, _plain_cells(value), (), str(refused))


def as_object(value: Any) -> Any:
    """Return a text, or a pair of a text and what is said about it, as an object."""
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and list(map(type, value)) == [str, dict]:
        return {"text": value[0], **value[1]}
    return value


def _plain_cells(value: dict[str, Any]) -> dict[str, str]:
    try:
        return flattened(value)
    except RecursionError:
        return {}


def _kind(value: Any) -> str:
    return {list: "a list", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def flattened(value: Mapping[str, Any]) -> dict[str, str]:
    """Return the cells of an object: what lies in objects within it under dotted names."""
    cells: dict[str, str] = {}
    for key, each in value.items():
        if type(each) is str:
            cells[key] = each
        elif isinstance(each, dict) and each:
            _flatten_into(cells, key, each, 1)
        else:
            cells[key] = as_cell(each)
    return cells


def _flatten_into(cells: dict[str, str], prefix: str, value: dict[str, Any], depth: int) -> None:
    for key, each in value.items():
        name = f"{prefix}.{key}"
        if isinstance(each, dict) and each and depth < _MAX_DEPTH:
            _flatten_into(cells, name, each, depth + 1)
        else:
            cells[name] = as_cell(each)


def as_cell(value: Any) -> str:
    """Write a value as a cell: null as nothing, numbers, true and lists as JSON has them."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, list | dict | tuple):
        return compact(value)
    return written(value)


def written(value: Any) -> str:
    """Write a number or a moment as a person would: 5 rather than 5.0, dates as ISO has them."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not isinstance(value, Written):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


# --- Records ----------------------------------------------------------------------------------


def _records(
    found: Iterator[_Found], keys: list[str], width: int, marked: list[str]
) -> Iterator[Record]:
    """Put cells into the order of the columns; what has no column goes into the last one."""
    places = {key: index for index, key in enumerate(keys)}
    for each in found:
        cells = [""] * width
        others: dict[str, str] = {}
        chars = 0
        for key, cell in each.cells.items():
            chars += len(cell)
            at = places.get(key)
            if at is None:
                others[key] = cell
            else:
                cells[at] = cell
        if others:
            cells[-1] = json.dumps(others, ensure_ascii=False)
        error = each.error
        if chars > MAX_CELL_CHARS:
            error = error or _too_long(cells, keys)
            cells = [cell[:MAX_CELL_CHARS] for cell in cells]
        yield Record(each.line, cells, error, _answered(each.said, marked))


def _answered(said: tuple[Said, ...], marked: list[str]) -> tuple[Said, ...]:
    """Leave out who said nothing, or let it mean that there are no spans."""
    if all(each.answers for each in said):
        return said
    nothing = dict.fromkeys(marked, "[]")
    filled = (each if each.answers else Said(each.annotator, nothing) for each in said)
    return tuple(each for each in filled if each.answers)


def _too_long(cells: list[str], keys: list[str]) -> str:
    longest = max(range(len(cells)), key=lambda index: len(cells[index]))
    if len(cells[longest]) <= MAX_CELL_CHARS:
        return ""
    name = keys[longest] if longest < len(keys) else OTHER_FIELDS
    return (
        f"the field {name[:100]!r} has {len(cells[longest]):,} characters, "
        f"at most {MAX_CELL_CHARS:,} are allowed"
    )
