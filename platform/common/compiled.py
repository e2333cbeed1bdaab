"""Run again and again what the ORM has compiled once: for the few looks that people wait for.

To turn a queryset into SQL takes several times as long as to run it, when it only looks something
up in an index. Here the SQL is kept, and only the values in it are exchanged.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Value = int | datetime
#: Makes a queryset of values from what is fixed (by position) and what changes (by name).
Build = Callable[..., "QuerySet[Any, Any]"]

#: Stand for the values until they are known: no row has such a number or such a time.
_NUMBER, _TIME = 7_000_000_000_000_000_000, datetime(8000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    #: Values as they are passed, or a name to look up.
    parameters: tuple[Any, ...]
    #: At which places of `parameters` a name stands.
    holes: tuple[tuple[int, str], ...]


def rows(build: Build, *fixed: Hashable, **values: Value) -> list[tuple[Any, ...]]:
    """Return the rows of `build(*fixed, **values)` as the database gives them.

    `build` is a function of a module that returns `values_list(...)`; its columns are numbers or
    strings, since nothing converts them. It must treat `values` as numbers and times and do nothing
    with them but compare columns with them, since it is called once only for each `fixed`.
    """
    kinds = tuple((name, isinstance(value, datetime)) for name, value in values.items())
    statement = _statement(connection.vendor, build, fixed, kinds)
    parameters = list(statement.parameters)
    for place, name in statement.holes:
        parameters[place] = _adapted(values[name])
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def numbers(build: Build, *fixed: Hashable, **values: Value) -> list[int]:
    """Return the only column of `rows`."""
    return [row[0] for row in rows(build, *fixed, **values)]


@lru_cache(maxsize=512)
def _statement(
    vendor: str,  # noqa: ARG001  (part of the key)
    build: Build,
    fixed: tuple[Hashable, ...],
    kinds: tuple[tuple[str, bool], ...],
) -> _Statement:
    marks: dict[str, Value] = {
        name: _TIME + timedelta(days=number) if is_time else _NUMBER + number
        for number, (name, is_time) in enumerate(kinds)
    }
    query = build(*fixed, **marks).query
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    names = {_adapted(mark): name for name, mark in marks.items()}
    holes = tuple((place, names[value]) for place, value in enumerate(parameters) if value in names)
    missing = set(marks) - {name for _, name in holes}
    if missing:
        raise ValueError(f"{build.__name__} does not compare anything with {sorted(missing)}")
    return _Statement(sql, tuple(parameters), holes)


def _adapted(value: Value) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
