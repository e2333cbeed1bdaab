"""Fine-tuning: the encoder as part of what learns, its texts as windows of tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ml.core.config import Kind, TrainConfig
from ml.core.data import Example
from ml.core.encode import REACH, TextEncoder, Tokens, pad, word_starts
from ml.core.engines.base import Ints
from ml.core.engines.torch import TextTower, precision
from ml.core.layers import rates
from ml.core.lesson import Lesson, Limit, all_targets
from ml.core.loop import Part, Study
from ml.core.network import Heads
from ml.core.targets import Prior


@dataclass(frozen=True)
class TowerFeatures:
    """Run the tower on the rows asked for, so that gradients reach it."""

    tower: TextTower
    ids: list[list[int]]
    firsts: list[list[int]]
    config: TrainConfig
    pad_id: int
    has_words: bool

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        """Return pooled [rows, width] and states of first subtokens [rows, words, 2 x width]."""
        ids, mask = (torch.from_numpy(a) for a in pad([self.ids[r] for r in rows], self.pad_id))
        device = next(self.tower.parameters()).device
        ids, mask = ids.to(device), mask.to(device)
        with precision(device, self.config.precision):
            states = self.tower.states(ids, mask, self.config.layers).float()
        return self._pooled(states, mask), self._words(states, rows) if self.has_words else None

    def lengths(self) -> Ints:
        """Return the number of tokens of every row."""
        return np.array([len(one) for one in self.ids], dtype=np.int64)

    def _pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.config.pooling == "cls":
            return states[:, 0]
        weights = mask[:, :, None].to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1.0)

    def _words(self, states: Tensor, rows: Ints) -> Tensor | None:
        firsts = [self.firsts[row] for row in rows]
        longest = max(map(len, firsts))
        if not longest:
            return None
        index = torch.zeros((len(rows), longest), dtype=torch.int64)
        for place, one in enumerate(firsts):
            index[place, : len(one)] = torch.tensor(one)
        index = index.to(states.device)[:, :, None].expand(-1, -1, states.shape[-1])
        return context_of(states.gather(1, index), [len(one) for one in firsts])


def context_of(states: Tensor, counts: Sequence[int]) -> Tensor:
    """Do for padded states [rows, words, width] what `encode.with_context` does for one text.

    counts: words of each row; returns [rows, words, 2 x width].
    """
    places = torch.arange(states.shape[1])
    is_near = (places[:, None] - places[None, :]).abs() <= REACH
    is_word = places[None, :] < torch.tensor(counts)[:, None]
    shares = (is_near[None] & is_word[:, None]).to(states.device, states.dtype)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp_min(1.0)
    return torch.cat([states, shares @ states], dim=2)


def tower_study(
    config: TrainConfig,
    tower: TextTower,
    heads: Heads,
    lessons: Sequence[Lesson],
    priors: dict[str, Prior],
) -> Study:
    """Join an encoder and its heads into what `learn` learns; lessons: training, validation."""
    train, validation = lessons
    network = nn.ModuleDict({"tower": tower, "heads": heads})
    part = Part(network, {head.question: head.weight for head in config.heads})
    return Study(
        network,
        heads,
        priors,
        train,
        validation,
        [part],
        groups=rates(
            tower.model,
            config.learning_rate,
            decay=config.layer_decay,
            unfreeze=config.unfreeze,
        ),
        limit=step_limit(config),
        accumulate=config.accumulate,
    )


def step_limit(config: TrainConfig) -> Limit:
    """Return the size of a batch: as many tokens as `batch_size` texts of full length have.

    Short texts fill it with at most twice as many rows, so that their steps do not become few.
    """
    tokens = config.batch_tokens or config.batch_size * config.max_tokens
    rows = max(2 * config.batch_size, config.batch_tokens // 8)
    return Limit(rows, tokens)


def tower_lesson(
    examples: Sequence[Example], config: TrainConfig, tower: TextTower, encoder: TextEncoder
) -> Lesson:
    """Return the lesson of one split: a row a text, and of long texts with spans their windows."""
    tokens = encoder.tokenise([example.text for example in examples])
    rows = [row for e, own in zip(examples, tokens, strict=True) for row in _rows(e, own, encoder)]
    features = TowerFeatures(
        tower=tower,
        ids=[row.ids for row in rows],
        firsts=[row.firsts for row in rows],
        config=config,
        pad_id=encoder.engine.info.pad_id,
        has_words=any(head.kind is Kind.SPANS for head in config.heads),
    )
    ranges = [np.array(row.ranges, dtype=np.int64).reshape(-1, 2) for row in rows]
    targets = all_targets(config.heads, [row.example for row in rows], ranges)
    return Lesson(features, targets, len(rows))


@dataclass(frozen=True)
class _Row:
    example: Example
    ids: list[int]
    firsts: list[int]
    ranges: list[tuple[int, int]]


def _rows(example: Example, tokens: Tokens, encoder: TextEncoder) -> Iterator[_Row]:
    """Yield a text as it is pooled; spans of a text that is cut are learned in its windows."""
    spans = {q: a for q, a in example.answers.items() if isinstance(a, tuple)}
    if not (tokens.is_cut and spans):
        yield _Row(example, tokens.ids, *word_starts(tokens, example.text))
        return
    if others := {q: a for q, a in example.answers.items() if q not in spans}:
        pooled = replace(example, answers=others)
        yield _Row(pooled, tokens.ids, *word_starts(tokens, example.text))
    for window in encoder.windows([example.text]):
        part = replace(example, answers=spans)
        yield _Row(part, window.ids, window.firsts, window.ranges)
