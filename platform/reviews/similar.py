"""Near duplicates among many reviews: all at once as groups, or one after the other as a stream.

Both keep band keys in memory and shingles in a temporary file, from which candidates are read to
be verified; see reviews.shingles for what is compared.
"""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reviews.shingles import BANDS, I64, THRESHOLD, U32, Sketches, resemblance, sketch

Kind = TypeVar("Kind", bound=np.generic)

#: In a bucket of equal band keys, texts are compared with so many that follow, and with the first.
_LAGS = 4


class _Spool:
    """Sketches of texts, in the order in which they came: keys in memory, shingles in a file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the object)
        weakref.finalize(self, self._file.close)
        self._keys = np.zeros((1024, BANDS), np.uint32)
        self._bounds = np.zeros(1025, np.int64)
        self.count = 0

    @property
    def keys(self) -> U32:
        return self._keys[: self.count]

    def append(self, some: Sketches) -> None:
        end = self.count + len(some.keys)
        if end > len(self._keys):
            size = max(end, len(self._keys) * 3 // 2)
            self._keys = _longer(self._keys, size)
            self._bounds = _longer(self._bounds, size + 1)
        self._keys[self.count : end] = some.keys
        self._bounds[self.count + 1 : end + 1] = some.bounds[1:] + self._bounds[self.count]
        self._file.write(some.shingles.tobytes())
        self.count = end

    def are_near(self, left: I64, right: I64) -> NDArray[np.bool]:
        """Tell of each pair of places whether their texts are near duplicates."""
        if not len(left):
            return np.zeros(0, np.bool)
        self._file.flush()
        shingles = np.memmap(self._file, np.uint32, "r")
        return resemblance(shingles, self._bounds, left, right) >= THRESHOLD


def _longer(array: NDArray[Kind], size: int) -> NDArray[Kind]:
    made = np.zeros((size, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    return made


# --- All at once --------------------------------------------------------------------------------


class NearGroups:
    """Collects texts and parts them into groups of near duplicates.

    Groups are those of the whole collection, whatever the order in which the texts came: whoever
    nearly equals a member belongs to the group. 90 bytes of memory a text, and about 4 a word in
    a temporary file.
    """

    def __init__(self) -> None:
        self._spool = _Spool()

    def add(self, texts: Sequence[str]) -> None:
        """Take some normalised texts."""
        self._spool.append(sketch(texts))

    def groups(self, *, ranks: I64, known: I64, is_new: NDArray[np.bool]) -> I64:
        """Return for each text the smallest place of its group.

        `ranks` orders the texts by something of their own, such as their hashes. `known` holds
        for each the place of another in its group, or its own; only pairs with a text that
        `is_new` are compared.
        """
        roots = _settled(known.copy())
        if not len(roots):
            return roots
        for one, other in _candidates(self._spool.keys, ranks):
            asked = (roots[one] != roots[other]) & (is_new[one] | is_new[other])
            left, right = one[asked], other[asked]
            near = self._spool.are_near(left, right)
            roots = united(roots, left[near], right[near])
        return roots


def _candidates(keys: U32, ranks: I64) -> Iterator[tuple[I64, I64]]:
    """Yield pairs of places whose texts share a band key; many times the same ones."""
    by_rank = np.argsort(ranks, kind="stable")
    for band in range(BANDS):
        order = by_rank[np.argsort(keys[by_rank, band], kind="stable")]
        sorted_keys = keys[order, band]
        for lag in range(1, _LAGS + 1):
            same = sorted_keys[lag:] == sorted_keys[:-lag]
            yield order[:-lag][same], order[lag:][same]
        starts = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])
        first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
        far = np.flatnonzero(np.arange(len(order)) - first > _LAGS)
        yield order[first[far]], order[far]


def united(roots: I64, left: I64, right: I64) -> I64:
    """Join the groups of pairs; `roots` holds the smallest place of each one's group."""
    while len(left):
        low = np.minimum(roots[left], roots[right])
        high = np.maximum(roots[left], roots[right])
        np.minimum.at(roots, high, low)
        roots = _settled(roots)
        apart = roots[left] != roots[right]
        left, right = left[apart], right[apart]
    return roots


def _settled(roots: I64) -> I64:
    """Have every place point at the smallest of its group."""
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return roots
        roots = further


# --- One after the other ------------------------------------------------------------------------


class NearIndex:
    """Tells of texts, as they come, whether one before them said nearly the same.

    About 150 bytes of memory a text. A text of a group counts as said before even when the one
    that it resembles was itself a near duplicate, so that one text a group is new.
    """

    def __init__(self) -> None:
        self._spool = _Spool()
        self._slots = np.full(1 << 16, -1, np.int32)
        self._used = 0

    def seen(self, text: str) -> bool:
        """Tell whether a text nearly equals one before it, and remember it."""
        return self.add([text])[0] is not None

    def seen_batch(self, texts: Sequence[str]) -> list[bool]:
        """Tell the same of texts one after the other, which is far faster."""
        return [earlier is not None for earlier in self.add(texts)]

    def add(self, texts: Sequence[str]) -> list[int | None]:
        """Remember texts; return for each the number of an earlier one it nearly equals, or None.

        Texts are numbered from 0 in the order in which they came.
        """
        start = self._spool.count
        self._spool.append(sketch(texts))
        entries = np.arange(start * BANDS, self._spool.count * BANDS, dtype=np.int64)
        later, earlier = self._insert(entries)
        near = self._spool.are_near(later, earlier)
        found: list[int | None] = [None] * len(texts)
        for place, before in zip((later[near] - start).tolist(), earlier[near], strict=True):
            known = found[place]
            found[place] = int(before) if known is None else min(known, int(before))
        return found

    def _insert(self, entries: I64) -> tuple[I64, I64]:
        """Enter the band keys of texts; return pairs of a text and an earlier one with such a key.

        An entry is text * BANDS + band, in a table with linear probing: the first text with a key
        keeps the slot.
        """
        self._make_room(len(entries))
        keys = self._spool.keys.reshape(-1)
        pairs: list[tuple[I64, I64]] = []
        slots = self._slot_of(keys[entries], entries)
        while len(entries):
            free = self._slots[slots] < 0
            # Written backwards: where two want one slot, the earlier text has the last word.
            self._slots[slots[free][::-1]] = entries[free][::-1]
            held = self._slots[slots].astype(np.int64)
            is_mine = held == entries
            self._used += int(is_mine.sum())
            is_same = (keys[held] == keys[entries]) & (held % BANDS == entries % BANDS) & ~is_mine
            pairs.append((entries[is_same] // BANDS, held[is_same] // BANDS))
            onward = ~(is_mine | is_same)
            entries, slots = entries[onward], (slots[onward] + 1) % len(self._slots)
        joined = np.concatenate([np.stack(pair, axis=1) for pair in pairs])
        unique = np.unique(np.sort(joined, axis=1), axis=0)
        return unique[:, 1], unique[:, 0]

    def _slot_of(self, keys: U32, entries: I64) -> I64:
        """Scale keys to the table, each band by an offset of its own."""
        shifted = (keys + (entries % BANDS).astype(np.uint32) * np.uint32(0x9E3779B1)).astype(
            np.uint64
        )
        return (shifted * np.uint64(len(self._slots)) >> np.uint64(32)).astype(np.int64)

    def _make_room(self, more: int) -> None:
        if self._used + more <= 0.75 * len(self._slots):
            return
        held = np.sort(self._slots[self._slots >= 0]).astype(np.int64)
        size = max(int((self._used + more) / 0.75) + 1, len(self._slots) * 3 // 2)
        self._slots = np.full(size, -1, np.int32)
        self._used = 0
        for at in range(0, len(held), 1 << 20):
            self._insert(held[at : at + (1 << 20)])
