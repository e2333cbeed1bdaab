import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.core import hardware
from ml.core.config import Tier
from ml.core.engines.growing import GrowingEngine
from ml.core.engines.onnx import OnnxEngine
from ml.core.errors import CheckpointError, ConfigError
from ml.core.events import Finished
from ml.core.predict import Predictor
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop

NAUGHTY = ["", " ", "\x00", "🎁" * 40, "\ud83d", "ﷺ" * 500, "a" * 30_000, "кettle\u202e", "\n\n"]


@pytest.fixture(params=list(Tier))
def finished(request: pytest.FixtureRequest) -> Finished:
    value: Finished = request.getfixturevalue(request.param.value)
    return value


def test_every_kind_of_question_answers_in_the_contracts_shape(finished: Finished) -> None:
    text = "My lovely kettle came 3 days ago 🎁."

    (row,) = Predictor.load(finished.directory).predict([text])

    assert row["sentiment"]["option"] == "positive"
    assert row["sentiment"]["confidence"] == max(row["sentiment"]["probabilities"].values())
    assert sum(row["sentiment"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert 1 <= row["rating"]["low"] <= row["rating"]["value"] <= row["rating"]["high"] <= 5
    assert row["topics"]["selected"] == ["kitchen"]
    assert set(row["topics"]["probabilities"]) == {"kitchen", "clothes"}
    (span,) = row["thing"]
    assert text[span["start"] : span["end"]] == span["text"] == "kettle"
    assert (span["option"], span["polarity"]) == ("kitchen", "good")
    assert 0 < span["confidence"] <= 1


def test_predictions_are_json_and_one_per_text(finished: Finished) -> None:
    rows = Predictor.load(finished.directory).predict(["kettle"] * 3)

    assert len(json.loads(json.dumps(rows, allow_nan=False))) == 3


def test_no_text_gives_no_prediction(finished: Finished) -> None:
    assert Predictor.load(finished.directory).predict([]) == []


def test_hostile_texts_are_answered_like_any_other(finished: Finished) -> None:
    rows = Predictor.load(finished.directory).predict(NAUGHTY)

    for text, row in zip(NAUGHTY, rows, strict=True):
        assert all(text[s["start"] : s["end"]] == s["text"] for s in row["thing"])
        assert np.isfinite(row["rating"]["value"])


def test_the_answer_does_not_depend_on_the_texts_beside_it(finished: Finished) -> None:
    predictor = Predictor.load(finished.directory)
    texts = [example.text for example in tiny.make_examples(30, seed=9)]

    together = predictor.predict(texts)
    alone = [predictor.predict([text])[0] for text in texts]

    for a, b in zip(together, alone, strict=True):
        assert a["rating"]["value"] == pytest.approx(b["rating"]["value"], abs=1e-3)
        assert a["thing"] == [
            {**s, "confidence": pytest.approx(s["confidence"], abs=1e-3)} for s in b["thing"]
        ]


def test_spans_are_found_beyond_the_length_that_the_encoder_reads(full: Finished) -> None:
    examples = tiny.make_examples(12, seed=4)
    text = " ".join(example.text for example in examples)

    (row,) = Predictor.load(full.directory).predict([text])

    # 32 tokens end before the fifth sentence.
    beyond = len(" ".join(example.text for example in examples[:5]))
    assert any(s["start"] > beyond and s["text"] in tiny.THINGS for s in row["thing"])


@pytest.mark.parametrize("tier", ["frozen", "full"])
def test_the_torch_engine_answers_as_the_onnx_engine_does(
    tier: str, request: pytest.FixtureRequest
) -> None:
    directory = request.getfixturevalue(tier).directory
    texts = [example.text for example in tiny.make_examples(20, seed=3)]

    onnx = Predictor.load(directory, "onnx").predict(texts)
    torch = Predictor.load(directory, "torch").predict(texts)

    for a, b in zip(onnx, torch, strict=True):
        assert a["rating"]["value"] == pytest.approx(b["rating"]["value"], abs=1e-3)
        assert a["sentiment"]["option"] == b["sentiment"]["option"]


@pytest.mark.parametrize("tier", list(Tier))
def test_loading_and_predicting_imports_neither_torch_nor_transformers(
    tier: Tier, request: pytest.FixtureRequest
) -> None:
    directory = request.getfixturevalue(tier.value).directory
    program = (
        "import sys; from pathlib import Path; from ml.core.predict import Predictor; "
        f"Predictor.load(Path({str(directory)!r}), threads=1).predict(['a kettle']); "
        "print(sorted({'torch', 'transformers', 'sklearn', 'django'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"


def test_embeddings_have_the_width_of_the_encoder(frozen: Finished, tfidf: Finished) -> None:
    vectors = Predictor.load(frozen.directory).embed(["a kettle", "a scarf"])

    assert vectors.shape == (2, 32)
    with pytest.raises(CheckpointError, match="no encoder"):
        Predictor.load(tfidf.directory).embed(["a kettle"])


@pytest.mark.parametrize(("precision", "wanted"), [("auto", GrowingEngine), ("fp32", OnnxEngine)])
def test_a_version_trained_in_fp32_never_answers_in_bfloat16(
    precision: str,
    wanted: type,
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = workshop.config("frozen", epochs=1, precision=precision, baselines=False)
    workshop.train(tiny.make_examples(60), config, tmp_path / "out")
    monkeypatch.setattr(hardware, "has_bf16", lambda: True)

    encoder = Predictor.load(tmp_path / "out").embedder()

    assert isinstance(encoder.engine, wanted)


def test_an_unknown_engine_is_refused(tfidf: Finished) -> None:
    with pytest.raises(ConfigError, match="abacus"):
        Predictor.load(tfidf.directory, "abacus")


def test_a_folder_that_is_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        Predictor.load(tmp_path)
