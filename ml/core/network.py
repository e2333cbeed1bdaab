"""The torch heads: one small network per question on shared features."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ml.core.config import HeadConfig, Kind
from ml.core.engines.base import Floats
from ml.core.heads_numpy import NumpyHead, outputs, split_arrays
from ml.core.targets import Prior


class Head(nn.Module):
    """Standardise features, then Linear, ReLU, Dropout, Linear; without `hidden` one Linear.

    mean, scale: [width], the training features' own; unit: (centre, spread) of an unbounded number.
    """

    mean: Tensor
    scale: Tensor
    unit: Tensor

    def __init__(self, config: HeadConfig, *, width: int) -> None:
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(width, config.hidden) if config.hidden else None
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.hidden or width, outputs(config))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("unit", torch.tensor([0.0, 1.0]))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits [..., outputs] for features [..., width]."""
        values = (features - self.mean) / self.scale
        if self.hidden is not None:
            values = torch.relu(self.hidden(values))
        logits: Tensor = self.out(self.dropout(values))
        return logits

    @torch.no_grad()
    def start_from(self, prior: Prior, features: Floats) -> None:
        """Set the output bias to the prior and standardise by features [rows, width].

        The first prediction is then the majority's, and no step is spent on learning it.
        """
        self.out.weight.mul_(0.1)
        self.out.bias.copy_(torch.as_tensor(prior.bias, dtype=torch.float32))
        self.unit.copy_(torch.tensor([prior.centre, prior.spread]))
        if len(features) > 1:
            self.mean.copy_(torch.from_numpy(features.mean(axis=0)))
            self.scale.copy_(torch.from_numpy(features.std(axis=0)).clamp_min(1e-3))


class Heads(nn.ModuleList):
    """Hold one head per question, in the order of the config."""

    def __init__(self, configs: Sequence[HeadConfig], *, width: int, word_width: int) -> None:
        super().__init__(
            Head(config, width=word_width if config.kind is Kind.SPANS else width)
            for config in configs
        )

    @property
    def each(self) -> list[Head]:
        """Return the heads as what they are; a ModuleList forgets the type."""
        return [head for head in self if isinstance(head, Head)]

    def arrays(self) -> dict[str, Floats]:
        """Return every tensor as an array named `head.<number>.<name>`."""
        state = self.state_dict()
        return {f"head.{name}": np.array(tensor.cpu().numpy()) for name, tensor in state.items()}

    def numpy(self) -> tuple[NumpyHead, ...]:
        """Return the heads as served."""
        arrays = self.arrays()
        return tuple(
            NumpyHead(head.config, split_arrays(arrays, i)) for i, head in enumerate(self.each)
        )


def load_arrays(heads: Heads, arrays: Mapping[str, Floats]) -> None:
    """Copy arrays named as by `Heads.arrays` into heads."""
    heads.load_state_dict(
        {name.removeprefix("head."): torch.from_numpy(np.array(a)) for name, a in arrays.items()}
    )
