from pathlib import Path

import numpy as np
import pytest

from ml.core import checkpoint
from ml.core.blend import BlendedModel, blend
from ml.core.data import Example
from ml.core.encode import Words
from ml.core.engines.base import Floats
from ml.core.explain import explain
from ml.core.heads_numpy import NumpyHead
from ml.core.neural import NeuralModel
from ml.core.predict import Predictor
from ml.core.tfidf import TfidfModel, fit_tfidf
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop

HEADS = (tiny.SENTIMENT, tiny.WEIGHT, tiny.TOPICS)


class Telling:
    """Give vectors that tell the sentiment, as clearly as `loudness` says, and nothing else."""

    def __init__(self, examples: list[Example], loudness: float) -> None:
        self.signs = {e.text: 2 * (e.answers["sentiment"] == "positive") - 1 for e in examples}
        self.loudness = loudness

    def pooled(self, texts: list[str]) -> Floats:
        return self.loudness * np.array([[self.signs[text]] for text in texts], dtype=np.float64)

    def words(self, texts: list[str]) -> list[Words]:
        raise NotImplementedError

    def read(self, texts: list[str]) -> tuple[Floats, list[Words]]:
        raise NotImplementedError


def deep_model(examples: list[Example], loudness: float) -> NeuralModel:
    features = Telling(examples, loudness)
    slopes = {"sentiment": [[-1.0], [1.0]], "weight": [[0.0]], "topics": [[0.0], [0.0]]}
    heads = tuple(
        NumpyHead(
            head,
            {
                "mean": np.zeros(1),
                "scale": np.ones(1),
                "unit": np.array([5.0, 1.0]),
                "out.weight": np.array(slopes[head.question]),
                "out.bias": np.zeros(len(slopes[head.question])),
            },
        )
        for head in HEADS
    )
    return NeuralModel(heads, features, features)  # type: ignore[arg-type]  # lists are sequences


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return tiny.make_examples(200)


@pytest.fixture(scope="module")
def terms(examples: list[Example]) -> TfidfModel:
    return fit_tfidf(HEADS, [e for e in examples if e.split == "train"])


def test_terms_take_part_where_the_encoder_knows_nothing(
    examples: list[Example], terms: TfidfModel
) -> None:
    model = blend(deep_model(examples, loudness=0.0), terms, examples)

    assert isinstance(model, BlendedModel)
    assert set(model.shares) == {"sentiment", "weight", "topics"}


def test_terms_stay_out_where_the_encoder_knows_better(
    examples: list[Example], terms: TfidfModel
) -> None:
    model = blend(deep_model(examples, loudness=20.0), terms, examples)

    assert isinstance(model, BlendedModel)
    assert "sentiment" not in model.shares


def test_few_validation_rows_decide_nothing(examples: list[Example], terms: TfidfModel) -> None:
    few = [e for e in examples if e.split != "validation" or e.id < 50]

    model = blend(deep_model(examples, loudness=0.0), terms, few)

    assert isinstance(model, NeuralModel)


def test_a_blended_score_lies_between_both(examples: list[Example], terms: TfidfModel) -> None:
    deep = deep_model(examples, loudness=0.0)
    texts = [example.text for example in examples[:5]]

    mixed = BlendedModel(deep, terms.only(["weight"]), {"weight": 0.25})

    scores, own, wide = (np.array(m.scores(texts)["weight"]) for m in (mixed, deep, terms))
    np.testing.assert_allclose(scores, 0.75 * own + 0.25 * wide)


def test_a_blended_checkpoint_answers_as_it_was_measured(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = tiny.make_examples(200)

    finished = workshop.train(examples, workshop.config("frozen", epochs=1), tmp_path / "out")

    assert (tmp_path / "out" / "vocabulary.json").exists()
    assert "linear model of terms" in (tmp_path / "out" / "CARD.md").read_text("utf-8")
    tested = [e for e in examples if e.split == "test"]
    rows = Predictor.load(tmp_path / "out").predict([e.text for e in tested])
    right = [
        r["sentiment"]["option"] == e.answers["sentiment"]
        for r, e in zip(rows, tested, strict=True)
    ]
    measured = finished.metrics["questions"]["sentiment"]["model"]["accuracy"]["value"]
    assert np.mean(right) == pytest.approx(measured)
    shares = checkpoint.read_json(tmp_path / "out" / "config.json")["shares_of_terms"]
    question, share = next(iter(shares.items()))
    assert explain(tmp_path / "out", tested[0].text, question)[0].terms_share == share > 0


def test_what_is_explained_is_the_answer_of_encoder_and_terms_together(
    workshop: Workshop, tmp_path: Path
) -> None:
    examples = tiny.make_examples(200)
    directory = workshop.train(
        examples, workshop.config("frozen", (tiny.SENTIMENT,), epochs=1), tmp_path / "out"
    ).directory
    texts = [example.text for example in examples if example.split == "test"][:12]

    found = [explain(directory, text, "sentiment", steps=1)[0] for text in texts]

    answers = [row["sentiment"]["option"] for row in Predictor.load(directory).predict(texts)]
    assert [each.target for each in found] == answers
    # On some the encoder alone would have answered otherwise.
    assert min(each.value for each in found) < 0


def test_a_frozen_model_can_be_had_without_terms(workshop: Workshop, tmp_path: Path) -> None:
    config = workshop.config("frozen", epochs=1, blend=False, baselines=False)

    finished = workshop.train(tiny.make_examples(200), config, tmp_path / "out")

    assert not (tmp_path / "out" / "vocabulary.json").exists()
    assert finished.metrics["questions"]["sentiment"]["baselines"] == {}
