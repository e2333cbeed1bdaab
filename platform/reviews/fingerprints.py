"""Find out which texts are known, among millions, without an index entry for each.

A fingerprint is the first 63 bits of the SHA-256 of a text, with the id of its review. They are
stored by the batch and held in memory by the sixteen bytes. Two texts may share a key, however
unlikely that is, so whoever finds one compares the texts before believing it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from projects.models import Project
from reviews.models import Dataset, Fingerprints

Numbers = NDArray[np.int64]

_STORED = "<i8"
#: What was added is put in order once there is so much of it, or a quarter of what is in order.
_PENDING = 65_536


def keys_of(digests: Sequence[bytes]) -> Numbers:
    """Return the keys of texts by their SHA-256 digests; the same as common.text.text_key."""
    words = np.frombuffer(b"".join(digests), dtype=">u8")[::4]
    return (words >> np.uint64(1)).astype(np.int64)


def record(*, dataset_id: int, first_row: int, keys: Numbers, ids: Numbers) -> None:
    """Store the fingerprints of a batch of reviews, in the transaction that writes them.

    `first_row` is the first row of the file (or any number) that the data set has no other batch
    of.
    """
    if len(keys):
        Fingerprints.objects.create(
            dataset_id=dataset_id,
            first_row=first_row,
            count=len(keys),
            keys=keys.astype(_STORED).tobytes(),
            ids=ids.astype(_STORED).tobytes(),
        )


class Known:
    """Fingerprints in memory, to look many up at once."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._ids = np.zeros(0, np.int64)
        self._pending: list[tuple[Numbers, Numbers]] = []
        self._pending_count = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._keys) + self._pending_count

    def add(self, keys: Numbers, ids: Numbers) -> None:
        """Add fingerprints; the same key may come again."""
        self._pending.append((keys, ids))
        self._pending_count += len(keys)
        if self._pending_count > max(_PENDING, len(self._keys) // 4):
            self._settle()

    def find(self, keys: Numbers) -> list[tuple[int, int]]:
        """Return (place in `keys`, id of a review) wherever a review has that key, by place."""
        found = _matches(self._keys, self._ids, keys)
        for some_keys, some_ids in self._pending:
            order = np.argsort(some_keys, kind="stable")
            found += _matches(some_keys[order], some_ids[order], keys)
        return sorted(found)

    def _settle(self) -> None:
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._pending)])
        ids = np.concatenate([self._ids, *(ids for _, ids in self._pending)])
        self._pending, self._pending_count = [], 0
        order = np.argsort(keys, kind="stable")
        self._keys, self._ids = keys[order], ids[order]


def _matches(known: Numbers, ids: Numbers, keys: Numbers) -> list[tuple[int, int]]:
    starts = np.searchsorted(known, keys, side="left")
    inside = starts < len(known)
    hits = np.flatnonzero(inside)
    hits = hits[known[starts[hits]] == keys[hits]]
    ends = np.searchsorted(known, keys[hits], side="right")
    return [
        (int(place), int(ids[at]))
        for place, end in zip(hits, ends, strict=True)
        for at in range(int(starts[place]), int(end))
    ]


def batches_of(dataset_ids: Iterable[int]) -> Iterable[tuple[Numbers, Numbers]]:
    """Yield the stored keys and ids of data sets, a batch at a time."""
    stored = Fingerprints.objects.filter(dataset__in=list(dataset_ids))
    for keys, ids in stored.values_list("keys", "ids").iterator(chunk_size=20):
        yield np.frombuffer(keys, _STORED), np.frombuffer(ids, _STORED)


def known_of(dataset_ids: Iterable[int]) -> Known:
    """Load the fingerprints of data sets."""
    known = Known()
    for keys, ids in batches_of(dataset_ids):
        known.add(keys, ids)
    return known


def shown_in(project: Project) -> list[int]:
    """Return the data sets of a project whose texts count as known: those that are shown."""
    return list(Dataset.objects.filter(project=project, is_ready=True).values_list("pk", flat=True))
