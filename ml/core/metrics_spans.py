"""Spans counted strictly: the same option and both ends, as IOB2 entity matching does."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ml.core.config import HeadConfig
from ml.core.data import Answer, SpanAnswer
from ml.core.engines.base import Floats
from ml.core.intervals import bootstrap, ratio, wilson

AVERAGES: Final = (
    *("micro_f1", "micro_precision", "micro_recall"),
    *("macro_f1", "macro_precision", "macro_recall"),
)


def spans_metrics(
    head: HeadConfig, gold: Sequence[Answer], found: Sequence[Answer]
) -> dict[str, Any]:
    """Return micro, macro and per-option figures over texts, n being texts; counts are of spans.

    Macro figures are means over the options that occur in the gold. With polarities,
    `polarity_accuracy` is over spans found exactly whose gold has a polarity.
    """
    size = len(head.options)
    pairs = [(_spans(g), _spans(f)) for g, f in zip(gold, found, strict=True)]
    rows = np.array([_counts(head, g, f) for g, f in pairs], dtype=np.float64)
    rows = rows.reshape(len(pairs), 3 * size)
    values = bootstrap(rows, lambda sums: _statistics(sums, size))
    hits, wanted, given = np.split(rows.sum(axis=0).astype(int), 3)
    metrics: dict[str, Any] = dict(zip(AVERAGES, values, strict=False))
    metrics["spans"] = {
        "gold": int(wanted.sum()),
        "found": int(given.sum()),
        "exact": int(hits.sum()),
    }
    metrics["per_option"] = {
        option: _per_option(int(hits[i]), int(wanted[i]), int(given[i]), values[len(AVERAGES) + i])
        for i, option in enumerate(head.options)
    }
    if head.polarities:
        metrics["polarity_accuracy"] = _polarity_accuracy(pairs)
    return metrics


def _per_option(hits: int, gold: int, found: int, f1: dict[str, Any]) -> dict[str, Any]:
    return {
        "n": gold,
        "found": found,
        "precision": wilson(hits, found),
        "recall": wilson(hits, gold),
        "f1": f1["value"] if gold else None,
        "f1_low": f1["low"] if gold else None,
        "f1_high": f1["high"] if gold else None,
    }


def _counts(head: HeadConfig, gold: Sequence[SpanAnswer], found: Sequence[SpanAnswer]) -> list[int]:
    wanted = {(s.start, s.end, s.option) for s in gold}
    given = {(s.start, s.end, s.option) for s in found}
    sets = (wanted & given, wanted, given)
    return [sum(span[2] == option for span in one) for one in sets for option in head.options]


def _statistics(sums: Floats, size: int) -> Floats:
    hits, gold, found = (sums[:, i * size : (i + 1) * size] for i in range(3))
    totals = _figures(hits.sum(axis=1), gold.sum(axis=1), found.sum(axis=1))
    each = _figures(hits, gold, found)
    is_known = gold > 0
    macro = [
        ratio(np.where(is_known, np.nan_to_num(figure), 0.0).sum(axis=1), is_known.sum(axis=1))
        for figure in each
    ]
    f1 = np.where(is_known, each[0], np.nan)
    return np.column_stack([*totals, *macro, f1])


def _figures(hits: Floats, gold: Floats, found: Floats) -> tuple[Floats, Floats, Floats]:
    # Without gold spans there is no F1 to speak of, however many were found.
    f1 = np.where(gold > 0, ratio(2 * hits, gold + found), np.nan)
    return f1, ratio(hits, found), ratio(hits, gold)


def _polarity_accuracy(
    pairs: Sequence[tuple[Sequence[SpanAnswer], Sequence[SpanAnswer]]],
) -> dict[str, Any]:
    hits = total = 0
    for gold, found in pairs:
        given = {(s.start, s.end, s.option): s.polarity for s in found}
        for span in gold:
            place = (span.start, span.end, span.option)
            if span.polarity and place in given:
                total += 1
                hits += given[place] == span.polarity
    return wilson(hits, total)


def _spans(answer: Answer) -> tuple[SpanAnswer, ...]:
    return answer if isinstance(answer, tuple) else ()
