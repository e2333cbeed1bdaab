"""Cosines and the plane: both against scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from ml.core.projecting import pca, project
from ml.core.similarity import cosines, nearest, unit_rows


def vectors(rows: int = 60, width: int = 12) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(rows, width)) * np.arange(1, width + 1)


def test_cosines_are_those_of_scikit_learn() -> None:
    assert np.abs(cosines(vectors()) - cosine_similarity(vectors())).max() < 1e-9


def test_cosines_are_symmetric_and_never_above_one() -> None:
    found = cosines(np.repeat(vectors(3), 20, axis=0))

    assert (found == found.T).all()
    assert found.max() == 1.0


def test_a_text_without_a_direction_is_like_nothing() -> None:
    found = cosines(np.vstack([np.zeros(12), vectors(2)]))

    assert (found[0] == 0).all()
    assert np.isfinite(found).all()


def test_the_nearest_come_first_and_equals_in_their_order() -> None:
    table = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0], [5.0, 0.0]])

    rows, found = nearest(np.array([1.0, 0.0]), table, 3)

    assert rows.tolist() == [1, 3, 2]
    assert found == pytest.approx([1.0, 1.0, 2**-0.5])


def test_nothing_is_near_among_none() -> None:
    rows, found = nearest(np.ones(3), np.zeros((0, 3)), 5)

    assert (rows.size, found.size) == (0, 0)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        unit_rows(np.array([[1.0, np.nan]]))


def test_principal_components_are_those_of_scikit_learn() -> None:
    points, shares = pca(vectors(), 2)
    reference = PCA(2, svd_solver="full").fit(vectors())

    # Their axes may point the other way.
    assert np.abs(np.abs(points) - np.abs(reference.transform(vectors()))).max() < 1e-9
    assert shares == pytest.approx(reference.explained_variance_ratio_, abs=1e-9)


def test_the_way_an_axis_points_does_not_depend_on_the_order_of_the_rows() -> None:
    table = vectors()

    assert np.abs(pca(table, 2)[0][::-1] - pca(table[::-1], 2)[0]).max() < 1e-9


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_handful_of_texts_still_has_places(rows: int, method: str) -> None:
    points = project(vectors(rows), method).points

    assert points.shape == (rows, 2)
    assert np.isfinite(points).all()


def test_texts_that_are_all_the_same_lie_on_one_point() -> None:
    found = project(np.ones((5, 4)))

    assert np.abs(found.points).max() < 1e-9
    assert max(found.shares) <= 1.0


def test_tsne_keeps_groups_apart_and_is_the_same_twice() -> None:
    rng = np.random.default_rng(3)
    middles = np.repeat(rng.normal(size=(2, 8)) * 10, 20, axis=0)
    table = middles + rng.normal(size=(40, 8)) * 0.1

    points = project(table, "tsne").points

    apart = np.linalg.norm(points[:20].mean(axis=0) - points[20:].mean(axis=0))
    assert apart > 3 * points[:20].std()
    assert (points == project(table, "tsne").points).all()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="umap"):
        project(vectors(), "umap")
