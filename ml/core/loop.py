"""The training loop: a generator of events, the same for frozen and fine-tuned encoders."""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from ml.core import stopping
from ml.core.adamw import AdamW
from ml.core.config import TrainConfig, sized
from ml.core.engines.base import Ints
from ml.core.errors import DivergedError, TooLittleDataError
from ml.core.events import Epoch, Event, Finished, Progress, Stage, event_to_json
from ml.core.layers import Group
from ml.core.lesson import WORDS, Lesson, Limit, batches, mean_losses
from ml.core.network import Heads
from ml.core.resume import Saves, under
from ml.core.targets import Prior

__all__ = ["Epoch", "Event", "Finished", "Part", "Progress", "Stage", "Study", "event_to_json"]

# A loss must fall by this share of the starting loss to count as better.
_LEAST_GAIN = 1e-3
# What a starting loss counts as at least. To guess between two options costs 0.7, and always to
# say the mean of the numbers 1.
_LEAST_START = 0.05


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
        """Keep the state when the weighted mean relative loss of the questions is the lowest.

        A question that was as good as decided before (all its answers are alike) is measured by a
        small part of a loss and not by its own start: a validation score that no single head
        dominates. Its loss would fall to a hundredth of nothing, and hide what the others do.
        """
        own = {q: weight for q, weight in self.weights.items() if q in losses}
        if not own:
            # Nothing to choose by: the latest weights are the ones to keep.
            self._keep()
            return
        shares = sum(weight * losses[q] / max(_LEAST_START, starts[q]) for q, weight in own.items())
        share = shares / sum(own.values())
        self.stale = 0 if share < self.best - _LEAST_GAIN else self.stale + 1
        if share < self.best:
            self.best = share
            self._keep()

    def _keep(self) -> None:
        self.state = {k: v.detach().clone() for k, v in self.module.state_dict().items()}

    def restore(self) -> None:
        """Take back the best weights, or the latest where no validation row chose any."""
        if self.state:
            self.module.load_state_dict(self.state)


@dataclass
class Study:
    """Hold everything one training needs.

    groups: (parameters, peak rate) of the encoder; without any only the heads learn. diverged is
    set when a loss stopped being a number and the last finite weights were taken back; stopped
    when somebody wanted the end: both to the epoch in which that was.
    """

    network: nn.Module
    heads: Heads
    priors: dict[str, Prior]
    train: Lesson
    validation: Lesson
    parts: Sequence[Part]
    groups: Sequence[Group] = ()
    limit: Limit | None = None
    accumulate: int = 1
    diverged: int = 0
    stopped: int = 0

    @property
    def relative_losses(self) -> dict[str, float]:
        """Return the lowest validation loss of every part with one question, 1 before learning.

        Less before learning where nearly nothing was to be learned. A question without validation
        rows has none.
        """
        parts = [part for part in self.parts if len(part.weights) == 1 and math.isfinite(part.best)]
        return {next(iter(part.weights)): part.best for part in parts}


def learn(
    study: Study, config: TrainConfig, saves: Saves | None = None
) -> Iterator[Epoch | Progress | Stage]:
    """Train until the validation losses stop falling or somebody wants the end of it.

    The best weights are taken back then. Losses that do not fall end nothing before
    `minimum_steps` are done, and a wish for the end nothing before the first epoch is.

    AdamW with linear warm-up and decay and clipped gradients (Devlin et al., 2019). When a loss, of
    training or of validation, stops being a number the training ends with the last finite weights;
    DivergedError is raised where there are none. With `saves` it goes on where a training that was
    killed had come to.
    """
    if not study.train.size:
        raise TooLittleDataError("There is no training review. Label some reviews first.")
    config = sized(config, rows=study.train.size)
    chance = np.random.default_rng(config.seed)
    limit = study.limit or Limit(config.batch_size, WORDS)
    optimiser = _optimiser(study, config)
    starts = _validate(study)
    done = _resume(study, optimiser, chance, starts, saves) if saves else 0
    if done:
        yield Stage(f"Going on after epoch {done} of a training that was interrupted")
    course = _Course(limit, epoch=done, epochs=done + 1)
    while course.epoch < course.epochs and not _is_over(study, config, optimiser.steps):
        course.epoch += 1
        total = yield from _pass(study, config, optimiser, chance, course)
        losses = _validate(study) if math.isfinite(total) else {}
        if not _are_finite(study, [total, *losses.values()]):
            _take_back(study, course.epoch)
            return
        yield Epoch(course.epoch, total, _joint(study, losses), losses)
        for part in study.parts:
            part.note(losses, starts)
        if saves and saves.is_due:
            yield from _save(study, optimiser, chance, starts, saves, course.epoch)
        if stopping.is_asked():
            study.stopped = course.epoch
            break
    for part in study.parts:
        part.restore()


@dataclass
class _Course:
    """Say where a training is: passes done, and passes planned once a pass is cut into steps."""

    limit: Limit
    epoch: int
    epochs: int


def _pass(
    study: Study,
    config: TrainConfig,
    optimiser: AdamW,
    chance: np.random.Generator,
    course: _Course,
) -> Generator[Progress, None, float]:
    """Go over the training rows once; return the mean loss of the steps, NaN when it diverged."""
    windows = _windows(
        batches(study.train.features.lengths(), course.limit, chance), study.accumulate
    )
    steps = len(windows)
    course.epochs = max(config.epochs, math.ceil(config.minimum_steps / steps))
    # Warming up for longer than an epoch only wastes epochs of a training that stops early.
    rising = max(1, min(int(config.warmup * steps * course.epochs), steps))
    total = 0.0
    for step, window in enumerate(windows, start=1):
        share = _share(optimiser.steps, steps * course.epochs, rising)
        total += _step(study, config, optimiser, window, share)
        if not math.isfinite(total):
            return math.nan
        if study.groups:
            yield Progress((course.epoch - 1) * steps + step, course.epochs * steps, "Training")
        # Weights of a few steps are the best so far only beside those of a whole pass.
        if stopping.is_asked() and course.epoch > 1:
            break
    return total / step


def _is_over(study: Study, config: TrainConfig, steps: int) -> bool:
    if steps < config.minimum_steps:
        return False
    chosen = [part for part in study.parts if math.isfinite(part.best)]
    return bool(chosen) and all(part.stale >= config.patience for part in chosen)


def _are_finite(study: Study, losses: Iterable[float]) -> bool:
    # What is no number makes the sum none: one reading instead of five tables of marks.
    sums = (float(p.detach().sum()) for p in study.network.parameters())
    return all(map(math.isfinite, [*losses, *sums]))


def _take_back(study: Study, epoch: int) -> None:
    if not all(part.state for part in study.parts):
        raise DivergedError(epoch)
    for part in study.parts:
        part.restore()
    study.diverged = epoch


def _windows(made: list[Ints], accumulate: int) -> list[list[Ints]]:
    return [made[at : at + accumulate] for at in range(0, len(made), accumulate)]


def _step(
    study: Study, config: TrainConfig, optimiser: AdamW, window: Sequence[Ints], share: float
) -> float:
    study.network.train()
    optimiser.clear()
    counts = _answers(study, window) if len(window) > 1 else {}
    total = sum(_backward(study, config, rows, counts) for rows in window)
    if math.isfinite(total):
        for part in study.parts:
            # Each by its own norm: one steep question would shorten the steps of all the others.
            nn.utils.clip_grad_norm_(part.module.parameters(), config.clip)
        optimiser.step(share)
    return total


def _backward(study: Study, config: TrainConfig, rows: Ints, counts: dict[str, int]) -> float:
    """Add the gradients of one batch; `counts` are the answers of the window it is a part of."""
    losses = study.train.losses(study.heads, study.priors, rows)
    if not losses:
        return 0.0
    weights = {head.question: head.weight for head in config.heads}
    if counts:
        # A mean of means would let a batch of one answer weigh as much as a batch of sixteen.
        weights = {
            q: weight * study.train.answered_counts(q, rows) / max(1, counts[q])
            for q, weight in weights.items()
        }
    loss = torch.stack([weights[q] * one for q, one in losses.items()]).sum()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return float(loss.detach())


def _answers(study: Study, window: Sequence[Ints]) -> dict[str, int]:
    rows = np.concatenate(window)
    return {
        head.config.question: study.train.answered_counts(head.config.question, rows)
        for head in study.heads.each
    }


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
    heads = (list(study.heads.parameters()), config.head_learning_rate)
    return AdamW([heads, *study.groups], config.weight_decay)


def _share(step: int, steps: int, rising: int) -> float:
    """Return the share of the peak rate at a step: up in a line, then down to zero in a line."""
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def _save(
    study: Study,
    optimiser: AdamW,
    chance: np.random.Generator,
    starts: dict[str, float],
    saves: Saves,
    epoch: int,
) -> Iterator[Stage]:
    tensors = {f"network.{k}": v for k, v in study.network.state_dict().items()}
    tensors |= {f"adamw.{k}": v for k, v in optimiser.state().items()}
    for number, part in enumerate(study.parts):
        tensors |= {f"part.{number}.{k}": v for k, v in part.state.items()}
    tensors["chance"] = torch.get_rng_state()
    values = {
        "epoch": epoch,
        "steps": optimiser.steps,
        "starts": starts,
        "chance": chance.bit_generator.state,
        # JSON has no infinity: a part that never saw validation rows has no best loss.
        "parts": [[p.best if math.isfinite(p.best) else None, p.stale] for p in study.parts],
    }
    try:
        saves.write(tensors, values)
    except OSError as error:
        yield Stage(f"The state after epoch {epoch} could not be saved ({error}); going on")


def _resume(
    study: Study,
    optimiser: AdamW,
    chance: np.random.Generator,
    starts: dict[str, float],
    saves: Saves,
) -> int:
    found = saves.read()
    if found is None:
        return 0
    tensors, values = found
    study.network.load_state_dict(under(tensors, "network."))
    optimiser.restore(under(tensors, "adamw."), values["steps"])
    for number, part in enumerate(study.parts):
        best, part.stale = values["parts"][number]
        part.best = math.inf if best is None else best
        part.state = under(tensors, f"part.{number}.")
    starts.update(values["starts"])
    chance.bit_generator.state = values["chance"]
    torch.set_rng_state(tensors["chance"])
    return int(values["epoch"])
