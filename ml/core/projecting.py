"""From the many dimensions of an encoder to the two of a picture."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.core.engines.base import Floats
from ml.core.similarity import unit_rows

PCA: Final = "pca"
TSNE: Final = "tsne"
METHODS: Final = (PCA, TSNE)

# t-SNE looks at neighbours; what lies beyond the first axes is mostly noise to them, and costs.
_AXES_FIRST: Final = 50
_PERPLEXITY: Final = 30.0


@dataclass(frozen=True)
class Projection:
    """Hold points [rows, 2] and the share of the variance that each axis shows (PCA only)."""

    points: Floats
    shares: tuple[float, ...] = ()


def project(vectors: Floats, method: str = PCA, *, seed: int = 0) -> Projection:
    """Return vectors [rows, width] as points in the plane; the same input gives the same points.

    They are brought to length 1 first, so that nearness in the picture follows the cosine.
    """
    if method not in METHODS:
        raise ValueError(f"{method!r} is not one of {', '.join(METHODS)}.")
    units = unit_rows(vectors)
    if method == PCA or len(units) < 4:  # fewer have no neighbourhoods
        points, shares = pca(units, 2)
        return Projection(points, shares)
    return Projection(_tsne(pca(units, _AXES_FIRST)[0], seed))


def pca(vectors: Floats, count: int) -> tuple[Floats, tuple[float, ...]]:
    """Return the first principal components [rows, count] and their shares of the variance.

    By a singular value decomposition of the centred rows. An axis may point either way; here its
    largest weight is positive. Axes that the data does not have are 0.
    """
    rows, width = vectors.shape
    points, shares = np.zeros((rows, count)), [0.0] * count
    if rows < 2:
        return points, tuple(shares)
    centred = vectors - vectors.mean(axis=0)
    left, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum())
    for axis in range(min(count, rows, width)):
        if total <= 0.0:
            break
        sign = 1.0 if axes[axis][np.argmax(np.abs(axes[axis]))] >= 0 else -1.0
        points[:, axis] = sign * left[:, axis] * sizes[axis]
        shares[axis] = float(sizes[axis] ** 2) / total
    return points, tuple(shares)


def _tsne(vectors: Floats, seed: int) -> Floats:
    """Return t-SNE's points (van der Maaten and Hinton, 2008), begun from the principal axes."""
    from sklearn import manifold

    # Each point needs some neighbours more than the perplexity asks for.
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    begun = manifold.TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(begun.fit_transform(vectors.astype(np.float32)), dtype=np.float64)
