"""On what a training would run if it began now."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.core.config import Tier


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A device by its name, and why it is that, in a few words."""

    device: str
    why: str


def foreseen(tier: Tier, wish: str, gpus: Sequence[str]) -> Foreseen:
    """Return the device; wish: auto, cpu or cuda; gpus: of every trainer, "" where it has none."""
    if tier is Tier.TFIDF:
        return Foreseen("CPU", "words need no GPU")
    if wish == "cpu":
        return Foreseen("CPU", "as configured")
    names = sorted({gpu for gpu in gpus if gpu})
    if not names:
        return _without(gpus, is_wished=wish == "cuda")
    if all(gpus) or wish == "cuda":
        return Foreseen(" or ".join(names), "of the trainer that is listening")
    return Foreseen(" or ".join([*names, "CPU"]), "depending on which trainer takes it")


def _without(gpus: Sequence[str], *, is_wished: bool) -> Foreseen:
    if not gpus:
        device = "GPU" if is_wished else "GPU or CPU"
        return Foreseen(device, "no trainer is listening now that could tell")
    if is_wished:
        return Foreseen("No GPU", "the configuration asks for one, and no trainer has it")
    return Foreseen("CPU", "no trainer that is listening has a GPU")
