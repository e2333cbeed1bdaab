"""Which part of the queue the next review comes from: pure, so that the mixture can be tested."""

from enum import Enum


class Part(Enum):
    """A part of a project's queue."""

    #: The random slice, whatever a model thinks of it; also the only way to the test split.
    CONTROL = "control"
    #: What a model has ranked or a person has sent, highest priority first.
    RANKED = "ranked"
    #: What nobody has ranked, from a random place on.
    UNRANKED = "unranked"
    #: Reviews with imported answers only, once everything else is done.
    IMPORTED = "imported"


def parts(*, roll: float, control_share: float) -> tuple[Part, ...]:
    """Return the parts to look at, in order, for a `roll` from [0, 1).

    With probability `control_share` the control slice comes first. Whichever is empty gives way to
    the next, and reviews that only an import has answered come last.
    """
    if roll < control_share:
        return Part.CONTROL, Part.RANKED, Part.UNRANKED, Part.IMPORTED
    return Part.RANKED, Part.UNRANKED, Part.CONTROL, Part.IMPORTED
