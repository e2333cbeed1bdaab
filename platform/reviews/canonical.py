"""A data set's content as one stream of bytes, the same for the same content.

One JSON line a review in the order of ids: id, text, metadata, product, author, date, split,
control slice, group and gold. The SHA-256 of the stream names a content, whatever file it is in.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reviews import labels
from reviews.by_id import chunks
from reviews.members import reviews_in
from reviews.models import Dataset

FIELDS = (
    "id", "metadata", "product", "author", "reviewed_at", "split", "is_control", "group_key",
    "text",
)  # fmt: skip
_FIRST_LINE = b"gloss data set 1\n"

#: The fields above, in their order.
Row = tuple[Any, ...]
Gold = Mapping[str, Any]


def rows_of(dataset: Dataset) -> Iterator[tuple[list[Row], list[Gold]]]:
    """Yield the reviews of a data set by the chunk, with their gold answers."""
    source = next((each for each in labels.sources() if each.key == "gold"), None)
    for rows in chunks(reviews_in(dataset), FIELDS):
        found = source.load(dataset.project, [row[0] for row in rows]) if source else {}
        yield rows, [_answers(found.get(row[0], ())) for row in rows]


def _answers(said: Sequence[labels.Labels]) -> Gold:
    return said[0].answers if said else {}


def line(row: Row, gold: Gold) -> bytes:
    """Return the line of one review."""
    number, metadata, product, author, day, split, is_control, group, text = row
    date = day.isoformat() if day else None
    values = [number, text, metadata, product, author, date, split, is_control, group, gold]
    return text_of(values).encode() + b"\n"


def text_of(value: Any) -> str:
    """Return JSON in the one way that is used here."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class ContentHash:
    """The SHA-256 of the stream, and a key of each line."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256(_FIRST_LINE)

    def add(self, row: Row, gold: Gold) -> int:
        """Take the next review; return the first 63 bits of the SHA-256 of its line."""
        content = line(row, gold)
        self._whole.update(content)
        return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1

    def hexdigest(self) -> str:
        """Return the hash of what was taken."""
        return self._whole.hexdigest()


def snapshot_hash(dataset: Dataset) -> str:
    """Return the content hash that a version of the data set would have if it were made now."""
    content = ContentHash()
    for rows, gold in rows_of(dataset):
        for row, answers in zip(rows, gold, strict=True):
            content.add(row, answers)
    return content.hexdigest()
