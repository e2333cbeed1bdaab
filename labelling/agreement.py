"""Plain agreement: the share of equal answers, and how far people agree on one option."""

from collections.abc import Hashable

import numpy as np

from labelling.bootstrap import Floats, Measure, ratio
from labelling.ratings import Ratings


def percent(ratings: Ratings) -> Measure:
    """Measure the share of pairs of answers to the same item that are equal."""
    counts = ratings.counts
    return ratio(
        ratings.per_pattern(1.0 * counts * (counts - 1)),
        1.0 * ratings.sizes * (ratings.sizes - 1),
        ratings.repeats,
        item_count=ratings.item_count,
        undefined="",
    )


def specific(ratings: Ratings, value: Hashable) -> Measure:
    """Measure positive specific agreement (Spitzer and Fleiss 1974) on one value.

    When one person gives this answer, how likely does another give it to the same item? Items to
    which nobody gave it say nothing.
    """
    counts = _counts(ratings, value)
    others = ratings.sizes - 1
    concerned = (counts > 0) & (others > 0)
    return ratio(
        counts * (counts - 1),
        counts * others,
        ratings.repeats,
        item_count=int(ratings.repeats[concerned].sum()),
        undefined="",
    )


def share(ratings: Ratings, value: Hashable) -> Measure:
    """Measure the share of all answers that are `value`: its prevalence."""
    return ratio(
        _counts(ratings, value),
        1.0 * ratings.sizes,
        ratings.repeats,
        item_count=ratings.item_count,
        undefined="",
    )


def _counts(ratings: Ratings, value: Hashable) -> Floats:
    """Return how many of each pattern's answers are `value`."""
    if value not in ratings.values:
        return np.zeros(len(ratings.sizes))
    is_it = ratings.codes == ratings.values.index(value)
    return ratings.per_pattern(1.0 * is_it * ratings.counts)
