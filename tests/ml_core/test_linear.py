import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from ml.core.adamw import AdamW
from ml.core.lbfgs import minimise
from ml.core.linear import Rows, fit_ridge, fit_sigmoid, fit_softmax
from ml.core.vectorise import Vectoriser
from tests.ml_core import tiny


@pytest.fixture(scope="module", params=["few rows", "many rows"])
def problem(request: pytest.FixtureRequest) -> tuple[Rows, np.ndarray]:
    chance = np.random.default_rng(0)
    count, columns = (60, 100) if request.param == "few rows" else (300, 40)
    table = chance.random((count, columns)) * (chance.random((count, columns)) < 0.2)
    rows = Rows.of(sparse.csr_matrix(table))
    assert (rows.products is not None) == (request.param == "few rows")
    targets = (table @ chance.normal(size=(columns, 3))).argmax(axis=1)
    return rows, targets


def test_the_multinomial_model_is_the_one_the_reference_library_finds(
    problem: tuple[Rows, np.ndarray],
) -> None:
    rows, targets = problem
    reference = LogisticRegression(C=4.0, max_iter=1000, tol=1e-8).fit(rows.matrix, targets)

    coefficients, intercepts = fit_softmax(rows, targets, classes=3, strength=4.0)

    logits = rows.matrix @ coefficients.T + intercepts
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, reference.predict_proba(rows.matrix), atol=0.02)


def test_the_binary_models_are_the_ones_the_reference_library_finds(
    problem: tuple[Rows, np.ndarray],
) -> None:
    rows, targets = problem
    labels = np.stack([targets == 0, targets == 1], axis=1).astype(float)

    coefficients, intercepts = fit_sigmoid(rows, labels, strength=4.0)

    shares = 1 / (1 + np.exp(-(rows.matrix @ coefficients.T + intercepts)))
    for label in range(2):
        model = LogisticRegression(C=4.0, max_iter=1000, tol=1e-8)
        expected = model.fit(rows.matrix, labels[:, label]).predict_proba(rows.matrix)[:, 1]
        np.testing.assert_allclose(shares[:, label], expected, atol=0.02)


def test_ridge_is_close_to_the_reference_library(problem: tuple[Rows, np.ndarray]) -> None:
    rows, targets = problem
    wanted = targets.astype(float)
    reference = Ridge(alpha=1.0, fit_intercept=False).fit(rows.matrix, wanted - wanted.mean())

    coefficients, intercept = fit_ridge(rows, wanted, alpha=1.0)

    expected = reference.predict(rows.matrix) + wanted.mean()
    np.testing.assert_allclose(rows.matrix @ coefficients[0] + intercept, expected, atol=1e-3)


def test_lbfgs_finds_the_bottom_of_a_crooked_bowl() -> None:
    scale = np.array([1.0, 50.0, 1000.0])
    bottom = np.array([3.0, -2.0, 0.5])

    found = minimise(
        lambda x: (float((scale * (x - bottom) ** 2).sum()), 2 * scale * (x - bottom)),
        np.zeros(3),
    )

    np.testing.assert_allclose(found, bottom, atol=1e-2)


def test_adamw_moves_as_the_reference_does() -> None:
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    groups = [
        {"params": [theirs.weight], "weight_decay": 0.1},
        {"params": [theirs.bias], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=0.01)
    optimiser = AdamW([(list(ours.parameters()), 0.01)], 0.1)

    for _ in range(5):
        inputs = torch.randn(4, 3)
        optimiser.clear()
        reference.zero_grad()
        (ours(inputs) ** 2).sum().backward()
        (theirs(inputs) ** 2).sum().backward()
        optimiser.step(1.0)
        reference.step()

    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def dense(vectoriser: Vectoriser, texts: list[str]) -> dict[str, list[float]]:
    table = vectoriser.transform(texts).toarray()
    terms = [*vectoriser.words, *(f"#{gram}" for gram in vectoriser.grams)]
    return dict(zip(terms, table.T.tolist(), strict=True))


def test_terms_are_words_pairs_and_pieces_of_words() -> None:
    vectoriser = Vectoriser.fit(["Red coat"])

    assert vectoriser.words == ("coat", "red", "red coat")
    assert set(vectoriser.grams) == {
        *(" re", "red", "ed ", " red", "red ", " red "),
        *(" co", "coa", "oat", "at ", " coa", "coat", "oat ", " coat", "coat "),
    }


def test_rarer_terms_weigh_more() -> None:
    vectoriser = Vectoriser.fit(["red coat", "red hat", "red shoe"])

    columns = dense(vectoriser, ["red coat"])

    assert columns["coat"][0] > columns["red"][0] > 0
    assert columns["#coa"][0] > columns["#red"][0] > 0
    assert columns["hat"][0] == 0


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_texts_give_finite_rows_and_a_vocabulary_that_rebuilds_the_same(
    texts: list[str],
) -> None:
    vectoriser = Vectoriser.fit(texts)
    again = Vectoriser(vectoriser.words, vectoriser.grams, vectoriser.idf)

    rows = vectoriser.transform(texts).toarray()

    assert rows.shape == (len(texts), vectoriser.width)
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows, again.transform(texts).toarray())


def test_a_text_weighs_the_same_alone_and_among_others() -> None:
    texts = [example.text for example in tiny.make_examples(80)]
    vectoriser = Vectoriser.fit(texts)

    together = vectoriser.transform(texts)[[7]].toarray()

    np.testing.assert_array_equal(together, vectoriser.transform(texts[7:8]).toarray())


def test_large_collections_are_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [example.text for example in tiny.make_examples(80)]
    whole = Vectoriser.fit(texts)
    monkeypatch.setattr("ml.core.vectorise._CHUNK", 7)

    pieces = Vectoriser.fit(texts)

    assert pieces.grams == whole.grams
    np.testing.assert_array_equal(pieces.idf, whole.idf)
