"""What every tier hands over once it has learned."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.core.blend import BlendedModel
from ml.core.engines.base import Floats
from ml.core.neural import NeuralModel
from ml.core.tfidf import TfidfModel


@dataclass(frozen=True)
class Fitted:
    """Hold a fitted model and what its checkpoint keeps.

    diverged and stopped: the epoch in which the loss stopped being a number, or somebody wanted the
    end; 0 for neither.
    """

    model: TfidfModel | NeuralModel | BlendedModel
    tensors: dict[str, Floats]
    encoder_folder: Path | None = None
    tower: dict[str, Any] | None = None
    diverged: int = 0
    stopped: int = 0
    #: How a fine-tuned encoder agrees with its export; nothing for one that stays as it is.
    parity: dict[str, Any] = field(default_factory=dict)
