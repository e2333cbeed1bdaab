"""Run again and again what the ORM has compiled once: for the few looks that people wait for.

To turn a queryset into SQL takes several times as long as to run it, when it only looks something
up in an index. Here the SQL is kept, and only the values in it are exchanged.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

Value = int | str | datetime
Row = TypeVar("Row", bound=Model)
#: Makes a queryset of values from what is fixed (by position) and what changes (by name).
Build = Callable[..., "QuerySet[Any, Any]"]

#: Stand for the values until they are known: nothing in a database is equal to them.
_NUMBER, _TIME = 7_000_000_000_000_000_000, datetime(8000, 1, 1, tzinfo=UTC)
_WORD = "\ufffe stands for a value \ufffe "

#: The name of a foreign key ("" for the row itself), the model there, its columns.
_Part = tuple[str, type[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    #: Values as they are passed, or a name to look up.
    parameters: tuple[Any, ...]
    #: At which places of `parameters` a name stands.
    holes: tuple[tuple[int, str], ...]
    #: By column, how a value of the database becomes one of Python.
    converters: tuple[tuple[int, tuple[Callable[..., Any], ...], Any], ...] = ()

    def run(self, values: dict[str, Value]) -> list[tuple[Any, ...]]:
        parameters = list(self.parameters)
        for place, name in self.holes:
            parameters[place] = _adapted(values[name])
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def rows(build: Build, *fixed: Hashable, **values: Value) -> list[tuple[Any, ...]]:
    """Return the rows of `build(*fixed, **values)` as the database gives them.

    `build` is a function of a module that returns `values_list(...)`; its columns are numbers or
    strings, since nothing converts them. It must do nothing with `values` (numbers, times, words)
    but compare columns with them, since it is called once only for each `fixed`.
    """
    return _statement(connection.vendor, build, fixed, _kinds(values)).run(values)


def numbers(build: Build, *fixed: Hashable, **values: Value) -> list[int]:
    """Return the only column of `rows`."""
    return [row[0] for row in rows(build, *fixed, **values)]


def first(
    build: "Callable[..., QuerySet[Row]]",
    *fixed: Hashable,
    related: tuple[str, ...] = (),
    **values: Value,
) -> Row | None:
    """Return the first row of `build(*fixed, **values)` as an instance; None without any.

    `build` returns a queryset of a model, under the conditions of `rows`; the foreign keys named in
    `related` are loaded with it and must not be null.
    """
    statement, parts = _of_model(connection.vendor, build, fixed, related, _kinds(values))
    found = statement.run(values)
    if not found:
        return None
    row = list(found[0])
    for place, converters, expression in statement.converters:
        for convert in converters:
            row[place] = convert(row[place], expression, connection)
    loaded: Row | None = None
    for name, model, names in parts:
        values_of_it, row = row[: len(names)], row[len(names) :]
        each = model.from_db(connection.alias, names, values_of_it)
        if loaded is None:
            loaded = each
        else:
            setattr(loaded, name, each)
    return loaded


def _kinds(values: dict[str, Value]) -> tuple[tuple[str, type], ...]:
    return tuple((name, type(value)) for name, value in values.items())


@lru_cache(maxsize=512)
def _statement(
    vendor: str,  # noqa: ARG001  (part of the key)
    build: Build,
    fixed: tuple[Hashable, ...],
    kinds: tuple[tuple[str, type], ...],
) -> _Statement:
    marks = _marks(kinds)
    return _compiled(build(*fixed, **marks), build.__name__, marks)


@lru_cache(maxsize=128)
def _of_model(
    vendor: str,  # noqa: ARG001  (part of the key)
    build: "Callable[..., QuerySet[Any]]",
    fixed: tuple[Hashable, ...],
    related: tuple[str, ...],
    kinds: tuple[tuple[str, type], ...],
) -> tuple[_Statement, tuple[_Part, ...]]:
    marks = _marks(kinds)
    found = build(*fixed, **marks)
    meta = found.model._meta  # noqa: SLF001  (public: the documentation has it)
    models = {"": found.model} | {name: meta.get_field(name).related_model for name in related}
    parts = tuple(
        (name, model, tuple(each.attname for each in model._meta.concrete_fields))  # noqa: SLF001
        for name, model in models.items()
    )
    columns = [f"{name}__{each}" if name else each for name, _, names in parts for each in names]
    return _compiled(found.values_list(*columns), build.__name__, marks), parts


def _marks(kinds: tuple[tuple[str, type], ...]) -> dict[str, Value]:
    marks: dict[str, Value] = {}
    for number, (name, kind) in enumerate(kinds):
        if issubclass(kind, datetime):
            marks[name] = _TIME + timedelta(days=number)
        else:
            marks[name] = f"{_WORD}{number}" if issubclass(kind, str) else _NUMBER + number
    return marks


def _compiled(found: "QuerySet[Any, Any]", what: str, marks: dict[str, Value]) -> _Statement:
    compiler = found.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    names = {_adapted(mark): name for name, mark in marks.items()}
    holes = tuple((place, names[value]) for place, value in enumerate(parameters) if value in names)
    missing = set(marks) - {name for _, name in holes}
    if missing:
        raise ValueError(f"{what} does not compare anything with {sorted(missing)}")
    converters = compiler.get_converters([each[0] for each in compiler.select])
    return _Statement(
        sql,
        tuple(parameters),
        holes,
        tuple((place, tuple(how), column) for place, (how, column) in converters.items()),
    )


def _adapted(value: Value) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
