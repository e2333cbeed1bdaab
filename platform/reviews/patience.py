"""Give up on a question that takes too long, instead of letting somebody wait for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from common.errors import GlossError

SECONDS = 8.0
#: SQLite looks at the clock after so many steps of its machine.
_STEPS = 20_000


class TooSlow(GlossError):
    """It would read more than anybody waits for."""

    status = 400
    title = "Too much to read"

    def __init__(self) -> None:
        super().__init__(
            "These filters fit few of very many reviews, and no index leads to them: "
            f"the search was given up after {SECONDS:.0f} seconds. "
            "Add a data set, words or an answer, or take one of the filters away."
        )


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Raise TooSlow when what is asked inside takes longer; nothing may be written inside."""
    limit = SECONDS if seconds is None else seconds
    try:
        with _postgresql(limit) if connection.vendor == "postgresql" else _sqlite(limit):
            yield
    except OperationalError as error:
        if "statement timeout" in str(error) or "interrupted" in str(error):
            raise TooSlow from error
        raise


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    is_inside = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {max(1, int(1000 * seconds))}")
        yield
        if is_inside:  # whoever has opened a transaction around this one keeps its own limit
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


@contextmanager
def _sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    until = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
