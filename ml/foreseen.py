"""On what a training would run if it began now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ml.core.config import Tier

#: What a worker tells that must use a GPU and sees none: its trainings fail and say so.
NO_GPU: Final = "No GPU"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A device by its name, and why it is that, in a few words."""

    device: str
    why: str


def told(wish: str, gpu: str) -> str:
    """Return what a worker tells of its GPU: a name, NO_GPU, or "" where it uses none.

    wish: auto, cpu or cuda, as that worker is configured; gpu: the one that it sees, if any.
    """
    if wish == "cpu":
        return ""
    return gpu or (NO_GPU if wish == "cuda" else "")


def foreseen(tier: Tier, gpus: Sequence[str]) -> Foreseen:
    """Return the device; gpus: what every trainer has told of its own."""
    if tier is Tier.TFIDF:
        return Foreseen("CPU", "words need no GPU")
    if not gpus:
        return Foreseen("GPU or CPU", "no trainer is listening now that could tell")
    names = sorted({gpu for gpu in gpus if gpu}) + ([] if all(gpus) else ["CPU"])
    device = " or ".join(names)
    if names == ["CPU"]:
        return Foreseen(device, "no trainer that is listening uses a GPU")
    if names == [NO_GPU]:
        return Foreseen(device, "the trainer is told to use one, and sees none")
    if NO_GPU in names or "CPU" in names:
        return Foreseen(device, "depending on which trainer takes it")
    return Foreseen(device, "of the trainer that is listening")
