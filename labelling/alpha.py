"""Krippendorff's alpha ("Computing Krippendorff's Alpha-Reliability", 2011) and its distances.

Alpha is one minus observed over expected disagreement. Items with fewer than two answers drop out.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

import numpy as np

from labelling.bootstrap import Floats, Measure, divided
from labelling.ratings import Ratings

_SAME: Final = (
    "All answers are the same, so there is nothing that people could have confused: "
    "alpha is not defined."
)


# --- By distances between values -----------------------------------------------------------------


def nominal_alpha(ratings: Ratings) -> Measure:
    """Measure alpha of names: any two different answers are equally far from each other."""
    return alpha_of(ratings, 1 - np.eye(len(ratings.values)))


def masi_alpha(ratings: Ratings) -> Measure:
    """Measure alpha of sets of options, whose distance is MASI."""
    return alpha_of(ratings, masi([_as_set(value) for value in ratings.values]))


def alpha_of(ratings: Ratings, distances: Floats) -> Measure:
    """Measure alpha with a symmetric matrix of distances between the values."""
    observed = divided_by_others(ratings, spread(ratings, distances))
    paired = 1.0 * ratings.counts * (ratings.sizes > 1)[ratings.patterns]

    def of_weights(weights: Floats) -> Floats:
        totals = ratings.per_value(weights, paired)
        count = totals.sum(axis=1)
        expected = divided(((totals @ distances) * totals).sum(axis=1), count - 1)
        return 1 - divided(weights @ observed, expected)

    return _measure(ratings, of_weights)


def spread(ratings: Ratings, distances: Floats) -> Floats:
    """Return of each pattern the sum of distances over all ordered pairs of its answers."""
    spread = np.zeros(len(ratings.sizes))
    kinds = np.bincount(ratings.patterns, minlength=len(ratings.sizes))
    starts = np.cumsum(kinds) - kinds
    for kind_count in np.unique(kinds):  # patterns with as many different answers at a time
        which = np.flatnonzero(kinds == kind_count)
        entries = starts[which][:, np.newaxis] + np.arange(kind_count)
        codes, counts = ratings.codes[entries], ratings.counts[entries]
        apart = distances[codes[:, :, np.newaxis], codes[:, np.newaxis, :]]
        spread[which] = np.einsum("pi,pij,pj->p", counts, apart, counts)
    return spread


def masi(sets: Sequence[frozenset[Hashable]]) -> Floats:
    """Return the MASI distances (Passonneau 2006) of sets: 0 for equal, 1 for disjoint."""
    members = {member: place for place, member in enumerate(frozenset().union(*sets))}
    has = np.zeros((len(sets), len(members)))
    for row, each in enumerate(sets):
        has[row, [members[member] for member in each]] = 1
    sizes = has.sum(axis=1)
    shared = has @ has.T
    union = sizes[:, np.newaxis] + sizes - shared
    smaller = np.minimum(sizes[:, np.newaxis], sizes)
    monotony = np.where(shared == smaller, 2 / 3, np.where(shared > 0, 1 / 3, 0.0))
    distances: Floats = np.where(shared == union, 0.0, 1 - monotony * shared / np.maximum(union, 1))
    return distances


def _as_set(value: Hashable) -> frozenset[Hashable]:
    if not isinstance(value, frozenset):
        raise TypeError("MASI compares frozensets")
    return value


# --- By places on a line -------------------------------------------------------------------------


def interval_alpha(ratings: Ratings) -> Measure:
    """Measure alpha of numbers: distance is the squared difference."""
    numbers = np.array(ratings.values, dtype=float)
    centred = numbers - (numbers.mean() if len(numbers) else 0.0)
    own = centred[ratings.codes]
    sums = ratings.per_pattern(ratings.counts * own)
    squares = ratings.per_pattern(ratings.counts * own**2)
    is_paired = ratings.sizes > 1
    observed = divided_by_others(ratings, 2 * (ratings.sizes * squares - sums**2))

    def of_weights(weights: Floats) -> Floats:
        paired = weights * is_paired
        count = paired @ ratings.sizes
        spread = 2 * (count * (paired @ squares) - (paired @ sums) ** 2)
        return 1 - divided(weights @ observed, divided(spread, count - 1))

    return _measure(ratings, of_weights)


def ordinal_alpha(ratings: Ratings) -> Measure:
    """Measure alpha of ranks: distance grows with how many answers lie between two values."""
    is_paired = ratings.sizes > 1
    paired = 1.0 * ratings.counts * is_paired[ratings.patterns]
    begins = np.flatnonzero(np.diff(ratings.patterns, prepend=-1))

    def of_weights(weights: Floats) -> Floats:
        totals = ratings.per_value(weights, paired)
        count = totals.sum(axis=1)
        # A value stands in the middle of the ranks that its answers fill.
        ranks = np.cumsum(totals, axis=1) - totals / 2 - count[:, np.newaxis] / 2
        own = ranks[:, ratings.codes]
        sums = np.add.reduceat(ratings.counts * own, begins, axis=1)
        squares = np.add.reduceat(ratings.counts * own**2, begins, axis=1)
        spread = np.where(is_paired, 2 * (ratings.sizes * squares - sums**2), 0.0)
        observed = (weights * spread / np.maximum(ratings.sizes - 1, 1)).sum(axis=1)
        between = 2 * (count * (totals * ranks**2).sum(axis=1) - (totals * ranks).sum(axis=1) ** 2)
        return 1 - divided(observed, divided(between, count - 1))

    return _measure(ratings, of_weights)


def divided_by_others(ratings: Ratings, spread: Floats) -> Floats:
    """Divide each pattern's spread by how many other answers an answer has; 0 where none."""
    paired: Floats = np.where(ratings.sizes > 1, spread, 0.0)
    return paired / np.maximum(ratings.sizes - 1, 1)


def _measure(ratings: Ratings, of_weights: Callable[[Floats], Floats]) -> Measure:
    return Measure(of_weights, ratings.repeats, ratings.item_count, _SAME, width=ratings.width)
