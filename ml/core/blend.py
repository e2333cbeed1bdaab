"""An encoder knows what words mean, terms what was said exactly: mix the two where it helps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.core.calibration import choice_loss, multichoice_temperature
from ml.core.config import HeadConfig, Kind
from ml.core.data import Example
from ml.core.engines.base import Floats
from ml.core.neural import NeuralModel
from ml.core.scores import Scores
from ml.core.targets import choice_targets, multichoice_targets, number_targets
from ml.core.tfidf import ENOUGH, TfidfModel

_SHARES: Final = (0.25, 0.5, 0.75)
_LEAST_GAIN: Final = 0.01


@dataclass(frozen=True)
class BlendedModel:
    """Score texts with both models; `shares` says how much the terms count, per question."""

    deep: NeuralModel
    terms: TfidfModel
    shares: Mapping[str, float]

    @property
    def heads(self) -> tuple[HeadConfig, ...]:
        """Return the configs of the heads."""
        return self.deep.heads

    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
        found = self.deep.scores(texts)
        wide = self.terms.scores(texts)
        for question, share in self.shares.items():
            found[question] = _mix(found[question], wide[question], share)
        return found


def blend(
    deep: NeuralModel, terms: TfidfModel, examples: Sequence[Example]
) -> NeuralModel | BlendedModel:
    """Return the mix of least validation loss per question; spans are left to the encoder.

    The terms take part only where they lower the loss by a hundredth (late fusion, as in Cheng et
    al., 2016, with the share chosen on held-out rows).
    """
    pooled = [head for head in deep.heads if head.kind is not Kind.SPANS]
    rows = [example for example in examples if example.split == "validation"]
    texts, questions = [example.text for example in rows], {head.question for head in pooled}
    own, wide = (model.only(questions).scores(texts) for model in (deep, terms))
    shares = {}
    for head in pooled:
        if share := _best_share(head, own[head.question], wide[head.question], rows):
            shares[head.question] = share
    return BlendedModel(deep, terms.only(shares), shares) if shares else deep


def _best_share(head: HeadConfig, own: Scores, wide: Scores, rows: Sequence[Example]) -> float:
    chosen = [i for i, example in enumerate(rows) if head.question in example.answers]
    if len(chosen) < ENOUGH:
        return 0.0
    answering = [rows[i] for i in chosen]
    mixed = {share: _mix(own, wide, share)[chosen] for share in (0.0, *_SHARES)}
    losses = {share: _loss(head, scores, answering) for share, scores in mixed.items()}
    best = min(losses, key=losses.__getitem__)
    return best if losses[best] < losses[0.0] * (1 - _LEAST_GAIN) else 0.0


def _mix(deep: Scores, wide: Scores, share: float) -> Floats:
    if isinstance(deep, list) or isinstance(wide, list):
        raise TypeError("spans of two models have different words and cannot be mixed")
    return np.asarray((1 - share) * deep + share * wide)


def _loss(head: HeadConfig, scores: Floats, rows: Sequence[Example]) -> float:
    if head.kind is Kind.NUMBER:
        return float(np.mean((scores - number_targets(head, rows)) ** 2))
    if head.kind is Kind.MULTICHOICE:
        labels = multichoice_targets(head, rows)
        scaled = scores / multichoice_temperature(scores, labels)
        return float(np.mean(np.logaddexp(0.0, scaled) - labels * scaled))
    return choice_loss(scores, choice_targets(head, rows))
