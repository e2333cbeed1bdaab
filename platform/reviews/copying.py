"""Write copies of reviews under other texts: COPY on PostgreSQL, long statements on SQLite."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from common import bulk
from reviews.fingerprints import Known, Numbers, keys_of, record
from reviews.models import Dataset, Review
from reviews.writing import take_ids

_REVIEWS = "reviews_review"
_VARYING = (
    "id",
    "derived_from_id",
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


@dataclass(frozen=True, slots=True)
class Made:
    """A review and what its text becomes, with the SHA-256 of that."""

    original: Review
    text: str
    digest: bytes


def made_of(original: Review, text: str) -> Made:
    """Return a copy to be."""
    return Made(original, text, _sha256(text))


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()


def write_copies(
    dataset: Dataset, made: Sequence[Made], known: Known, *, first: int
) -> list[tuple[Made, int]]:
    """Insert copies in the caller's transaction; return those that were new, with their ids.

    A text that the data set has already (see `known`, which learns the new ones) is left out. A
    copy keeps split and control slice of its original, so what a model must not see stays unseen.
    `first` is the number of the first copy within the data set.
    """
    fresh = _without_known(made, known)
    if not fresh:
        return []
    ids = take_ids(len(fresh))
    keys = keys_of([each.digest for each in fresh])
    _write(dataset, fresh, ids, keys)
    numbers = np.array(ids, np.int64)
    record(dataset_id=dataset.pk, first_row=first, keys=keys, ids=numbers)
    known.add(keys, numbers)
    return list(zip(fresh, ids, strict=True))


def _without_known(made: Sequence[Made], known: Known) -> list[Made]:
    by_digest: dict[bytes, Made] = {}
    for each in made:
        by_digest.setdefault(each.digest, each)
    fresh = list(by_digest.values())
    if not fresh:
        return []
    found = known.find(keys_of(list(by_digest)))
    # Two texts may share a key, however unlikely that is.
    texts = dict(Review.objects.filter(pk__in=[pk for _, pk in found]).values_list("pk", "text"))
    same = {place for place, pk in found if texts.get(pk) == fresh[place].text}
    return [each for place, each in enumerate(fresh) if place not in same]


def _write(dataset: Dataset, fresh: Sequence[Made], ids: Sequence[int], keys: Numbers) -> None:
    same = {"project_id": dataset.project_id, "dataset_id": dataset.pk, "priority": 0}
    lines = list(_lines(fresh, ids, keys))
    if connection.vendor == "postgresql":
        bulk.copy(_REVIEWS, (*_VARYING, *same), _escaped(lines, tuple(same.values())))
    else:
        bulk.insert(_REVIEWS, _VARYING, lines, same=same)


def _lines(fresh: Sequence[Made], ids: Sequence[int], keys: Numbers) -> Iterator[tuple[Any, ...]]:
    for made, number, key in zip(fresh, ids, keys.tolist(), strict=True):
        old = made.original
        yield (
            number, old.pk, old.row_number, made.text, key, _hash_of_original(made),
            json.dumps(old.metadata, ensure_ascii=False), old.product, old.author,
            old.reviewed_at and old.reviewed_at.isoformat(),
            old.split, int(old.is_control), int(old.is_labelled),
        )  # fmt: skip


def _hash_of_original(made: Made) -> str:
    old = made.original
    return old.original_hash or ("" if old.text == made.text else _sha256(old.text).hex())


def _escaped(lines: Sequence[tuple[Any, ...]], same: tuple[int, ...]) -> Iterator[str]:
    tail = "".join(f"\t{value}" for value in same)
    for line in lines:
        cells = bulk.escaped(["" if cell is None else str(cell) for cell in line])
        shown = ("\\N" if raw is None else cell for raw, cell in zip(line, cells, strict=True))
        yield "\t".join(shown) + tail + "\n"
