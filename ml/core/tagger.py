"""A linear tagger on words and their neighbours: spans without an encoder."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse

from ml.core import bio
from ml.core.config import HeadConfig
from ml.core.data import Example
from ml.core.engines.base import Floats, Ints
from ml.core.linear import Rows, fit_softmax
from ml.core.scores import WordScores
from ml.core.targets import WordTargets, word_targets

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_WINDOW: Final = 2
_POLARITY_WINDOW: Final = 5
_STRENGTH: Final = 1.0
_MAX_FEATURES: Final = 60_000


@dataclass(frozen=True)
class Tagger:
    """Tag words from their form, their shape and their neighbours; polarity from more of them."""

    head: HeadConfig
    features: tuple[str, ...]
    coefficients: Floats
    intercepts: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "_columns", {f: i for i, f in enumerate(self.features)})

    @classmethod
    def fit(cls, head: HeadConfig, examples: Sequence[Example]) -> "Tagger":
        """Learn from examples that answer the question."""
        ranges = [word_ranges(example.text) for example in examples]
        texts = [example.text for example in examples]
        counts: Counter[str] = Counter()
        for text, places in zip(texts, ranges, strict=True):
            for names in word_features(text, places):
                counts.update(names)
        features = _chosen(counts)
        rows = _matrix({f: i for i, f in enumerate(features)}, texts, ranges)
        pairs = zip(examples, ranges, strict=True)
        targets = [word_targets(head, example, places) for example, places in pairs]
        coefficients, intercepts = _fit_both(head, rows, targets)
        return cls(head, features, coefficients, intercepts)

    def scores(self, texts: Sequence[str]) -> list[WordScores]:
        """Return the scores of the words of texts."""
        columns: Mapping[str, int] = self._columns  # type: ignore[attr-defined]  # __post_init__
        count = bio.tag_count(len(self.head.options))
        found = []
        for text in texts:
            places = word_ranges(text)
            rows = _matrix(columns, [text], [places])
            logits = rows @ self.coefficients.T + self.intercepts
            found.append(WordScores(places, logits[:, :count], logits[:, count:]))
        return found


def word_ranges(text: str) -> Ints:
    """Return the code-point ranges [words, 2] of words and single signs."""
    places = [match.span() for match in _WORD.finditer(text)]
    return np.array(places, dtype=np.int64).reshape(-1, 2)


def word_features(text: str, ranges: Ints) -> Iterator[list[str]]:
    """Yield the names of the features of every word."""
    forms = [text[start:end] for start, end in ranges.tolist()]
    lowered = [form.lower() for form in forms]
    for index, form in enumerate(forms):
        yield [
            *_own(form, lowered[index]),
            *_around(lowered, index, _WINDOW, exact=True),
            *_around(lowered, index, _POLARITY_WINDOW, exact=False),
        ]


def _own(form: str, lowered: str) -> Iterator[str]:
    yield f"s={re.sub(r'[A-Z]+', 'A', re.sub(r'[a-z]+', 'a', re.sub(r'[0-9]+', '0', form)))[:6]}"
    yield f"p={lowered[:3]}"
    yield f"e={lowered[-3:]}"


def _around(words: Sequence[str], index: int, reach: int, *, exact: bool) -> Iterator[str]:
    for other in range(index - reach, index + reach + 1):
        inside = 0 <= other < len(words)
        if exact:
            yield f"{other - index}={words[other] if inside else ''}"
        elif inside and other != index:
            yield f"near={words[other]}"


def _chosen(counts: Counter[str]) -> tuple[str, ...]:
    frequent = [(name, count) for name, count in counts.items() if count >= 2]
    frequent.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, _ in frequent[:_MAX_FEATURES])


def _matrix(columns: Mapping[str, int], texts: Sequence[str], ranges: Sequence[Ints]) -> Any:
    indices: list[int] = []
    ends = [0]
    for text, places in zip(texts, ranges, strict=True):
        for names in word_features(text, places):
            indices.extend(sorted({columns[name] for name in names if name in columns}))
            ends.append(len(indices))
    data = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((data, indices, ends), shape=(len(ends) - 1, len(columns)))


def _fit_both(head: HeadConfig, rows: Any, targets: Sequence[WordTargets]) -> tuple[Floats, Floats]:
    tags = np.concatenate([target.tags for target in targets])
    count = bio.tag_count(len(head.options))
    weights, bias = fit_softmax(Rows.of(rows), tags, classes=count, strength=_STRENGTH)
    if not head.polarities:
        return weights, bias
    polarity_weights, polarity_bias = _fit_polarity(head, rows, targets)
    return np.vstack([weights, polarity_weights]), np.concatenate([bias, polarity_bias])


def _fit_polarity(
    head: HeadConfig, rows: Any, targets: Sequence[WordTargets]
) -> tuple[Floats, Floats]:
    places: list[int] = []
    wanted: list[int] = []
    offset = 0
    for target in targets:
        for first, last, polarity in target.polarities:
            places.extend(range(offset + first, offset + last))
            wanted.extend([polarity] * (last - first))
        offset += len(target.tags)
    classes = len(head.polarities)
    if not places:
        return np.zeros((classes, rows.shape[1])), np.zeros(classes)
    chosen = Rows.of(rows[places])
    return fit_softmax(chosen, np.array(wanted), classes=classes, strength=_STRENGTH)
