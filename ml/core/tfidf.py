"""The tfidf tier: linear models on terms; no encoder, no torch, no scikit-learn."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.core.calibration import choice_loss
from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, answered
from ml.core.engines.base import Floats, Ints
from ml.core.linear import Rows, fit_ridge, fit_sigmoid, fit_softmax
from ml.core.scores import Scores
from ml.core.tagger import Tagger
from ml.core.targets import choice_targets, multichoice_targets, number_targets
from ml.core.vectorise import Vectoriser

VOCABULARY: Final = "vocabulary.json"

TERMS: Final = "terms."
"""Begins the names of this model's tensors where it is part of a larger one."""

ENOUGH: Final = 30
"""Fewer validation rows cannot tell which of two models is better."""

_STRENGTH: Final = 4.0
# Most weighted columns are short, so that the same penalty would hold them back more.
_WEIGHTED_STRENGTH: Final = 16.0
_ALPHA: Final = 1.0


@dataclass(frozen=True)
class Linear:
    """Hold the coefficients [outputs, columns] and intercepts [outputs] of one head."""

    coefficients: Floats
    intercepts: Floats


@dataclass(frozen=True)
class TfidfModel:
    """Score texts with linear models on TF-IDF rows and linear taggers on words."""

    heads: tuple[HeadConfig, ...]
    vectoriser: Vectoriser
    linears: Mapping[str, Linear]
    taggers: Mapping[str, Tagger]

    def scores(self, texts: Sequence[str]) -> dict[str, Scores]:
        """Return the scores of every question for texts."""
        rows = self.vectoriser.transform(texts) if self.linears else None
        found: dict[str, Scores] = {}
        for head in self.heads:
            if head.kind is Kind.SPANS:
                found[head.question] = self.taggers[head.question].scores(texts)
            else:
                found[head.question] = self._linear_scores(head, rows)
        return found

    def only(self, questions: Collection[str]) -> "TfidfModel":
        """Return the model of some of the questions, on the same terms."""
        return TfidfModel(
            tuple(head for head in self.heads if head.question in questions),
            self.vectoriser,
            {q: linear for q, linear in self.linears.items() if q in questions},
            {q: tagger for q, tagger in self.taggers.items() if q in questions},
        )

    def tensors(self) -> dict[str, Floats]:
        """Return every array, named as `from_parts` wants it."""
        tensors = {"idf": self.vectoriser.idf}
        for index, head in enumerate(self.heads):
            part: Linear | Tagger
            if head.kind is Kind.SPANS:
                part = self.taggers[head.question]
            else:
                part = self.linears[head.question]
            tensors[f"head.{index}.coefficients"] = part.coefficients.astype(np.float32)
            tensors[f"head.{index}.intercepts"] = part.intercepts.astype(np.float32)
        return tensors

    def write_vocabulary(self, folder: Path) -> None:
        """Write vocabulary.json: the terms in the order of the columns."""
        terms = {
            "words": self.vectoriser.words,
            "grams": self.vectoriser.grams,
            "taggers": {question: tagger.features for question, tagger in self.taggers.items()},
        }
        text = json.dumps(terms, ensure_ascii=True)
        (folder / VOCABULARY).write_text(text, "utf-8")

    @classmethod
    def from_parts(
        cls, heads: tuple[HeadConfig, ...], terms: Mapping[str, Any], tensors: Mapping[str, Floats]
    ) -> "TfidfModel":
        """Build a model from vocabulary.json and the tensors beside it."""
        vectoriser = Vectoriser(tuple(terms["words"]), tuple(terms["grams"]), tensors["idf"])
        linears: dict[str, Linear] = {}
        taggers: dict[str, Tagger] = {}
        for index, head in enumerate(heads):
            coefficients = tensors[f"head.{index}.coefficients"]
            intercepts = tensors[f"head.{index}.intercepts"]
            if head.kind is Kind.SPANS:
                names = tuple(terms["taggers"][head.question])
                taggers[head.question] = Tagger(head, names, coefficients, intercepts)
            else:
                linears[head.question] = Linear(coefficients, intercepts)
        return cls(heads, vectoriser, linears, taggers)

    def _linear_scores(self, head: HeadConfig, rows: Any) -> Floats:
        linear = self.linears[head.question]
        scores: Floats = rows @ linear.coefficients.T + linear.intercepts
        if head.kind is Kind.NUMBER:
            # In double precision: a bound may be larger than single precision can say.
            return np.clip(scores.astype(np.float64), head.minimum, head.maximum)
        return scores


def fit_tfidf(
    heads: tuple[HeadConfig, ...],
    examples: Sequence[Example],
    validation: Sequence[Example] = (),
) -> TfidfModel:
    """Fit every head on the training examples that answer its question.

    Where enough validation examples answer a choice they say which of two models it gets: one of
    the terms as they are, or one of terms that weigh by how they tell the options apart.
    """
    pooled = [head for head in heads if head.kind is not Kind.SPANS]
    rows = [e for e in examples if any(head.question in e.answers for head in pooled)]
    vectoriser = Vectoriser.fit([example.text for example in rows])
    matrix = Rows.of(vectoriser.transform([example.text for example in rows]))
    linears = {
        head.question: _fit_linear(head, matrix, rows, _Check.of(head, vectoriser, validation))
        for head in pooled
    }
    taggers = {
        head.question: Tagger.fit(head, answered(examples, head.question))
        for head in heads
        if head.kind is Kind.SPANS
    }
    return TfidfModel(heads, vectoriser, linears, taggers)


def telling(matrix: Any, targets: Ints, *, classes: int) -> Floats:
    """Return how much each term tells the options of a choice apart, [columns].

    matrix: CSR [rows, columns]; targets: option numbers [rows]. The absolute log ratio of a term's
    smoothed share among the reviews with an option and among the others (Wang and Manning, ACL
    2012), averaged over the options by their share of the reviews.
    """
    present = matrix.copy()
    present.data = np.ones_like(present.data, dtype=np.float64)
    inside = 1 + np.asarray((present.T @ np.eye(classes)[targets]).T)
    outside = 2 + np.asarray(present.sum(axis=0)) - inside
    ratios = np.log(inside / inside.sum(axis=1, keepdims=True))
    ratios -= np.log(outside / outside.sum(axis=1, keepdims=True))
    weights: Floats = (np.bincount(targets, minlength=classes) / len(targets)) @ np.abs(ratios)
    return weights


@dataclass(frozen=True)
class _Check:
    """Hold the validation rows of a choice, a CSR matrix [rows, columns], and their options."""

    rows: Any
    targets: Ints

    @classmethod
    def of(
        cls, head: HeadConfig, vectoriser: Vectoriser, validation: Sequence[Example]
    ) -> "_Check | None":
        examples = answered(validation, head.question)
        if head.kind is not Kind.CHOICE or len(examples) < ENOUGH:
            return None
        rows = vectoriser.transform([example.text for example in examples])
        return cls(rows, choice_targets(head, examples))

    def loss(self, linear: Linear) -> float:
        logits = self.rows @ linear.coefficients.T + linear.intercepts
        return choice_loss(logits, self.targets)


def _fit_linear(
    head: HeadConfig, matrix: Rows, examples: Sequence[Example], check: _Check | None
) -> Linear:
    chosen = np.array([i for i, e in enumerate(examples) if head.question in e.answers])
    rows, answering = matrix.select(chosen), [examples[row] for row in chosen]
    match head.kind:
        case Kind.CHOICE:
            targets = choice_targets(head, answering)
            return _fit_choice(rows, targets, len(head.options), check)
        case Kind.MULTICHOICE:
            fitted = fit_sigmoid(rows, multichoice_targets(head, answering), strength=_STRENGTH)
        case _:
            fitted = fit_ridge(rows, number_targets(head, answering)[:, 0], alpha=_ALPHA)
    return Linear(*fitted)


def _fit_choice(rows: Rows, targets: Ints, classes: int, check: _Check | None) -> Linear:
    plain = Linear(*fit_softmax(rows, targets, classes=classes, strength=_STRENGTH))
    if check is None:
        return plain
    weights = telling(rows.matrix, targets, classes=classes)
    scaled = Rows.of(rows.matrix.multiply(weights.astype(np.float32)).tocsr())
    found = fit_softmax(scaled, targets, classes=classes, strength=_WEIGHTED_STRENGTH)
    # On the terms as they are the same model has coefficients that hold their weights.
    return min(plain, Linear(found[0] * weights, found[1]), key=check.loss)
