"""What is measured is what is used, to a figure that metrics and card tell."""

import numpy as np

from ml.core.encode import TextEncoder
from ml.core.engines.onnx import OnnxEngine
from ml.core.events import Finished
from ml.core.parity import SAMPLE, parity
from tests.ml_core import tiny


class Broken(OnnxEngine):
    """An export that gives no numbers."""

    def states(self, ids: np.ndarray, mask: np.ndarray, layers: str = "last") -> np.ndarray:
        return super().states(ids, mask, layers) * np.nan


def reader(engine: OnnxEngine) -> TextEncoder:
    return TextEncoder(engine, max_tokens=32, pooling="mean")


def test_a_fine_tuned_version_tells_how_its_export_agrees(full: Finished) -> None:
    agreed = full.metrics["parity"]
    card = (full.directory / "CARD.md").read_text("utf-8")

    assert agreed["texts"] == 40  # every validation review
    assert 0.999 < agreed["least_cosine"] <= 1
    assert f"at least {agreed['least_cosine']:.4f}" in card


def test_a_version_whose_encoder_stays_as_it_is_tells_nothing_of_it(frozen: Finished) -> None:
    assert "parity" not in frozen.metrics
    assert "export" not in (frozen.directory / "CARD.md").read_text("utf-8")


def test_another_encoder_or_a_broken_one_does_not_agree(frozen: Finished, full: Finished) -> None:
    texts = [example.text for example in tiny.make_examples(200)]
    tuned, plain = (reader(OnnxEngine(each.directory)) for each in (full, frozen))

    assert parity(tuned, tuned, texts) == {"texts": 50, "least_cosine": 1.0}
    assert parity(tuned, plain, texts)["least_cosine"] < 0.99
    assert parity(tuned, reader(Broken(full.directory)), texts)["least_cosine"] == 0.0
    assert parity(tuned, tuned, texts[:1])["texts"] == 1
    assert parity(tuned, tuned, texts[:SAMPLE])["texts"] == SAMPLE
