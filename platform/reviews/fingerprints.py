"""Find out which texts are known, among millions, without an index entry for each.

A fingerprint is the first 63 bits of the SHA-256 of a text, with the id of its review. They are
stored by the batch and held in memory by the sixteen bytes. Two texts may share a key, however
unlikely that is, so whoever finds one compares the texts before believing it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from common import binary_copy, bulk
from projects.models import Project
from reviews.models import Dataset, Fingerprints

Numbers = NDArray[np.int64]

_STORED = "<i8"
_COLUMNS = ("dataset_id", "first_row", "count", "keys", "ids")
#: A run of so many fingerprints is left as it is.
LONG_RUN = 250_000


def keys_of(digests: Sequence[bytes]) -> Numbers:
    """Return the keys of texts by their SHA-256 digests; the same as common.text.text_key."""
    words = np.frombuffer(b"".join(digests), dtype=">u8")[::4]
    return (words >> np.uint64(1)).astype(np.int64)


def record(*, dataset_id: int, first_row: int, keys: Numbers, ids: Numbers) -> None:
    """Store the fingerprints of a batch of reviews, in the transaction that writes them.

    `first_row` is the first row of the file (or any number) that the data set has no other batch
    of.
    """
    if not len(keys):
        return
    stored = keys.astype(_STORED).tobytes(), ids.astype(_STORED).tobytes()
    if connection.vendor == "postgresql":
        _copy((dataset_id, first_row, len(keys)), *stored)
    else:
        whole = dict(zip(_COLUMNS, (dataset_id, first_row, len(keys), *stored), strict=True))
        Fingerprints.objects.create(**whole)


def _copy(numbers: tuple[int, int, int], keys: bytes, ids: bytes) -> None:
    """Send one row as it is; within a statement it would be quoted, and twice as long."""
    fixed = list(zip(("i8", "i4", "i4"), numbers, strict=True))
    head = binary_copy.row_heads(1, len(_COLUMNS), fixed, before=[keys])
    row = binary_copy.whole([head, [keys], [binary_copy.data(ids)]])
    bulk.copy("reviews_fingerprints", _COLUMNS, [row], is_binary=True)


class Known:
    """Fingerprints in memory, to look many up at once.

    Held in a few sorted runs, each at least twice as long as the next until they are long enough,
    so that adding some costs little (merging takes its own space) and finding some is a handful of
    searches.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Numbers, Numbers]] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(len(keys) for keys, _ in self._runs)

    def add(self, keys: Numbers, ids: Numbers) -> None:
        """Add fingerprints; the same key may come again."""
        if not len(keys):
            return
        order = np.argsort(keys)
        self._runs.append((keys[order], ids[order]))
        while self._is_worth_merging():
            self._runs[-2:] = [_merged(*self._runs[-2:])]

    def _is_worth_merging(self) -> bool:
        *_, before, last = [0, 0, *(len(keys) for keys, _ in self._runs)]
        return 0 < before < min(2 * last, LONG_RUN)

    def find(self, keys: Numbers) -> list[tuple[int, int]]:
        """Return (place in `keys`, id of a review) wherever a review has that key, by place."""
        # In order, so that one search after the other meets the same part of a run.
        order = np.argsort(keys)
        wanted = keys[order]
        found = [pair for known, ids in self._runs for pair in _matches(known, ids, wanted)]
        return sorted((int(order[place]), number) for place, number in found)


def _merged(
    first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    keys, ids = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    order = np.argsort(keys, kind="stable")
    return keys[order], ids[order]


def _matches(known: Numbers, ids: Numbers, keys: Numbers) -> list[tuple[int, int]]:
    starts = np.searchsorted(known, keys, side="left")
    hits = np.flatnonzero(known.take(starts, mode="clip") == keys)
    return [
        (int(place), int(ids[at]))
        for place in hits
        for at in range(int(starts[place]), int(np.searchsorted(known, keys[place], side="right")))
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
