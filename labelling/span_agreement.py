"""Agreement on spans: F1 of one person's against another's, micro over all pairs and items.

F1 is 2 · matched / (spans of the one + spans of the other), the same from either side; it needs no
count of what nobody marked, which chance-corrected measures would ask for (Hripcsak 2005).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from labelling.bootstrap import Measure, ratio
from labelling.spans import SpanValue, overlap

Marked = Sequence[SpanValue]
Match = Callable[[Marked, Marked], int]
#: The spans of each person about an item, to how many items have the same.
CountedSpans = Mapping[tuple[tuple[SpanValue, ...], ...], int]

_NOTHING: Final = "Nobody marked anything here, so there is nothing to match: F1 is not defined."


def span_f1(items: Iterable[Sequence[Marked]], match: Match) -> Measure:
    """Measure F1 over all pairs of people who answered the same item."""
    return span_f1_counted(Counter(tuple(map(tuple, item)) for item in items), match)


def span_f1_counted(items: CountedSpans, match: Match) -> Measure:
    """Measure F1 as `span_f1` does, where it is known how many items have the same spans."""
    known = {item: count for item, count in items.items() if len(item) > 1}
    matched = [sum(2 * match(one, other) for one, other in combinations(item, 2)) for item in known]
    marked = [(len(item) - 1) * sum(map(len, item)) for item in known]
    repeats = np.fromiter(known.values(), dtype=np.int64, count=len(known))
    above, below = np.array(matched, dtype=float), np.array(marked, dtype=float)
    return ratio(above, below, repeats, item_count=int(repeats.sum()), undefined=_NOTHING)


def exact(one: Marked, other: Marked) -> int:
    """Return how many spans have the same range and option on both sides."""
    return len({_mark(span) for span in one} & {_mark(span) for span in other})


def exact_with_polarity(one: Marked, other: Marked) -> int:
    """Return how many spans have the same range, option and polarity on both sides."""
    return len(
        {(*_mark(each), each.polarity) for each in one}
        & {(*_mark(each), each.polarity) for each in other}
    )


def _mark(span: SpanValue) -> tuple[int, int, str]:
    return span.start, span.end, span.option


def overlapping(one: Marked, other: Marked) -> int:
    """Return how many spans can be matched one to one with the same option and a shared character.

    The most that is possible (Kuhn's augmenting paths), so that no order of spans matters.
    """
    meets = [
        [place for place, b in enumerate(other) if a.option == b.option and overlap(a, b)]
        for a in one
    ]
    taken: dict[int, int] = {}
    return sum(_find(number, meets, taken, set()) for number in range(len(one)))


def _find(
    number: int, meets: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]
) -> bool:
    """Match one span, moving others to further partners where needed."""
    for place in meets[number]:
        if place not in tried:
            tried.add(place)
            if place not in taken or _find(taken[place], meets, taken, tried):
                taken[place] = number
                return True
    return False
