"""The figures of one training, those that the core's metrics lack among them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ml.core.answers import Prediction, to_answer
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example, SpanAnswer
from ml.core.engines.base import Floats
from ml.core.intervals import Estimate, bootstrap, nothing, ratio

_BINS: Final = 15
_TOKEN: Final = re.compile(r"\S+")


def ece(head: HeadConfig, gold: Sequence[Answer], found: Sequence[Prediction]) -> Estimate:
    """Return the expected calibration error of a question (Naeini et al., AAAI 2015).

    In at most 15 bins of equal mass, of: the confidence of the chosen option and whether it is
    right; of a multichoice every option's probability and whether it applies; of spans the
    confidence of a found span and whether it is exactly right. Numbers have none.
    """
    pairs = [
        p for wanted, given in zip(gold, found, strict=True) for p in _pairs(head, wanted, given)
    ]
    if not pairs:
        return nothing(0)
    table = np.array(pairs, dtype=np.float64)
    confidences, is_right = table[:, 0], table[:, 1]
    edges = np.quantile(confidences, np.linspace(0, 1, _BINS + 1)[1:-1])
    place = np.searchsorted(edges, confidences, side="left")
    rows = np.zeros((len(table), 2 * _BINS))
    rows[np.arange(len(table)), place] = confidences - is_right
    rows[np.arange(len(table)), _BINS + place] = 1.0
    return bootstrap(rows, _gap)[0]


def word_accuracy(
    gold: Sequence[Answer], found: Sequence[Answer], texts: Sequence[str]
) -> Estimate:
    """Return the share of words between blanks that have the right IOB2 tag, O among them.

    The interval is over texts: words of one text are no independent draws.
    """
    rows = []
    for wanted, given, text in zip(gold, found, texts, strict=True):
        left, right = _tags(wanted, text), _tags(given, text)
        rows.append((float(sum(a == b for a, b in zip(left, right, strict=True))), len(left)))
    if not rows:
        return nothing(0)
    table = np.array(rows, dtype=np.float64)
    return bootstrap(table, lambda sums: ratio(sums[:, :1], sums[:, 1:]))[0]


def more_figures(
    head: HeadConfig, examples: Sequence[Example], found: Mapping[int, Mapping[str, Prediction]]
) -> dict[str, Estimate]:
    """Return the calibration error, and of spans the accuracy by word, of the test rows."""
    rows = [e for e in examples if e.split == "test" and head.question in e.answers]
    gold = [example.answers[head.question] for example in rows]
    given = [found[example.id][head.question] for example in rows]
    if head.kind is Kind.NUMBER:
        return {}
    figures = {"ece": ece(head, gold, given)}
    if head.kind is Kind.SPANS:
        answers = [to_answer(head, prediction) for prediction in given]
        figures["word_accuracy"] = word_accuracy(gold, answers, [e.text for e in rows])
    return figures


def _pairs(head: HeadConfig, gold: Answer, found: Any) -> list[tuple[float, bool]]:
    if head.kind is Kind.CHOICE:
        return [(found["confidence"], found["option"] == gold)]
    if head.kind is Kind.MULTICHOICE and isinstance(gold, frozenset):
        return [(found["probabilities"][option], option in gold) for option in head.options]
    wanted = {(s.start, s.end, s.option) for s in gold} if isinstance(gold, tuple) else set()
    return [(s["confidence"], (s["start"], s["end"], s["option"]) in wanted) for s in found]


def _gap(sums: Floats) -> Floats:
    gaps = np.abs(sums[:, :_BINS]).sum(axis=1, keepdims=True)
    return ratio(gaps, sums[:, _BINS:].sum(axis=1, keepdims=True))


def _tags(answer: Answer, text: str) -> list[str]:
    spans: Sequence[SpanAnswer] = answer if isinstance(answer, tuple) else ()
    return [_tag(spans, match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _tag(spans: Sequence[SpanAnswer], start: int, end: int) -> str:
    for span in spans:
        if span.start < end and start < span.end:
            return f"{'B' if span.start >= start else 'I'}-{span.option}"
    return "O"
