"""The training loop: a generator of events, the same for frozen and fine-tuned encoders."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from ml.core import stopping
from ml.core.adamw import AdamW
from ml.core.config import TrainConfig
from ml.core.engines.base import Ints
from ml.core.errors import DivergedError
from ml.core.events import Epoch, Event, Finished, Progress, Stage, event_to_json
from ml.core.lesson import Lesson, batches, mean_losses
from ml.core.network import Heads
from ml.core.targets import Prior

__all__ = ["Epoch", "Event", "Finished", "Part", "Progress", "Stage", "Study", "event_to_json"]

# A loss must fall by this share of the starting loss to count as better.
_LEAST_GAIN = 1e-3


@dataclass
class Part:
    """A piece of the network that stops by the validation losses of its own questions.

    Heads on a frozen encoder share nothing, so each is a part; a fine-tuned network is one part.
    """

    module: nn.Module
    weights: dict[str, float]
    best: float = math.inf
    stale: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)

    def note(self, losses: dict[str, float], starts: dict[str, float]) -> None:
        """Keep the state when the weighted mean relative loss of the questions is the lowest."""
        own = {q: weight for q, weight in self.weights.items() if q in losses}
        if not own:
            return
        shares = sum(weight * losses[q] / max(starts[q], 1e-6) for q, weight in own.items())
        share = shares / sum(own.values())
        self.stale = 0 if share < self.best - _LEAST_GAIN else self.stale + 1
        if share < self.best:
            self.best = share
            self.state = {k: v.detach().clone() for k, v in self.module.state_dict().items()}

    def restore(self) -> None:
        """Take back the best weights, where there were validation rows to choose by."""
        if self.state:
            self.module.load_state_dict(self.state)


@dataclass(frozen=True)
class Study:
    """Hold everything one training needs."""

    network: nn.Module
    heads: Heads
    priors: dict[str, Prior]
    train: Lesson
    validation: Lesson
    parts: Sequence[Part]
    encoder_rate: float = 0.0


def learn(study: Study, config: TrainConfig) -> Iterator[Epoch | Progress]:
    """Train until the validation losses stop falling or somebody wants the end of it.

    The best weights are taken back then.

    AdamW with linear warm-up and decay and clipped gradients (Devlin et al., 2019). Raises
    DivergedError when the loss stops being a number.
    """
    chance = np.random.default_rng(config.seed)
    steps = math.ceil(study.train.size / config.batch_size)
    epochs = max(config.epochs, math.ceil(config.minimum_steps / steps))
    optimiser = _optimiser(study, config)
    # Warming up for longer than an epoch only wastes epochs of a training that stops early.
    rising = max(1, min(int(config.warmup * steps * epochs), steps))
    starts = _validate(study)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for step, rows in enumerate(batches(study.train, config.batch_size, chance), start=1):
            share = _share(optimiser.steps, steps * epochs, rising)
            total += _step(study, config, optimiser, rows, share)
            if not math.isfinite(total):
                raise DivergedError(epoch)
            if study.encoder_rate:
                yield Progress((epoch - 1) * steps + step, epochs * steps, "Training")
            if stopping.is_asked():
                break
        losses = _validate(study)
        yield Epoch(epoch, total / step, _joint(study, losses), losses)
        for part in study.parts:
            part.note(losses, starts)
        if stopping.is_asked():
            break
        if losses and all(part.stale >= config.patience for part in study.parts if part.state):
            break
    for part in study.parts:
        part.restore()


def _step(study: Study, config: TrainConfig, optimiser: AdamW, rows: Ints, share: float) -> float:
    study.network.train()
    losses = study.train.losses(study.heads, study.priors, rows)
    if not losses:
        return 0.0
    weights = {head.question: head.weight for head in config.heads}
    loss = torch.stack([weights[q] * one for q, one in losses.items()]).sum()
    optimiser.clear()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    nn.utils.clip_grad_norm_(study.network.parameters(), config.clip)
    optimiser.step(share)
    return float(loss.detach())


def _validate(study: Study) -> dict[str, float]:
    if not study.validation.size:
        return {}
    return mean_losses(study.network, study.heads, study.priors, study.validation)


def _joint(study: Study, losses: dict[str, float]) -> float | None:
    if not losses:
        return None
    weights = {head.config.question: head.config.weight for head in study.heads.each}
    return sum(weights[question] * loss for question, loss in losses.items())


def _optimiser(study: Study, config: TrainConfig) -> AdamW:
    own = {id(parameter) for parameter in study.heads.parameters()}
    towers = [p for p in study.network.parameters() if id(p) not in own]
    groups = [(list(study.heads.parameters()), config.head_learning_rate)]
    return AdamW([*groups, (towers, study.encoder_rate)], config.weight_decay)


def _share(step: int, steps: int, rising: int) -> float:
    """Return the share of the peak rate at a step: up in a line, then down to zero in a line."""
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))
