"""What a review is for, drawn from the hash of its text: the same text always falls alike.

The digits of a SHA-256 are as good as random and independent of one another, so each draw takes
its own thirteen (52 bits). Duplicates therefore never cross splits, in any data set, in any order
of upload, and nothing has to be remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.coded import Coded

TRAIN_SHARE = 0.70
VALIDATION_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Draw:
    """What the hash decided."""

    split: str
    is_control: bool
    priority: float


def draw(text_hash: str, *, control_share: float) -> Draw:
    """Draw split, control slice and first place in the queue from a hash in hex."""
    return Draw(
        split=_split(_unit(text_hash, 0)),
        is_control=_unit(text_hash, 1) < control_share,
        priority=_unit(text_hash, 2),
    )


def draw_many(digests: Sequence[bytes], *, control_share: float) -> tuple[Coded[str], list[bool]]:
    """Return the splits and the control slice that `draw` gives to the same hashes, as bytes."""
    words = np.frombuffer(b"".join(digests), dtype=">u8").reshape(-1, 4).astype(np.uint64)
    first = words[:, 0] >> np.uint64(12)
    second = ((words[:, 0] & np.uint64(0xFFF)) << np.uint64(40)) | (words[:, 1] >> np.uint64(24))
    bounds = np.array([TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE])
    names = ("train", "validation", "test")
    chosen = np.searchsorted(bounds, first / 2.0**52, side="right")
    return Coded(names, chosen), (second / 2.0**52 < control_share).tolist()


def _split(place: float) -> str:
    if place < TRAIN_SHARE:
        return "train"
    return "validation" if place < TRAIN_SHARE + VALIDATION_SHARE else "test"


def _unit(text_hash: str, number: int) -> float:
    """Return the draw of that number, at least 0 and below 1."""
    return int(text_hash[13 * number : 13 * number + 13], 16) / 2.0**52
