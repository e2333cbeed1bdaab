"""The hook by which the labels of a review come along when it is copied."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviews.models import Dataset
from reviews.offsets import Offsets


@dataclass(frozen=True, slots=True)
class Copy:
    """A review that was copied: where places of the old text are in the new one."""

    original_id: int
    copy_id: int
    text: str
    #: Asked only for reviews with spans, which are few.
    offsets: Callable[[], Offsets]


@dataclass(frozen=True, slots=True)
class CopiedLabels:
    """How many spans came along, and how many had lost their words."""

    moved_count: int = 0
    lost_count: int = 0


CopyLabels = Callable[[Dataset, Sequence[Copy]], CopiedLabels]

_known: list[CopyLabels] = [lambda _dataset, _copies: CopiedLabels()]


def register(copy: CopyLabels) -> None:
    """Say who copies labels; called once, when the package above starts."""
    _known[:] = [copy]


def copy_labels(dataset: Dataset, copies: Sequence[Copy]) -> CopiedLabels:
    """Give copies, all of a data set's own, the gold of their originals.

    Belongs into the transaction that has written the copies.
    """
    return _known[0](dataset, copies)
