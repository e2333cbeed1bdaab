"""Settings are tried on vectors encoded once and judged by the validation reviews alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml.core.data import Example
from ml.core.errors import ConfigError, TooLittleDataError
from ml.core.events import Event, Searched, Trial
from ml.core.search import search
from ml.core.space import MOST_TRIALS, SPACE, Space, drawn
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop

HEADS = (tiny.SENTIMENT, tiny.RATING)


def searched(
    workshop: Workshop, examples: list[Example], count: int, space: Space = SPACE
) -> list[Event]:
    folders = {name: workshop.folder / name for name in ("features_dir", "encoders_dir")}
    config = workshop.config("frozen", HEADS, epochs=4)
    return list(search(examples, config, count=count, space=space, **folders))


def trials(events: list[Event]) -> list[Trial]:
    return [event for event in events if isinstance(event, Trial)]


def test_the_trial_of_the_lowest_validation_loss_is_named_last(workshop: Workshop) -> None:
    # The first rate learns nothing in four epochs, so the second must win.
    space = Space(learning_rates=(1e-7, 3e-3), hidden=(16,), dropouts=(0.1,))

    events = searched(workshop, tiny.make_examples(100), 2, space)

    lazy, quick = trials(events)
    assert (lazy.learning_rate, quick.learning_rate) == (1e-7, 3e-3)
    assert set(quick.per_question) == {"sentiment", "rating"}
    assert quick.score == pytest.approx(sum(quick.per_question.values()) / 2)
    assert quick.score < lazy.score <= 1.0
    assert events[-1] == Searched(2)


def test_test_reviews_change_nothing(workshop: Workshop) -> None:
    examples = tiny.make_examples(60)
    without = [example for example in examples if example.split != "test"]

    both = [trials(searched(workshop, rows, 2)) for rows in (examples, without)]

    first, second = ([replace(trial, seconds=0.0) for trial in one] for one in both)
    assert first == second


def test_without_validation_answers_nothing_can_be_compared(workshop: Workshop) -> None:
    examples = [e for e in tiny.make_examples(60) if e.split != "validation"]

    with pytest.raises(TooLittleDataError, match="No validation review"):
        searched(workshop, examples, 2)


def test_only_a_frozen_encoder_is_searched(workshop: Workshop, tmp_path: Path) -> None:
    config = workshop.config("tfidf", HEADS)

    with pytest.raises(ConfigError, match="frozen encoder"):
        list(search([], config, count=2, features_dir=tmp_path, encoders_dir=tmp_path))


def test_settings_are_drawn_once_each_and_begin_with_the_usual_one() -> None:
    some, every = drawn(SPACE, 12, seed=1), drawn(SPACE, 1000, seed=1)

    assert some[0] == every[0] == (1e-3, 256, 0.3)
    assert len(set(some)) == 12
    assert set(every) == set(SPACE.settings)
    assert len(every) == MOST_TRIALS
    assert drawn(SPACE, 12, seed=1) == some != drawn(SPACE, 12, seed=2)
