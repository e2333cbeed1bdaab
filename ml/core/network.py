"""The torch heads: one small network per question on shared features, and the neck before them."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core.config import HeadConfig, Kind
from ml.core.engines.base import Floats
from ml.core.heads_numpy import (
    LEAST_LENGTH,
    NumpyHead,
    NumpyNeck,
    neck_arrays,
    outputs,
    split_arrays,
)
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


class Neck(nn.Module):
    """Project a pooled vector and scale it to length one, each only where it is asked for.

    The projection begins as an orthogonal map, which keeps angles as far as its width allows: what
    the encoder holds apart is held apart from the first step on (Saxe et al., ICLR 2014).
    """

    def __init__(self, *, width: int, projection: int, is_normalised: bool) -> None:
        super().__init__()
        self.width = projection or width
        self.is_normalised = is_normalised
        self.projection = nn.Linear(width, projection) if projection else None
        if self.projection is not None:
            nn.init.orthogonal_(self.projection.weight)
            nn.init.zeros_(self.projection.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return [rows, projected or width] for pooled vectors [rows, width]."""
        values = pooled if self.projection is None else self.projection(pooled)
        return (
            functional.normalize(values, dim=-1, eps=LEAST_LENGTH) if self.is_normalised else values
        )


class Heads(nn.Module):
    """Hold one head per question, in the order of the config, and the neck that they share.

    Words pass the neck by: spans are read from token states, not from the pooled vector.
    """

    def __init__(
        self,
        configs: Sequence[HeadConfig],
        *,
        width: int,
        word_width: int,
        projection: int = 0,
        is_normalised: bool = False,
    ) -> None:
        super().__init__()
        self.neck = Neck(width=width, projection=projection, is_normalised=is_normalised)
        self.head = nn.ModuleList(
            Head(config, width=word_width if config.kind is Kind.SPANS else self.neck.width)
            for config in configs
        )

    @property
    def each(self) -> list[Head]:
        """Return the heads as what they are; a ModuleList forgets the type."""
        return [head for head in self.head if isinstance(head, Head)]

    def arrays(self) -> dict[str, Floats]:
        """Return every tensor as an array, `head.<number>.<name>` or `neck.<name>`."""
        return {name: np.array(tensor.cpu().numpy()) for name, tensor in self.state_dict().items()}

    def numpy(self) -> tuple[NumpyHead, ...]:
        """Return the heads as served."""
        arrays = self.arrays()
        return tuple(
            NumpyHead(head.config, split_arrays(arrays, i)) for i, head in enumerate(self.each)
        )

    def numpy_neck(self) -> NumpyNeck:
        """Return the neck as served."""
        return NumpyNeck(neck_arrays(self.arrays()), self.neck.is_normalised)


def load_arrays(heads: Heads, tensors: Mapping[str, Floats]) -> None:
    """Copy the tensors of a checkpoint that are named as by `Heads.arrays` into heads."""
    own = {n: a for n, a in tensors.items() if n.startswith(("head.", "neck."))}
    heads.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in own.items()})
