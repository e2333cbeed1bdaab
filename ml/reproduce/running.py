"""Train a recipe once a seed and join what the seeds say."""

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ml.core.answers import Prediction
from ml.core.config import HeadConfig, Tier, TrainConfig
from ml.core.data import Example
from ml.core.events import Epoch, Finished, Stage
from ml.core.intervals import Estimate
from ml.core.train import run
from ml.reproduce.figures import more_figures
from ml.reproduce.parting import part_rows, take_train
from ml.reproduce.recipes import Figure, Recipe

#: Two-sided 95 % quantiles of Student's t by degrees of freedom; beyond them the normal one.
_T: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
_SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Request:
    """What whoever runs a reproduction asked for."""

    data: Path
    features_dir: Path
    encoders_dir: Path
    tier: Tier = Tier.FROZEN
    encoder: str = "all-MiniLM-L6-v2"
    train_size: int | None = None
    seeds: int = 3
    device: str = "auto"
    threads: int = 0
    epochs: int = 0
    """Passes over the training rows at most; 0 takes the recipe's or the tier's own."""
    texts: int = 0
    """Texts outside of the test part, labelled or not, that an encoder reads before."""


@dataclass(frozen=True)
class Mean:
    """The mean of a figure over seeds; `low` and `high` are its 95 % interval, n the test rows.

    The interval joins two doubts, as the root of their summed squares: that of the test rows (the
    mean half width of the seeds' own intervals) and that of the seeds (Student's t).
    """

    value: float
    low: float
    high: float
    n: int
    each: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """A figure with everything that stands beside it."""

    figure: Figure
    ours: Mean | None
    beside: dict[str, Mean]

    @property
    def is_reached(self) -> bool | None:
        """Tell whether the mean reaches what is wanted; None where nothing is."""
        if self.figure.wanted is None or self.ours is None:
            return None
        if self.figure.is_lower_better:
            return self.ours.value <= self.figure.wanted
        return self.ours.value >= self.figure.wanted


@dataclass(frozen=True)
class Report:
    """The outcome of a reproduction."""

    recipe: str
    title: str
    grouped_by: str
    tier: str
    encoder: str
    device: str
    seeds: int
    counts: dict[str, int]
    repeated: int
    seconds: float
    seconds_each: tuple[float, ...]
    processor_seconds: float
    """Of all cores together, reading and parting included."""
    lines: tuple[Line, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        lines = [{**asdict(line), "is_reached": line.is_reached} for line in self.lines]
        return {**asdict(self), "lines": lines}


@dataclass(frozen=True)
class _Outcome:
    model: dict[str, dict[str, Estimate]]
    beside: dict[str, dict[str, dict[str, Estimate]]]
    seconds: float


def reproduce(recipe: Recipe, request: Request, say: Callable[[str], None]) -> Report:
    """Read, part, train once a seed, measure on the test part; raises CoreError in plain words."""
    started, used = time.monotonic(), time.process_time()
    rows = recipe.read(request.data)
    parted = part_rows(rows, recipe.shares)
    heads = recipe.heads(rows)
    # Whatever of it is labelled for a seed: the rest has no labels and may still be read.
    texts = [example.text for example in parted.examples if example.split != "test"]
    outcomes = []
    for seed in range(request.seeds):
        say(f"Seed {seed + 1} of {request.seeds}")
        examples = take_train(parted.examples, request.train_size, seed)
        config = config_of(recipe, request, heads, seed)
        outcomes.append(_train(examples, config, request, say, texts))
        # Whoever has to stop hours later has the figures of the seeds that were done.
        say(f"  {_in_short(recipe.figures, outcomes[-1])}")
    return Report(
        recipe=recipe.key,
        title=recipe.title,
        grouped_by=recipe.grouped_by,
        tier=request.tier.value,
        encoder="" if request.tier is Tier.TFIDF else request.encoder,
        device=_device(request),
        seeds=request.seeds,
        counts={split: sum(e.split == split for e in examples) for split in _SPLITS},
        repeated=parted.repeated,
        seconds=round(time.monotonic() - started, 1),
        seconds_each=tuple(round(outcome.seconds, 1) for outcome in outcomes),
        processor_seconds=round(time.process_time() - used, 1),
        lines=tuple(_line(figure, outcomes) for figure in recipe.figures),
        settings=dict(recipe.settings.get(request.tier, {})),
    )


def mean_of(estimates: Sequence[Estimate]) -> Mean | None:
    """Join the estimates of several seeds on the same test rows; None when one says nothing."""
    values = [float(e["value"]) for e in estimates if e["value"] is not None]
    if not values or len(values) < len(estimates):
        return None
    reaches = [(e["high"] - e["low"]) / 2 for e in estimates if e["low"] is not None]
    of_rows = statistics.fmean(reaches) if reaches else 0.0
    of_seeds = 0.0
    if len(values) > 1:
        freedom = len(values) - 1
        quantile = _T[freedom - 1] if freedom <= len(_T) else 1.96
        of_seeds = quantile * statistics.stdev(values) / math.sqrt(len(values))
    value, reach = statistics.fmean(values), math.hypot(of_rows, of_seeds)
    return Mean(value, value - reach, value + reach, int(estimates[0]["n"]), tuple(values))


def config_of(
    recipe: Recipe, request: Request, heads: tuple[HeadConfig, ...], seed: int
) -> TrainConfig:
    """Return the settings with which a seed of a recipe is trained."""
    given = dict(recipe.settings.get(request.tier, {}))
    if request.epochs:
        given["epochs"] = request.epochs
    if request.texts:
        given["pretraining_texts"] = request.texts
    return TrainConfig(
        tier=request.tier,
        heads=heads,
        encoder=request.encoder,
        seed=seed,
        device=request.device,
        threads=request.threads,
        **given,
    )


def _train(
    examples: Sequence[Example],
    config: TrainConfig,
    request: Request,
    say: Callable[[str], None],
    texts: Sequence[str],
) -> _Outcome:
    started = time.monotonic()
    metrics, found = trained(examples, config, request, say, texts)
    model = {
        head.question: {
            **(metrics[head.question]["model"] or {}),
            **more_figures(head, examples, found),
        }
        for head in config.heads
    }
    beside: dict[str, dict[str, dict[str, Estimate]]] = {}
    for head in config.heads:
        for baseline, own in metrics[head.question]["baselines"].items():
            beside.setdefault(baseline, {})[head.question] = own
    return _Outcome(model, beside, time.monotonic() - started)


def trained(
    examples: Sequence[Example],
    config: TrainConfig,
    request: Request,
    say: Callable[[str], None],
    texts: Sequence[str] | None = None,
) -> tuple[dict[str, Any], dict[int, dict[str, Prediction]]]:
    """Train once; return the metrics of every question and the test predictions by example.

    texts: what may be read without labels, where the settings ask for that.
    """
    folders = {"features_dir": request.features_dir, "encoders_dir": request.encoders_dir}
    with tempfile.TemporaryDirectory(prefix="gloss-reproduce-") as name:
        output = Path(name) / "checkpoint"
        metrics: dict[str, Any] = {}
        for event in run(examples, config, texts, **folders, output_dir=output):
            if isinstance(event, Stage):
                say(f"  {event.message}")
            if isinstance(event, Epoch) and config.tier is Tier.FULL:
                # A pass of a fine-tuning takes minutes, one of heads a second.
                say(f"  Pass {event.epoch}: training loss {event.train_loss:.4f}")
            if isinstance(event, Finished):
                metrics = event.metrics["questions"]
        found = {line["id"]: line["answers"] for line in _lines(output / "test_predictions.jsonl")}
    return metrics, found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def _in_short(figures: Sequence[Figure], outcome: _Outcome) -> str:
    means = [(figure.label, _joined(figure, [outcome.model])) for figure in figures]
    return ", ".join(f"{label} {mean.value:.4f}" for label, mean in means if mean is not None)


def _line(figure: Figure, outcomes: Sequence[_Outcome]) -> Line:
    ours = _joined(figure, [outcome.model for outcome in outcomes])
    names = outcomes[0].beside
    beside = {
        name: _joined(figure, [outcome.beside[name] for outcome in outcomes]) for name in names
    }
    return Line(figure, ours, {name: mean for name, mean in beside.items() if mean is not None})


def _joined(figure: Figure, metrics: Sequence[dict[str, dict[str, Estimate]]]) -> Mean | None:
    found = [own.get(figure.question, {}).get(figure.name) for own in metrics]
    known = [estimate for estimate in found if estimate is not None]
    return mean_of(known) if len(known) == len(found) else None


def _device(request: Request) -> str:
    if request.tier is Tier.TFIDF:
        return "cpu"
    from ml.core.engines.torch import choose_device

    return choose_device(request.device)
