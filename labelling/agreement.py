"""How far people agree, beyond what chance would give.

Ratings are a table: one row an annotator, one column an item, None where nothing was said.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Rating = Hashable | None
Row = Sequence[Rating]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One coefficient with what it rests on; `value` is None where it is undefined."""

    value: float | None
    #: Items that at least two people rated.
    item_count: int
    #: Pairs of answers to the same item.
    pair_count: int


def percent(ratings: Sequence[Row]) -> Agreement:
    """Return the share of pairs of answers to the same item that are equal."""
    items = _paired(ratings)
    pairs = [pair for item in items for pair in combinations(item, 2)]
    equal = sum(one == other for one, other in pairs)
    return Agreement(equal / len(pairs) if pairs else None, len(items), len(pairs))


def cohen_kappa(one: Row, other: Row) -> Agreement:
    """Return Cohen's kappa (1960) of two annotators over the items that both rated.

    Undefined when both gave one and the same answer throughout: chance then explains everything.
    """
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    count = len(both)
    if not count:
        return Agreement(None, 0, 0)
    observed = sum(a == b for a, b in both) / count
    first, second = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(first[answer] * second[answer] for answer in first) / count**2
    value = None if chance == 1 else (observed - chance) / (1 - chance)
    return Agreement(value, count, count)


Distance = Callable[[Hashable, Hashable], float]


def nominal(one: Hashable, other: Hashable) -> float:
    """Return 0 for equal answers, else 1."""
    return float(one != other)


def interval(one: Hashable, other: Hashable) -> float:
    """Return the squared difference of two numbers."""
    return float(one - other) ** 2  # type: ignore[operator]  # numbers, by the caller's choice


def masi(one: Hashable, other: Hashable) -> float:
    """Return the MASI distance (Passonneau 2006) of two sets: 0 for equal, 1 for disjoint."""
    if not isinstance(one, frozenset) or not isinstance(other, frozenset):
        raise TypeError("MASI compares frozensets")
    union = one | other
    if not union:
        return 0.0
    shared = one & other
    if one == other:
        monotony = 1.0
    elif one <= other or other <= one:
        monotony = 2 / 3
    else:
        monotony = 1 / 3 if shared else 0.0
    return 1 - monotony * len(shared) / len(union)


def krippendorff_alpha(ratings: Sequence[Row], distance: Distance = nominal) -> Agreement:
    """Return Krippendorff's alpha (2011, "Computing Krippendorff's Alpha-Reliability").

    Items with fewer than two answers drop out. Undefined without any pair, or when all answers
    that remain are the same.
    """
    items = _paired(ratings)
    pair_count = sum(len(item) * (len(item) - 1) // 2 for item in items)
    observed = sum(_spread(Counter(item), distance) / (len(item) - 1) for item in items)
    totals = Counter(answer for item in items for answer in item)
    count = totals.total()
    expected = _spread(totals, distance) / (count - 1) if count > 1 else 0.0
    value = None if expected == 0 else 1 - observed / expected
    return Agreement(value, len(items), pair_count)


def _spread(answers: Counter[Hashable], distance: Distance) -> float:
    """Return the sum of the distances over all ordered pairs of answers."""
    pairs: Iterable[tuple[Hashable, Hashable]] = combinations(answers, 2)
    return 2 * sum(answers[a] * answers[b] * distance(a, b) for a, b in pairs)


def _paired(ratings: Sequence[Row]) -> list[list[Hashable]]:
    """Return the answers to every item that has at least two."""
    columns = zip(*ratings, strict=True)
    items = [[answer for answer in column if answer is not None] for column in columns]
    return [item for item in items if len(item) > 1]
