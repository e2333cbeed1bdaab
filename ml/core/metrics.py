"""How good answers are, per question, each figure with its n and a 95 % interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer
from ml.core.engines.base import Floats
from ml.core.intervals import bootstrap, ratio, wilson
from ml.core.limits import check_limits
from ml.core.metrics_choice import (
    Metrics,
    averaged,
    choice_metrics,
    confusion,
    mean_known,
    option_metrics,
)
from ml.core.metrics_number import LONGEST_SCALE, number_metrics, numbers, rounded
from ml.core.metrics_spans import AVERAGES, spans_metrics

HEADLINES = {
    Kind.CHOICE: "accuracy",
    Kind.NUMBER: "mae",
    Kind.MULTICHOICE: "micro_f1",
    Kind.SPANS: "micro_f1",
}


def measure(
    head: HeadConfig,
    gold: Sequence[Answer],
    found: Sequence[Answer],
    texts: Sequence[str] = (),
) -> Metrics:
    """Return the metrics of one question with its `headline`; gold and found are parallel.

    With `texts`, spans are judged word by word too. Raises ImpossibleFigureError for a figure that
    leaves its range.
    """
    match head.kind:
        case Kind.CHOICE:
            metrics = choice_metrics(confusion(head.options, gold, found), head.options)
        case Kind.NUMBER:
            metrics = number_metrics(head, numbers(gold), numbers(found))
        case Kind.MULTICHOICE:
            metrics = multichoice_metrics(
                selections(head, gold), selections(head, found), head.options
            )
        case Kind.SPANS:
            metrics = spans_metrics(head, gold, found, texts)
    check_limits(metrics)
    name = HEADLINES[head.kind]
    return {"headline": {"name": name, **metrics[name]}, **metrics}


def confusion_table(
    head: HeadConfig, gold: Sequence[Answer], found: Sequence[Answer]
) -> dict[str, Any] | None:
    """Return options and rows (gold) x columns (found) of a choice or a whole-number scale."""
    if head.kind is Kind.CHOICE:
        rows = confusion(head.options, gold, found)
        return {"options": list(head.options), "rows": rows.tolist()}
    if not head.scale or len(head.scale) > LONGEST_SCALE:
        return None
    options = tuple(map(str, head.scale))
    rows = confusion(options, _whole(head, gold), _whole(head, found))
    return {"options": list(options), "rows": rows.tolist()}


def multichoice_metrics(gold: Floats, found: Floats, options: Sequence[str]) -> Metrics:
    """Return micro and macro figures, Hamming loss and per option, of 0/1 [rows, options]."""
    n, size = gold.shape
    hits = gold * found
    rows = np.hstack([hits, gold, found, np.abs(gold - found)])
    values = bootstrap(rows, lambda sums: _multichoice_statistics(sums, size, n))
    names = [*AVERAGES, "hamming_loss"]
    right, wanted, given = (column.sum(axis=0).astype(int) for column in (hits, gold, found))
    per_option = {
        option: option_metrics(
            wilson(right[i], int(given[i])),
            wilson(right[i], int(wanted[i])),
            values[len(names) + i],
        )
        for i, option in enumerate(options)
    }
    exact = wilson(int((gold == found).all(axis=1).sum()), n)
    named = dict(zip(names, values, strict=False))
    return {**named, "exact_match": exact, "per_option": per_option}


def selections(head: HeadConfig, answers: Sequence[Answer]) -> Floats:
    """Return 0 or 1 per option, [rows, options]."""
    rows = [[isinstance(a, frozenset) and o in a for o in head.options] for a in answers]
    return np.array(rows, dtype=np.float64).reshape(len(answers), len(head.options))


def _multichoice_statistics(sums: Floats, size: int, n: int) -> Floats:
    hits, gold, found, wrong = (sums[:, i * size : (i + 1) * size] for i in range(4))
    total, wanted, given = hits.sum(axis=1), gold.sum(axis=1), found.sum(axis=1)
    f1 = np.where(wanted > 0, ratio(2 * total, wanted + given), np.nan)
    micro = [f1, ratio(total, given), ratio(total, wanted)]
    each = averaged(hits, gold, found)
    macro = [mean_known(figure) for figure in each]
    hamming = wrong.sum(axis=1) / (n * size)
    return np.column_stack([*micro, *macro, hamming, each[0]])


def _whole(head: HeadConfig, answers: Sequence[Answer]) -> list[Answer]:
    return [str(int(value)) for value in rounded(head, numbers(answers))]
