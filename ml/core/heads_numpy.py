"""The heads and their neck as served: the arithmetic of the torch modules, in numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.encode import Words
from ml.core.engines.base import Floats
from ml.core.numeric import sigmoid
from ml.core.scores import WordScores

ARRAYS: Final = ("mean", "scale", "hidden.weight", "hidden.bias", "out.weight", "out.bias", "unit")

# A vector of nothing but zeros has no direction; it stays as it is.
LEAST_LENGTH: Final = 1e-12


@dataclass(frozen=True)
class NumpyNeck:
    """Make of a pooled vector what the heads read; without any option it passes as it is.

    arrays: `weight` [projected, width] and `bias` [projected], or none where nothing is projected.
    """

    arrays: Mapping[str, Floats] = field(default_factory=dict)
    is_normalised: bool = False

    def apply(self, vectors: Floats) -> Floats:
        """Return [rows, projected or width] for pooled vectors [rows, width]."""
        values = vectors
        if self.arrays:
            values = values @ self.arrays["weight"].T + self.arrays["bias"]
        if self.is_normalised:
            lengths = np.linalg.norm(values, axis=1, keepdims=True)
            values = values / np.maximum(lengths, LEAST_LENGTH)
        return values


@dataclass(frozen=True)
class NumpyHead:
    """Apply one head; `arrays` are named as in the torch module's state."""

    config: HeadConfig
    arrays: Mapping[str, Floats]

    def logits(self, features: Floats) -> Floats:
        """Return [rows, outputs] for features [rows, width]."""
        arrays = self.arrays
        values = (features - arrays["mean"]) / arrays["scale"]
        if "hidden.weight" in arrays:
            values = values @ arrays["hidden.weight"].T + arrays["hidden.bias"]
            values = np.maximum(values, 0.0)
        result: Floats = values @ arrays["out.weight"].T + arrays["out.bias"]
        return result

    def scores(self, features: Floats) -> Floats:
        """Return logits, or for a number the values themselves, [rows, outputs]."""
        logits = self.logits(features)
        return self._values(logits) if self.config.kind is Kind.NUMBER else logits

    def word_scores(self, words: Words) -> WordScores:
        """Return tag and polarity logits of the words of one text."""
        logits = self.logits(words.states)
        tags = bio.tag_count(len(self.config.options))
        return WordScores(words.ranges, logits[:, :tags], logits[:, tags:])

    def _values(self, logits: Floats) -> Floats:
        config = self.config
        if config.is_cumulative:
            # A number above 4 is above 3 too: what the steps say is made to fall.
            above = np.minimum.accumulate(sigmoid(logits), axis=1)
            return np.asarray(config.scale[0] + above.sum(axis=1, keepdims=True))
        if config.is_squeezed and config.minimum is not None and config.maximum is not None:
            return np.asarray(config.minimum + (config.maximum - config.minimum) * sigmoid(logits))
        # In double precision: a bound may be larger than single precision can say.
        centre, spread = self.arrays["unit"].astype(np.float64)
        return np.asarray(np.clip(centre + spread * logits, config.minimum, config.maximum))


def outputs(config: HeadConfig) -> int:
    """Return how many numbers a head puts out."""
    match config.kind:
        case Kind.NUMBER:
            return len(config.scale) - 1 if config.is_cumulative else 1
        case Kind.SPANS:
            return bio.tag_count(len(config.options)) + len(config.polarities)
        case _:
            return len(config.options)


def split_arrays(tensors: Mapping[str, Floats], index: int) -> dict[str, Floats]:
    """Return the arrays of head number `index` from names like `head.0.out.weight`."""
    return _under(tensors, f"head.{index}.")


def neck_arrays(tensors: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the projection, `weight` and `bias`, from names like `neck.projection.bias`."""
    return _under(tensors, "neck.projection.")


def _under(tensors: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}
