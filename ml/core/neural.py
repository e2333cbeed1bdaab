"""The model of the frozen and the full tier: an encoder and numpy heads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ml.core.config import HeadConfig, Kind
from ml.core.encode import Words
from ml.core.engines.base import Floats
from ml.core.heads_numpy import NumpyHead, NumpyNeck
from ml.core.scores import Scores


class Pooler(Protocol):
    """Give pooled vectors, computed or remembered."""

    def pooled(self, texts: Sequence[str]) -> Floats:
        """Return one vector per text, [texts, width]."""


class Worder(Protocol):
    """Give the words of texts with their states."""

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the words of every text."""

    def read(self, texts: Sequence[str]) -> tuple[Floats, list[Words]]:
        """Return vectors [texts, width] and words at once."""


@dataclass(frozen=True)
class NeuralModel:
    """Score texts by running the encoder once and every head on its output."""

    numpy_heads: tuple[NumpyHead, ...]
    pooler: Pooler
    worder: Worder
    neck: NumpyNeck = field(default_factory=NumpyNeck)

    @property
    def heads(self) -> tuple[HeadConfig, ...]:
        """Return the configs of the heads."""
        return tuple(head.config for head in self.numpy_heads)

    def only(self, questions: Collection[str]) -> "NeuralModel":
        """Return the model of some of the questions."""
        heads = tuple(h for h in self.numpy_heads if h.config.question in questions)
        return replace(self, numpy_heads=heads)

    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
        pooled, words = self._features(texts)
        pooled = self.neck.apply(pooled) if pooled is not None else None
        found: dict[str, Scores] = {}
        for head in self.numpy_heads:
            if pooled is not None and head.config.kind is not Kind.SPANS:
                found[head.config.question] = head.scores(pooled)
            else:
                found[head.config.question] = [head.word_scores(one) for one in words]
        return found

    def _features(self, texts: Sequence[str]) -> tuple[Floats | None, list[Words]]:
        kinds = {head.kind for head in self.heads}
        if kinds > {Kind.SPANS} and id(self.pooler) == id(self.worder):
            return self.worder.read(texts)
        pooled = self.pooler.pooled(texts) if kinds - {Kind.SPANS} else None
        return pooled, self.worder.words(texts) if Kind.SPANS in kinds else []
