"""The settings that a search of heads tries; light, so that forms may read it."""

import itertools
import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Space:
    """The values that are tried; the first of each is the usual one."""

    learning_rates: tuple[float, ...] = (1e-3, 3e-4, 3e-3)
    """Peak rates of the heads."""
    hidden: tuple[int, ...] = (256, 0, 64)
    """Widths of the hidden layer of every head but those of spans, which are linear; 0: none."""
    dropouts: tuple[float, ...] = (0.3, 0.1, 0.5)
    """Dropout before the last layer."""

    @property
    def settings(self) -> list[tuple[float, int, float]]:
        """Return every (rate, width, dropout), the usual one first."""
        return list(itertools.product(self.learning_rates, self.hidden, self.dropouts))


SPACE: Final = Space()
MOST_TRIALS: Final = len(SPACE.settings)


def drawn(space: Space, count: int, *, seed: int) -> list[tuple[float, int, float]]:
    """Return the usual setting and others drawn without repetition (Bergstra and Bengio, 2012)."""
    usual, *others = space.settings
    return [usual, *random.Random(seed).sample(others, min(count - 1, len(others)))]  # noqa: S311 - a sample, no secret
