"""A recurrent network on words, trained from nothing: what there was before encoders."""

import copy
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, answered
from ml.core.engines.base import Floats, Ints
from ml.core.errors import DivergedError
from ml.core.heads_numpy import outputs
from ml.core.lesson import Targets, as_floats, pooled_targets
from ml.core.losses import number_values, pooled_loss
from ml.core.scores import Scores
from ml.core.targets import Prior, prior

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_UNKNOWN: Final = 1
_MOST_WORDS: Final = 20_000
_LONGEST: Final = 200
_WIDTH: Final = 64
_BATCH: Final = 32
_EPOCHS: Final = 10
_PATIENCE: Final = 2
# A few rows make few steps an epoch; nothing is learned from nothing in fewer than these.
_LEAST_STEPS: Final = 600
_PATIENT_STEPS: Final = 100


class _Network(nn.Module):
    """Embed words, read them both ways, keep the largest state, one linear layer a question."""

    def __init__(self, heads: Sequence[HeadConfig], *, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, _WIDTH, padding_idx=0)
        self.lstm = nn.LSTM(_WIDTH, _WIDTH, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.outs = nn.ModuleList(nn.Linear(2 * _WIDTH, outputs(head)) for head in heads)

    def forward(self, ids: Tensor) -> list[Tensor]:
        """Return logits [rows, outputs] of every head for word numbers [rows, words], 0 padding."""
        lengths = (ids > 0).sum(dim=1).clamp_min(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(ids)), lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, padding_value=-1e4
        )
        pooled = self.dropout(states.max(dim=1).values)
        return [out(pooled) for out in self.outs]


@dataclass(frozen=True)
class LstmModel:
    """Score texts; questions about spans are not answered."""

    heads: tuple[HeadConfig, ...]
    words: Mapping[str, int]
    network: _Network
    priors: Mapping[str, Prior]

    @torch.no_grad()
    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
        self.network.eval()
        rows = [_numbered(text, self.words) for text in texts]
        found: dict[str, Floats] = {
            head.question: np.zeros((len(texts), 1 if head.kind is Kind.NUMBER else outputs(head)))
            for head in self.heads
        }
        order = np.argsort([len(row) for row in rows], kind="stable")
        for start in range(0, len(order), 128):
            chosen = order[start : start + 128]
            logits = self.network(_padded([rows[row] for row in chosen]))
            for head, values in zip(self.heads, logits, strict=True):
                found[head.question][chosen] = as_floats(self._scores(head, values))
        return dict(found)

    def _scores(self, head: HeadConfig, logits: Tensor) -> Tensor:
        if head.kind is not Kind.NUMBER:
            return logits
        own = self.priors[head.question]
        return number_values(head, logits, (own.centre, own.spread))


def fit_lstm(
    heads: Sequence[HeadConfig], examples: Sequence[Example], *, seed: int, seconds: float
) -> LstmModel | None:
    """Train on the questions that have no spans; None when there is none of them.

    Stops at the lowest validation loss, and in any case after `seconds`. Raises DivergedError when
    a loss stops being a number.
    """
    pooled = tuple(head for head in heads if head.kind is not Kind.SPANS)
    questions = {head.question for head in pooled}
    rows = [e for e in examples if e.split == "train" and questions & e.answers.keys()]
    if not rows:
        return None
    torch.manual_seed(seed)
    words = _vocabulary(rows)
    priors = {
        head.question: prior(head, answered(rows, head.question), is_weighted=False)
        for head in pooled
    }
    network = _Network(pooled, words=len(words) + 2)
    for out, head in zip(network.outs, pooled, strict=True):
        assert isinstance(out, nn.Linear)  # noqa: S101  (a ModuleList forgets the type)
        out.bias.data = torch.as_tensor(priors[head.question].bias, dtype=torch.float32)
    model = LstmModel(pooled, words, network, priors)
    held_out = [e for e in examples if e.split == "validation" and questions & e.answers.keys()]
    _train(model, rows, held_out, np.random.default_rng(seed), time.monotonic() + seconds)
    return model


def _train(
    model: LstmModel,
    rows: Sequence[Example],
    held_out: Sequence[Example],
    chance: np.random.Generator,
    until: float,
) -> None:
    network = model.network
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    texts = [_numbered(example.text, model.words) for example in rows]
    targets = pooled_targets(model.heads, rows)
    steps = -(-len(rows) // _BATCH)
    epochs, patience = max(_EPOCHS, _LEAST_STEPS // steps), max(_PATIENCE, _PATIENT_STEPS // steps)
    best, stale, kept = float("inf"), 0, copy.deepcopy(network.state_dict())
    for epoch in range(1, epochs + 1):
        for chosen in _batches(texts, chance):
            network.train()
            loss = _loss(model, [texts[row] for row in chosen], _of(targets, chosen))
            _check(loss.item(), epoch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            if time.monotonic() > until:
                break
        loss_now = _validation(model, held_out)
        _check(loss_now, epoch)
        stale = 0 if loss_now < best else stale + 1
        if loss_now <= best or not held_out:
            best, kept = loss_now, copy.deepcopy(network.state_dict())
        if stale >= patience or time.monotonic() > until:
            break
    network.load_state_dict(kept)


def _check(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise DivergedError(epoch)


@torch.no_grad()
def _validation(model: LstmModel, rows: Sequence[Example]) -> float:
    if not rows:
        return 0.0
    model.network.eval()
    texts = [_numbered(example.text, model.words) for example in rows]
    targets, total = pooled_targets(model.heads, rows), 0.0
    for start in range(0, len(rows), 128):
        chosen = np.arange(start, min(start + 128, len(rows)))
        loss = _loss(model, [texts[row] for row in chosen], _of(targets, chosen))
        total += float(loss) * len(chosen)
    return total / len(rows)


def _loss(model: LstmModel, texts: Sequence[Ints], targets: Mapping[str, Targets]) -> Tensor:
    losses = [
        pooled_loss(head, model.priors[head.question], logits, wanted)
        for head, logits in zip(model.heads, model.network(_padded(texts)), strict=True)
        if isinstance(wanted := targets[head.question], Tensor)
    ]
    return torch.stack(losses).sum()


def _of(targets: Mapping[str, Targets], rows: Ints) -> dict[str, Targets]:
    place = torch.from_numpy(rows)
    return {q: t[place] for q, t in targets.items() if isinstance(t, Tensor)}


def _batches(texts: Sequence[Ints], chance: np.random.Generator) -> Iterator[Ints]:
    # Texts of like length come together, so that little is computed for padding.
    noise = chance.normal(0, 3, len(texts))
    order = np.argsort([len(text) for text in texts] + noise, kind="stable")
    parts = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    for place in chance.permutation(len(parts)):
        yield parts[place]


def _vocabulary(examples: Sequence[Example]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for example in examples:
        counts.update(set(_WORD.findall(example.text.lower())))
    known = [word for word, count in counts.most_common(_MOST_WORDS) if count > 1]
    return {word: number for number, word in enumerate(sorted(known), start=_UNKNOWN + 1)}


def _numbered(text: str, words: Mapping[str, int]) -> Ints:
    found = [words.get(word, _UNKNOWN) for word in _WORD.findall(text.lower())[:_LONGEST]]
    return np.array(found or [_UNKNOWN], dtype=np.int64)


def _padded(rows: Sequence[Ints]) -> Tensor:
    table = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return torch.from_numpy(table)
