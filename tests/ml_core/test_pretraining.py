"""An encoder reads texts without labels, guesses masked words better and sees no test review."""

import json
import math
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.core import checkpoint, stopping
from ml.core.config import TrainConfig
from ml.core.data import Example
from ml.core.encode import pad
from ml.core.engines.torch import load_tower, save_tokenizer
from ml.core.errors import ConfigError
from ml.core.events import Finished, Progress, Stage
from ml.core.masking import Reading
from ml.core.predict import Predictor
from ml.core.pretraining import Course, Pretrained, pretrain, read, readable
from ml.core.resume import Saves
from ml.core.train import run
from tests.ml_core import tiny

# What follows is known from what stands before, so there is something to learn.
PAIRS = {"kettle": "boils", "lamp": "shines", "scarf": "warms", "knife": "cuts", "clock": "ticks"}
CORPUS = [
    f"the {thing} {verb} and the {thing} {verb} on day {day}"
    for day in range(12)
    for thing, verb in PAIRS.items()
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    texts = [*CORPUS, *(example.text for example in tiny.make_examples(100))]
    return str(tiny.make_encoder(tmp_path_factory.mktemp("masks"), texts=texts, has_mask=True))


def config(encoder: str, **settings: Any) -> TrainConfig:
    chosen: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "max_tokens": 32,
        "device": "cpu",
        "threads": 1,
        "pretraining_texts": 60,
        "pretraining_steps": 40,
    }
    return TrainConfig("full", (tiny.SENTIMENT,), encoder, **(chosen | settings))  # type: ignore[arg-type]


def told(events: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """Return every event and what a generator returns."""
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as stop:
            return seen, stop.value


def reading(encoder: str, texts: list[str], folder: Path, **settings: Any) -> Reading:
    torch.manual_seed(0)
    tower, _ = load_tower(encoder)
    save_tokenizer(encoder, folder / "tokenizer.json")
    return Reading.of(tower, texts, config(encoder, **settings), folder / "tokenizer.json")


def guessed(own: Reading) -> float:
    """Return the mean loss of masked words, always the same ones, without dropout."""
    own.tower.eval()
    batch = own.masked(np.arange(len(own.rows)), np.random.default_rng(9))
    with torch.no_grad():
        states = own.tower.states(batch.ids, batch.mask, "last")[batch.places]
        return float(torch.nn.functional.cross_entropy(own.guess(states, own.table), batch.wanted))


def test_masked_words_are_guessed_better(encoder: str, tmp_path: Path) -> None:
    own = reading(encoder, CORPUS, tmp_path)
    before = guessed(own)

    events, course = told(read(own, config(encoder, pretraining_steps=300)))

    # Before, only how often each word comes was known: 3.1; what is told by nothing stays unknown.
    assert guessed(own) < 0.9 * before
    assert [event.done for event in events] == list(range(1, 301))
    assert events[0].total == 300
    assert (len(course.losses), course.problem) == (300, "")


def test_of_the_tokens_fifteen_in_a_hundred_are_guessed_and_most_of_those_masked(
    encoder: str, tmp_path: Path
) -> None:
    own = reading(encoder, ["kettle " * 28] * 200, tmp_path)
    kettle, rows = own.rows[0][1], np.arange(200)

    batch = own.masked(rows, np.random.default_rng(1))

    shown = batch.ids[batch.places]
    assert batch.places.sum().item() == 200 * round(0.15 * 28)
    assert not batch.places[:, [0, -1]].any()  # the marks of beginning and end
    assert set(batch.wanted.tolist()) == {kettle}
    assert (shown == own.mask_id).float().mean() == pytest.approx(0.8, abs=0.05)
    assert (shown == kettle).float().mean() == pytest.approx(0.1, abs=0.04)
    original = torch.from_numpy(pad(own.rows, own.pad_id)[0])
    assert torch.equal(batch.ids[~batch.places], original[~batch.places])


def test_texts_of_test_reviews_are_left_out() -> None:
    examples = [
        Example(1, "read me", "train"),
        Example(2, "measure me", "test"),
        Example(3, "choose by me", "validation"),
    ]

    found = readable(
        ["read me", "measure me", " measure me\n", "choose by me", "", "  ", "new", "new"],
        examples,
        count=10,
        seed=0,
    )

    assert found == ["read me", "choose by me", "new"]
    many = [str(number) for number in range(100)]
    assert readable(many, [], count=5, seed=1) == readable(many, [], count=5, seed=1)
    assert readable(many, [], count=5, seed=1) != readable(many, [], count=5, seed=2)


def weights(found: Pretrained) -> torch.Tensor:
    return torch.cat([found.state[name].flatten() for name in sorted(found.state)])


def test_the_same_seed_gives_the_same_weights(encoder: str, tmp_path: Path) -> None:
    found = []
    for seed in (1, 1, 2):
        own = config(encoder, seed=seed, pretraining_steps=12)
        random.seed(seed * 7)
        found.append(told(pretrain(CORPUS, own, scratch=tmp_path))[1])

    assert torch.equal(weights(found[0]), weights(found[1]))
    assert not torch.equal(weights(found[0]), weights(found[2]))
    assert found[0].facts["texts_sha256"] == found[2].facts["texts_sha256"]


def test_a_loss_that_is_no_number_ends_it_with_the_last_finite_weights(
    encoder: str, tmp_path: Path
) -> None:
    own = reading(encoder, CORPUS, tmp_path)
    steps = read(own, config(encoder))
    for _ in range(20):
        next(steps)
    kept = {name: tensor.clone() for name, tensor in own.tower.state_dict().items()}
    with torch.no_grad():
        own.guess.bias[own.mask_id] = math.nan

    events, course = told(steps)

    assert events == []
    assert course.problem == "the loss stopped being a number at step 21"
    assert all(torch.equal(kept[n], tensor) for n, tensor in own.tower.state_dict().items())


def test_the_clock_and_a_wish_for_the_end_are_heeded(
    encoder: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    own = reading(encoder, CORPUS, tmp_path)

    _, late = told(read(own, config(encoder), until=0.0))
    request.addfinalizer(stopping.forget)
    stopping.ask()
    _, wished = told(read(own, config(encoder)))

    assert (len(late.losses), late.problem) == (1, "its time was over")
    assert (len(wished.losses), wished.problem) == (1, "somebody wanted the end")


def test_the_new_layers_learn_alone_before_the_encoder_does(encoder: str, tmp_path: Path) -> None:
    own = reading(encoder, CORPUS, tmp_path)
    before = {name: tensor.clone() for name, tensor in own.tower.state_dict().items()}
    dense = own.guess.dense.weight.detach().clone()
    steps = read(own, config(encoder, pretraining_steps=100))

    for _ in range(10):
        next(steps)

    assert all(torch.equal(before[n], tensor) for n, tensor in own.tower.state_dict().items())
    assert not torch.equal(dense, own.guess.dense.weight)
    next(steps)
    assert not torch.equal(before["model.embeddings.word_embeddings.weight"], own.table)
    assert [Course(100).share(done) for done in (0, 10, 99)] == [1.0, 0.2, pytest.approx(1 / 90)]


def test_a_finished_reading_is_not_repeated(encoder: str, tmp_path: Path) -> None:
    saves, own = Saves(tmp_path / "kept", "key"), config(encoder, pretraining_steps=3)
    _, first = told(pretrain(CORPUS, own, scratch=tmp_path, saves=saves))

    events, again = told(pretrain(CORPUS, own, scratch=tmp_path, saves=saves))

    assert [type(event) for event in events] == [Stage]
    assert (again.facts, torch.equal(weights(again), weights(first))) == (first.facts, True)


def test_an_encoder_without_masks_is_refused_in_one_line(tmp_path: Path) -> None:
    plain = str(tiny.make_encoder(tmp_path / "plain"))

    with pytest.raises(ConfigError, match="no token for masked words"):
        told(pretrain(["This lovely kettle came."], config(plain), scratch=tmp_path))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return tiny.make_examples(100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


def train(
    examples: list[Example], own: TrainConfig, folder: Path, texts: list[str] | None
) -> list[Any]:
    folders = {name: folder / name for name in ("features_dir", "encoders_dir", "output_dir")}
    return list(run(examples, own, texts, **folders))


@pytest.fixture(scope="module")
def events(encoder: str, examples: list[Example], folder: Path) -> list[Any]:
    texts = [*CORPUS, *(e.text for e in examples)]
    own = config(encoder, pretraining_texts=500, pretraining_steps=20, beside=("single_task",))
    return train(examples, own, folder, texts)


def test_a_training_says_that_texts_were_read_and_how_many(
    events: list[Any], examples: list[Example]
) -> None:
    finished = events[-1]
    assert isinstance(finished, Finished)
    tested = {e.text for e in examples if e.split == "test"}
    count = len(set(CORPUS) | {e.text for e in examples} - tested)

    manifest = json.loads((finished.directory / "manifest.json").read_text())
    card = (finished.directory / "CARD.md").read_text()

    assert manifest["pretraining"]["texts"] == finished.metrics["pretraining"]["texts"] == count
    assert manifest["pretraining"]["steps"] == 20
    assert f"the encoder read {count:,} texts without labels" in card
    assert "pretraining" in finished.metrics["seconds"]
    read_steps = [e for e in events if isinstance(e, Progress) and "masked words" in e.message]
    assert [e.done for e in read_steps] == list(range(1, 21))
    checkpoint.verify(finished.directory)


def test_what_was_read_is_where_fine_tuning_begins(
    events: list[Any], encoder: str, examples: list[Example], tmp_path: Path
) -> None:
    # At a rate of nothing fine-tuning leaves the encoder as it finds it.
    own = config(encoder, learning_rate=1e-12, epochs=1, pretraining_steps=20, weight_decay=0.0)
    texts = [example.text for example in examples if example.split == "train"]
    (tmp_path / "reading").mkdir()
    _, alone = told(
        pretrain(readable(texts, examples, count=60, seed=0), own, scratch=tmp_path / "reading")
    )

    finished = train(examples, own, tmp_path, None)[-1]

    tensors = checkpoint.read_tensors(finished.directory / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    np.testing.assert_allclose(tensors[f"encoder.{name}"], alone.state[name].numpy(), atol=1e-6)
    fresh = load_tower(encoder)[0].model.state_dict()[name].numpy()
    assert np.abs(tensors[f"encoder.{name}"] - fresh).max() > 1e-4
    assert Predictor.load(finished.directory).predict(["lovely kettle"])


def test_it_is_off_by_default_and_only_for_what_is_fine_tuned(encoder: str) -> None:
    plain = TrainConfig("full", (tiny.SENTIMENT,), encoder)  # type: ignore[arg-type]
    old = {k: v for k, v in plain.to_json().items() if not k.startswith("pretraining")}

    assert plain.pretraining_texts == TrainConfig.from_json(old).pretraining_texts == 0
    with pytest.raises(ConfigError, match="only a fine-tuned encoder reads texts before"):
        TrainConfig("frozen", (tiny.SENTIMENT,), encoder, pretraining_texts=9)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="minutes of reading"):
        config(encoder, pretraining_minutes=0)
