"""Put the rows of an import into the database: COPY on PostgreSQL, long statements on SQLite.

Ids are taken before the rows are written, so that the answers of a row can be stored without
asking what id it got.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import connection

from common import binary_copy, bulk
from common.coded import mapped
from reviews import fingerprints, splits
from reviews.decided import Rows
from reviews.fingerprints import Numbers
from reviews.models import REJECTED_COLUMNS, ImportJob
from reviews.rows import Rejected, as_kept

_REVIEWS = "reviews_review"
_REJECTED = "reviews_rejectedrow"

#: What differs between the reviews of an import, in the order of writing.
VARYING = (
    "id",
    "row_number",
    "text",
    "text_key",
    "original_hash",
    "metadata",
    "product",
    "author",
    "reviewed_at",
    "split",
    "is_control",
    "is_labelled",
)
#: What is the same for all; other columns stay NULL.
SAME = ("project_id", "dataset_id", "import_job_id", "priority")
#: For COPY those of fixed width come first.
_COPIED = (
    *("id", "row_number", "text_key", "is_control", "is_labelled", *SAME),
    # Then the text, and neighbours of few values: they are put together once for all rows.
    *("text", "original_hash", "metadata", "author", "split", "product", "reviewed_at"),
)


@dataclass(frozen=True, slots=True)
class Ready:
    """Rows that only have to be written: with their ids and splits, and as the database wants them.

    Made without the database, while that still takes the batch before.
    """

    rows: Rows
    ids: Sequence[int]
    keys: Numbers
    splits: Counter[str]
    #: What goes to the database: lines for COPY, or values.
    lines: Sequence[Any]


def ready(
    work: ImportJob, rows: Rows, *, ids: Sequence[int], control_share: float, is_copied: bool
) -> Ready:
    """Draw the splits of rows and put them down for COPY or, not `is_copied`, for an insert."""
    if not len(rows):
        return Ready(rows, ids, fingerprints.keys_of([]), Counter(), [])
    keys = fingerprints.keys_of(rows.digests)
    split, is_control = splits.draw_many(rows.digests, control_share=control_share)
    # Somebody's answers wait to be written with the annotations that hold them.
    is_labelled = list(mapped(rows.given, attrgetter("is_complete")))
    drawn = split, is_control, is_labelled
    put_down = _copied if is_copied else _inserted
    counted = Counter(split) + Counter(control=sum(is_control))
    return Ready(rows, ids, keys, counted, put_down(rows, (ids, keys), drawn, _same(work)))


def _same(work: ImportJob) -> dict[str, int]:
    dataset = work.dataset
    return dict(zip(SAME, (dataset.project_id, dataset.pk, work.pk, 0), strict=True))


def write_reviews(work: ImportJob, made: Ready) -> None:
    """Insert reviews in the caller's transaction."""
    if connection.vendor == "postgresql":
        bulk.copy(_REVIEWS, _COPIED, made.lines, is_binary=True)
    else:
        bulk.insert(_REVIEWS, VARYING, made.lines, same=_same(work))


Numbered = tuple[Sequence[int], Numbers]
Drawn = tuple[Sequence[str], Sequence[bool], Sequence[bool]]


def _copied(rows: Rows, numbered: Numbered, drawn: Drawn, same: dict[str, int]) -> list[bytes]:
    ids, keys = numbered
    split, is_control, is_labelled = drawn
    numbers = [("i8", ids), ("i4", rows.numbers), ("i8", keys)]
    flags = [("?", is_control), ("?", is_labelled)]
    constants = [("f8" if name == "priority" else "i8", value) for name, value in same.items()]
    texts = list(map(str.encode, rows.texts))
    fixed = [*numbers, *flags, *constants]
    columns = (
        binary_copy.row_heads(len(ids), len(_COPIED), fixed, before=texts),
        texts,
        binary_copy.repeated(rows.originals, binary_copy.text),
        binary_copy.repeated(rows.metadata, binary_copy.jsonb),
        binary_copy.repeated(rows.authors, binary_copy.text),
        binary_copy.repeated(split, binary_copy.text),
        binary_copy.repeated(rows.products, binary_copy.text),
        binary_copy.repeated(rows.days, binary_copy.day),
    )
    return [binary_copy.whole(columns)]


def _inserted(
    rows: Rows,
    numbered: Numbered,
    drawn: Drawn,
    same: dict[str, int],  # noqa: ARG001
) -> list[tuple[Any, ...]]:
    ids, keys = numbered
    split, is_control, is_labelled = drawn
    return list(
        zip(
            ids, rows.numbers, rows.texts, keys.tolist(), rows.originals, rows.metadata,
            rows.products, rows.authors, rows.days, split, map(int, is_control),
            map(int, is_labelled), strict=True,
        )
    )  # fmt: skip


def write_rejected(work: ImportJob, rows: Sequence[Rejected]) -> None:
    """Insert refused rows in the caller's transaction."""
    lines = [
        (row.row_number, row.line, *map(_clean, (row.column, row.reason, row.value)), as_kept(row))
        for row in rows
    ]
    if not lines:
        return
    job, *varying = REJECTED_COLUMNS
    if connection.vendor == "postgresql":
        bulk.copy(_REJECTED, (job, *varying), _written(lines, work.pk))
    else:
        bulk.insert(_REJECTED, varying, lines, same={job: work.pk})


def _written(lines: Iterable[tuple[Any, ...]], work: int) -> Iterator[str]:
    for line in lines:
        yield "\t".join([str(work), *bulk.escaped([str(cell) for cell in line])]) + "\n"


def _clean(text: str) -> str:
    """Replace what no encoding can write, such as half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def take_ids(count: int) -> Sequence[int]:
    """Return `count` ids for reviews that nobody else gets, in ascending order.

    In a transaction, and on SQLite in one that will be committed.
    """
    if not count:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _from_sequence(cursor, count)
        # The write lock is ours since the transaction began; the sequence also remembers rows
        # that were deleted, so that no id is ever given twice.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_REVIEWS])
        found = cursor.fetchone()
        if found is None:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 0)", [_REVIEWS])
        cursor.execute(
            "UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, _REVIEWS]
        )
        last = found[0] if found else 0
        return range(last + 1, last + count + 1)


def _from_sequence(cursor: Any, count: int) -> Sequence[int]:
    # Asked for by number: its name would be looked up again for every single id.
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')::regclass::oid::bigint", [_REVIEWS])
    (sequence,) = cursor.fetchone()
    drawn = "SELECT nextval(%s::oid::regclass) AS id FROM generate_series(1, %s)"
    cursor.execute(f"SELECT min(id), max(id) FROM ({drawn}) AS taken", [sequence, count])  # noqa: S608
    first, last = cursor.fetchone()
    if last - first + 1 == count:
        return range(first, last + 1)
    # Somebody else drew in between, and which are ours was not said: leave those, ask for each.
    cursor.execute(f"{drawn} ORDER BY id", [sequence, count])
    return [number for (number,) in cursor.fetchall()]
