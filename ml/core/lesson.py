"""What is to be learned: heads, features and targets, and the losses between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ml.core.config import HeadConfig, Kind
from ml.core.data import Example
from ml.core.encode import Words
from ml.core.engines.base import Floats, Ints
from ml.core.losses import pooled_loss, spans_loss
from ml.core.network import Head, Heads
from ml.core.targets import (
    Prior,
    WordTargets,
    choice_targets,
    multichoice_targets,
    number_targets,
    word_targets,
)

Targets = Tensor | list[WordTargets | None]

_TOKEN_ROWS: Final = 64
_VECTOR_ROWS: Final = 1024
#: Words of a batch for heads, padding included, unless one text alone has more: 400 MB of states
#: at width 768, and more than 256 ordinary reviews have.
WORDS: Final = 65_536


class Features(Protocol):
    """Give what the heads read, for rows of one set of examples."""

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        """Return pooled [rows, width] and word states [rows, words, width], where there are any."""

    def lengths(self) -> Ints:
        """Return the size of every row, so that batches can hold rows alike."""


@dataclass(frozen=True)
class FrozenFeatures:
    """Hold features computed once: pooled [rows, width] and the words of rows that need them."""

    pooled: Tensor | None
    words: Sequence[Words | None]
    word_width: int

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        """Return pooled [rows, width] and padded word states [rows, words, width]."""
        pooled = self.pooled[torch.from_numpy(rows)] if self.pooled is not None else None
        return pooled, self._padded(rows)

    def lengths(self) -> Ints:
        """Return the number of words of every row, 0 where none are needed."""
        return np.array([0 if w is None else len(w.ranges) for w in self.words], dtype=np.int64)

    def _padded(self, rows: Ints) -> Tensor | None:
        chosen = [self.words[row] for row in rows]
        longest = max((len(w.ranges) for w in chosen if w is not None), default=0)
        if not longest:
            return None
        states = np.zeros((len(rows), longest, self.word_width), dtype=np.float32)
        for place, words in enumerate(chosen):
            if words is not None:
                states[place, : len(words.ranges)] = words.states
        return torch.from_numpy(states)


@dataclass(frozen=True)
class Lesson:
    """Join the features and the targets of one split."""

    features: Features
    targets: dict[str, Targets]
    size: int

    def losses(self, heads: Heads, priors: dict[str, Prior], rows: Ints) -> dict[str, Tensor]:
        """Return the loss of every question that some row answers."""
        pooled, words = self.features.batch(rows)
        pooled = heads.neck(pooled) if pooled is not None else None
        found: dict[str, Tensor] = {}
        for head in heads.each:
            question = head.config.question
            loss = self._loss(head, priors[question], pooled, words, rows)
            if loss is not None:
                found[question] = loss
        return found

    def answered_counts(self, question: str, rows: Ints) -> int:
        """Return how many of the rows answer a question."""
        targets = self.targets[question]
        if isinstance(targets, list):
            return sum(targets[row] is not None for row in rows)
        chosen = targets[torch.from_numpy(rows)]
        if chosen.dtype == torch.int64:
            return int((chosen >= 0).sum())
        return int((~chosen[:, 0].isnan()).sum())

    def _loss(
        self, head: Head, prior: Prior, pooled: Tensor | None, words: Tensor | None, rows: Ints
    ) -> Tensor | None:
        question = head.config.question
        targets = self.targets[question]
        if not self.answered_counts(question, rows):
            return None
        if isinstance(targets, list):
            chosen = [targets[row] for row in rows]
            return None if words is None else spans_loss(head.config, prior, head(words), chosen)
        if pooled is None:
            return None
        wanted = targets[torch.from_numpy(rows)].to(pooled.device)
        return pooled_loss(head.config, prior, head(pooled), wanted)


def pooled_targets(heads: Sequence[HeadConfig], examples: Sequence[Example]) -> dict[str, Targets]:
    """Return the targets of every head but spans."""
    found: dict[str, Targets] = {}
    for head in heads:
        match head.kind:
            case Kind.CHOICE:
                found[head.question] = torch.from_numpy(choice_targets(head, examples))
            case Kind.MULTICHOICE:
                found[head.question] = torch.from_numpy(multichoice_targets(head, examples))
            case Kind.NUMBER:
                found[head.question] = torch.from_numpy(number_targets(head, examples))
            case Kind.SPANS:
                continue
    return found


def spans_targets(
    head: HeadConfig, examples: Sequence[Example], ranges: Sequence[Ints | None]
) -> list[WordTargets | None]:
    """Return the gold of the words of every example that answers a spans question."""
    return [
        word_targets(head, example, places)
        if places is not None and head.question in example.answers
        else None
        for example, places in zip(examples, ranges, strict=True)
    ]


def all_targets(
    heads: Sequence[HeadConfig], examples: Sequence[Example], ranges: Sequence[Ints | None]
) -> dict[str, Targets]:
    """Return the targets of every head; ranges: the words [words, 2] of each example."""
    spans = {h.question: spans_targets(h, examples, ranges) for h in heads if h.kind is Kind.SPANS}
    return {**pooled_targets(heads, examples), **spans}


@dataclass(frozen=True)
class Limit:
    """Say how large a batch may be: rows, and where given rows x longest row."""

    rows: int
    tokens: int = 0


def batches(lengths: Ints, limit: Limit, chance: np.random.Generator) -> list[Ints]:
    """Return shuffled batches of row numbers, in which rows of like length come together.

    lengths: of every row.

    Rows are sorted by length only within pools of 50 batches, so that two epochs differ.
    """
    order = chance.permutation(len(lengths))
    made: list[Ints] = []
    for start in range(0, len(order), 50 * limit.rows):
        pool = order[start : start + 50 * limit.rows]
        made.extend(_cut(pool[np.argsort(lengths[pool], kind="stable")], lengths, limit))
    return [made[index] for index in chance.permutation(len(made))]


def _cut(rows: Ints, lengths: Ints, limit: Limit) -> Iterator[Ints]:
    start = 0
    for end in range(1, len(rows)):
        # Sorted, so that the next row is the longest of the batch it would join.
        tokens = (end - start + 1) * int(lengths[rows[end]])
        if end - start == limit.rows or 0 < limit.tokens < tokens:
            yield rows[start:end]
            start = end
    if len(rows):
        yield rows[start:]


@torch.no_grad()
def mean_losses(
    module: nn.Module, heads: Heads, priors: dict[str, Prior], lesson: Lesson
) -> dict[str, float]:
    """Return the mean loss of every question over a lesson, without dropout."""
    module.eval()
    totals: dict[str, float] = {}
    counts: dict[str, int] = {}
    lengths = lesson.features.lengths()
    order = np.argsort(lengths, kind="stable")
    # Vectors are small; token states are not.
    limit = Limit(_TOKEN_ROWS, WORDS) if lengths.any() else Limit(_VECTOR_ROWS)
    for rows in _cut(order, lengths, limit):
        for question, loss in lesson.losses(heads, priors, rows).items():
            answered = lesson.answered_counts(question, rows)
            totals[question] = totals.get(question, 0.0) + float(loss) * answered
            counts[question] = counts.get(question, 0) + answered
    return {question: total / counts[question] for question, total in totals.items()}


def as_floats(tensor: Tensor) -> Floats:
    """Return a tensor as an array."""
    return np.asarray(tensor.detach().cpu().numpy())
