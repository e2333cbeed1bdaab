import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ml.core.acquisition import entropy, score, uncertainty
from ml.core.answers import predictions
from ml.core.calibration import (
    Calibration,
    best_outside_bias,
    best_thresholds,
    calibrate,
    choice_temperature,
    confidence_line,
    conformal_width,
    multichoice_temperature,
)
from ml.core.data import Answer, SpanAnswer
from ml.core.numeric import sigmoid
from ml.core.scores import WordScores
from tests.ml_core import tiny


def test_a_temperature_undoes_an_overconfident_scaling() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(3000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([chance.choice(3, p=share) for share in shares])

    assert choice_temperature(3 * logits, targets) == pytest.approx(3, rel=0.1)


def test_a_temperature_of_many_labels_is_found_as_well() -> None:
    chance = np.random.default_rng(1)
    logits = chance.normal(size=(2000, 4))
    targets = (chance.random((2000, 4)) < 1 / (1 + np.exp(-logits))).astype(float)

    assert multichoice_temperature(2 * logits, targets) == pytest.approx(2, rel=0.15)


def test_few_rows_move_no_temperature() -> None:
    assert choice_temperature(np.ones((5, 2)), np.zeros(5, dtype=int)) == 1


def test_a_frequent_option_gets_the_threshold_that_separates_it() -> None:
    chance = np.random.default_rng(2)
    targets = (chance.random((1000, 1)) < 0.5).astype(float)
    shares = np.where(targets == 1, 0.3, 0.1) + chance.uniform(-0.05, 0.05, (1000, 1))

    (threshold,) = best_thresholds(shares, targets)

    assert 0.14 < threshold < 0.26


def test_a_rare_option_is_drawn_towards_the_threshold_of_all() -> None:
    shares = np.tile([[0.9, 0.1]], (100, 1))
    targets = np.zeros((100, 2))
    targets[:60, 0] = 1
    targets[0, 1] = 1

    frequent, rare = best_thresholds(shares, targets)

    assert abs(rare - frequent) < 0.1


def test_conformal_intervals_hold_nine_new_values_in_ten() -> None:
    chance = np.random.default_rng(3)

    width = conformal_width(np.abs(chance.normal(size=500)))

    held = (np.abs(chance.normal(size=20_000)) <= width).mean()
    assert held == pytest.approx(0.9, abs=0.03)


def test_too_few_residuals_give_the_largest() -> None:
    assert conformal_width(np.array([0.1, 2.0, 0.3])) == 2.0


def test_a_number_without_validation_rows_gets_the_spread_of_its_answers() -> None:
    found = calibrate(tiny.RATING, np.zeros((0, 1)), [], fallback_width=1.5)

    assert found.half_width == 1.5


def test_spans_that_are_missed_by_little_are_found_after_calibration() -> None:
    tags = np.zeros((2, 5))
    tags[0, 0] = 0.3
    tags[1, 0] = 3.0
    scores = [WordScores(np.array([[0, 3], [4, 7]]), tags, np.zeros((2, 0)))] * 30
    gold = [(SpanAnswer(0, 3, "kitchen"),)] * 30

    bias = best_outside_bias(tiny.THING, scores, gold)

    assert bias == -0.5


def test_the_line_undoes_a_bent_and_shifted_confidence() -> None:
    chance = np.random.default_rng(4)
    odds = chance.normal(1.0, 1.5, size=20_000)
    is_right = (chance.random(20_000) < sigmoid(0.5 * odds - 1.0)).astype(float)

    slope, bias = confidence_line(sigmoid(odds), is_right)

    assert slope == pytest.approx(0.5, abs=0.05)
    assert bias == pytest.approx(-1.0, abs=0.1)


def test_the_line_is_that_of_an_unpenalised_logistic_regression() -> None:
    chance = np.random.default_rng(5)
    odds = chance.normal(size=5000)
    is_right = (chance.random(5000) < sigmoid(2 * odds + 0.3)).astype(float)

    found = confidence_line(sigmoid(odds), is_right)

    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, None], is_right)
    # Platt's softened targets are 1/2,500 away from 0 and 1.
    assert found == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), rel=0.01)


def test_few_spans_move_no_confidence() -> None:
    assert confidence_line(np.full(5, 0.9), np.zeros(5)) == (1.0, 0.0)


def test_spans_that_are_always_right_get_no_boundless_confidence() -> None:
    sure = np.linspace(0.6, 0.99, 100)

    slope, bias = confidence_line(sure, np.ones(100))

    assert 0.95 < sigmoid(np.array(slope * np.log(9) + bias)) < 0.9999


def test_equal_confidences_become_the_share_that_is_right() -> None:
    slope, bias = confidence_line(np.full(200, 0.9), np.repeat([1.0, 0.0], 100))

    assert sigmoid(np.array(slope * np.log(9) + bias)) == pytest.approx(0.5, abs=1e-3)


def test_confidences_that_say_the_opposite_become_one_share() -> None:
    sure = np.repeat([0.9, 0.6], 100)

    slope, bias = confidence_line(sure, np.repeat([0.0, 1.0], 100))

    assert slope == 0
    assert sigmoid(np.array(bias)) == pytest.approx(0.5, abs=0.01)


def test_spans_are_as_sure_as_they_were_right_on_validation_and_stay_where_they_are() -> None:
    tags = np.full((2, 5), -4.0)
    tags[0, 1], tags[1, 0] = 4.0, 4.0
    scores = [WordScores(np.array([[0, 3], [4, 7]]), tags, np.zeros((2, 2)))] * 100
    gold: list[Answer] = [(SpanAnswer(0, 3, "kitchen"),), ()]

    found = calibrate(tiny.THING, scores, gold * 50)

    texts = ["pan hot"]
    (span,) = predictions(tiny.THING, scores[:1], found, texts)[0]
    (raw,) = predictions(tiny.THING, scores[:1], found.raw, texts)[0]
    assert span["confidence"] == pytest.approx(0.5, abs=0.01)
    assert raw["confidence"] > 0.99
    assert (raw["start"], raw["end"]) == (span["start"], span["end"]) == (0, 3)


def test_a_calibration_written_before_spans_had_a_line_leaves_them_alone() -> None:
    assert Calibration.from_json({"temperature": 2.0}).raw == Calibration()


def test_a_calibration_survives_the_way_through_json() -> None:
    calibration = Calibration(1.5, (0.2, 0.4), 0.7, -1.0, 0.5, 0.25)

    assert Calibration.from_json(calibration.to_json()) == calibration


def choice(*shares: float) -> dict[str, object]:
    return {"option": "a", "probabilities": dict(zip("abc", shares, strict=False))}


def test_close_options_are_more_uncertain_than_clear_ones() -> None:
    assert uncertainty(choice(0.5, 0.45, 0.05)) > uncertainty(choice(0.5, 0.25, 0.25))
    assert entropy(choice(1.0, 0.0)) == 0
    assert entropy(choice(0.5, 0.5)) == pytest.approx(np.log(2))


def test_every_kind_ranks_its_doubtful_prediction_first() -> None:
    pairs = {
        "choice": (choice(0.5, 0.5), choice(0.9, 0.1)),
        "multichoice": (
            {"selected": ["a"], "probabilities": {"a": 0.5, "b": 0.1}},
            {"selected": ["a"], "probabilities": {"a": 0.99, "b": 0.01}},
        ),
        "number": ({"value": 3, "low": 1, "high": 5}, {"value": 3, "low": 2.9, "high": 3.1}),
        "spans": ([{"confidence": 0.4}, {"confidence": 0.9}], [{"confidence": 0.9}]),
    }

    for doubtful, sure in pairs.values():
        assert uncertainty(doubtful) > uncertainty(sure)


def test_no_question_drowns_the_others() -> None:
    # The number's widths are large, its order is worth no more than the choice's.
    rows = [
        {"c": choice(0.5, 0.5), "n": {"value": 0, "low": 0, "high": 1}},
        {"c": choice(0.9, 0.1), "n": {"value": 0, "low": 0, "high": 1000}},
    ]

    first, second = score(rows)

    assert first == second == 0.5


def test_scores_order_a_pool_by_all_questions() -> None:
    rows = [{"c": choice(share, 1 - share)} for share in (0.9, 0.5, 0.7)]

    assert np.argsort(-score(rows)).tolist() == [1, 2, 0]


def test_an_empty_pool_has_no_scores() -> None:
    assert score([]).tolist() == []
