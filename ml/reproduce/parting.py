"""Part the rows of a data set into train, validation and test without a text on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.text import normalise, text_hash, text_key
from ml.core.data import Example, Split
from ml.reproduce.readings import Row
from reviews.shingles import I64
from reviews.similar import NearGroups, united
from reviews.stratified import FREE, SPLITS, Rows, draw

Marks = NDArray[np.bool]

_SEED: Final = 0
_TEST: Final = SPLITS.index("test")
_VALIDATION: Final = SPLITS.index("validation")


@dataclass(frozen=True)
class Shares:
    """How large the parts are: at most so many rows, or all that the shares give."""

    validation: float
    test: float
    most_validation: int | None = None
    most_test: int | None = None


@dataclass(frozen=True)
class Parted:
    """The rows in their parts, and how many were left out because of a likeness."""

    examples: list[Example]
    repeated: int


def part_rows(rows: Sequence[Row], shares: Shares) -> Parted:
    """Draw the parts group by group, stratum by stratum; the same rows give the same parts.

    A group is what shares a text, nearly shares one (reviews.shingles says when), or has the same
    `group`. Where rows come with a part of their own, the held-out rows keep it and whatever nearly
    equals one of them is left out of the rest.
    """
    keys = np.array([text_key(text_hash(row.text)) for row in rows], dtype=np.int64)
    groups = _groups(rows, keys)
    _, strata = np.unique([row.stratum for row in rows], return_inverse=True)
    free = np.full(len(rows), FREE)
    is_given = np.array([row.part == "test" for row in rows])
    kept = is_given | ~np.isin(groups, groups[is_given])
    rest = kept & ~is_given
    places = np.full(len(rows), _TEST)
    test_share = 0.0 if is_given.any() else shares.test
    cut = (1 - shares.validation - test_share, shares.validation, test_share)
    own = Rows(keys[rest], groups[rest], strata[rest].astype(np.int64) + 1, free[rest])
    places[rest] = draw(own, shares=cut, seed=_SEED)
    for place, most in ((_VALIDATION, shares.most_validation), (_TEST, shares.most_test)):
        kept &= ~_beyond(places == place, keys, strata, most)
    examples = [
        Example(number, row.text, _split(places[number]), row.answers)
        for number, row in enumerate(rows)
        if kept[number]
    ]
    return Parted(examples, int((~kept & np.isin(groups, groups[is_given])).sum()))


def take_train(examples: Sequence[Example], size: int | None, seed: int) -> list[Example]:
    """Return the examples with `size` of the training rows, chosen by the seed; None keeps all."""
    train = [example for example in examples if example.split == "train"]
    if size is None or size >= len(train):
        return list(examples)
    chosen = np.random.default_rng(seed).permutation(len(train))[:size]
    return [train[place] for place in sorted(chosen)] + [
        example for example in examples if example.split != "train"
    ]


def _groups(rows: Sequence[Row], keys: I64) -> I64:
    near = NearGroups()
    near.add([normalise(row.text) for row in rows])
    places = np.arange(len(rows))
    roots = near.groups(ranks=keys, known=places, is_new=np.ones(len(rows), np.bool))
    first: dict[str, int] = {}
    named = [place for place, row in enumerate(rows) if row.group]
    left = [first.setdefault(rows[place].group, place) for place in named]
    return united(roots, np.array(left, np.int64), np.array(named, np.int64))


def _beyond(chosen: Marks, keys: I64, strata: I64, most: int | None) -> Marks:
    """Mark what is beyond the largest size, taking from every stratum alike."""
    beyond = np.zeros(len(chosen), dtype=bool)
    count = int(chosen.sum())
    if most is None or count <= most:
        return beyond
    rows = np.flatnonzero(chosen)
    # In the order of the stratum, then of the text's hash: every count/most-th row stays.
    order = rows[np.lexsort((keys[rows], strata[rows]))]
    beyond[order] = True
    beyond[order[np.floor(np.arange(most) * count / most).astype(np.int64)]] = False
    return beyond


def _split(place: int) -> Split:
    names: tuple[Split, ...] = ("train", "validation", "test")
    return names[place]
