"""Gwet's AC1 and AC2 (2008): chance-corrected agreement that stays sane when one answer is rare."""

from typing import Final

import numpy as np

from labelling.alpha import spread
from labelling.bootstrap import Floats, Measure, divided
from labelling.kappa import distances
from labelling.ratings import Ratings

_ONE: Final = "There is only one possible answer: AC is not defined."


def ac1(ratings: Ratings, *, value_count: int = 0) -> Measure:
    """Measure AC1; `value_count` is how many answers were possible, given or not."""
    return _measure(ratings, np.eye(len(ratings.values)), value_count)


def ac2(ratings: Ratings, *, power: int = 2) -> Measure:
    """Measure AC2 of numbers, near answers half agreeing: linear (power 1) or quadratic weights.

    The scale should be whole: see `values` of ratings_of.
    """
    apart = distances(ratings.values, power=power)
    widest = apart.max(initial=0.0)
    return _measure(ratings, 1 - apart / (widest or 1.0), 0)


def _measure(ratings: Ratings, weighted: Floats, value_count: int) -> Measure:
    size = max(value_count, len(ratings.values))
    # Possible answers that nobody gave agree with themselves alone.
    total = weighted.sum() + size - len(ratings.values)
    alike = spread(ratings, weighted) - ratings.sizes
    observed = alike / np.maximum(ratings.sizes * (ratings.sizes - 1), 1)
    is_paired = 1.0 * (ratings.sizes > 1)
    shares = ratings.counts / ratings.sizes[ratings.patterns]

    def of_weights(weights: Floats) -> Floats:
        if size < 2:
            return np.full(len(weights), np.nan)
        agreed = divided(weights @ (observed * is_paired), weights @ is_paired)
        parts = divided(ratings.per_value(weights, shares).T, weights.sum(axis=1)).T
        chance = total * (parts * (1 - parts)).sum(axis=1) / (size * (size - 1))
        return divided(agreed - chance, 1 - chance)

    return Measure(of_weights, ratings.repeats, ratings.item_count, _ONE, width=ratings.width)
