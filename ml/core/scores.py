"""What a model says about texts before calibration, one array per question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ml.core.config import HeadConfig
from ml.core.engines.base import Floats, Ints


@dataclass(frozen=True)
class WordScores:
    """Hold one text's words: ranges [words, 2], tag logits [words, tags], polarity logits [words, p].

    Polarity logits have no columns when the spans of the question have no polarity.
    """

    ranges: Ints
    tags: Floats
    polarities: Floats


# choice: logits [texts, options]; multichoice: logits [texts, options]; number: values [texts, 1];
# spans: one WordScores per text.
Scores = Floats | list[WordScores]


class Model(Protocol):
    """Score texts, whatever the tier."""

    heads: tuple[HeadConfig, ...]

    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
