"""Answers as arrays, with what a head needs to know of the training answers before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, SpanAnswer, answered
from ml.core.engines.base import Floats, Ints
from ml.core.numeric import logit

IGNORED: Final = -100
_LARGEST_WEIGHT: Final = 5.0
# Of a range: answers of less spread lie where a sigmoid over the whole range is all but flat.
_LEAST_SPREAD: Final = 0.02


@dataclass(frozen=True)
class Prior:
    """Hold what the training answers of one question look like.

    bias: initial output bias [outputs]; weights: class weights of a choice or of tags, and
    of a multichoice what having each option weighs beside not having it; centre and spread: mean
    and standard deviation of a number.
    """

    bias: Floats
    weights: Floats
    centre: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True)
class WordTargets:
    """Hold the gold of one text's words: tags [words] and (first, last, polarity) triples."""

    tags: Ints
    polarities: tuple[tuple[int, int, int], ...]


def usable_heads(
    heads: Sequence[HeadConfig], examples: Sequence[Example]
) -> tuple[HeadConfig, ...]:
    """Return the heads that a training example answers, each as it suits these answers."""
    found = ((head, answered(examples, head.question, "train")) for head in heads)
    return tuple(suited(head, own) for head, own in found if own)


def suited(head: HeadConfig, examples: Sequence[Example]) -> HeadConfig:
    """Return a head that standardises a number whose training answers fill little of its range."""
    if head.minimum is None or head.maximum is None or not head.is_squeezed:
        return head
    spread = float(np.nanstd(number_targets(head, examples)))
    if spread >= _LEAST_SPREAD * (head.maximum - head.minimum):
        return head
    return replace(head, ordinal="standardised")


def choice_targets(head: HeadConfig, examples: Sequence[Example]) -> Ints:
    """Return option numbers [rows], IGNORED where unanswered."""
    place = {option: index for index, option in enumerate(head.options)}
    answers = [example.answers.get(head.question) for example in examples]
    return np.array([place[str(a)] if a is not None else IGNORED for a in answers], dtype=np.int64)


def multichoice_targets(head: HeadConfig, examples: Sequence[Example]) -> Floats:
    """Return 0 or 1 per option, [rows, options]; NaN where unanswered."""
    found = np.full((len(examples), len(head.options)), np.nan, dtype=np.float32)
    for row, example in enumerate(examples):
        answer = example.answers.get(head.question)
        if isinstance(answer, frozenset):
            found[row] = [option in answer for option in head.options]
    return found


def number_targets(head: HeadConfig, examples: Sequence[Example]) -> Floats:
    """Return numbers [rows, 1]; NaN where unanswered."""
    answers = [example.answers.get(head.question) for example in examples]
    values = [float(a) if isinstance(a, int | float) else np.nan for a in answers]
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def word_targets(head: HeadConfig, example: Example, ranges: Ints) -> WordTargets:
    """Return the gold tags and polarities of the words of a text that answers the question."""
    answer = example.answers.get(head.question)
    spans = answer if isinstance(answer, tuple) else ()
    tags = bio.encode(spans, ranges, head.options)
    triples = (_polarity(head, span, ranges) for span in spans)
    return WordTargets(tags, tuple(triple for triple in triples if triple is not None))


def prior(head: HeadConfig, examples: Sequence[Example], *, is_weighted: bool) -> Prior:
    """Describe the answers of a pooled head's question, taken from training rows that have one."""
    match head.kind:
        case Kind.CHOICE:
            targets = choice_targets(head, examples)
            counts = np.bincount(targets, minlength=len(head.options))
            found = _choice_prior(counts, is_weighted)
            given = np.array(head.class_weights, dtype=np.float64)
            return Prior(found.bias, given if len(given) else found.weights)
        case Kind.MULTICHOICE:
            share = multichoice_targets(head, examples).mean(axis=0)
            return Prior(logit(share), _positive_weights(share, is_weighted=is_weighted))
        case _:
            return _number_prior(head, number_targets(head, examples)[:, 0])


def tag_prior(
    head: HeadConfig, targets: Sequence[WordTargets], *, is_weighted: bool = False
) -> Prior:
    """Describe the tags of a spans question; the polarities start even."""
    count = bio.tag_count(len(head.options))
    counts = np.bincount(np.concatenate([t.tags for t in targets]), minlength=count)
    tags = _choice_prior(counts, is_weighted)
    bias = np.concatenate([tags.bias, np.zeros(len(head.polarities))])
    return Prior(bias, tags.weights)


def _choice_prior(counts: Ints, is_weighted: bool) -> Prior:  # noqa: FBT001 - one private caller each
    share = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    weights = np.sqrt(1 / (share * len(counts))) if is_weighted else np.ones(len(counts))
    return Prior(np.log(share), np.minimum(weights, _LARGEST_WEIGHT))


def _positive_weights(share: Floats, *, is_weighted: bool) -> Floats:
    """Return what having each option weighs beside not having it, for shares [options]."""
    if not is_weighted:
        return np.ones(len(share))
    odds = (1 - share) / np.maximum(share, 1e-6)
    return np.clip(np.sqrt(odds), 1.0, _LARGEST_WEIGHT)


def _number_prior(head: HeadConfig, values: Floats) -> Prior:
    centre, spread = float(values.mean()), float(values.std())
    spread = spread if spread > 1e-6 else 1.0
    if head.is_cumulative:
        above = (values[:, None] > np.array(head.scale[:-1])).mean(axis=0)
        return Prior(logit(above, margin=0.01), np.ones(len(above)), centre, spread)
    if not head.is_squeezed or head.minimum is None or head.maximum is None:
        return Prior(np.zeros(1), np.ones(1), centre, spread)
    share = (centre - head.minimum) / (head.maximum - head.minimum)
    return Prior(logit(np.array([share]), margin=0.01), np.ones(1), centre, spread)


def _polarity(head: HeadConfig, span: SpanAnswer, ranges: Ints) -> tuple[int, int, int] | None:
    first, last = bio.covered_words(span, ranges)
    if first == last or span.polarity not in head.polarities:
        return None
    return first, last, head.polarities.index(span.polarity)
