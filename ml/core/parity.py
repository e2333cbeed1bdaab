"""How far the encoder that a fine-tuning is measured by agrees with the one that is served."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ml.core.encode import TextEncoder

#: A broken export is wrong about every text; a few of each length show what rounding does.
SAMPLE: Final = 64
_DIGITS: Final = 6


def parity(measured: TextEncoder, served: TextEncoder, texts: Sequence[str]) -> dict[str, Any]:
    """Return how many of the texts were compared, and the least cosine of their pooled vectors.

    At most `SAMPLE`, from all over the list. A vector that is not a number agrees with nothing.
    """
    some = texts[:: max(1, -(-len(texts) // SAMPLE))]
    a, b = (encoder.pooled(some).astype(np.float64) for encoder in (measured, served))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.nan_to_num((a * b).sum(axis=1) / np.maximum(lengths, 1e-12))
    return {"texts": len(some), "least_cosine": round(float(cosines.min()), _DIGITS)}
