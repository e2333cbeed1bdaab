"""Let an encoder read texts without labels before it learns from labels: it guesses masked tokens.

The task's own texts teach it how people write there, which helps most where labels are few
(Gururangan et al., ACL 2020; Sun et al., CCL 2019). Only texts outside of the frozen test split may
be read, or the figures of a version would flatter it: whoever gives texts leaves that split out,
and `readable` drops once more what equals the text of a test review. Texts of training and
validation reviews are read without their answers.
"""

import hashlib
import math
import random
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.core import stopping
from ml.core.adamw import AdamW
from ml.core.config import TrainConfig
from ml.core.data import Example
from ml.core.dropout import quick_dropout
from ml.core.encode import check_length
from ml.core.engines.base import LAST
from ml.core.engines.torch import choose_device, load_tower, precision, save_tokenizer
from ml.core.events import Progress, Stage
from ml.core.layers import rates
from ml.core.lesson import batches
from ml.core.masking import Masked, Reading
from ml.core.resume import Saves
from ml.core.tuning import step_limit

_PASSES: Final = 3
_RATE: Final = 1e-4
_NEW_RATE: Final = 1e-3
# Share of the steps that the new layers have for themselves: before that they know nothing, and
# what they asked of the encoder would only harm it.
_ALONE: Final = 0.1
_RISING: Final = 0.06  # and of the steps that the encoder learns in, those with a rising rate


@dataclass(frozen=True)
class Pretrained:
    """Hold the encoder's weights after reading, and what a manifest says about it."""

    state: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass
class Course:
    """Say how far a reading is; `problem` is why it ended before its time, for people."""

    steps: int
    losses: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def alone(self) -> int:
        """Return for how many steps only the new layers learn."""
        return int(_ALONE * self.steps)

    def share(self, done: int) -> float:
        """Return the share of the peak rate at a step: up in a line, then down to zero in a line.

        The new layers, while they learn alone, have the whole of it.
        """
        if done < self.alone:
            return 1.0
        done, steps = done - self.alone, self.steps - self.alone
        return min((done + 1) / max(1, int(_RISING * steps)), (steps - done) / steps)


def readable(
    texts: Iterable[str], examples: Iterable[Example], *, count: int, seed: int
) -> list[str]:
    """Return at most `count` distinct texts drawn by the seed, none of them a test review's."""
    tested = {example.text.strip() for example in examples if example.split == "test"}
    own = list(dict.fromkeys(text for text in texts if text.strip() and text.strip() not in tested))
    if len(own) <= count:
        return own
    kept = random.Random(seed).sample(range(len(own)), count)  # noqa: S311 - a sample, no secret
    return [own[place] for place in sorted(kept)]


def texts_hash(texts: Sequence[str]) -> str:
    """Return the SHA-256 that names what was read, in order."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def pretrain(
    texts: Sequence[str], config: TrainConfig, *, scratch: Path, saves: Saves | None = None
) -> Generator[Stage | Progress, None, Pretrained]:
    """Return the encoder of a config after it has read texts; `saves` keeps a finished reading.

    Ends after `pretraining_steps` or `pretraining_minutes`, whichever comes first; the same seed
    and texts give the same weights unless it was the clock that ended it. Raises ConfigError for
    an encoder without a token for what is masked.
    """
    if found := saves.read() if saves else None:
        yield Stage("The texts without labels were read before the interruption")
        return Pretrained(found[0], found[1]["facts"])
    started = time.monotonic()
    torch.manual_seed(config.seed)
    tower, info = load_tower(config.encoder)
    check_length(info, config.max_tokens)
    save_tokenizer(config.encoder, scratch / "tokenizer.json")
    tower.to(choose_device(config.device))
    reading = Reading.of(tower, texts, config, scratch / "tokenizer.json")
    yield Stage(f"Reading {len(reading.rows):,} texts without labels, some of their words masked")
    with quick_dropout(tower.model):
        course = yield from read(reading, config, until=started + 60 * config.pretraining_minutes)
    facts = _facts(course, texts, len(reading.rows), time.monotonic() - started)
    yield Stage(_outcome(course))
    state = {name: tensor.detach().cpu() for name, tensor in tower.model.state_dict().items()}
    if saves:
        try:
            saves.write(state, {"facts": facts})
        except OSError as error:
            yield Stage(f"What was learned from them could not be saved ({error}); going on")
    return Pretrained(state, facts)


def read(
    reading: Reading, config: TrainConfig, *, until: float = math.inf
) -> Generator[Progress, None, Course]:
    """Read in passes, each with new masks, until the steps are done, the clock or somebody ends it.

    A step whose loss or gradient is not a number is not taken: the weights stay the last finite
    ones, and the course says so.
    """
    chance = np.random.default_rng(config.seed)
    limit = step_limit(config)
    course = Course(config.pretraining_steps)
    groups = rates(reading.tower.model, _RATE, decay=config.layer_decay, unfreeze=config.unfreeze)
    new = (list(reading.guess.parameters()), _NEW_RATE)
    optimiser = AdamW([new, *groups], config.weight_decay)
    while True:
        made = batches(reading.lengths, limit, chance)
        course.steps = course.steps or _PASSES * len(made)
        for rows in made:
            loss = _step(reading, config, optimiser, course, reading.masked(rows, chance))
            if not math.isfinite(loss):
                course.problem = f"the loss stopped being a number at step {len(course.losses) + 1}"
                return course
            course.losses.append(loss)
            done = len(course.losses)
            yield Progress(done, course.steps, f"Guessing masked words, loss {loss:.2f}")
            if done >= course.steps:
                return course
            if time.monotonic() >= until:
                course.problem = "its time was over"
                return course
            if stopping.is_asked():
                course.problem = "somebody wanted the end"
                return course


def _step(
    reading: Reading, config: TrainConfig, optimiser: AdamW, course: Course, batch: Masked
) -> float:
    """Take one step; return the mean loss of its masked tokens, NaN where it was not taken."""
    done = len(course.losses)
    is_alone = done < course.alone
    reading.tower.train()
    optimiser.clear()
    table = reading.table.detach() if is_alone else reading.table
    with precision(batch.ids.device, config.precision), torch.set_grad_enabled(not is_alone):
        states = reading.tower.states(batch.ids, batch.mask, LAST)[batch.places]
    with precision(batch.ids.device, config.precision):
        logits = reading.guess(states, table)
    loss = functional.cross_entropy(logits.float(), batch.wanted)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    length = nn.utils.clip_grad_norm_(reading.parameters, config.clip)
    if not (loss.isfinite() and length.isfinite()):
        return math.nan
    optimiser.step(course.share(done))
    return float(loss.detach())


def _facts(course: Course, texts: Sequence[str], count: int, seconds: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "texts": count,
        "texts_sha256": texts_hash(texts),
        "steps": len(course.losses),
        "seconds": round(seconds, 1),
    }
    if course.losses:
        tenth = max(1, len(course.losses) // 10)
        facts["first_loss"] = round(float(np.mean(course.losses[:tenth])), 4)
        facts["last_loss"] = round(float(np.mean(course.losses[-tenth:])), 4)
    return facts | ({"note": _outcome(course)} if course.problem else {})


def _outcome(course: Course) -> str:
    done = f"Read for {len(course.losses):,} of {course.steps:,} steps"
    if not course.problem:
        return done
    return f"{done}: {course.problem}; what was learned until then is kept"
