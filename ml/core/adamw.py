"""AdamW, written out: torch's own imports its compiler first, which takes longer than a refit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

_BETAS: Final = (0.9, 0.999)
_EPSILON: Final = 1e-8


@dataclass
class AdamW:
    """Move parameters by AdamW with bias correction (Loshchilov and Hutter, ICLR 2019).

    groups: (parameters, peak rate); a vector is not decayed, because pulling biases and norms to
    zero only shifts the outputs.
    """

    groups: Sequence[tuple[Sequence[nn.Parameter], float]]
    decay: float
    steps: int = 0
    _moments: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget the gradients."""
        for parameters, _ in self.groups:
            for parameter in parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Move every parameter that has a gradient, at `share` of its peak rate."""
        self.steps += 1
        for parameters, rate in self.groups:
            for parameter in parameters:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, rate * share)

    def _move(self, parameter: nn.Parameter, gradient: Tensor, rate: float) -> None:
        first, second = self._moments.setdefault(
            id(parameter), (torch.zeros_like(parameter), torch.zeros_like(parameter))
        )
        if parameter.ndim > 1:
            parameter.mul_(1 - rate * self.decay)
        first.lerp_(gradient, 1 - _BETAS[0])
        second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        spread = (second / (1 - _BETAS[1] ** self.steps)).sqrt_().add_(_EPSILON)
        parameter.addcdiv_(first, spread, value=-rate / (1 - _BETAS[0] ** self.steps))
