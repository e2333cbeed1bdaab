"""Read many reviews in the order of their ids, with flat memory however long their texts are."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from reviews.models import Review

_CHUNK_ROWS = 2_000
#: Rows are asked for in numbers that come to about so many characters.
_CHUNK_CHARS = 2_000_000


def chunks(reviews: QuerySet[Review], fields: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows of the fields; "id" comes first among them and "text" last.

    Nothing stays open between two chunks, so the caller may write to the database in between.
    """
    rows = reviews.order_by("pk").values_list(*fields)
    last, size = 0, _CHUNK_ROWS // 10
    while chunk := list(rows.filter(pk__gt=last)[:size]):
        yield chunk
        last = chunk[-1][0]
        mean = sum(len(row[-1]) for row in chunk) / len(chunk)
        size = int(min(_CHUNK_ROWS, max(1, _CHUNK_CHARS / (mean + 1))))
