"""What several people answered about the same items, counted: all that agreement looks at."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labelling.bootstrap import Floats, Ints


@dataclass(frozen=True, slots=True)
class Ratings:
    """Answers to items; items to which the same answers were given are one pattern.

    A pattern's answers are entries: which pattern, which value, how often. Who gave an answer is
    forgotten, and neither order of people nor of items matters.
    """

    values: tuple[Hashable, ...]
    #: Of each entry.
    patterns: Ints
    codes: Ints
    counts: Ints
    #: Of each pattern: how many answers an item has, and how many items are like that.
    sizes: Ints
    repeats: Ints

    @property
    def item_count(self) -> int:
        """Return how many items have two answers or more."""
        return int(self.repeats[self.sizes > 1].sum())

    @property
    def pair_count(self) -> int:
        """Return how many pairs of answers to the same item there are."""
        return int((self.repeats * self.sizes * (self.sizes - 1)).sum() // 2)

    def per_pattern(self, entries: Floats) -> Floats:
        """Add numbers of entries up by pattern."""
        added = np.bincount(self.patterns, weights=entries, minlength=len(self.sizes))
        return added.astype(float)

    def per_value(self, weights: Floats, entries: Floats) -> Floats:
        """Add weighted numbers of entries up by value: one row a row of weights."""
        rows, width = len(weights), len(self.values)
        places = self.codes + width * np.arange(rows)[:, np.newaxis]
        added = (weights[:, self.patterns] * entries).ravel()
        counted = np.bincount(places.ravel(), weights=added, minlength=rows * width)
        return counted.astype(float).reshape(rows, width)

    @property
    def width(self) -> int:
        """Return how many numbers one row of weights costs in `per_value`."""
        return max(len(self.codes), len(self.values))


def ratings_of(
    items: Iterable[Sequence[Hashable]], values: Sequence[Hashable] | None = None
) -> Ratings:
    """Count answers, one sequence an item; `values` gives the order of a scale.

    Without `values` numbers and words are put in order; sets by their sorted members. Items
    without any answer drop out; what one person alone answered counts for chance only.
    """
    return ratings_of_counted(Counter(map(tuple, items)), values)


def ratings_of_counted(
    items: Mapping[tuple[Hashable, ...], int], values: Sequence[Hashable] | None = None
) -> Ratings:
    """Count answers as `ratings_of` does, where it is known how many items have the same ones."""
    known = {item: count for item, count in items.items() if item}
    order = list(values) if values is not None else in_order({a for item in known for a in item})
    code_of = {value: code for code, value in enumerate(order)}
    found: Counter[tuple[int, ...]] = Counter()
    for item, count in known.items():
        found[tuple(sorted(code_of[answer] for answer in item))] += count
    patterns = sorted(found)
    entries = [
        (number, code, count)
        for number, pattern in enumerate(patterns)
        for code, count in sorted(Counter(pattern).items())
    ]
    table = np.array(entries, dtype=np.int64).reshape(-1, 3)
    return Ratings(
        values=tuple(order),
        patterns=table[:, 0],
        codes=table[:, 1],
        counts=table[:, 2],
        sizes=np.array([len(pattern) for pattern in patterns], dtype=np.int64),
        repeats=np.array([found[pattern] for pattern in patterns], dtype=np.int64),
    )


def in_order(values: Iterable[Hashable]) -> list[Hashable]:
    """Return answers in an order that depends on nothing but them."""
    return sorted(values, key=_place)


def _place(value: Hashable) -> tuple[float, str]:
    if isinstance(value, int | float):
        return float(value), ""
    if isinstance(value, frozenset):
        return 0.0, "\x00".join(sorted(map(str, value)))
    return 0.0, str(value)
