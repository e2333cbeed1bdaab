"""Begin with the engine that is there at once, and go over to a faster one for much work."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ml.core.engines.base import LAST, EncoderInfo, Engine, Floats, Ints

#: Texts after which loading torch and transformers, some seconds, begins to pay.
ENOUGH: Final = 512
_AGREEMENT: Final = 0.999


class GrowingEngine:
    """Encode `ENOUGH` texts with the first engine; then load the second and try both on a batch.

    The second goes on where it was faster and its token states agree with the first one's: the
    mean cosine over tokens is at least 0.999.
    """

    info: EncoderInfo
    tokenizer_file: Path

    def __init__(self, first: Engine, second: Callable[[], Engine]) -> None:
        self.info = first.info
        self.tokenizer_file = first.tokenizer_file
        self.chosen = first
        self._second = second
        self._texts = 0
        self._is_settled = False

    def states(self, ids: Ints, mask: Ints, layers: str = LAST) -> Floats:
        """Return states [batch, length, width] of the last or the mean of the upper layers."""
        if not self._is_settled and self._texts >= ENOUGH:
            self._is_settled = True
            self.chosen = _better(self.chosen, self._second(), ids, mask, layers)
        self._texts += len(ids)
        return self.chosen.states(ids, mask, layers)


def _better(first: Engine, second: Engine, ids: Ints, mask: Ints, layers: str) -> Engine:
    second.states(ids, mask, layers)  # the first call of an engine prepares it
    wanted, slow = _timed(first, ids, mask, layers)
    found, fast = _timed(second, ids, mask, layers)
    return second if fast < slow and agreement(wanted, found, mask) >= _AGREEMENT else first


def _timed(engine: Engine, ids: Ints, mask: Ints, layers: str) -> tuple[Floats, float]:
    started = time.perf_counter()
    states = engine.states(ids, mask, layers)
    return states, time.perf_counter() - started


def agreement(wanted: Floats, found: Floats, mask: Ints) -> float:
    """Return the mean cosine between states [batch, length, width] over the tokens of the mask."""
    lengths = np.linalg.norm(wanted, axis=2) * np.linalg.norm(found, axis=2)
    cosines = (wanted * found).sum(axis=2) / np.maximum(lengths, 1e-12)
    return float(cosines[mask > 0].mean())
