"""Dawid and Skene's estimate: beside a reference library, its own limits, and real answers."""

import csv
import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelling.dawid_skene import Model, Settings, Votes, estimate, vote_shares
from labelling.reliability_draws import drawn
from labelling.votes import votes_of

Row = tuple[int, int, int]

#: As many for both, since maximum likelihood creeps towards zeros for thousands of rounds.
ROUNDS = 40

# The reference library was written for an older pandas.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

#: Where this variable names a folder of public data sets, real answers are tried too.
DATA = os.environ.get("GLOSS_TEST_DATA")


def votes(rows: list[Row], *, classes: int = 2) -> Votes:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    items, people, said = columns[:, 0], columns[:, 1], columns[:, 2]
    counts = [int(column.max(initial=-1)) + 1 for column in (items, people)]
    return Votes(items, people, said, counts[0], counts[1], classes)


def made_up(seed: int, *, classes: int = 3) -> tuple[Votes, list[int]]:
    """Return answers of seven people of different skill about 150 items, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 150)
    skills = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    rows: list[Row] = []
    for item, true in enumerate(truth):
        for person in rng.choice(7, 5, replace=False):
            is_right = rng.random() < skills[person]
            said = true if is_right else rng.choice([c for c in range(classes) if c != true])
            rows.append((item, int(person), int(said)))
    return votes(rows, classes=classes), truth.tolist()


def reference(answers: Votes, kind: type) -> "tuple[list[int], np.ndarray]":
    frame = pd.DataFrame(
        {"task": answers.items, "worker": answers.people, "label": answers.classes}
    )
    fitted = kind(n_iter=ROUNDS, tol=-1).fit(frame)
    table = fitted.probas_.loc[range(answers.item_count), range(answers.class_count)]
    return fitted.labels_.loc[range(answers.item_count)].tolist(), table.to_numpy()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("model", "kind"), [("full", DawidSkene), ("one-coin", OneCoinDawidSkene)])
def test_both_models_are_what_the_reference_library_finds(
    seed: int, model: Model, kind: type
) -> None:
    answers, truth = made_up(seed)

    found = estimate(answers, model, Settings(tolerance=1e-300, max_rounds=ROUNDS))

    labels, table = reference(answers, kind)
    assert found.winners.tolist() == labels
    np.testing.assert_allclose(found.posterior, table, atol=1e-6)
    majority = np.mean(vote_shares(answers).argmax(axis=1) == np.array(truth))
    assert np.mean(found.winners == np.array(truth)) >= majority


def _one_coin_by_hand(answers: Votes, rounds: int) -> list[list[float]]:
    """The one-coin model in plain products and loops, as the paper writes it."""
    count = answers.class_count
    columns = (answers.items.tolist(), answers.people.tolist(), answers.classes.tolist())
    rows = list(zip(*columns, strict=True))
    said: dict[int, list[tuple[int, int]]] = {}
    for item, person, value in rows:
        said.setdefault(item, []).append((person, value))
    q = {i: [sum(v == k for _, v in s) / len(s) for k in range(count)] for i, s in said.items()}
    for _ in range(rounds):
        prior = [sum(each[k] for each in q.values()) / len(q) for k in range(count)]
        skill = {}
        for person in set(answers.people.tolist()):
            own = [q[item][value] for item, who, value in rows if who == person]
            skill[person] = sum(own) / len(own)
        for item, given_ in said.items():
            products = [
                prior[k]
                * math.prod(skill[p] if v == k else (1 - skill[p]) / (count - 1) for p, v in given_)
                for k in range(count)
            ]
            q[item] = [each / sum(products) for each in products]
    return [q[item] for item in range(answers.item_count)]


def test_the_one_coin_model_is_the_papers_written_out_in_products() -> None:
    answers, _ = made_up(11)

    found = estimate(answers, "one-coin", Settings(tolerance=1e-300, max_rounds=25))

    np.testing.assert_allclose(found.posterior, _one_coin_by_hand(answers, 25), atol=1e-9)


if DATA:

    def test_real_answers_are_decided_as_well_as_the_literature_says() -> None:
        # Snow et al. (2008), recognising textual entailment.
        path = Path(DATA or "") / "crowd_snow2008" / "derived_rte_long.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        gold = {row["item"]: int(row["gold"]) for row in rows}
        places = {item: at for at, item in enumerate(gold)}
        people = {person: at for at, person in enumerate({row["worker"]: 0 for row in rows})}
        answers = votes(
            [(places[row["item"]], people[row["worker"]], int(row["label"])) for row in rows]
        )
        truth = np.array(list(gold.values()))

        shares = vote_shares(answers)
        split = shares[:, 0] == 0.5
        majority = np.where(split, 0.5, shares.argmax(axis=1) == truth).mean()
        right = {
            model: float((estimate(answers, model).winners == truth).mean())
            for model in ("full", "one-coin")
        }

        assert (answers.item_count, answers.person_count, len(rows)) == (800, 164, 8000)
        # The literature has 0.89 to 0.90 for the majority and 0.9275 for Dawid and Skene.
        assert majority == pytest.approx(0.8969, abs=1e-4)
        assert right == {"full": pytest.approx(0.9275), "one-coin": pytest.approx(0.925)}


# --- Properties -----------------------------------------------------------------------------------


MODELS: list[Model] = ["full", "one-coin"]
_rows = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=60
)


@pytest.mark.parametrize("model", MODELS)
@given(rows=_rows, smoothing=st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_probabilities_are_probabilities_and_every_round_fits_better(
    model: Model, rows: list[Row], smoothing: float
) -> None:
    answers = votes(rows, classes=3)

    found = estimate(answers, model, Settings(smoothing=smoothing))

    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)
    assert ((found.accuracy >= 0) & (found.accuracy <= 1 + 1e-9)).all()
    if smoothing == 0:
        levels = [
            estimate(answers, model, Settings(max_rounds=n, tolerance=1e-300)).log_likelihood
            for n in (1, 2, 3, 5, 8)
        ]
        assert all(b >= a - 1e-6 for a, b in pairwise(levels))


@pytest.mark.parametrize("model", MODELS)
@given(rows=_rows, seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_of_the_answers_does_not_matter(model: Model, rows: list[Row], seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(rows)).tolist()
    settings_ = Settings(smoothing=1, max_rounds=10, tolerance=1e-300)

    one = estimate(votes(rows, classes=3), model, settings_)
    other = estimate(votes([rows[at] for at in shuffled], classes=3), model, settings_)

    np.testing.assert_allclose(one.posterior, other.posterior, atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_where_all_agree_they_are_right(model: Model) -> None:
    rows = [(item, person, item % 3) for item in range(9) for person in range(2)]

    found = estimate(votes(rows, classes=3), model)

    assert found.winners.tolist() == [item % 3 for item in range(9)]
    assert found.has_converged
    assert found.right_count.tolist() == pytest.approx([9] * 2)


@pytest.mark.parametrize("model", MODELS)
def test_two_thousand_answers_to_one_item_underflow_nowhere(model: Model) -> None:
    rows = [(0, person, person % 5 == 0) for person in range(2000)]

    found = estimate(votes([(a, b, int(c)) for a, b, c in rows]), model)

    assert np.isfinite(found.posterior).all()
    assert np.isfinite(found.log_likelihood)
    assert found.winners.tolist() == [0]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_said_is_no_defect(model: Model) -> None:
    empty = np.array([], dtype=np.int64)

    nobody = estimate(Votes(empty, empty, empty, 0, 0, 2), model)
    silent = estimate(Votes(empty, empty, empty, 2, 1, 2), model)

    assert nobody.posterior.shape == (0, 2)
    assert silent.posterior.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert silent.accuracy.tolist() == [0.5]


def test_smoothing_makes_nobody_infallible() -> None:
    rows = [(item, person, 0) for item in range(3) for person in range(2)]

    strict = estimate(votes(rows), "one-coin")
    smooth = estimate(votes(rows), "one-coin", Settings(smoothing=1))

    assert strict.accuracy.tolist() == [1, 1]
    assert smooth.accuracy.tolist() == pytest.approx([4 / 5] * 2, abs=0.01)


def test_columns_that_do_not_fit_are_refused() -> None:
    one, two = np.array([0]), np.array([0, 1])

    with pytest.raises(ValueError, match="people has shape"):
        Votes(one, two, one, 1, 2, 2)
    with pytest.raises(ValueError, match="classes has values outside 0 to 1"):
        Votes(one, one, np.array([2]), 1, 1, 2)
    with pytest.raises(ValueError, match="smoothing"):
        Settings(smoothing=-1)


def test_reviews_that_one_person_answered_tell_nothing() -> None:
    given_ = {1: [(70, "yes"), (80, "no")], 2: [(70, "yes")], 3: [(80, "gone"), (70, "no")]}

    found, people = votes_of(["yes", "no"], given_)  # shorter to read

    assert people == [70, 80]
    assert found.items.tolist() == [0, 0, 1]
    assert found.people.tolist() == [0, 1, 0]
    assert found.classes.tolist() == [0, 1, 1]


# --- Intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_what_all_agree_on_leaves_only_the_number_of_answers_in_doubt(model: Model) -> None:
    rows = [(item, person, item % 2) for item in range(60) for person in range(6)]

    found = drawn(votes(rows), model)

    # Beta(61, 1), or of each of two classes as good as Beta(31, 1).
    count = 60 if model == "one-coin" else 30
    assert found.accuracy == pytest.approx((count + 1) / (count + 2), abs=0.01)
    if model == "one-coin":
        assert found.low == pytest.approx(0.025 ** (1 / 61), abs=0.02)
    assert np.all(found.high > 0.99)
    assert found.confusion.sum(axis=2) == pytest.approx(1)


@pytest.mark.parametrize("model", MODELS)
def test_the_interval_holds_the_accuracy_as_often_as_it_says(model: Model) -> None:
    """Where people err as the model has it: of 7 people in 12 teams about 95 %."""
    inside, narrow = [], []
    skills = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    for seed in range(12):
        answers, _ = made_up(seed)
        found = drawn(answers, model, draws=200)
        inside += list((found.low <= skills) & (skills <= found.high))
        sure = estimate(answers, model, Settings(smoothing=1))
        counts = np.bincount(answers.people)
        share = sure.right_count / counts
        narrow.append(float((found.high - found.low).mean()))
        assert narrow[-1] > float((2 * 1.96 * np.sqrt(share * (1 - share) / counts)).mean())

    assert np.mean(inside) > 0.88


def test_the_same_answers_give_the_same_interval() -> None:
    answers, _ = made_up(3)

    one, other = (drawn(answers, "full", draws=20) for _ in range(2))

    np.testing.assert_array_equal(one.low, other.low)
