"""Groups stay together, strata have their shares, and the order of rows does not matter."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text import text_hash, text_key
from reviews import splits
from reviews.stratified import FREE, SPLITS, Rows, draw

SHARES = (0.70, 0.15, 0.15)


def _rows(
    strata: list[int], groups: list[int] | None = None, fixed: list[int] | None = None
) -> Rows:
    count = len(strata)
    keys = [text_key(text_hash(f"review {number}")) for number in range(count)]
    return Rows(
        text_keys=np.array(keys, np.int64),
        groups=np.array(groups if groups is not None else range(count), np.int64),
        strata=np.array(strata, np.int64),
        fixed=np.array(fixed if fixed is not None else [FREE] * count, np.int64),
    )


@st.composite
def rows(draw_: st.DrawFn, *, most_in_a_group: int = 4) -> Rows:
    sizes = draw_(st.lists(st.integers(1, most_in_a_group), min_size=1, max_size=120))
    groups = [number for number, size in enumerate(sizes) for _ in range(size)]
    count = len(groups)
    return _rows(draw_(st.lists(st.integers(0, 3), min_size=count, max_size=count)), groups)


shares = st.sampled_from([SHARES, (0.8, 0.1, 0.1), (0.34, 0.33, 0.33), (0.98, 0.01, 0.01)])
seeds = st.integers(0, 3)


@given(rows(), shares, seeds)
def test_a_group_never_crosses_splits(
    some: Rows, wanted: tuple[float, float, float], seed: int
) -> None:
    drawn = draw(some, shares=wanted, seed=seed)

    pairs = set(zip(some.groups.tolist(), drawn.tolist(), strict=True))
    assert len(pairs) == len(set(some.groups.tolist()))
    assert set(drawn.tolist()) <= {0, 1, 2}


@given(rows(most_in_a_group=1), shares, seeds)
def test_strata_have_their_shares_to_the_review(
    some: Rows, wanted: tuple[float, float, float], seed: int
) -> None:
    drawn = draw(some, shares=wanted, seed=seed)

    for place in range(len(SPLITS)):
        assert abs((drawn == place).sum() - wanted[place] * len(drawn)) <= 1
        for stratum in np.unique(some.strata):
            here = some.strata == stratum
            assert abs((drawn[here] == place).sum() - wanted[place] * here.sum()) <= 2


@given(rows(most_in_a_group=4), shares, seeds)
def test_shares_are_met_up_to_the_size_of_a_group(
    some: Rows, wanted: tuple[float, float, float], seed: int
) -> None:
    drawn = draw(some, shares=wanted, seed=seed)

    for place in range(len(SPLITS)):
        assert abs((drawn == place).sum() - wanted[place] * len(drawn)) <= 4


@given(rows(), seeds, st.randoms())
def test_the_order_of_rows_does_not_matter(some: Rows, seed: int, rng: random.Random) -> None:
    order = list(range(len(some.strata)))
    rng.shuffle(order)
    # Groups are numbered anew too: their numbers come from ids.
    shuffled = Rows(
        some.text_keys[order], 1_000 - some.groups[order], some.strata[order], some.fixed[order]
    )

    drawn = draw(some, shares=SHARES, seed=seed)

    assert draw(shuffled, shares=SHARES, seed=seed).tolist() == drawn[order].tolist()


@given(rows(), st.integers(0, 2))
def test_a_given_split_binds_its_whole_group(some: Rows, place: int) -> None:
    some.fixed[0] = place

    drawn = draw(some, shares=SHARES)

    assert set(drawn[some.groups == some.groups[0]].tolist()) == {place}


def test_what_is_given_counts_towards_the_shares() -> None:
    some = _rows([0] * 1_000, fixed=[0] * 500 + [FREE] * 500)

    counts = np.bincount(draw(some, shares=SHARES), minlength=3)

    assert counts.tolist() == [700, 150, 150]


def test_too_much_that_is_given_leaves_the_rest_in_proportion() -> None:
    some = _rows([0] * 1_000, fixed=[0] * 900 + [FREE] * 100)

    counts = np.bincount(draw(some, shares=SHARES), minlength=3)

    assert counts.tolist() == [900, 50, 50]


def test_strata_of_one_do_not_all_fall_to_the_same_split() -> None:
    counts = np.bincount(draw(_rows(list(range(1_000))), shares=SHARES), minlength=3)

    assert counts.tolist() == [700, 150, 150]


def test_seed_nought_moves_few_that_an_import_has_drawn() -> None:
    count = 5_000
    some = _rows([number % 5 for number in range(count)])
    at_once = [
        splits.draw(text_hash(f"review {number}"), control_share=0.1).split
        for number in range(count)
    ]

    drawn = [SPLITS[place] for place in draw(some, shares=SHARES).tolist()]

    moved = sum(one != other for one, other in zip(at_once, drawn, strict=True))
    assert 0 < moved < 0.05 * count


def test_another_seed_is_another_draw() -> None:
    some = _rows([0] * 2_000)

    one, other = (draw(some, shares=SHARES, seed=seed) for seed in (1, 2))

    # Two independent draws differ in 1 - (0.7**2 + 0.15**2 + 0.15**2) of the reviews.
    assert float((one != other).mean()) == pytest.approx(0.465, abs=0.04)


def test_large_groups_fall_to_a_split_as_often_as_small_ones() -> None:
    sizes = [1, 10] * 600
    groups = [number for number, size in enumerate(sizes) for _ in range(size)]

    drawn = draw(_rows([0] * len(groups), groups), shares=SHARES)

    first = np.cumsum(sizes) - sizes
    large = drawn[first[1::2]]
    assert float((large == 0).mean()) == pytest.approx(0.70, abs=0.01)
