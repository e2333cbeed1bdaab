"""Linear models on sparse rows, fitted by L-BFGS; the same optimum as the usual libraries find."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import lsqr

from ml.core.engines.base import Floats, Ints
from ml.core.numeric import log_softmax, sigmoid

_ITERATIONS: Final = 100
_LossAndGradient = Callable[[Floats], tuple[float, Floats]]


def fit_softmax(
    rows: Any, targets: Ints, *, classes: int, strength: float, weights: Floats | None = None
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


def fit_sigmoid(rows: Any, targets: Floats, *, strength: float) -> tuple[Floats, Floats]:
    """Return (coefficients [labels, columns], intercepts [labels]) of independent binary models.

    targets: [rows, labels] of 0 and 1.
    """

    def loss(logits: Floats) -> tuple[float, Floats]:
        total = float((np.logaddexp(0.0, logits) - targets * logits).sum())
        return total, sigmoid(logits) - targets

    share = (targets.sum(axis=0) + 0.5) / (len(targets) + 1)
    return _fit(rows, np.log(share / (1 - share)), loss, strength)


def fit_ridge(rows: Any, targets: Floats, *, alpha: float) -> tuple[Floats, Floats]:
    """Return (coefficients [1, columns], intercept [1]) of a ridge regression.

    The columns are not centred: TF-IDF rows are sparse and their means tiny.
    """
    mean = float(targets.mean())
    solved = lsqr(rows, targets - mean, damp=np.sqrt(alpha), iter_lim=_ITERATIONS)
    return np.asarray(solved[0])[None, :], np.array([mean])


def _fit(
    rows: Any,
    start: Floats,
    loss: Callable[[Floats], tuple[float, Floats]],
    strength: float,
) -> tuple[Floats, Floats]:
    outputs, columns = len(start), rows.shape[1]
    transposed = rows.T.tocsr()

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
    options = {"maxiter": _ITERATIONS, "ftol": 1e-7, "gtol": 1e-4}
    found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    table = found.x.reshape(outputs, columns + 1)
    return table[:, :columns], table[:, columns]
