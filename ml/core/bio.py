"""Spans as tags on words (IOB2): O is 0, B of option k is 1 + 2k, I of option k is 2 + 2k."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.core.data import SpanAnswer
from ml.core.engines.base import Floats, Ints

OUTSIDE: Final = 0


@dataclass(frozen=True)
class WordSpan:
    """Mark words `first` to `last` (exclusive) with the index of an option."""

    first: int
    last: int
    option: int


def tag_count(options: int) -> int:
    """Return how many tags that many options need."""
    return 1 + 2 * options


def covered_words(span: SpanAnswer, ranges: Ints) -> tuple[int, int]:
    """Return (first, last exclusive) of the words a span touches; equal when there are none."""
    first = int(np.searchsorted(ranges[:, 1], span.start, side="right"))
    last = int(np.searchsorted(ranges[:, 0], span.end, side="left"))
    return first, max(first, last)


def encode(spans: Sequence[SpanAnswer], ranges: Ints, options: Sequence[str]) -> Ints:
    """Return the tags [words] of gold spans; where spans overlap the longer one is kept."""
    tags = np.zeros(len(ranges), dtype=np.int64)
    for span in sorted(spans, key=lambda s: (s.start - s.end, s.start)):
        first, last = covered_words(span, ranges)
        if first == last or tags[first:last].any():
            continue
        option = options.index(span.option)
        tags[first:last] = 2 + 2 * option
        tags[first] = 1 + 2 * option
    return tags


def viterbi(scores: Floats) -> Ints:
    """Return the best valid tags [words] for log scores [words, tags].

    An I may follow only a B or an I of its own option, and never starts a text.
    """
    length, count = scores.shape
    back = np.zeros((length, count), dtype=np.int64)
    best = np.where(_is_inside(count), -np.inf, scores[0]) if length else np.zeros(count)
    for word in range(1, length):
        best, back[word] = _step(best, scores[word])
    tags = np.zeros(length, dtype=np.int64)
    for word in range(length - 1, -1, -1):
        tags[word] = int(best.argmax()) if word == length - 1 else back[word + 1, tags[word + 1]]
    return tags


def sureness(probabilities: Floats, span: WordSpan) -> float:
    """Return how probable the option of a span is over its words, from [words, tags]."""
    option = slice(1 + 2 * span.option, 3 + 2 * span.option)
    return float(probabilities[span.first : span.last, option].sum(axis=1).mean())


def _step(best: Floats, scores: Floats) -> tuple[Floats, Ints]:
    # Any tag may come before O and B, so one maximum serves them all: linear in the tags.
    source = np.full(len(scores), int(best.argmax()), dtype=np.int64)
    begins = np.arange(1, len(scores), 2)
    stays = best[begins + 1] >= best[begins]
    source[begins + 1] = np.where(stays, begins + 1, begins)
    return best[source] + scores, source


def _is_inside(count: int) -> np.ndarray:
    tags = np.arange(count)
    is_inside: np.ndarray = (tags > 0) & (tags % 2 == 0)
    return is_inside


def decode(tags: Ints) -> Iterator[WordSpan]:
    """Yield the spans of valid tags, from left to right."""
    first = -1
    for word, tag in enumerate([*tags.tolist(), OUTSIDE]):
        if first >= 0 and (tag == OUTSIDE or tag % 2 == 1):
            yield WordSpan(first, word, (int(tags[first]) - 1) // 2)
            first = -1
        if tag % 2 == 1:
            first = word
