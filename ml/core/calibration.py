"""Make confidences mean what they say, from the validation split alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import numpy as np

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, SpanAnswer
from ml.core.engines.base import Floats, Ints
from ml.core.numeric import log_softmax, logit, sigmoid, softmax
from ml.core.scores import Scores, WordScores

# Fewer validation rows than this say too little to move a temperature or a threshold.
_ENOUGH: Final = 20
_SHRINKAGE: Final = 30
_COVERAGE: Final = 0.9
_STEPS: Final = 50
_SMALLEST_STEP: Final = 1e-9
# Probabilities that arithmetic rounds to 0 or 1 still get finite log-odds.
_MARGIN: Final = 1e-6
_OUTSIDE_GRID: Final = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Calibration:
    """Hold what turns the scores of one head into its answers."""

    temperature: float = 1.0
    """Logits are divided by it."""
    thresholds: tuple[float, ...] = ()
    """One probability per option of a multichoice, from which on it is selected."""
    half_width: float = 0.0
    """A number's interval reaches this far to both sides."""
    outside_bias: float = 0.0
    """Added to the logit of O before spans are decoded."""
    slope: float = 1.0
    """The log-odds of a span's confidence are multiplied by it."""
    bias: float = 0.0
    """Added to them afterwards."""

    @property
    def raw(self) -> Self:
        """Return what gives the same answers with confidences as the model has them."""
        return replace(self, temperature=1.0, slope=1.0, bias=0.0)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object from which from_json builds an equal calibration."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a calibration from its JSON object."""
        return cls(**{**data, "thresholds": tuple(data.get("thresholds", ()))})


def calibrate(
    head: HeadConfig, scores: Scores, answers: Sequence[Answer], *, fallback_width: float = 0.0
) -> Calibration:
    """Fit the calibration of one head on its validation scores and answers.

    `fallback_width` is a number's half width when there is no validation row at all.
    """
    blank = Calibration(thresholds=(0.5,) * len(head.options) if _is_multi(head) else ())
    if not len(answers):
        return replace(blank, half_width=fallback_width)
    if isinstance(scores, list):
        return _spans_calibration(head, scores, answers)
    match head.kind:
        case Kind.CHOICE:
            targets = np.array([head.options.index(str(answer)) for answer in answers])
            return replace(blank, temperature=choice_temperature(scores, targets))
        case Kind.MULTICHOICE:
            return _multichoice(head, scores, answers)
        case _:
            residuals = np.abs(scores[:, 0] - np.array([_number(a) for a in answers]))
            return replace(blank, half_width=conformal_width(residuals))


def choice_temperature(logits: Floats, targets: Ints) -> float:
    """Return the temperature of least negative log-likelihood (Guo et al., ICML 2017)."""
    rows = np.arange(len(targets))

    def loss(temperature: float) -> float:
        return -float(log_softmax(logits / temperature)[rows, targets].mean())

    return _best_temperature(loss) if len(targets) >= _ENOUGH else 1.0


def choice_loss(logits: Floats, targets: Ints) -> float:
    """Return the mean log loss of logits [rows, options] at their own best temperature."""
    logs = log_softmax(logits / choice_temperature(logits, targets))
    return -float(logs[np.arange(len(targets)), targets].mean())


def multichoice_temperature(logits: Floats, targets: Floats) -> float:
    """Return the temperature of least binary cross-entropy, shared by the options."""

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        return float(np.mean(np.logaddexp(0.0, scaled) - targets * scaled))

    return _best_temperature(loss) if len(targets) >= _ENOUGH else 1.0


def best_thresholds(probabilities: Floats, targets: Floats) -> tuple[float, ...]:
    """Return the threshold of best F1 per option, [rows, options] both.

    A rare option is drawn towards the global threshold, in proportion to 30 positives.
    """
    if len(targets) < _ENOUGH:
        return (0.5,) * int(targets.shape[1])
    overall = _best_threshold(probabilities.ravel(), targets.ravel())
    thresholds: list[float] = []
    for option in range(targets.shape[1]):
        positives = float(targets[:, option].sum())
        own = _best_threshold(probabilities[:, option], targets[:, option]) if positives else 0.0
        thresholds.append((positives * own + _SHRINKAGE * overall) / (positives + _SHRINKAGE))
    return tuple(thresholds)


def conformal_width(residuals: Floats) -> float:
    """Return the split-conformal half width of a 90 % interval (Lei et al., 2018).

    With too few residuals for the guarantee the largest one is returned.
    """
    ordered = np.sort(residuals)
    rank = math.ceil((len(ordered) + 1) * _COVERAGE)
    return float(ordered[min(rank, len(ordered)) - 1])


def best_outside_bias(
    head: HeadConfig, scores: Sequence[WordScores], answers: Sequence[Answer]
) -> float:
    """Return the bias on O that gives the best micro F1; ties go to the smallest change."""
    if len(answers) < _ENOUGH:
        return 0.0
    gold = [_places(answer) for answer in answers]

    def f1(bias: float) -> float:
        return _span_f1(gold, [_found(head, one, bias) for one in scores])

    return max(_OUTSIDE_GRID, key=lambda bias: (f1(bias), -abs(bias)))


def confidence_line(confidences: Floats, is_right: Floats) -> tuple[float, float]:
    """Return slope and bias of the log-odds of confidences [n] that were right or not, 0/1 [n].

    Logistic regression on softened targets (Platt, 1999), by Newton's method with halved steps
    (Lin, Lin and Weng, 2007). A slope below 0 would turn the order round: then all share one
    confidence. Too few rows leave everything as it is.
    """
    if len(confidences) < _ENOUGH:
        return 1.0, 0.0
    right = float(is_right.sum())
    wrong = len(is_right) - right
    targets = np.where(is_right > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    odds = logit(confidences, margin=_MARGIN)
    slope, bias = _newton(np.stack([odds, np.ones_like(odds)], axis=1), targets)
    if slope > 0:
        return slope, bias
    return 0.0, float(logit(targets.mean(), margin=_MARGIN))


def span_confidence(calibration: Calibration, probabilities: Floats, span: bio.WordSpan) -> float:
    """Return how sure a span is, from the probabilities of the tags [words, tags]."""
    odds = logit(np.array(bio.sureness(probabilities, span)), margin=_MARGIN)
    return float(sigmoid(calibration.slope * odds + calibration.bias))


def biased(tags: Floats, bias: float) -> Floats:
    """Return tag logits [words, tags] with a bias added to O."""
    moved = tags.copy()
    moved[:, bio.OUTSIDE] += bias
    return moved


def _spans_calibration(
    head: HeadConfig, scores: Sequence[WordScores], answers: Sequence[Answer]
) -> Calibration:
    outside = best_outside_bias(head, scores, answers)
    sure, right = [], []
    for one, answer in zip(scores, answers, strict=True):
        wanted = _places(answer)
        tags = biased(one.tags, outside)
        probabilities = softmax(tags)
        for span in bio.decode(bio.viterbi(tags)):
            sure.append(bio.sureness(probabilities, span))
            right.append(float(_place(head, one, span) in wanted))
    slope, bias = confidence_line(np.array(sure), np.array(right))
    return Calibration(outside_bias=outside, slope=slope, bias=bias)


def _newton(rows: Floats, targets: Floats) -> tuple[float, float]:
    """Return the weights of least cross-entropy for rows [n, 2]."""

    def loss(weights: Floats) -> float:
        scores = rows @ weights
        return float(np.mean(np.logaddexp(0.0, scores) - targets * scores))

    weights = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        shares = sigmoid(rows @ weights)
        gradient = rows.T @ (shares - targets) / len(rows)
        curvature = (rows * (shares * (1 - shares))[:, None]).T @ rows / len(rows)
        # Where all confidences are equal, slope and bias say the same: one of them has to stay.
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > _SMALLEST_STEP:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= _SMALLEST_STEP:
            break
    return float(weights[0]), float(weights[1])


def _multichoice(head: HeadConfig, logits: Floats, answers: Sequence[Answer]) -> Calibration:
    targets = np.array(
        [[option in _selected(answer) for option in head.options] for answer in answers],
        dtype=np.float64,
    )
    temperature = multichoice_temperature(logits, targets)
    thresholds = best_thresholds(sigmoid(logits / temperature), targets)
    return Calibration(temperature=temperature, thresholds=thresholds)


def _best_temperature(loss: Callable[[float], float]) -> float:
    # Golden-section search over log temperature: the loss has one minimum there.
    low, high = math.log(0.2), math.log(5.0)
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(30):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(math.exp(left)) < loss(math.exp(right)):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def _best_threshold(probabilities: Floats, targets: Floats) -> float:
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    hits = np.cumsum(targets[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + max(targets.sum(), 1.0))
    # A threshold between two equal probabilities cannot separate them.
    is_edge = np.append(ordered[:-1] > ordered[1:], True)
    best = int(np.argmax(np.where(is_edge, f1, -1.0)))
    following = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + following) / 2)


def _found(head: HeadConfig, scores: WordScores, bias: float) -> set[tuple[int, int, str]]:
    tags = bio.viterbi(biased(scores.tags, bias))
    return {_place(head, scores, span) for span in bio.decode(tags)}


def _place(head: HeadConfig, scores: WordScores, span: bio.WordSpan) -> tuple[int, int, str]:
    start, end = scores.ranges[span.first, 0], scores.ranges[span.last - 1, 1]
    return int(start), int(end), head.options[span.option]


def _places(answer: Answer) -> set[tuple[int, int, str]]:
    return {(span.start, span.end, span.option) for span in _spans(answer)}


def _span_f1(
    gold: Sequence[set[tuple[int, int, str]]], found: Sequence[set[tuple[int, int, str]]]
) -> float:
    hits = sum(len(g & f) for g, f in zip(gold, found, strict=True))
    total = sum(map(len, gold)) + sum(map(len, found))
    return 2 * hits / total if total else 0.0


def _is_multi(head: HeadConfig) -> bool:
    return head.kind is Kind.MULTICHOICE


def _selected(answer: Answer) -> frozenset[str]:
    return answer if isinstance(answer, frozenset) else frozenset()


def _number(answer: Answer) -> float:
    return float(answer) if isinstance(answer, int | float) else math.nan


def _spans(answer: Answer) -> tuple[SpanAnswer, ...]:
    return answer if isinstance(answer, tuple) else ()
