"""Search a few settings of the heads on a frozen encoder, judged by the validation reviews."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ml.core import fitting
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.data import Example, answered, check_answers
from ml.core.errors import ConfigError, TooLittleDataError
from ml.core.events import Epoch, Progress, Searched, Stage, Trial
from ml.core.loop import Study
from ml.core.space import SPACE, Space, drawn
from ml.core.targets import usable_heads


def search(
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    count: int,
    features_dir: Path,
    encoders_dir: Path,
    space: Space = SPACE,
) -> Iterator[Stage | Progress | Trial | Searched]:
    """Encode once, train the heads by every setting, name the one of the lowest validation loss.

    The test reviews are not looked at. Raises a CoreError where there is nothing to learn from or
    to judge by.
    """
    if config.tier is not Tier.FROZEN or count < 1:
        raise ConfigError("Settings are searched on a frozen encoder, in at least one trial.")
    rows, config = _usable(examples, config, encoders_dir)
    prepared = yield from fitting.prepare_frozen(
        rows, config, features_dir=features_dir, encoders_dir=encoders_dir
    )
    trials: list[Trial] = []
    settings = drawn(space, count, seed=config.seed)
    for number, setting in enumerate(settings, start=1):
        yield Progress(number - 1, len(settings), "Trying settings")
        trials.append(_trial(prepared, config, number, setting))
        yield trials[-1]
    yield Searched(min(trials, key=lambda trial: (trial.score, trial.number)).number)


def _usable(
    examples: Sequence[Example], config: TrainConfig, encoders_dir: Path
) -> tuple[list[Example], TrainConfig]:
    if config.projection:
        raise ConfigError("Settings are searched head by head, and a projection joins the heads.")
    check_answers(examples, config.heads)
    rows = [example for example in examples if example.split != "test"]
    heads = usable_heads(config.heads, rows)
    if not heads:
        raise TooLittleDataError("There is no training review. Label some reviews first.")
    if not any(answered(rows, head.question, "validation") for head in heads):
        raise TooLittleDataError(
            "No validation review has an answer, so settings cannot be compared. "
            "Label more reviews first."
        )
    config = replace(config, heads=heads)
    if not config.max_tokens:
        config = replace(config, max_tokens=fitting.max_tokens(config, rows, encoders_dir))
    return rows, config


def _trial(
    prepared: fitting.Prepared,
    config: TrainConfig,
    number: int,
    setting: tuple[float, int, float],
) -> Trial:
    rate, hidden, dropout = setting
    started = time.monotonic()
    heads = tuple(_head(head, hidden, dropout) for head in config.heads)
    epochs = 0
    tried = fitting.fit_heads(prepared, replace(config, heads=heads, head_learning_rate=rate))
    while True:
        try:
            epochs += isinstance(next(tried), Epoch)
        except StopIteration as stop:
            study: Study = stop.value
            break
    scores = study.relative_losses
    weights = {head.question: head.weight for head in heads}
    total = sum(weights[question] for question in scores)
    score = sum(weights[question] * value for question, value in scores.items()) / total
    seconds = round(time.monotonic() - started, 2)
    return Trial(number, rate, hidden, dropout, score, scores, epochs, seconds)


def _head(head: HeadConfig, hidden: int, dropout: float) -> HeadConfig:
    width = head.hidden if head.kind is Kind.SPANS else hidden
    return replace(head, hidden=width, dropout=dropout)
