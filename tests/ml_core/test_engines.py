import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.core import fitting, hardware
from ml.core.config import Tier, TrainConfig
from ml.core.encode import REACH, TextEncoder, pad
from ml.core.engines import torch as engines_torch
from ml.core.engines.export import exported
from ml.core.engines.growing import GrowingEngine, agreement
from ml.core.engines.onnx import OnnxEngine
from ml.core.engines.torch import TextTower, TorchEngine, choose_device, load_tower
from ml.core.errors import ConfigError
from ml.core.events import Finished
from ml.core.predict import torch_engine
from ml.core.tuning import tower_lesson
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


@pytest.fixture(scope="module")
def engines(workshop: Workshop) -> tuple[OnnxEngine, TorchEngine]:
    folder = exported(workshop.encoder, workshop.folder / "encoders_dir")
    tower, info = load_tower(workshop.encoder)
    return OnnxEngine(folder, threads=1), TorchEngine(tower, info, folder / "tokenizer.json")


class Paced:
    """An engine that takes its time and answers with given states."""

    def __init__(self, like: OnnxEngine, states: np.ndarray, seconds: float) -> None:
        self.info, self.tokenizer_file = like.info, like.tokenizer_file
        self._states, self._seconds = states, seconds

    def states(self, ids: np.ndarray, *_others: object) -> np.ndarray:
        time.sleep(self._seconds)
        return self._states[: len(ids)]


@pytest.mark.parametrize(
    ("seconds", "error", "goes_over"), [(0.0, 0.01, True), (0.05, 0.01, False), (0.0, 0.1, False)]
)
def test_much_work_goes_over_to_an_engine_that_is_faster_and_agrees(
    engines: tuple[OnnxEngine, TorchEngine], seconds: float, error: float, goes_over: bool
) -> None:
    chance = np.random.default_rng(2)
    states = chance.normal(size=(300, 3, 16)).astype(np.float32)
    other = states + error * chance.normal(size=states.shape).astype(np.float32)
    first = Paced(engines[0], states, 0.02)
    second = Paced(engines[0], other, seconds)
    loaded: list[Paced] = []

    def load() -> Paced:
        loaded.append(second)
        return second

    growing = GrowingEngine(first, load)
    ids = mask = np.ones((300, 3), dtype=np.int64)
    assert growing.states(ids, mask) is not None
    assert growing.states(ids, mask) is not None
    assert not loaded

    found = [growing.states(ids, mask) for _ in range(2)]

    assert loaded == [second]
    assert (growing.chosen is second) == goes_over
    assert all(np.array_equal(one, other if goes_over else states) for one in found)


def test_bfloat16_on_a_processor_gives_nearly_the_same_states(
    workshop: Workshop, engines: tuple[OnnxEngine, TorchEngine]
) -> None:
    tower, info = load_tower(workshop.encoder)
    in_bf16 = TorchEngine(tower, info, engines[0].tokenizer_file, is_bf16=True)
    chance = np.random.default_rng(0)
    ids, mask = pad([chance.integers(4, 100, n).tolist() for n in (7, 12, 3)], 0)

    for layers in ("last", "upper"):
        wanted, found = (engine.states(ids, mask, layers) for engine in (engines[0], in_bf16))
        assert found.dtype == np.float32
        assert agreement(wanted, found, mask) > 0.999


@pytest.mark.parametrize("has_units", [True, False])
def test_a_training_encodes_in_bfloat16_only_where_the_processor_has_units_for_it(
    workshop: Workshop, has_units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "has_bf16", lambda: has_units)
    folder = exported(workshop.encoder, workshop.folder / "encoders_dir")
    config = TrainConfig(Tier.FROZEN, tiny.HEADS, workshop.encoder, device="cpu")

    growing = fitting.engine_of(config, folder)
    exact = fitting.engine_of(replace(config, precision="fp32"), folder)

    assert isinstance(growing, GrowingEngine) == has_units
    assert isinstance(exact, OnnxEngine)


@pytest.mark.parametrize(
    ("wish", "computed"), [("auto", "bf16"), ("bf16", "bf16"), ("fp32", "fp32")]
)
def test_a_gpu_encodes_in_the_arithmetic_that_a_training_wished_for(
    wish: str, computed: str, workshop: Workshop, frozen: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Chosen here and not run: what is tested needs no GPU.
    monkeypatch.setattr(fitting, "choose_device", lambda _wish: "cuda")
    monkeypatch.setattr(engines_torch, "choose_device", lambda _wish: "cuda")
    monkeypatch.setattr(TextTower, "to", lambda self, *_where: self)
    config = replace(workshop.config("frozen"), precision=wish)
    settings = {"tower": None, "train": config.to_json()}

    training = fitting.engine_of(config, Path(workshop.encoder))
    predicting = torch_engine(frozen.directory, settings, {})

    assert isinstance(training, TorchEngine)
    assert (training.device.type, training.precision) == ("cuda", computed)
    assert (predicting.device.type, predicting.precision) == ("cuda", computed)


@pytest.mark.parametrize("layers", ["last", "upper"])
@pytest.mark.parametrize("lengths", [(1,), (3, 9), (5, 5, 64, 2)])
def test_onnx_and_torch_give_the_same_states(
    engines: tuple[OnnxEngine, TorchEngine], lengths: tuple[int, ...], layers: str
) -> None:
    chance = np.random.default_rng(0)
    ids, mask = pad([chance.integers(4, 100, n).tolist() for n in lengths], 0)

    onnx, reference = (engine.states(ids, mask, layers) for engine in engines)

    np.testing.assert_allclose(onnx * mask[..., None], reference * mask[..., None], atol=1e-3)


def test_the_two_readings_of_the_layers_differ(
    engines: tuple[OnnxEngine, TorchEngine],
) -> None:
    ids, mask = pad([[2, 9, 3]], 0)

    assert np.abs(engines[0].states(ids, mask) - engines[0].states(ids, mask, "upper")).max() > 0.01


def test_training_reads_the_features_that_serving_reads(
    workshop: Workshop, engines: tuple[OnnxEngine, TorchEngine]
) -> None:
    config = TrainConfig(Tier.FULL, tiny.HEADS, workshop.encoder, max_tokens=32)
    encoder = TextEncoder(engines[0], max_tokens=32, pooling="mean", layers="last")
    examples = tiny.make_examples(6)
    lesson = tower_lesson(examples, config, engines[1].tower, encoder)

    with torch.no_grad():
        engines[1].tower.eval()
        pooled, words = lesson.features.batch(np.arange(6))

    texts = [example.text for example in examples]
    assert pooled is not None
    assert words is not None
    np.testing.assert_allclose(pooled.numpy(), encoder.pooled(texts), atol=1e-3)
    for row, served in zip(words.numpy(), encoder.words(texts), strict=True):
        assert len(served.states) > 2 * REACH
        np.testing.assert_allclose(row[: len(served.states)], served.states, atol=1e-3)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")

    with pytest.raises(ConfigError, match="no usable GPU"):
        choose_device("cuda")
    assert choose_device("auto") == "cpu"
