"""What stands between the encoder and the heads: a projection and a length of one, on request."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.core import checkpoint
from ml.core.config import TrainConfig
from ml.core.errors import ConfigError
from ml.core.events import Finished
from ml.core.explain import explain
from ml.core.network import Heads
from ml.core.predict import Predictor
from ml.core.search import search
from tests.ml_core import tiny
from tests.ml_core.conftest import FROZEN, FULL, Workshop

HEADS = (tiny.SENTIMENT, tiny.WEIGHT, tiny.THING)
NECK: Any = {"projection": 12, "normalise": True}


@pytest.mark.parametrize(
    ("projection", "is_normalised"),
    [(0, False), (0, True), (3, False), (9, True)],
    ids=["as it is", "length one", "projected", "both"],
)
def test_the_served_neck_equals_the_torch_neck(projection: int, is_normalised: bool) -> None:
    torch.manual_seed(1)
    heads = Heads(
        [tiny.SENTIMENT], width=6, word_width=12, projection=projection, is_normalised=is_normalised
    )
    pooled = np.random.default_rng(2).normal(1, 2, size=(5, 6)).astype(np.float32)
    pooled[0] = 0

    served = heads.numpy_neck().apply(pooled)

    reference = heads.neck(torch.from_numpy(pooled)).detach().numpy()
    np.testing.assert_allclose(served, reference, atol=1e-6)
    assert served.shape == (5, projection or 6)
    assert heads.each[0].mean.shape == (projection or 6,)
    lengths = np.linalg.norm(served[1:], axis=1)
    assert np.allclose(lengths, 1, atol=1e-6) == is_normalised


@pytest.fixture(scope="module", params=["frozen", "full"])
def necked(request: pytest.FixtureRequest, workshop: Workshop) -> Finished:
    settings = FROZEN if request.param == "frozen" else FULL
    config = workshop.config(request.param, HEADS, **settings, **NECK, baselines=False, blend=False)
    output = workshop.folder / f"necked-{request.param}"
    return workshop.train(tiny.make_examples(200), config, output)


def test_a_version_with_a_neck_learns_and_answers_with_every_engine(necked: Finished) -> None:
    texts = [example.text for example in tiny.make_examples(8, seed=3)]

    served = Predictor.load(necked.directory).predict(texts)
    reference = Predictor.load(necked.directory, engine="torch").predict(texts)

    for one, other in zip(served, reference, strict=True):
        assert one["sentiment"]["option"] == other["sentiment"]["option"]
        assert one["weight"]["value"] == pytest.approx(other["weight"]["value"], abs=1e-2)
    settings = checkpoint.read_json(necked.directory / "config.json")["train"]
    figure = necked.metrics["questions"]["sentiment"]["model"]["headline"]["value"]
    # The frozen encoder is random: what its heads cannot see, they cannot learn.
    assert figure >= (0.75 if settings["tier"] == "frozen" else 0.9)
    assert (settings["projection"], settings["normalise"]) == (12, True)
    tensors = checkpoint.read_tensors(necked.directory / "model.safetensors")
    assert tensors["neck.projection.weight"].shape == (12, 32)
    assert tensors["head.0.mean"].shape == (12,)
    assert tensors["head.2.mean"].shape == (64,)  # words pass the neck by


def test_explanations_go_through_the_neck(necked: Finished) -> None:
    found, *_ = explain(necked.directory, tiny.make_examples(4)[0].text, "weight")

    value = Predictor.load(necked.directory).predict([tiny.make_examples(4)[0].text])[0]
    assert found.value == pytest.approx(value["weight"]["value"], abs=1e-2)
    assert abs(found.gap) < 0.05 * max(1.0, abs(found.value - found.base))


def test_a_projection_learns_and_cached_vectors_serve_with_and_without_it(
    workshop: Workshop, tmp_path: Path
) -> None:
    folders = set((workshop.folder / "features_dir").glob("*"))
    config = workshop.config("frozen", HEADS[:2], epochs=3, **NECK, baselines=False, blend=False)

    found = workshop.train(tiny.make_examples(200), config, tmp_path / "out")

    weight = checkpoint.read_tensors(found.directory / "model.safetensors")[
        "neck.projection.weight"
    ]
    # It begins with orthonormal rows, so whatever differs from that was learned.
    assert np.abs(weight @ weight.T - np.eye(12)).max() > 1e-3
    assert set((workshop.folder / "features_dir").glob("*")) == folders


def test_versions_from_before_there_was_a_neck_still_answer(frozen: Finished) -> None:
    settings = checkpoint.read_json(frozen.directory / "config.json")["train"]
    tensors = checkpoint.read_tensors(frozen.directory / "model.safetensors")
    for name in NECK:
        del settings[name]

    config = TrainConfig.from_json(settings)

    assert (config.projection, config.normalise) == (0, False)
    assert not [name for name in tensors if name.startswith("neck.")]


def test_settings_are_not_searched_behind_a_projection(workshop: Workshop, tmp_path: Path) -> None:
    config = workshop.config("frozen", HEADS, projection=8)

    with pytest.raises(ConfigError, match="projection joins the heads"):
        list(
            search(
                tiny.make_examples(60),
                config,
                count=2,
                features_dir=tmp_path,
                encoders_dir=tmp_path,
            )
        )
    with pytest.raises(ConfigError, match="projection must be 0 or more"):
        workshop.config("frozen", HEADS, projection=-1)
