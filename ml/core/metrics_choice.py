"""How good choices are: everything that the confusion matrix tells."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.core.data import Answer
from ml.core.engines.base import Floats, Ints
from ml.core.intervals import Estimate, bootstrap_table, nothing, ratio, wilson

Metrics = dict[str, Any]

_AVERAGES = (
    *("macro_f1", "macro_precision", "macro_recall"),
    *("weighted_f1", "weighted_precision", "weighted_recall"),
    "mcc",
)


def confusion(options: Sequence[str], gold: Sequence[Answer], found: Sequence[Answer]) -> Ints:
    """Return counts [options, options], gold down and found across, in the order of the options."""
    place = {option: index for index, option in enumerate(options)}
    table = np.zeros((len(options), len(options)), dtype=np.int64)
    for wanted, given in zip(gold, found, strict=True):
        table[place[str(wanted)], place[str(given)]] += 1
    return table


def choice_metrics(table: Ints, options: Sequence[str]) -> Metrics:
    """Return accuracy, averaged and per-option precision, recall and F1, and MCC.

    Macro figures are means over the options that occur in the gold, weighted ones count an option
    as often as it occurs. With one answer a review, micro precision, recall and F1 are the
    accuracy. MCC is Gorodkin's R_K (2004): 0 for an answer that never changes, nothing where the
    gold never does.
    """
    n = int(table.sum())
    values = bootstrap_table(table, _statistics)
    accuracy = wilson(int(np.trace(table)), n)
    named = dict(zip(_AVERAGES, values, strict=False))
    return {
        "accuracy": accuracy,
        "micro_f1": dict(accuracy),
        **named,
        "per_option": {
            option: option_metrics(
                wilson(int(table[i, i]), int(table[:, i].sum())),
                wilson(int(table[i, i]), int(table[i].sum())),
                values[len(_AVERAGES) + i],
            )
            for i, option in enumerate(options)
        },
    }


def option_metrics(precision: Estimate, recall: Estimate, f1: Estimate) -> Metrics:
    """Return the figures of one option; without an example of it there is none but n."""
    known = {
        "n": recall["n"],
        "found": precision["n"],
        "precision": precision,
        "recall": recall,
        "f1": f1["value"],
        "f1_low": f1["low"],
        "f1_high": f1["high"],
    }
    # Without an example there is nothing to be right about: no figure is honest, least of all 0.
    missing = {"f1": None, "f1_low": None, "f1_high": None, "recall": nothing(0)}
    return known if recall["n"] else {**known, **missing}


def averaged(hits: Floats, gold: Floats, found: Floats) -> tuple[Floats, Floats, Floats]:
    """Return F1, precision and recall per option, [draws, options]; NaN without gold.

    An option that was never found has precision 0, as the usual libraries count it.
    """
    f1 = np.where(gold > 0, ratio(2 * hits, gold + found), np.nan)
    precision = np.where(gold > 0, np.nan_to_num(ratio(hits, found)), np.nan)
    return f1, precision, ratio(hits, gold)


def mean_known(values: Floats) -> Floats:
    """Return the mean of the finite values of every row, NaN where there is none."""
    is_known = np.isfinite(values)
    return ratio(np.where(is_known, values, 0.0).sum(axis=1), is_known.sum(axis=1))


def _statistics(tables: Floats) -> Floats:
    hits = np.diagonal(tables, axis1=1, axis2=2)
    gold, found = tables.sum(axis=2), tables.sum(axis=1)
    figures = averaged(hits, gold, found)
    macro = [mean_known(figure) for figure in figures]
    total = gold.sum(axis=1)
    weighted = [ratio((np.nan_to_num(figure) * gold).sum(axis=1), total) for figure in figures]
    return np.column_stack([*macro, *weighted, _mcc(hits, gold, found), figures[0]])


def _mcc(hits: Floats, gold: Floats, found: Floats) -> Floats:
    n = gold.sum(axis=1)
    shared = hits.sum(axis=1) * n - (gold * found).sum(axis=1)
    of_gold, of_found = n**2 - (gold**2).sum(axis=1), n**2 - (found**2).sum(axis=1)
    value = np.nan_to_num(ratio(shared, np.sqrt(of_gold * of_found)))
    return np.where(of_gold > 0, np.clip(value, -1.0, 1.0), np.nan)
