"""Put many rows into the database fast: COPY on PostgreSQL, prepared inserts on SQLite.

Ids are taken before the rows are written, so that the answers of a row can be stored without
asking what id it got.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from common.text import text_key
from reviews import splits
from reviews.models import REJECTED_COLUMNS, REVIEW_COLUMNS, ImportJob
from reviews.rows import Accepted, Rejected, as_kept

Row = tuple[Any, ...]

_REVIEWS = "reviews_review"
_REJECTED = "reviews_rejectedrow"
_DATASETS = "reviews_dataset"


def write_reviews(
    work: ImportJob, rows: Sequence[Accepted], *, control_share: float, labelled: Sequence[bool]
) -> list[int]:
    """Insert reviews in the caller's transaction and return their ids, in the order given.

    `labelled` says of each whether its answers leave nothing to ask; the others join the queue.
    """
    ids = _take_ids(len(rows))
    lines = (
        _review_line(work, number, row, (control_share, is_labelled))
        for number, row, is_labelled in zip(ids, rows, labelled, strict=True)
    )
    _insert(_REVIEWS, REVIEW_COLUMNS, lines)
    return ids


def _review_line(
    work: ImportJob,
    number: int,
    row: Accepted,
    place: tuple[float, bool],
) -> Row:
    control_share, is_labelled = place
    drawn = splits.draw(row.text_hash, control_share=control_share)
    dataset = work.dataset
    return (
        number, dataset.project_id, dataset.pk, work.pk, row.row_number, row.text,
        text_key(row.text_hash), "", row.metadata, row.product, row.author,
        row.reviewed_at and row.reviewed_at.isoformat(),
        drawn.split, drawn.is_control, drawn.priority, None, None, is_labelled, None, None,
    )  # fmt: skip


def write_rejected(work: ImportJob, rows: Sequence[Rejected]) -> None:
    """Insert refused rows in the caller's transaction."""
    lines = (
        (work.pk, row.row_number, row.line, *map(_clean, (row.column, row.reason, row.value)),
         as_kept(row))
        for row in rows
    )  # fmt: skip
    _insert(_REJECTED, REJECTED_COLUMNS, lines)


def _clean(text: str) -> str:
    """Replace what no encoding can write, such as half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def known_hashes(work: ImportJob, hashes: Sequence[str]) -> set[str]:
    """Return which hashes are those of a review of this import, or of a data set that is shown.

    In SQL by hand: as one parameter each, thousands of hashes cost more than finding them.
    """
    value: Any
    keys = {text_key(each): each for each in hashes}
    if connection.vendor == "postgresql":
        among, value = "= ANY(%s)", list(keys)
    else:
        among, value = "IN (SELECT value FROM json_each(%s))", json.dumps(list(keys))
    statement = f"""
        SELECT review.text_key FROM {_REVIEWS} review
        JOIN {_DATASETS} dataset ON dataset.id = review.dataset_id
        WHERE review.project_id = %s AND review.text_key {among}
          AND (dataset.is_ready OR dataset.id = %s)
    """  # noqa: S608  (only our own names are put together)
    dataset = work.dataset
    with connection.cursor() as cursor:
        cursor.execute(statement, [dataset.project_id, value, dataset.pk])
        return {keys[found] for (found,) in cursor.fetchall()}


def _take_ids(count: int) -> list[int]:
    """Return `count` ids that nobody else gets."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [_REVIEWS, count],
            )
            return [number for (number,) in cursor.fetchall()]
        # The write lock is ours since the transaction began; the sequence also remembers rows
        # that were deleted, so that no id is ever given twice.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_REVIEWS])
        last = (cursor.fetchone() or (0,))[0]
        return list(range(last + 1, last + count + 1))


def _insert(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    quoted = ", ".join(connection.ops.quote_name(name) for name in columns)
    target = f"{connection.ops.quote_name(table)} ({quoted})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {target} VALUES ({places})", list(rows))  # noqa: S608
