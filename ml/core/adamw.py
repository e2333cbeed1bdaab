"""AdamW around torch's fused kernel: torch's own class imports its compiler first, which takes
longer than a refit, and one call for all parameters is several times faster than one for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

_BETAS: Final = (0.9, 0.999)
_EPSILON: Final = 1e-8


@dataclass
class _Moments:
    """Hold what AdamW remembers of one parameter."""

    first: Tensor
    second: Tensor
    steps: Tensor


@dataclass
class AdamW:
    """Move parameters by AdamW with bias correction (Loshchilov and Hutter, ICLR 2019).

    groups: (parameters, peak rate); a vector is not decayed, because pulling biases and norms to
    zero only shifts the outputs. A parameter counts its own steps: a head that few batches answer
    is corrected for the few it has seen.
    """

    groups: Sequence[tuple[Sequence[nn.Parameter], float]]
    decay: float
    steps: int = 0
    _moments: dict[int, _Moments] = field(default_factory=dict)

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
            moving = [p for p in parameters if p.grad is not None]
            self._move([p for p in moving if p.ndim > 1], rate * share, self.decay)
            self._move([p for p in moving if p.ndim <= 1], rate * share, 0.0)

    def state(self) -> dict[str, Tensor]:
        """Return what is remembered, named by the place of each parameter."""
        found: dict[str, Tensor] = {}
        for place, parameter in enumerate(self._all()):
            if moments := self._moments.get(id(parameter)):
                found[f"{place}.first"] = moments.first
                found[f"{place}.second"] = moments.second
                found[f"{place}.steps"] = moments.steps
        return found

    def restore(self, state: dict[str, Tensor], steps: int) -> None:
        """Take back what `state` returned, for the same parameters in the same order."""
        self.steps = steps
        for place, parameter in enumerate(self._all()):
            if f"{place}.first" in state:
                names = ("first", "second", "steps")
                first, second, count = (state[f"{place}.{name}"] for name in names)
                device = parameter.device
                self._moments[id(parameter)] = _Moments(
                    first.to(device), second.to(device), count.to(device)
                )

    def _all(self) -> list[nn.Parameter]:
        return [parameter for parameters, _ in self.groups for parameter in parameters]

    def _move(self, parameters: list[nn.Parameter], rate: float, decay: float) -> None:
        if not parameters:
            return
        moments = [self._of(parameter) for parameter in parameters]
        for one in moments:
            one.steps += 1
        torch._fused_adamw_(
            [*parameters],
            [p.grad for p in parameters if p.grad is not None],
            [one.first for one in moments],
            [one.second for one in moments],
            [],
            [one.steps for one in moments],
            lr=rate,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            weight_decay=decay,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def _of(self, parameter: nn.Parameter) -> _Moments:
        if id(parameter) not in self._moments:
            zero = torch.zeros((), dtype=torch.float32, device=parameter.device)
            self._moments[id(parameter)] = _Moments(
                torch.zeros_like(parameter), torch.zeros_like(parameter), zero
            )
        return self._moments[id(parameter)]
