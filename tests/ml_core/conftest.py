from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ml.core import stopping
from ml.core.config import HeadConfig, Tier, TrainConfig
from ml.core.data import Example
from ml.core.events import Event, Finished
from ml.core.train import run
from tests.ml_core import tiny

# A random encoder of width 32 knows nothing: it takes more steps, and faster ones, than a real one.
FROZEN: Any = {"epochs": 60, "batch_size": 8}
# Short texts fill a batch with twice as many rows.
FULL: Any = {"epochs": 20, "learning_rate": 1e-3, "batch_size": 4}


@dataclass(frozen=True)
class Workshop:
    """Hold the folders that trainings of one test session share."""

    folder: Path
    encoder: str

    def config(
        self, tier: str, heads: tuple[HeadConfig, ...] = tiny.HEADS, **settings: Any
    ) -> TrainConfig:
        chosen: dict[str, Any] = {"max_tokens": 32, "device": "cpu", "threads": 1, **settings}
        return TrainConfig(Tier(tier), heads, self.encoder, **chosen)

    def events(self, examples: list[Example], config: TrainConfig, output: Path) -> list[Event]:
        folders = {name: self.folder / name for name in ("features_dir", "encoders_dir")}
        return list(run(examples, config, **folders, output_dir=output))

    def train(self, examples: list[Example], config: TrainConfig, output: Path) -> Finished:
        last = self.events(examples, config, output)[-1]
        assert isinstance(last, Finished)
        return last


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("workshop")
    return Workshop(folder, str(tiny.make_encoder(folder / "tiny")))


@pytest.fixture
def unwished() -> Iterator[None]:
    """Take back the wish for the end that a test has had."""
    yield
    stopping.forget()


@pytest.fixture(scope="session")
def frozen(workshop: Workshop) -> Finished:
    config = workshop.config("frozen", **FROZEN)
    return workshop.train(tiny.make_examples(200), config, workshop.folder / "frozen")


@pytest.fixture(scope="session")
def tfidf(workshop: Workshop) -> Finished:
    config = workshop.config("tfidf")
    return workshop.train(tiny.make_examples(200), config, workshop.folder / "tfidf")


@pytest.fixture(scope="session")
def full(workshop: Workshop) -> Finished:
    config = workshop.config("full", **FULL)
    return workshop.train(tiny.make_examples(200), config, workshop.folder / "full")
