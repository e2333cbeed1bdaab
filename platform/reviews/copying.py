"""Write copies of reviews under other texts: COPY on PostgreSQL, long statements on SQLite."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from common import bulk
from reviews.fingerprints import Known, Numbers, keys_of, record
from reviews.models import Dataset, Review
from reviews.writing import VARYING, take_ids

_REVIEWS = "reviews_review"
_VARYING = ("id", "derived_from_id", *VARYING[1:])


class Original(NamedTuple):
    """What of a review goes into its copy; a row is made faster than a Review."""

    pk: int
    text: str
    metadata: dict[str, Any]
    product: str
    author: str
    reviewed_at: date | None
    row_number: int
    original_hash: str
    split: str
    is_control: bool
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A review and what its text becomes, with the SHA-256 of that."""

    original: Original
    text: str
    digest: bytes


def made_of(original: Original, text: str) -> Made:
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
    columns = _columns(fresh, ids, keys)
    if connection.vendor == "postgresql":
        bulk.copy(_REVIEWS, (*_VARYING, *same), _escaped(columns, tuple(same.values())))
    else:
        bulk.insert(_REVIEWS, _VARYING, zip(*columns, strict=True), same=same)


def _columns(fresh: Sequence[Made], ids: Sequence[int], keys: Numbers) -> tuple[Sequence[Any], ...]:
    """Return the columns of _VARYING."""
    old = [made.original for made in fresh]
    return (
        ids,
        [each.pk for each in old],
        [each.row_number for each in old],
        [made.text for made in fresh],
        keys.tolist(),
        [_hash_of_original(made) for made in fresh],
        [json.dumps(each.metadata, ensure_ascii=False) for each in old],
        [each.product for each in old],
        [each.author for each in old],
        [each.reviewed_at and each.reviewed_at.isoformat() for each in old],
        [each.split for each in old],
        [int(each.is_control) for each in old],
        [int(each.is_labelled) for each in old],
    )


def _hash_of_original(made: Made) -> str:
    old = made.original
    return old.original_hash or ("" if old.text == made.text else _sha256(old.text).hex())


def _escaped(columns: tuple[Sequence[Any], ...], same: tuple[int, ...]) -> Iterator[str]:
    """Yield the lines that COPY takes, all at once: a batch is small."""
    tail = "".join(f"\t{value}" for value in same)
    written = [_written(column) for column in columns]
    yield "".join("\t".join(line) + tail + "\n" for line in zip(*written, strict=True))


def _written(column: Sequence[Any]) -> Sequence[str]:
    if column and isinstance(column[0], str) and None not in column:
        return bulk.escaped(column)
    return ["\\N" if value is None else str(value) for value in column]
