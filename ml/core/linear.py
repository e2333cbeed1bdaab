"""Linear models on sparse rows, fitted by L-BFGS; the same optimum as the usual libraries find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse.linalg import lsqr

from ml.core.engines.base import Floats, Ints
from ml.core.lbfgs import minimise
from ml.core.numeric import log_softmax, sigmoid

_ITERATIONS: Final = 100
_MOST_COMPACT: Final = 3000
_JITTER: Final = 1e-8


@dataclass(frozen=True)
class Rows:
    """Hold sparse rows [rows, columns] and, where there are few, their inner products.

    Coefficients of a model with a squared penalty are sums of rows, so few rows are fitted exactly
    in as many dimensions as there are rows (the representer theorem), several times faster.
    """

    matrix: Any
    products: Floats | None

    @classmethod
    def of(cls, matrix: Any) -> "Rows":
        """Wrap a CSR matrix."""
        is_compact = matrix.shape[0] <= min(_MOST_COMPACT, matrix.shape[1])
        if not is_compact:
            return cls(matrix, None)
        # In double precision: reviews of the same words make the products singular, and single
        # precision's rounding would make them worse than that.
        exact = matrix.astype(np.float64)
        return cls(matrix, (exact @ exact.T).toarray())

    def select(self, chosen: Ints) -> "Rows":
        """Return some of the rows."""
        products = None if self.products is None else self.products[np.ix_(chosen, chosen)]
        return Rows(self.matrix[chosen], products)


def fit_softmax(
    rows: Rows, targets: Ints, *, classes: int, strength: float, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return (coefficients [classes, columns], intercepts [classes]) of a multinomial model.

    Minimises strength x the summed (class-weighted) log loss plus half the squared coefficients.
    """
    each = np.ones(len(targets)) if weights is None else weights[targets]
    index = np.arange(len(targets))

    def loss(logits: Floats) -> tuple[float, Floats]:
        logs = log_softmax(logits)
        gradient = np.exp(logs)
        gradient[index, targets] -= 1
        return -float((each * logs[index, targets]).sum()), gradient * each[:, None]

    start = np.log(np.bincount(targets, minlength=classes) + 0.5)
    return _fit(rows, start - start.mean(), loss, strength)


def fit_sigmoid(rows: Rows, targets: Floats, *, strength: float) -> tuple[Floats, Floats]:
    """Return (coefficients [labels, columns], intercepts [labels]) of independent binary models.

    targets: [rows, labels] of 0 and 1.
    """

    def loss(logits: Floats) -> tuple[float, Floats]:
        total = float((np.logaddexp(0.0, logits) - targets * logits).sum())
        return total, sigmoid(logits) - targets

    share = (targets.sum(axis=0) + 0.5) / (len(targets) + 1)
    return _fit(rows, np.log(share / (1 - share)), loss, strength)


def fit_ridge(rows: Rows, targets: Floats, *, alpha: float) -> tuple[Floats, Floats]:
    """Return (coefficients [1, columns], intercept [1]) of a ridge regression.

    The columns are not centred: TF-IDF rows are sparse and their means tiny.
    """
    mean = float(targets.mean())
    solved = lsqr(rows.matrix, targets - mean, damp=np.sqrt(alpha), iter_lim=_ITERATIONS)
    return np.asarray(solved[0])[None, :], np.array([mean])


def _fit(
    rows: Rows,
    start: Floats,
    loss: Callable[[Floats], tuple[float, Floats]],
    strength: float,
) -> tuple[Floats, Floats]:
    if rows.products is None:
        return _solve(rows.matrix, rows.matrix.T.tocsr(), start, loss, strength)
    # Rows of the Cholesky factor have the inner products of the rows themselves.
    size = len(rows.products)
    factor = np.linalg.cholesky(rows.products + _JITTER * np.eye(size))
    compact, intercepts = _solve(factor, factor.T, start, loss, strength)
    shares = solve_triangular(factor.T, compact.T, lower=False)
    return np.asarray((rows.matrix.T @ shares).T), intercepts


def _solve(
    rows: Any,
    transposed: Any,
    start: Floats,
    loss: Callable[[Floats], tuple[float, Floats]],
    strength: float,
) -> tuple[Floats, Floats]:
    outputs, columns = len(start), rows.shape[1]

    def objective(flat: Floats) -> tuple[float, Floats]:
        table = flat.reshape(outputs, columns + 1)
        coefficients = table[:, :columns]
        total, gradient = loss(rows @ coefficients.T + table[:, columns])
        slopes = np.empty_like(table)
        slopes[:, :columns] = strength * (transposed @ gradient).T + coefficients
        slopes[:, columns] = strength * gradient.sum(axis=0)
        return strength * total + 0.5 * float((coefficients**2).sum()), slopes.ravel()

    first = np.zeros((outputs, columns + 1))
    first[:, columns] = start
    table = minimise(objective, first.ravel()).reshape(outputs, columns + 1)
    return table[:, :columns], table[:, columns]
