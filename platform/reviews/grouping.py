"""Look for the near duplicates of a data set's reviews in its whole project."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.lease import Lease
from reviews.by_id import chunks
from reviews.models import Dataset, Review
from reviews.shingles import I64
from reviews.similar import NearGroups, united
from reviews.stratified import FREE, SPLITS

_FIELDS = ("id", "dataset_id", "text_key", "split", "group_key", "product", "text")
_CHANGES_AT_ONCE = 20_000

_NO_GROUP = 0


@dataclass(frozen=True, slots=True)
class Grouping:
    """The reviews that were compared, in the order of their ids, and their groups.

    `roots` holds for each review the place of the first of its group.
    """

    ids: I64
    text_keys: I64
    #: Places in stratified.SPLITS; FREE outside data sets whose splits were drawn before.
    drawn: I64
    #: The places of the splits that they have now.
    splits: I64
    #: The group that is written down, 0 for none.
    group_keys: I64
    #: Whether it is a review of the data set in question.
    is_own: np.ndarray[Any, np.dtype[np.bool]]
    #: Number of the product, 0 for none.
    products: I64
    roots: I64

    @property
    def near_duplicate_count(self) -> int:
        """Return how many reviews of the data set share a group with another review."""
        return int((self._sizes()[self.is_own] > 1).sum())

    @property
    def group_count(self) -> int:
        """Return how many groups of several reviews the data set takes part in."""
        return len(np.unique(self.roots[self.is_own & (self._sizes() > 1)]))

    @property
    def largest_count(self) -> int:
        """Return the size of the largest group that the data set takes part in."""
        return int(self._sizes()[self.is_own].max(initial=0))

    def group_changes(self) -> Iterator[Sequence[tuple[int, int | None]]]:
        """Yield ids and groups of the reviews whose group is not the one written down."""
        keys = np.where(self._sizes() > 1, self.ids[self.roots], _NO_GROUP)
        changed = np.flatnonzero(keys != self.group_keys)
        for at in range(0, len(changed), _CHANGES_AT_ONCE):
            some = changed[at : at + _CHANGES_AT_ONCE]
            pairs = zip(self.ids[some].tolist(), keys[some].tolist(), strict=True)
            yield [(each, key or None) for each, key in pairs]

    def _sizes(self) -> I64:
        return np.bincount(self.roots, minlength=len(self.roots))[self.roots]


def look_for_groups(lease: Lease, dataset: Dataset) -> Grouping:
    """Read the project's reviews and group those that nearly equal each other.

    Cleaned copies stay out: they follow their originals. Pairs of reviews of other data sets were
    compared when those came.
    """
    others = _other_sets(dataset)
    columns, groups = _Columns(), NearGroups()
    sets = [dataset.pk, *(each.pk for each in others)]
    reviews = Review.objects.filter(project=dataset.project_id, dataset_id__in=sets)
    for rows in chunks(reviews, _FIELDS):
        columns.take(rows)
        groups.add([row[-1] for row in rows])
        lease.progress(done=columns.count, message="Looking for near duplicates")
    lease.progress(done=columns.count, message="Comparing candidates")
    drawn_sets = [each.pk for each in others if each.split_plan or each.splits_frozen_at]
    return columns.grouped(dataset.pk, drawn_sets, groups)


def _other_sets(dataset: Dataset) -> Sequence[Dataset]:
    kinds = [Dataset.Kind.IMPORTED]
    sets = Dataset.objects.filter(project=dataset.project_id, is_ready=True, kind__in=kinds)
    return list(sets.exclude(pk=dataset.pk))


class _Columns:
    """What was read of the reviews, as arrays."""

    def __init__(self) -> None:
        self._parts: list[I64] = []
        self._products: dict[str, int] = {"": 0}
        self.count = 0

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        number = self._products.setdefault
        values = [
            (row[0], row[1], row[2], SPLITS.index(row[3]), row[4] or _NO_GROUP,
             number(row[5], len(self._products)))
            for row in rows
        ]  # fmt: skip
        self._parts.append(np.array(values, np.int64).T)
        self.count += len(rows)

    def grouped(self, own_set: int, drawn_sets: Sequence[int], groups: NearGroups) -> Grouping:
        """Return everything read, grouped."""
        empty = np.zeros((6, 0), np.int64)
        ids, sets, keys, splits, group_keys, products = np.concatenate(
            [*self._parts, empty], axis=1
        )
        self._parts.clear()
        is_own = sets == own_set
        roots = groups.groups(ranks=keys, known=_known(group_keys), is_new=is_own)
        drawn = np.where(np.isin(sets, drawn_sets), splits, FREE)
        return Grouping(ids, keys, drawn, splits, group_keys, is_own, products, roots)


def _known(group_keys: I64) -> I64:
    """Return for each review the place of the first that has the same group written down."""
    places = np.arange(len(group_keys))
    grouped = np.flatnonzero(group_keys != _NO_GROUP)
    if len(grouped):
        _, first, inverse = np.unique(group_keys[grouped], return_index=True, return_inverse=True)
        places[grouped] = grouped[first][inverse]
    return places


def joined_by_product(found: Grouping) -> I64:
    """Return groups in which also the data set's reviews of one product stay together."""
    own = np.flatnonzero(found.is_own & (found.products > 0))
    order = own[np.argsort(found.products[own], kind="stable")]
    same = found.products[order[1:]] == found.products[order[:-1]]
    return united(found.roots.copy(), order[:-1][same], order[1:][same])
