"""Spans counted strictly (same option, both ends, as IOB2 entity matching does), and less so."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ml.core import bio
from ml.core.config import HeadConfig
from ml.core.data import Answer, SpanAnswer
from ml.core.engines.base import Floats
from ml.core.intervals import bootstrap, clustered, ratio
from ml.core.metrics_choice import option_metrics
from ml.core.tagger import word_ranges

AVERAGES: Final = (
    *("micro_f1", "micro_precision", "micro_recall"),
    *("macro_f1", "macro_precision", "macro_recall"),
)


def spans_metrics(
    head: HeadConfig,
    gold: Sequence[Answer],
    found: Sequence[Answer],
    texts: Sequence[str] = (),
) -> dict[str, Any]:
    """Return micro, macro and per-option figures over texts, n being texts; counts are of spans.

    Macro figures are means over the options that occur in the gold. `overlap_*` take a span for
    right that shares a character with one of the same option. With texts, `token_accuracy` is the
    share of words with the right tag, O among them. With polarities, `polarity_accuracy` is over
    spans found exactly whose gold has a polarity. Spans of one text are no independent draws: every
    interval is over texts.
    """
    size = len(head.options)
    pairs = [(_spans(g), _spans(f)) for g, f in zip(gold, found, strict=True)]
    rows = np.array([_counts(head, g, f) for g, f in pairs], dtype=np.float64)
    rows = rows.reshape(len(pairs), 3 * size)
    values = bootstrap(rows, lambda sums: _statistics(sums, size))
    hits, wanted, given = np.split(rows.sum(axis=0).astype(int), 3)
    metrics: dict[str, Any] = dict(zip(AVERAGES, values, strict=False))
    metrics |= _overlap(pairs)
    if texts:
        metrics["token_accuracy"] = _token_accuracy(head, pairs, texts)
    metrics["spans"] = {
        "gold": int(wanted.sum()),
        "found": int(given.sum()),
        "exact": int(hits.sum()),
    }
    metrics["per_option"] = {
        option: option_metrics(
            clustered(rows[:, i], rows[:, 2 * size + i]),
            clustered(rows[:, i], rows[:, size + i]),
            values[len(AVERAGES) + i],
        )
        for i, option in enumerate(head.options)
    }
    if head.polarities:
        metrics["polarity_accuracy"] = _polarity_accuracy(pairs)
    return metrics


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


def _overlap(
    pairs: Sequence[tuple[Sequence[SpanAnswer], Sequence[SpanAnswer]]],
) -> dict[str, Any]:
    rows = [
        (_touched(gold, found), len(gold), _touched(found, gold), len(found))
        for gold, found in pairs
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    values = bootstrap(table, _overlap_statistics)
    return dict(zip(("overlap_f1", "overlap_precision", "overlap_recall"), values, strict=True))


def _touched(spans: Sequence[SpanAnswer], others: Sequence[SpanAnswer]) -> int:
    return sum(
        any(s.option == o.option and s.start < o.end and o.start < s.end for o in others)
        for s in spans
    )


def _overlap_statistics(sums: Floats) -> Floats:
    recall, precision = ratio(sums[:, 0], sums[:, 1]), ratio(sums[:, 2], sums[:, 3])
    both = np.nan_to_num(precision) + np.nan_to_num(recall)
    f1 = np.nan_to_num(ratio(2 * np.nan_to_num(precision) * np.nan_to_num(recall), both))
    return np.column_stack([np.where(sums[:, 1] > 0, f1, np.nan), precision, recall])


def _token_accuracy(
    head: HeadConfig,
    pairs: Sequence[tuple[Sequence[SpanAnswer], Sequence[SpanAnswer]]],
    texts: Sequence[str],
) -> dict[str, Any]:
    rows = []
    for (gold, found), text in zip(pairs, texts, strict=True):
        ranges = word_ranges(text)
        wanted, given = (bio.encode(spans, ranges, head.options) for spans in (gold, found))
        rows.append((float((wanted == given).sum()), float(len(ranges))))
    # Words of one review are no independent draws: the interval is over reviews.
    (found_share,) = bootstrap(np.array(rows), lambda sums: ratio(sums[:, :1], sums[:, 1:]))
    return found_share


def _polarity_accuracy(
    pairs: Sequence[tuple[Sequence[SpanAnswer], Sequence[SpanAnswer]]],
) -> dict[str, Any]:
    hits, totals = np.zeros((2, len(pairs)))
    for row, (gold, found) in enumerate(pairs):
        given = {(s.start, s.end, s.option): s.polarity for s in found}
        for span in gold:
            place = (span.start, span.end, span.option)
            if span.polarity and place in given:
                totals[row] += 1
                hits[row] += given[place] == span.polarity
    return clustered(hits, totals)


def _spans(answer: Answer) -> tuple[SpanAnswer, ...]:
    return answer if isinstance(answer, tuple) else ()
