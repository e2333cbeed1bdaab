"""Kappa: Cohen's for two people, plain and weighted, and Fleiss' for any number."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from labelling.bootstrap import Floats, Measure, divided
from labelling.ratings import Ratings, in_order

_CHANCE: Final = (
    "Both gave one and the same answer throughout, so chance explains everything: "
    "kappa is not defined."
)
_ALWAYS: Final = (
    "Everybody gave one and the same answer throughout, so chance explains everything: "
    "kappa is not defined."
)


#: What two people said about each item, or how often they said each two things.
Pairs = Iterable[tuple[Hashable, Hashable]] | Mapping[tuple[Hashable, Hashable], int]


def cohen_kappa(pairs: Pairs, *, power: int = 0, values: Sequence[Hashable] = ()) -> Measure:
    """Measure Cohen's kappa (1960) of two people over the items that both answered.

    `power` 0 counts any two different answers as a full disagreement; 1 and 2 weigh numbers by
    their difference and its square (Cohen 1968).
    """
    found: Counter[tuple[Hashable, Hashable]] = Counter(pairs)
    order = in_order({answer for pair in found for answer in pair} | set(values))
    code_of = {value: code for code, value in enumerate(order)}
    cells = sorted((code_of[one], code_of[other], count) for (one, other), count in found.items())
    table = np.array(cells, dtype=np.int64).reshape(-1, 3)
    first, second, repeats = table[:, 0], table[:, 1], table[:, 2]
    apart = distances(order, power=power)
    observed = apart[first, second]
    said_first, said_second = np.eye(len(order))[first], np.eye(len(order))[second]

    def of_weights(weights: Floats) -> Floats:
        one, other = weights @ said_first, weights @ said_second
        expected = ((one @ apart) * other).sum(axis=1)
        return 1 - divided(weights @ observed * weights.sum(axis=1), expected)

    count = int(repeats.sum())
    return Measure(of_weights, repeats, count, _CHANCE, width=max(1, len(order)))


def distances(values: Sequence[Hashable], *, power: int) -> Floats:
    """Return how far values lie from each other: 1 for all, or by their difference."""
    if not power:
        return 1 - np.eye(len(values))
    numbers = np.array(values, dtype=float)
    apart: Floats = np.abs(numbers[:, np.newaxis] - numbers) ** power
    return apart


def fleiss_kappa(ratings: Ratings) -> Measure:
    """Measure Fleiss' kappa (1971), items with more and fewer answers as Gwet (2014) has it."""
    observed = equal_share(ratings)
    is_paired = 1.0 * (ratings.sizes > 1)
    shares = ratings.counts / ratings.sizes[ratings.patterns]

    def of_weights(weights: Floats) -> Floats:
        equal = divided(weights @ observed, weights @ is_paired)
        parts = divided(ratings.per_value(weights, shares).T, weights.sum(axis=1)).T
        chance = (parts**2).sum(axis=1)
        return divided(equal - chance, 1 - chance)

    return Measure(of_weights, ratings.repeats, ratings.item_count, _ALWAYS, width=ratings.width)


def equal_share(ratings: Ratings) -> Floats:
    """Return of each pattern the share of pairs of answers that are equal; 0 without a pair."""
    equal = ratings.per_pattern(1.0 * ratings.counts * (ratings.counts - 1))
    shares: Floats = equal / np.maximum(ratings.sizes * (ratings.sizes - 1), 1)
    return shares
