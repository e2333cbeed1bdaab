"""Texts as tokens of which some are masked, and the layers that guess what they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.config import TrainConfig
from ml.core.encode import encodable, load_tokenizer, pad
from ml.core.engines.base import Floats, Ints
from ml.core.engines.torch import TextTower
from ml.core.errors import ConfigError, TooLittleDataError

_SHARE: Final = 0.15
_MASK_SHARE: Final = 0.8
_OTHER_SHARE: Final = 0.1
# What encoders call the token, BERT and its kin, RoBERTa and its kin.
_MASKS: Final = ("[MASK]", "<mask>")


class Guess(nn.Module):
    """Guess tokens from their states: a layer, then the encoder's own word embeddings.

    Its bias begins as the logarithm of how often each token comes, so that no step is spent on
    learning that.
    """

    def __init__(self, *, width: int, table: Tensor, counts: Floats) -> None:
        super().__init__()
        self.dense = nn.Linear(width, table.shape[1])
        self.norm = nn.LayerNorm(table.shape[1])
        shares = np.log((counts + 1) / (counts.sum() + len(counts)))
        self.bias = nn.Parameter(torch.from_numpy(shares.astype(np.float32)))

    def forward(self, states: Tensor, table: Tensor) -> Tensor:
        """Return [tokens, vocabulary] for states [tokens, width] and embeddings [vocabulary, *]."""
        values = self.norm(functional.gelu(self.dense(states)))
        return functional.linear(values, table, self.bias)


@dataclass(frozen=True)
class Masked:
    """Hold a batch: ids and mask [rows, longest], what is guessed [rows, longest], its ids."""

    ids: Tensor
    mask: Tensor
    places: Tensor
    wanted: Tensor


@dataclass(frozen=True)
class Reading:
    """Hold texts as tokens, which of them may be masked, and what reads and guesses them."""

    tower: TextTower
    guess: Guess
    rows: list[list[int]]
    open_places: list[Ints]
    mask_id: int
    pad_id: int

    @classmethod
    def of(
        cls, tower: TextTower, texts: Sequence[str], config: TrainConfig, tokenizer_file: Path
    ) -> "Reading":
        """Join an encoder with the first `max_tokens` of texts; those without a word are left out.

        Raises ConfigError for an encoder without a token for what is masked.
        """
        tokenizer = load_tokenizer(tokenizer_file, config.max_tokens)
        mask_id = next((i for m in _MASKS if (i := tokenizer.token_to_id(m)) is not None), None)
        if mask_id is None:
            raise ConfigError(
                f"The encoder {config.encoder} knows no token for masked words, so it cannot read "
                "texts without labels. Train without that, or choose another encoder."
            )
        found = tokenizer.encode_batch([encodable(text) for text in texts])
        chosen = [(e.ids, np.flatnonzero(np.array(e.special_tokens_mask) == 0)) for e in found]
        chosen = [(ids, places) for ids, places in chosen if len(places)]
        if not chosen:
            raise TooLittleDataError("There is no text to read that is not a test review's.")
        model: Any = tower.model
        table = model.get_input_embeddings().weight
        counts = np.zeros(len(table))
        for ids, places in chosen:
            np.add.at(counts, np.array(ids)[places], 1)
        width = int(model.config.hidden_size)
        return cls(
            tower=tower,
            guess=Guess(width=width, table=table, counts=counts).to(table.device),
            rows=[ids for ids, _ in chosen],
            open_places=[places for _, places in chosen],
            mask_id=mask_id,
            pad_id=int(model.config.pad_token_id or 0),
        )

    @property
    def lengths(self) -> Ints:
        """Return the number of tokens of every text."""
        return np.array([len(row) for row in self.rows], dtype=np.int64)

    @property
    def table(self) -> Tensor:
        """Return the encoder's word embeddings [vocabulary, width]."""
        model: Any = self.tower.model
        weight: Tensor = model.get_input_embeddings().weight
        return weight

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Return everything that may move."""
        return [*self.tower.parameters(), *self.guess.parameters()]

    def masked(self, rows: Ints, chance: np.random.Generator) -> Masked:
        """Choose 15 % of the tokens of each text, one at least, to be guessed.

        Eight in ten are masked, one becomes any token and one stays as it is, so that no state can
        rely on seeing a mask (Devlin et al., 2019).
        """
        ids, mask = pad([self.rows[row] for row in rows], self.pad_id)
        places = np.zeros(ids.shape, dtype=bool)
        for place, row in enumerate(rows):
            own = self.open_places[row]
            count = max(1, round(_SHARE * len(own)))
            places[place, chance.choice(own, count, replace=False)] = True
        wanted = ids[places]
        fates = chance.random(len(wanted))
        others = chance.integers(len(self.table), size=len(wanted))
        is_other = (fates >= _MASK_SHARE) & (fates < _MASK_SHARE + _OTHER_SHARE)
        shown = np.where(fates < _MASK_SHARE, self.mask_id, wanted)
        ids[places] = np.where(is_other, others, shown)
        device = self.table.device
        made = (torch.from_numpy(each).to(device) for each in (ids, mask, places, wanted))
        return Masked(*made)
