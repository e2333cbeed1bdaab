"""Put many rows into the tables of labelling fast: COPY on PostgreSQL, executemany on SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> int:
    """Insert rows in the caller's transaction, constraints checked; return how many."""
    known = list(rows)
    if not known:
        return 0
    quote = connection.ops.quote_name
    target = f"{quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"  # noqa: SLF001
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in known:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {target} VALUES ({places})", known)  # noqa: S608
    return len(known)


def take_ids(model: type[models.Model], count: int) -> list[int]:
    """Return `count` rising ids of a table that nobody else gets, in the caller's transaction."""
    table = model._meta.db_table  # noqa: SLF001  (Django's public Model._meta API)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, count],
            )
            return sorted(number for (number,) in cursor.fetchall())
        # The write lock is ours since the transaction began.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = (cursor.fetchone() or (0,))[0]
        return list(range(last + 1, last + count + 1))
