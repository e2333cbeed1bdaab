"""How good numbers are, before and after rounding them to the scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.core.config import HeadConfig
from ml.core.data import Answer
from ml.core.engines.base import Floats
from ml.core.intervals import bootstrap, bootstrap_ranks, bootstrap_table, ratio, wilson
from ml.core.metrics_choice import confusion, mean_known

LONGEST_SCALE = 20


def number_metrics(head: HeadConfig, gold: Floats, found: Floats) -> dict[str, Any]:
    """Return MAE, RMSE, R2 and Spearman's correlation, and for whole numbers those of rounding.

    On a short whole-number scale also quadratically weighted kappa (Cohen, 1968) and the mean of
    the MAE of every true value, which a model that always answers the same cannot make small.
    """
    errors = found - gold
    whole = rounded(head, found)
    columns = [np.ones_like(gold), np.abs(errors), errors**2, gold, gold**2, np.abs(whole - gold)]
    values = bootstrap(np.stack(columns, axis=1), _statistics)
    metrics: dict[str, Any] = dict(zip(("mae", "rmse", "r2"), values, strict=False))
    (metrics["spearman"],) = bootstrap_ranks(len(gold), lambda w: _spearman(w, gold, found))
    if head.is_integer:
        metrics["rounded_mae"] = values[3]
        metrics["rounded_accuracy"] = wilson(int((whole == gold).sum()), len(gold))
        metrics["within_one"] = wilson(int((np.abs(whole - gold) <= 1).sum()), len(gold))
    if 1 < len(head.scale) <= LONGEST_SCALE:
        names = tuple(map(str, head.scale))
        table = confusion(names, _named(gold), _named(whole))
        kappa, macro = bootstrap_table(table, _scale_statistics)
        metrics |= {"quadratic_kappa": kappa, "macro_mae": macro}
    return metrics


def numbers(answers: Sequence[Answer]) -> Floats:
    """Return the answers that are numbers, [rows]."""
    return np.array([float(a) for a in answers if isinstance(a, int | float)])


def rounded(head: HeadConfig, values: Floats) -> Floats:
    """Return values as whole numbers in the range of the question."""
    return np.asarray(np.clip(np.rint(values), head.minimum, head.maximum))


def _named(values: Floats) -> list[Answer]:
    return [str(int(value)) for value in np.rint(values)]


def _statistics(sums: Floats) -> Floats:
    n, absolute, squared, total, squares, whole = sums.T
    spread = squares - ratio(total**2, n)
    # A constant gold has no variance to explain; what is left is rounding.
    spread = np.where(spread > 1e-9 * np.maximum(squares, 1.0), spread, 0.0)
    mae, rmse = ratio(absolute, n), np.sqrt(ratio(squared, n))
    return np.column_stack([mae, rmse, 1 - ratio(squared, spread), ratio(whole, n)])


def _scale_statistics(tables: Floats) -> Floats:
    size = tables.shape[1]
    places = np.arange(size)
    apart = np.abs(places[:, None] - places[None, :]).astype(np.float64)
    gold, found = tables.sum(axis=2), tables.sum(axis=1)
    expected = gold[:, :, None] * found[:, None, :] / gold.sum(axis=1)[:, None, None]
    seen, by_chance = ((apart**2 * t).sum(axis=(1, 2)) for t in (tables, expected))
    each = ratio((apart * tables).sum(axis=2), gold)
    return np.column_stack([1 - ratio(seen, by_chance), mean_known(each)])


def _spearman(weights: Floats, gold: Floats, found: Floats) -> Floats:
    """Return the correlation of mid-ranks, rows counted by weights [draws, n], as [draws, 1]."""
    first, second = _ranks(weights, gold), _ranks(weights, found)
    n = weights.sum(axis=1, keepdims=True)
    first -= (weights * first).sum(axis=1, keepdims=True) / n
    second -= (weights * second).sum(axis=1, keepdims=True) / n
    shared = (weights * first * second).sum(axis=1)
    scale = np.sqrt((weights * first**2).sum(axis=1) * (weights * second**2).sum(axis=1))
    return np.clip(ratio(shared, scale), -1.0, 1.0)[:, None]


def _ranks(weights: Floats, values: Floats) -> Floats:
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    upto = np.cumsum(weights[:, order], axis=1)
    last = np.flatnonzero(np.append(np.diff(group[order]) > 0, True))
    ends = upto[:, last]
    starts = np.concatenate([np.zeros((len(weights), 1)), ends[:, :-1]], axis=1)
    return np.asarray(((starts + ends + 1) / 2)[:, group])
