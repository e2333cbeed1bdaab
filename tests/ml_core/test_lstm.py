from dataclasses import replace

import numpy as np
import pytest

from ml.core.config import HeadConfig, Kind
from ml.core.errors import DivergedError
from ml.core.evaluate import measure_model
from ml.core.lstm import fit_lstm
from tests.ml_core.tiny import HEADS, RATING, SENTIMENT, THING, make_examples


def test_it_learns_a_plain_rule_and_leaves_spans_out() -> None:
    examples = make_examples(240)

    model = fit_lstm(HEADS, examples, seed=0, seconds=30)

    assert model is not None
    assert THING not in model.heads
    measured = measure_model(model, examples, in_detail=False).questions["sentiment"]
    assert measured["model"]["accuracy"]["value"] > 0.9


def test_it_stops_in_time_and_still_answers() -> None:
    examples = make_examples(60)

    model = fit_lstm((SENTIMENT,), examples, seed=0, seconds=0)

    assert model is not None
    assert np.isfinite(np.asarray(model.scores(["", "a lovely pan"])["sentiment"])).all()


def test_a_scale_learned_in_steps_gives_one_number_between_its_ends() -> None:
    head = replace(RATING, ordinal="cumulative")
    examples = make_examples(120)

    model = fit_lstm((head,), examples, seed=0, seconds=30)

    assert model is not None
    assert np.asarray(model.scores(["", "a lovely pan"])["rating"]).shape == (2, 1)
    measured = measure_model(model, examples, in_detail=False).questions["rating"]
    assert measured["model"]["mae"]["value"] < 1


def test_spans_alone_are_not_for_it() -> None:
    assert fit_lstm((THING,), make_examples(20), seed=0, seconds=5) is None


def test_a_loss_that_is_no_number_is_an_error_and_no_figure() -> None:
    # Its square is beyond what four bytes hold.
    endless = HeadConfig("weight", Kind.NUMBER, minimum=-1e30, maximum=1e30)

    with pytest.raises(DivergedError):
        fit_lstm((SENTIMENT, endless), make_examples(60), seed=0, seconds=30)
