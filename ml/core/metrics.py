"""How good answers are, per question, each figure with its n and a 95 % interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer
from ml.core.engines.base import Floats, Ints
from ml.core.intervals import Estimate, bootstrap, nothing, ratio, wilson
from ml.core.metrics_spans import AVERAGES, spans_metrics

Metrics = dict[str, Any]

_HEADLINES = {
    Kind.CHOICE: "accuracy",
    Kind.NUMBER: "mae",
    Kind.MULTICHOICE: "micro_f1",
    Kind.SPANS: "micro_f1",
}


def measure(head: HeadConfig, gold: Sequence[Answer], found: Sequence[Answer]) -> Metrics:
    """Return the metrics of one question with its `headline`; gold and found are parallel."""
    match head.kind:
        case Kind.CHOICE:
            metrics = choice_metrics(confusion(head.options, gold, found), head.options)
        case Kind.NUMBER:
            metrics = number_metrics(head, _numbers(gold), _numbers(found))
        case Kind.MULTICHOICE:
            metrics = multichoice_metrics(
                _selections(head, gold), _selections(head, found), head.options
            )
        case Kind.SPANS:
            metrics = spans_metrics(head, gold, found)
    name = _HEADLINES[head.kind]
    return {"headline": {"name": name, **metrics[name]}, **metrics}


def confusion_table(
    head: HeadConfig, gold: Sequence[Answer], found: Sequence[Answer]
) -> dict[str, Any] | None:
    """Return options and rows (gold) x columns (found) of a choice or a whole-number scale."""
    if head.kind is Kind.CHOICE:
        rows = confusion(head.options, gold, found)
        return {"options": list(head.options), "rows": rows.tolist()}
    if not head.scale or len(head.scale) > 20:
        return None
    options = tuple(map(str, head.scale))
    rows = confusion(options, _rounded(head, gold), _rounded(head, found))
    return {"options": list(options), "rows": rows.tolist()}


def confusion(options: Sequence[str], gold: Sequence[Answer], found: Sequence[Answer]) -> Ints:
    """Return counts [options, options], gold down and found across, in the order of the options."""
    place = {option: index for index, option in enumerate(options)}
    table = np.zeros((len(options), len(options)), dtype=np.int64)
    for wanted, given in zip(gold, found, strict=True):
        table[place[str(wanted)], place[str(given)]] += 1
    return table


def choice_metrics(table: Ints, options: Sequence[str]) -> Metrics:
    """Return accuracy and precision, recall and F1, macro and per option, of a confusion matrix.

    Macro figures are means over the options that occur in the gold.
    """
    n, size = int(table.sum()), len(options)
    cells = np.repeat(np.eye(size * size), table.ravel(), axis=0)
    f1 = bootstrap(cells, lambda sums: _choice_statistics(sums, size), n=n)
    return {
        "accuracy": wilson(int(np.trace(table)), n),
        "macro_f1": f1[0],
        "macro_precision": f1[1],
        "macro_recall": f1[2],
        "per_option": {
            option: _per_option(
                int(table[i, i]), int(table[i].sum()), int(table[:, i].sum()), f1[3 + i]
            )
            for i, option in enumerate(options)
        },
    }


def multichoice_metrics(gold: Floats, found: Floats, options: Sequence[str]) -> Metrics:
    """Return micro and macro figures, Hamming loss and per option, of 0/1 [rows, options]."""
    n, size = gold.shape
    hits = gold * found
    rows = np.hstack([hits, gold, found, np.abs(gold - found)])
    values = bootstrap(rows, lambda sums: _multichoice_statistics(sums, size, n))
    names = [*AVERAGES, "hamming_loss"]
    right, wanted, given = (column.sum(axis=0).astype(int) for column in (hits, gold, found))
    per_option = {
        option: _per_option(int(right[i]), int(wanted[i]), int(given[i]), values[len(names) + i])
        for i, option in enumerate(options)
    }
    exact = wilson(int((gold == found).all(axis=1).sum()), n)
    named = dict(zip(names, values, strict=False))
    return {**named, "exact_match": exact, "per_option": per_option}


def number_metrics(head: HeadConfig, gold: Floats, found: Floats) -> Metrics:
    """Return MAE, RMSE and R2, and for whole numbers MAE and accuracy after rounding."""
    errors = found - gold
    whole = np.clip(np.rint(found), head.minimum, head.maximum)
    columns = [np.ones_like(gold), np.abs(errors), errors**2, gold, gold**2, np.abs(whole - gold)]
    values = bootstrap(np.stack(columns, axis=1), _number_statistics)
    metrics: Metrics = dict(zip(("mae", "rmse", "r2"), values, strict=False))
    if head.is_integer:
        metrics["rounded_mae"] = values[3]
        metrics["rounded_accuracy"] = wilson(int((whole == gold).sum()), len(gold))
        metrics["within_one"] = wilson(int((np.abs(whole - gold) <= 1).sum()), len(gold))
    return metrics


def _per_option(hits: int, gold: int, found: int, f1: Estimate) -> Metrics:
    known = {
        "n": gold,
        "found": found,
        "precision": wilson(hits, found),
        "recall": wilson(hits, gold),
        "f1": f1["value"],
        "f1_low": f1["low"],
        "f1_high": f1["high"],
    }
    # Without an example there is nothing to be right about: no figure is honest, least of all 0.
    missing = {"f1": None, "f1_low": None, "f1_high": None, "recall": nothing(0)}
    return known if gold else {**known, **missing}


def _choice_statistics(sums: Floats, size: int) -> Floats:
    tables = sums.reshape(-1, size, size)
    hits = np.diagonal(tables, axis1=1, axis2=2)
    return _averaged(hits, tables.sum(axis=2), tables.sum(axis=1))


def _multichoice_statistics(sums: Floats, size: int, n: int) -> Floats:
    hits, gold, found, wrong = (sums[:, i * size : (i + 1) * size] for i in range(4))
    total, wanted, given = hits.sum(axis=1), gold.sum(axis=1), found.sum(axis=1)
    f1 = np.where(wanted > 0, ratio(2 * total, wanted + given), np.nan)
    micro = [f1, ratio(total, given), ratio(total, wanted)]
    averaged = _averaged(hits, gold, found)
    hamming = wrong.sum(axis=1) / (n * size)
    return np.column_stack([*micro, averaged[:, :3], hamming, averaged[:, 3:]])


def _averaged(hits: Floats, gold: Floats, found: Floats) -> Floats:
    """Return macro F1, precision, recall, then F1 per option, [draws, 3 + options]."""
    f1 = ratio(2 * hits, gold + found)
    f1[gold == 0] = np.nan
    # An option that was never found has precision 0 in the mean, as the usual libraries count it.
    precision = np.where(gold == 0, np.nan, np.nan_to_num(ratio(hits, found)))
    recall = ratio(hits, gold)
    return np.column_stack([_mean(f1), _mean(precision), _mean(recall), f1])


def _mean(values: Floats) -> Floats:
    is_known = np.isfinite(values)
    return ratio(np.where(is_known, values, 0.0).sum(axis=1), is_known.sum(axis=1))


def _number_statistics(sums: Floats) -> Floats:
    n, absolute, squared, total, squares, whole = sums.T
    spread = squares - ratio(total**2, n)
    # A constant gold has no variance to explain; what is left is rounding.
    spread = np.where(spread > 1e-9 * np.maximum(squares, 1.0), spread, 0.0)
    mae, rmse = ratio(absolute, n), np.sqrt(ratio(squared, n))
    return np.column_stack([mae, rmse, 1 - ratio(squared, spread), ratio(whole, n)])


def _numbers(answers: Sequence[Answer]) -> Floats:
    return np.array([float(a) for a in answers if isinstance(a, int | float)])


def _selections(head: HeadConfig, answers: Sequence[Answer]) -> Floats:
    rows = [[isinstance(a, frozenset) and o in a for o in head.options] for a in answers]
    return np.array(rows, dtype=np.float64).reshape(len(answers), len(head.options))


def _rounded(head: HeadConfig, answers: Sequence[Answer]) -> list[Answer]:
    values = np.clip(np.rint(_numbers(answers)), head.minimum, head.maximum)
    return [str(int(value)) for value in values]
