"""The events that a training yields; whoever runs it saves, logs and cancels."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stage:
    """Say in plain words what begins now."""

    message: str


@dataclass(frozen=True)
class Progress:
    """Say how much of the present stage is done."""

    done: int
    total: int
    message: str


@dataclass(frozen=True)
class Epoch:
    """Give the losses after one pass; a question's loss is its validation loss."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    per_question: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """Give the metrics and the directory of the checkpoint; always the last event."""

    metrics: dict[str, Any]
    directory: Path


@dataclass(frozen=True)
class Trial:
    """Give what one setting reached: validation losses as shares of those before learning."""

    number: int
    learning_rate: float
    hidden: int
    dropout: float
    score: float
    per_question: dict[str, float]
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Searched:
    """Name the best trial; always the last event of a search."""

    best: int


Event = Stage | Progress | Epoch | Trial | Searched | Finished


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object whose `event` is its name in lower case."""
    values = asdict(event)
    if isinstance(event, Finished):
        values["directory"] = str(event.directory)
    return {"event": type(event).__name__.lower(), **values}
