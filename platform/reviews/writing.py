"""Put the rows of an import into the database: COPY on PostgreSQL, long statements on SQLite.

Ids are taken before the rows are written, so that the answers of a row can be stored without
asking what id it got.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection

from common import bulk
from reviews import splits
from reviews.decided import Rows
from reviews.fingerprints import Numbers
from reviews.models import REJECTED_COLUMNS, ImportJob
from reviews.rows import Rejected, as_kept

_REVIEWS = "reviews_review"
_REJECTED = "reviews_rejectedrow"
#: Lines that are sent to the server at once.
_LINES = 1_000

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


def write_reviews(
    work: ImportJob, rows: Rows, *, ids: Sequence[int], keys: Numbers, control_share: float
) -> Counter[str]:
    """Insert reviews in the caller's transaction; return them counted by split and control."""
    if not len(rows):
        return Counter()
    drawn, is_control = splits.draw_many(rows.digests, control_share=control_share)
    dataset = work.dataset
    same = dict(zip(SAME, (dataset.project_id, dataset.pk, work.pk, 0), strict=True))
    # Somebody's answers wait to be written with the annotations that hold them.
    is_labelled = [given.is_complete for given in rows.given]
    write = _copy if connection.vendor == "postgresql" else _insert
    write(rows, (ids, keys.tolist()), (drawn, is_control, is_labelled), same)
    return Counter(drawn) + Counter(control=sum(is_control))


Drawn = tuple[Sequence[str], Sequence[bool], Sequence[bool]]


def _copy(
    rows: Rows, numbers: tuple[Sequence[int], Sequence[int]], drawn: Drawn, same: dict[str, int]
) -> None:
    ids, keys = numbers
    tail = "".join(f"\t{value}" for value in same.values()) + "\n"
    days = [day or "\\N" for day in rows.days]
    split, is_control, is_labelled = drawn
    columns = (
        ids, rows.numbers, bulk.escaped(rows.texts), keys, rows.originals,
        bulk.escaped(rows.metadata), bulk.escaped(rows.products), bulk.escaped(rows.authors),
        days, split, is_control, is_labelled,
    )  # fmt: skip

    def parts() -> Iterator[str]:
        for start in range(0, len(ids), _LINES):
            some = (column[start : start + _LINES] for column in columns)
            yield "".join(
                [
                    f"{i}\t{n}\t{text}\t{key}\t{original}\t{metadata}\t{product}\t{author}\t{day}"
                    f"\t{part}\t{control}\t{labelled}{tail}"
                    for i, n, text, key, original, metadata, product, author, day, part, control,
                    labelled in zip(*some, strict=True)
                ]
            )  # fmt: skip

    bulk.copy(_REVIEWS, (*VARYING, *same), parts())


def _insert(
    rows: Rows, numbers: tuple[Sequence[int], Sequence[int]], drawn: Drawn, same: dict[str, int]
) -> None:
    ids, keys = numbers
    split, is_control, is_labelled = drawn
    lines = zip(
        ids, rows.numbers, rows.texts, keys, rows.originals, rows.metadata, rows.products,
        rows.authors, rows.days, split, map(int, is_control), map(int, is_labelled), strict=True,
    )  # fmt: skip
    bulk.insert(_REVIEWS, VARYING, lines, same=same)


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
    """Return `count` ids for reviews that nobody else gets, in ascending order."""
    if not count:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _from_sequence(cursor, count)
        # The write lock is ours since the transaction began; the sequence also remembers rows
        # that were deleted, so that no id is ever given twice.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_REVIEWS])
        last = (cursor.fetchone() or (0,))[0]
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
