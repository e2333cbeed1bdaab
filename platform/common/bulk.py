"""Put many rows into a table fast: COPY on PostgreSQL, statements of many rows on SQLite."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from django.apps import apps
from django.db import connection

#: Rows of one SQLite statement: it runs without Python's lock, so that another thread can go on.
#: Few sizes, since SQLite's module keeps a hundred statements, and long ones take a megabyte.
_ROWS = (1_000, 100, 10, 1)
#: Fewer rows than this are sorted in no time.
_MANY = 20_000
_LEAN_PRAGMAS = (("mmap_size", 0), ("cache_size", -32_000))
_TO_ESCAPE = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@contextmanager
def lean() -> Iterator[None]:
    """Have SQLite keep little of its file in the memory of this process, while much is written.

    What is written is hardly read again; mapped and cached it would count as ours.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual = [
            (name, cursor.execute(f"PRAGMA {name}").fetchone()[0]) for name, _ in _LEAN_PRAGMAS
        ]
        for name, value in _LEAN_PRAGMAS:
            cursor.execute(f"PRAGMA {name}={value}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name, value in usual:
                cursor.execute(f"PRAGMA {name}={value}")


def copy(
    table: str, columns: Sequence[str], parts: Iterable[str | bytes], *, is_binary: bool = False
) -> None:
    """COPY rows into PostgreSQL, written as its text format has them, some lines a part.

    Each part is sent before the next is asked for, so the server works while those are made. With
    `is_binary` they are in the binary format (common.binary_copy).
    """
    statement = _target("COPY", table, columns) + (" (FORMAT binary)" if is_binary else "")
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for part in parts:
            stream.write(part)


def learn(table: str, count: int) -> None:
    """Have PostgreSQL look at a table that holds `count` rows where it believes in far fewer.

    Right after much was written it has not looked yet, takes the table for a handful of rows, and
    sorts all of them where it should walk an index.
    """
    if connection.vendor != "postgresql" or count < _MANY:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        (believed,) = cursor.fetchone()
        if believed < count / 2:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def learn_growth() -> list[str]:
    """Have the database look at every table that has grown by a tenth since it looked; return them.

    PostgreSQL does so by itself a minute later, SQLite never. Until then they take what a large
    import has brought for what was there before, and may walk the whole table to find the next
    review. To be called outside of a transaction: what is looked at stays locked for others who
    would look.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_GROWN, [_FEW_PAGES])
            grown = [name for (name,) in cursor.fetchall()]
            # Where it is looking already, by itself or for another import, nobody waits for it.
            look = "ANALYZE (SKIP_LOCKED)"
        else:
            grown = _grown_on_sqlite(cursor)
            look = "ANALYZE"
        for table in grown:
            cursor.execute(f"{look} {connection.ops.quote_name(table)}")
    return grown


#: Both count pages of 8 kB; relpages is what the last look has found.
_GROWN = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND pg_relation_size(oid) / current_setting('block_size')::int - relpages
        > greatest(%s, relpages / 10)
    ORDER BY relname
"""
#: A table that has grown by less is read in no time anyway.
_FEW_PAGES, _FEW_ROWS = 100, 1_000


def _grown_on_sqlite(cursor: Any) -> list[str]:
    """Return the tables that have a tenth more rows than at the last look."""
    believed: dict[str, int] = {}
    if _has_looked(cursor):
        cursor.execute("SELECT tbl, stat FROM sqlite_stat1")
        for table, stat in cursor.fetchall():
            believed[table] = max(believed.get(table, 0), int(stat.split()[0]))
    grown = []
    for table in sorted({model._meta.db_table for model in apps.get_models()}):  # noqa: SLF001
        most = believed.get(table, 0) + max(_FEW_ROWS, believed.get(table, 0) // 10)
        # Only where there may be more are they counted: to find the last takes no time.
        for how in ("max(rowid)", "count(*)"):
            cursor.execute(f"SELECT {how} FROM {connection.ops.quote_name(table)}")  # noqa: S608
            if (cursor.fetchone()[0] or 0) <= most:
                break
        else:
            grown.append(table)
    return grown


def _has_looked(cursor: Any) -> bool:
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    return cursor.fetchone() is not None


def escaped(cells: Sequence[str]) -> Sequence[str]:
    """Return cells as COPY's text format wants them; most need nothing."""
    whole = "\x00".join(cells)
    if not ("\\" in whole or "\t" in whole or "\n" in whole or "\r" in whole):
        return cells
    return [
        cell.translate(_TO_ESCAPE)
        if "\n" in cell or "\\" in cell or "\t" in cell or "\r" in cell
        else cell
        for cell in cells
    ]


def insert(
    table: str,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    same: Mapping[str, int | str],
) -> None:
    """Insert rows into SQLite; `same` has the columns whose value is that of every row.

    Values are str, int, float or None: nothing is converted.
    """
    connection.ensure_connection()
    raw: sqlite3.Connection = connection.connection
    limit = raw.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    most = min(_ROWS[0], limit // len(columns))
    head = _target("INSERT INTO", table, [*columns, *same])
    one = f"({', '.join([*'?' * len(columns), *map(_literal, same.values())])})"
    waiting = iter(rows)
    with connection.wrap_database_errors:
        while some := list(islice(waiting, most)):
            for part in _parts(some):
                statement = f"{head} VALUES {', '.join([one] * len(part))}"
                raw.execute(statement, list(chain.from_iterable(part)))


def _parts(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    start = 0
    for size in _ROWS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _target(verb: str, table: str, columns: Sequence[str]) -> str:
    quote = connection.ops.quote_name
    end = " FROM STDIN" if verb == "COPY" else ""
    return f"{verb} {quote(table)} ({', '.join(map(quote, columns))}){end}"


def _literal(value: int | str) -> str:
    return str(value) if isinstance(value, int) else "'{}'".format(value.replace("'", "''"))
