"""What a model says about texts before calibration, one array per question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ml.core.config import HeadConfig
from ml.core.engines.base import Floats, Ints


@dataclass(frozen=True)
class WordScores:
    """Hold one text's words: ranges [words, 2], tag logits [words, tags].

    Polarity logits [words, polarities] have no columns when spans have no polarity.
    """

    ranges: Ints
    tags: Floats
    polarities: Floats


# Of a choice or multichoice logits [texts, options], of a number values [texts, 1], of spans one
# WordScores per text.
Scores = Floats | list[WordScores]


class Model(Protocol):
    """Score texts, whatever the tier."""

    @property
    def heads(self) -> tuple[HeadConfig, ...]:
        """Return the configs of the heads."""

    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
