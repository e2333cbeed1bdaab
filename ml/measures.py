"""What an evaluation says, in the order and the words in which pages show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from labelling.snapshot import QuestionSnapshot

#: Names of measures as people read them; what is missing is shown by its own name.
_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "micro_f1": "micro F1",
    "micro_precision": "micro precision",
    "micro_recall": "micro recall",
    "weighted_f1": "weighted F1",
    "weighted_precision": "weighted precision",
    "weighted_recall": "weighted recall",
    "mcc": "Matthews correlation (MCC)",
    "macro_auc": "area under ROC, mean over options",
    "mean_average_precision": "mean average precision (mAP)",
    "ece": "calibration error (ECE)",
    "brier": "Brier score",
    "log_loss": "log loss",
    "overlap_f1": "F1 of spans that overlap",
    "overlap_precision": "precision of spans that overlap",
    "overlap_recall": "recall of spans that overlap",
    "token_accuracy": "word tags right",
    "polarity_accuracy": "polarity right",
    "polar_f1": "micro F1 with polarity",
    "spearman": "rank correlation (Spearman)",
    "quadratic_kappa": "quadratic kappa",
    "macro_mae": "mean absolute error, mean over true values",
    "exact_match": "all options right",
    "hamming_loss": "share of wrong ticks (Hamming loss)",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "variance explained (R²)",
    "rounded_mae": "mean absolute error, rounded",
    "rounded_accuracy": "exactly right, rounded",
    "within_one": "at most one off, rounded",
    "coverage": "inside the 90 % interval",
}
#: Baselines that may have a note in place of figures.
_ASKED = {"lstm": "LSTM", "single_task": "One model a question"}
_LOWER_IS_BETTER = frozenset(
    {
        *("mae", "rmse", "rounded_mae", "macro_mae", "hamming_loss"),
        *("ece", "brier", "log_loss"),
    }
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval and its n; `value` is None when nothing was there."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any] | None) -> "Figure":
        """Read an estimate as an evaluation keeps it."""
        raw = raw or {}
        return cls(raw.get("value"), raw.get("low"), raw.get("high"), raw.get("n"))


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its name and what the baselines reach."""

    name: str
    model: Figure
    majority: Figure
    tfidf: Figure
    lstm: Figure = Figure()
    single_task: Figure = Figure()
    is_lower_better: bool = False

    def beside(self) -> list[tuple[str, Figure]]:
        """Return the baselines under the names that people read, best known first."""
        return [
            ("one model a question", self.single_task),
            ("LSTM", self.lstm),
            ("words (TF-IDF)", self.tfidf),
            ("always the same answer", self.majority),
        ]


@dataclass(frozen=True, slots=True)
class OptionMeasure:
    """How one option fares."""

    key: str
    name: str
    n: int
    precision: Figure
    recall: Figure
    f1: Figure
    auc: Figure = Figure()
    average_precision: Figure = Figure()


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of gold (rows) against predicted (columns), and the address behind each cell."""

    options: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    urls: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class QuestionMeasures:
    """Everything a version is known to reach for one question."""

    key: str
    name: str
    kind: str
    n: int
    headline: Measure | None
    others: tuple[Measure, ...]
    options: tuple[OptionMeasure, ...]
    confusion: Confusion | None
    note: str
    baselines: frozenset[str] = frozenset()
    baseline_notes: tuple[str, ...] = ()

    @property
    def has_lstm(self) -> bool:
        """Tell whether an LSTM was trained beside the model."""
        return "lstm" in self.baselines

    @property
    def has_single_task(self) -> bool:
        """Tell whether a model of this question alone was trained beside the model."""
        return "single_task" in self.baselines

    @property
    def has_ranking(self) -> bool:
        """Tell whether options have figures that need no threshold."""
        return any(option.auc.n is not None for option in self.options)


def read(
    metrics: Mapping[str, Any],
    *,
    key: str,
    question: QuestionSnapshot | None,
    reviews_url: str,
    version: int,
) -> QuestionMeasures:
    """Read an evaluation's metrics; names come from `question` where it is still asked."""
    model = metrics.get("model") or {}
    names = {option.key: option.name for option in question.options} if question else {}
    headline = str((model.get("headline") or {}).get("name", ""))
    return QuestionMeasures(
        key=key,
        name=question.name if question else key,
        kind=metrics["kind"],
        n=metrics["n"],
        headline=_measure(metrics, headline) if headline else None,
        others=tuple(_measure(metrics, name) for name in _estimates(model) if name != headline),
        options=tuple(
            _option(option, names.get(option, option), each)
            for option, each in (model.get("per_option") or {}).items()
        ),
        confusion=_confusion(metrics, key, names, reviews_url, version),
        note=str(metrics.get("note", "")),
        baselines=frozenset(metrics.get("baselines") or ()),
        baseline_notes=tuple(_baseline_notes(metrics.get("baselines") or {})),
    )


def _baseline_notes(baselines: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, own in baselines.items():
        if own.get("note"):
            yield f"{_ASKED[name]}: {own['note']}"


def name_of(measure: str) -> str:
    """Return a measure's name as people read it."""
    return _NAMES.get(measure, measure.replace("_", " "))


def _estimates(model: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, value in model.items()
        if name != "headline" and isinstance(value, Mapping) and "value" in value
    ]


def _measure(metrics: Mapping[str, Any], name: str) -> Measure:
    baselines = metrics.get("baselines") or {}
    return Measure(
        name=name_of(name),
        model=Figure.of((metrics.get("model") or {}).get(name)),
        majority=Figure.of((baselines.get("majority") or {}).get(name)),
        tfidf=Figure.of((baselines.get("tfidf") or {}).get(name)),
        lstm=Figure.of((baselines.get("lstm") or {}).get(name)),
        single_task=Figure.of((baselines.get("single_task") or {}).get(name)),
        is_lower_better=name in _LOWER_IS_BETTER,
    )


def _option(key: str, name: str, raw: Mapping[str, Any]) -> OptionMeasure:
    return OptionMeasure(
        key=key,
        name=name,
        n=int(raw.get("n", 0)),
        precision=Figure.of(raw.get("precision")),
        recall=Figure.of(raw.get("recall")),
        f1=Figure(raw.get("f1"), raw.get("f1_low"), raw.get("f1_high"), raw.get("n")),
        auc=Figure.of(raw.get("auc")),
        average_precision=Figure.of(raw.get("average_precision")),
    )


def _confusion(
    metrics: Mapping[str, Any],
    key: str,
    names: Mapping[str, str],
    reviews_url: str,
    version: int,
) -> Confusion | None:
    raw = metrics.get("confusion")
    if not raw:
        return None
    options: list[str] = raw["options"]
    return Confusion(
        options=tuple(names.get(option, option) for option in options),
        rows=tuple(tuple(row) for row in raw["rows"]),
        urls=tuple(
            tuple(_cell_url(reviews_url, key, gold, found, version) for found in options)
            for gold in options
        ),
    )


def _cell_url(reviews_url: str, key: str, gold: str, found: str, version: int) -> str:
    query = {
        "split": "test",
        f"answer.{key}": gold,
        f"predicted.{key}": found,
        "model": version,
    }
    return f"{reviews_url}?{urlencode(query)}"
