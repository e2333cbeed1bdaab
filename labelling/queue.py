"""What the queue decides: parts and their mixture, seats, shares. Pure, to be tested."""

from collections.abc import Mapping
from enum import Enum


class Part(Enum):
    """A part of what nobody has answered yet."""

    #: The random slice, whatever a model thinks of it; also the only way to the test split.
    CONTROL = "control"
    #: What a model has ranked or a person has sent, highest priority first.
    RANKED = "ranked"
    #: What nobody has ranked, from a random place on.
    UNRANKED = "unranked"
    #: What somebody else is at and more people should answer: better than nothing to do.
    JOINED = "joined"
    #: Reviews with imported answers only, once everything else is done.
    IMPORTED = "imported"


_LAST = (Part.JOINED, Part.IMPORTED)


def parts(*, roll: float, control_share: float) -> tuple[Part, ...]:
    """Return the parts to look at, in order, for a `roll` from [0, 1).

    With probability `control_share` the control slice comes first. Whichever is empty gives way to
    the next, and reviews that only an import has answered come last.
    """
    if roll < control_share:
        return Part.CONTROL, Part.RANKED, Part.UNRANKED, *_LAST
    return Part.RANKED, Part.UNRANKED, Part.CONTROL, *_LAST


def wanted_seats(review_id: int, *, overlap_count: int, overlap_share: float) -> int:
    """Return how many people should answer a review.

    Which reviews several people answer is drawn by a hash of the id: at random, so that agreement
    measured on them is unbiased, and always the same.
    """
    if overlap_count <= 1 or _drawn(review_id) >= overlap_share:
        return 1
    return overlap_count


def _drawn(number: int) -> float:
    """Return a number from [0, 1) that looks random: splitmix64's finaliser (Vigna, 2015)."""
    mask = (1 << 64) - 1
    value = (number + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return float((value ^ (value >> 31)) >> 11) / float(1 << 53)


def shares(count: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split `count` things by weights, by the largest remainder; a tie goes to the first named."""
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, 0)
    given = {name: count * weight // total for name, weight in weights.items()}
    by_rest = sorted(weights, key=lambda name: -(count * weights[name] % total))
    for name in by_rest[: count - sum(given.values())]:
        given[name] += 1
    return given
