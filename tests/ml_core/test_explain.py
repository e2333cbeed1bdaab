"""Explanations add up to what they explain, and point at the words that matter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.core import checkpoint
from ml.core.data import Example
from ml.core.errors import ConfigError
from ml.core.events import Finished
from ml.core.explain import explain
from ml.core.predict import Predictor
from tests.ml_core import tiny
from tests.ml_core.conftest import FROZEN, Workshop


@pytest.mark.parametrize("question", ["sentiment", "rating", "weight", "topics"])
def test_integrated_gradients_add_up_to_the_difference(frozen: Finished, question: str) -> None:
    text = tiny.make_examples(4)[0].text

    found, *_ = explain(frozen.directory, text, question)

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

    found, *_ = explain(directory, text, "rating")

    (given,) = Predictor.load(directory, is_verified=True).predict([text])
    assert found.value == pytest.approx(given["rating"]["value"], abs=0.01)


def test_leaving_out_the_word_that_decides_costs_most(tfidf: Finished) -> None:
    text = tiny.make_examples(4)[0].text

    found, *_ = explain(tfidf.directory, text, "sentiment")

    strongest = max(found.words, key=lambda word: word.score)
    assert found.method == "leave one word out"
    assert text[strongest.start : strongest.end].strip(".,!").lower() in (*tiny.GOOD, *tiny.BAD)


def test_spans_and_unknown_questions_are_refused(frozen: Finished) -> None:
    with pytest.raises(ConfigError, match="many answers in one"):
        explain(frozen.directory, "Fine.", "thing")
    with pytest.raises(ConfigError, match="does not answer"):
        explain(frozen.directory, "Fine.", "nothing")


def test_what_is_explained_of_a_long_text_is_what_the_version_reads(
    workshop: Workshop, tmp_path: Path
) -> None:
    settings: Any = {"truncation": "head_tail", "max_tokens": 12, "blend": False}
    config = workshop.config("frozen", heads=(tiny.WEIGHT,), epochs=3, baselines=False, **settings)
    directory = workshop.train(tiny.make_examples(60), config, tmp_path / "out").directory
    middle = " ".join(["kettle", "pan", "scarf"] * 8)
    text = f"This lovely {middle} came 4 days ago"

    (found,) = explain(directory, text, "weight")

    (given,) = Predictor.load(directory, is_verified=True).predict([text])
    assert found.value == pytest.approx(given["weight"]["value"], abs=1e-3)
    read = [text[word.start : word.end] for word in found.words]
    assert (read[:2], read[-3:]) == (["This", "lovely"], ["4", "days", "ago"])


@pytest.mark.parametrize("tier", ["frozen", "tfidf"])
def test_every_option_that_is_ticked_is_explained_the_likeliest_first(
    tier: str, workshop: Workshop, tmp_path: Path
) -> None:
    settings: Any = FROZEN if tier == "frozen" else {}
    config = workshop.config(tier, (tiny.TOPICS,), blend=False, baselines=False, **settings)
    examples = _of_both_topics()
    directory = workshop.train(examples, config, tmp_path / "out").directory
    predictor = Predictor.load(directory, is_verified=True)
    texts = [example.text for example in examples]
    given = [each["topics"] for each in predictor.predict(texts)]
    place = next(place for place, each in enumerate(given) if len(each["selected"]) == 2)

    found = explain(directory, texts[place], "topics")

    shares = given[place]["probabilities"]
    assert [each.target for each in found] == sorted(shares, key=shares.__getitem__, reverse=True)
    settings = checkpoint.read_json(directory / "config.json")
    # An encoder is explained before calibration.
    scale = settings["calibrations"]["topics"]["temperature"] if tier == "frozen" else 1.0
    for each in found:
        share = 1 / (1 + np.exp(-each.value / scale))
        assert share == pytest.approx(shares[each.target], abs=0.01)
        assert abs(each.gap) < 0.05 * max(1.0, abs(each.value - each.base)) or tier == "tfidf"
    assert [word.score for word in found[0].words] != [word.score for word in found[1].words]


def _of_both_topics() -> list[Example]:
    """Return examples of which every other one speaks of both topics."""
    both = frozenset(tiny.TOPICS.options)
    examples = tiny.make_examples(200)
    return [
        replace(one, text=f"{one.text} {other.text}", answers={**one.answers, "topics": both})
        if one.id % 2 and one.answers["topics"] != other.answers["topics"]
        else one
        for one, other in zip(examples, examples[1:] + examples[:1], strict=True)
    ]
