"""Draw splits so that groups stay together and every stratum has its shares: pure arithmetic.

Groups of one stratum stand in the order of a hash of their text and are cut at the shares, so a
draw depends on texts, answers and the seed and not on the order of rows. With the seed 0 the hash
is the one by which an import draws at once (reviews.splits): a later draw then moves only the few
reviews that stand near a cut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reviews.shingles import I64, U64, mix

SPLITS = ("train", "validation", "test")
#: In `fixed`: the split is free to be drawn.
FREE = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """What is drawn for, one element a review."""

    #: First 63 bits of the SHA-256 of the texts.
    text_keys: I64
    #: Reviews with the same number stay together.
    groups: I64
    #: Number of the stratum, from 0; 0 is "no answer" and outvoted in its group by any other.
    strata: I64
    #: Place in SPLITS of reviews whose split is given, else FREE; they bind their group.
    fixed: I64


def draw(rows: Rows, *, shares: tuple[float, float, float], seed: int = 0) -> I64:
    """Return for each review the place of its split in SPLITS.

    Strata have the shares as exactly as their groups and given splits allow; what rounding leaves
    over is carried from one stratum to the next, so that the whole has them too.
    """
    _, group = np.unique(rows.groups, return_inverse=True)
    sizes = np.bincount(group)
    first = _first_by(group, mix(rows.text_keys.astype(np.uint64)))
    places = _places(rows.text_keys[first], seed)
    stratum = _most_common(group, rows.strata, weights=rows.strata > 0)
    given = np.where(rows.fixed == FREE, len(SPLITS), rows.fixed)
    fixed = _most_common(group, given, weights=rows.fixed != FREE)
    drawn = np.where(fixed == len(SPLITS), FREE, fixed)
    _cut(drawn, stratum, sizes, places, np.asarray(shares))
    return drawn[group]


def _cut(drawn: I64, stratum: I64, sizes: I64, places: U64, shares: NDArray[np.float64]) -> None:
    """Fill in the groups that are free, stratum by stratum."""
    order = np.lexsort((places, stratum))
    edges = np.flatnonzero(np.diff(stratum[order], prepend=-1))
    allotted = np.zeros(len(SPLITS))
    total = 0
    for members in np.split(order, edges[1:]):
        total += int(sizes[members].sum())
        bound = members[drawn[members] != FREE]
        allotted += np.bincount(drawn[bound], sizes[bound], len(SPLITS))
        free = members[drawn[members] == FREE]
        needs = np.maximum(0, shares * total - allotted)
        room = int(sizes[free].sum())
        cuts = np.cumsum(needs) * (room / needs.sum() if needs.sum() else 0)
        middles = np.cumsum(sizes[free]) - sizes[free] / 2
        # A hair's breadth, for sums of shares that come out below a whole.
        drawn[free] = np.searchsorted(cuts[:-1] + 1e-6, middles)
        allotted += np.bincount(drawn[free], sizes[free], len(SPLITS))


def _places(text_keys: I64, seed: int) -> U64:
    keys = text_keys.astype(np.uint64)
    if not seed:
        return keys
    return mix(keys ^ mix(np.array([seed], np.uint64)))


def _first_by(group: I64, values: U64) -> I64:
    """Return the index of each group's smallest value."""
    order = np.lexsort((values, group))
    return order[np.flatnonzero(np.diff(group[order], prepend=-1))]


def _most_common(group: I64, values: I64, *, weights: NDArray[np.bool]) -> I64:
    """Return each group's commonest value, the smallest of equals; others weigh nothing."""
    width = int(values.max()) + 1
    pairs, place = np.unique(group * width + values, return_inverse=True)
    counts = np.bincount(place, weights.astype(np.float64))
    order = np.lexsort((pairs, -counts, pairs // width))
    firsts = order[np.flatnonzero(np.diff(pairs[order] // width, prepend=-1))]
    result: I64 = pairs[firsts] % width
    return result
