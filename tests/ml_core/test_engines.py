import numpy as np
import pytest
import torch

from ml.core.config import Tier, TrainConfig
from ml.core.encode import REACH, TextEncoder, pad
from ml.core.engines.export import exported
from ml.core.engines.onnx import OnnxEngine
from ml.core.engines.torch import TorchEngine, choose_device, load_tower
from ml.core.errors import ConfigError
from ml.core.tuning import tower_lesson
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


@pytest.fixture(scope="module")
def engines(workshop: Workshop) -> tuple[OnnxEngine, TorchEngine]:
    folder = exported(workshop.encoder, workshop.folder / "encoders_dir")
    tower, info = load_tower(workshop.encoder)
    return OnnxEngine(folder, threads=1), TorchEngine(tower, info, folder / "tokenizer.json")


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
