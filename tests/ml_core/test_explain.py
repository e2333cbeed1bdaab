"""Explanations add up to what they explain, and point at the words that matter."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml.core.errors import ConfigError
from ml.core.events import Finished
from ml.core.explain import explain
from ml.core.predict import Predictor
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


@pytest.mark.parametrize("question", ["sentiment", "rating", "weight", "topics"])
def test_integrated_gradients_add_up_to_the_difference(frozen: Finished, question: str) -> None:
    text = tiny.make_examples(4)[0].text

    found = explain(frozen.directory, text, question)

    assert found.method == "integrated gradients"
    # Completeness: the words account for all that the text adds to the empty one.
    assert abs(found.gap) < 0.05 * max(1.0, abs(found.value - found.base))
    assert [text[word.start : word.end] for word in found.words] == text.split()
    assert all(word.attention is not None and word.attention >= 0 for word in found.words)


def test_a_scale_learned_in_steps_is_explained_as_the_number_it_gives(
    workshop: Workshop, tmp_path: Path
) -> None:
    heads = (replace(tiny.RATING, ordinal="cumulative"),)
    config = workshop.config("frozen", heads=heads, epochs=3, blend=False, baselines=False)
    directory = workshop.train(tiny.make_examples(60), config, tmp_path / "out").directory
    text = tiny.make_examples(4)[0].text

    found = explain(directory, text, "rating")

    (given,) = Predictor.load(directory, is_verified=True).predict([text])
    assert found.value == pytest.approx(given["rating"]["value"], abs=0.01)


def test_leaving_out_the_word_that_decides_costs_most(tfidf: Finished) -> None:
    text = tiny.make_examples(4)[0].text

    found = explain(tfidf.directory, text, "sentiment")

    strongest = max(found.words, key=lambda word: word.score)
    assert found.method == "leave one word out"
    assert text[strongest.start : strongest.end].strip(".,!").lower() in (*tiny.GOOD, *tiny.BAD)


def test_spans_and_unknown_questions_are_refused(frozen: Finished) -> None:
    with pytest.raises(ConfigError, match="many answers in one"):
        explain(frozen.directory, "Fine.", "thing")
    with pytest.raises(ConfigError, match="does not answer"):
        explain(frozen.directory, "Fine.", "nothing")
