"""The figures of one training that the core's metrics lack."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ml.core.answers import Prediction, to_answer
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example, SpanAnswer
from ml.core.intervals import Estimate, bootstrap, nothing, ratio

_TOKEN: Final = re.compile(r"\S+")


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
    """Return the accuracy by word of the test rows of spans; other questions lack nothing."""
    if head.kind is not Kind.SPANS:
        return {}
    rows = [e for e in examples if e.split == "test" and head.question in e.answers]
    gold = [example.answers[head.question] for example in rows]
    answers = [to_answer(head, found[example.id][head.question]) for example in rows]
    return {"word_accuracy": word_accuracy(gold, answers, [e.text for e in rows])}


def _tags(answer: Answer, text: str) -> list[str]:
    spans: Sequence[SpanAnswer] = answer if isinstance(answer, tuple) else ()
    return [_tag(spans, match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _tag(spans: Sequence[SpanAnswer], start: int, end: int) -> str:
    for span in spans:
        if span.start < end and start < span.end:
            return f"{'B' if span.start >= start else 'I'}-{span.option}"
    return "O"
