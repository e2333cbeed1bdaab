"""The model of terms: which of its two weightings a choice gets, and that it stays one model."""

import math
import random

import numpy as np
import pytest
from scipy import sparse

from ml.core.calibration import choice_loss
from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, Split
from ml.core.targets import choice_targets
from ml.core.tfidf import TfidfModel, fit_tfidf, telling

TOPIC = HeadConfig("topic", Kind.CHOICE, ("kettle", "lamp", "chair"))
NOISE = [f"filler{number}" for number in range(400)]


def reviews(count: int, split: Split, seed: int) -> list[Example]:
    """Return reviews with one word of their topic among sixty that say nothing."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        topic = TOPIC.options[number % 3]
        words = [*chance.choices(NOISE, k=60), f"{topic}word{chance.randrange(4)}"]
        chance.shuffle(words)
        found.append(Example(1000 * seed + number, " ".join(words), split, {"topic": topic}))
    return found


@pytest.fixture(scope="module")
def train() -> list[Example]:
    return reviews(150, "train", seed=1)


def loss(model: TfidfModel, examples: list[Example]) -> float:
    scores = np.asarray(model.scores([example.text for example in examples])["topic"])
    return choice_loss(scores, choice_targets(TOPIC, examples))


def is_same(one: TfidfModel, other: TfidfModel) -> bool:
    ours, theirs = one.linears["topic"], other.linears["topic"]
    return np.array_equal(ours.coefficients, theirs.coefficients)


def test_terms_weigh_by_what_they_tell_where_that_is_better(train: list[Example]) -> None:
    plain = fit_tfidf((TOPIC,), train)
    chosen = fit_tfidf((TOPIC,), train, reviews(60, "validation", seed=2))

    tested = reviews(300, "test", seed=3)
    assert loss(chosen, tested) < 0.8 * loss(plain, tested)


def test_terms_stay_as_they_are_where_that_is_better(train: list[Example]) -> None:
    plain = fit_tfidf((TOPIC,), train)
    # Answers by chance: whoever trusts the telling words more is wrong the louder.
    chance = random.Random(5)
    shuffled = [
        Example(e.id, e.text, e.split, {"topic": chance.choice(TOPIC.options)})
        for e in reviews(60, "validation", seed=2)
    ]

    chosen = fit_tfidf((TOPIC,), train, shuffled)

    assert is_same(chosen, plain)


def test_few_validation_rows_choose_no_weighting(train: list[Example]) -> None:
    plain = fit_tfidf((TOPIC,), train)
    chosen = fit_tfidf((TOPIC,), train, reviews(29, "validation", seed=2))

    assert is_same(chosen, plain)


def test_a_term_tells_by_the_log_ratio_of_its_shares() -> None:
    # Two columns, two reviews of the first option and one of the second.
    matrix = sparse.csr_matrix(np.array([[0.5, 0.0], [2.0, 1.0], [0.0, 1.0]]))

    weights = telling(matrix, np.array([0, 0, 1]), classes=2)

    # With one added: the first option has 3 and 2 reviews with the terms, the second 1 and 2.
    first = math.log((3 / 5) / (1 / 3))
    second = abs(math.log((2 / 5) / (2 / 3)))
    np.testing.assert_allclose(weights, [first, second])
