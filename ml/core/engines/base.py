"""What every engine offers, and the one description of an exported encoder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

LAST: Final = "last"
UPPER: Final = "upper"

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EncoderInfo:
    """Describe an encoder beside its files (`encoder.json`)."""

    name: str
    sha256: str
    width: int
    max_positions: int
    pad_id: int

    def write(self, folder: Path) -> None:
        """Write encoder.json."""
        (folder / "encoder.json").write_text(json.dumps(asdict(self), indent=2), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> "EncoderInfo":
        """Read encoder.json."""
        return cls(**json.loads((folder / "encoder.json").read_text("utf-8")))


class Engine(Protocol):
    """Turn token ids into token states."""

    info: EncoderInfo
    tokenizer_file: Path

    def states(self, ids: Ints, mask: Ints, layers: str = LAST) -> Floats:
        """Return states [batch, length, width] for ids and mask [batch, length].

        layers: `last`, or `upper` for the mean over the upper half of the layers, which keeps more
        of mood and wording than the last layer of a sentence encoder does.
        """
