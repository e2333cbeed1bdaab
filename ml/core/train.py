"""One training from examples to a checkpoint, as a generator of events."""

import hashlib
import json
import math
import random
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.core import checkpoint, stopping
from ml.core.blend import BlendedModel, blend
from ml.core.card import write_card
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig, sized
from ml.core.data import Example, answered, check_answers, snapshot_hash
from ml.core.engines.base import Floats
from ml.core.engines.export import FILES
from ml.core.errors import CoreError, DivergedError, TooLittleDataError
from ml.core.evaluate import Measured, majority_metrics, measure_model, outcome
from ml.core.events import Epoch, Event, Finished, Stage
from ml.core.hardware import describe
from ml.core.neural import NeuralModel
from ml.core.scores import Model
from ml.core.targets import suited
from ml.core.tfidf import TERMS, TfidfModel, fit_tfidf

if TYPE_CHECKING:
    from ml.core.pretraining import Pretrained
    from ml.core.resume import Saves

_FEW = 20
# Written down for a model of terms, which reads whole texts.
_UNREAD = 128
_LSTM_SECONDS = 120.0


@dataclass
class _Clock:
    """Measure how long each part of a run takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self.last, 3)
        self.last = now

    def total(self) -> dict[str, float]:
        return {**self.seconds, "total": round(time.monotonic() - self.started, 3)}


@dataclass(frozen=True)
class _Result:
    model: TfidfModel | NeuralModel | BlendedModel
    tensors: dict[str, Floats]
    encoder_folder: Path | None = None
    tower: dict[str, Any] | None = None
    diverged: int = 0
    stopped: int = 0
    parity: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Folders:
    features: Path
    encoders: Path
    scratch: Path
    resume: Path | None


def run(
    examples: Sequence[Example],
    config: TrainConfig,
    texts: Sequence[str] | None = None,
    /,
    *,
    features_dir: Path,
    encoders_dir: Path,
    output_dir: Path,
    resume_dir: Path | None = None,
) -> Iterator[Event]:
    """Train, measure and write a checkpoint; the last event is Finished.

    The caller may stop at any event: nothing appears in `output_dir` before the end. With a
    `resume_dir` the same fine-tuning, killed and started again, goes on after its last saved epoch.
    `texts` are what an encoder may read without labels before, none of them a test review's; left
    out, they are those of the training rows. Raises a CoreError with a plain sentence when the
    training cannot succeed.
    """
    clock = _Clock()
    check_answers(examples, config.heads)
    chosen, usable, notes = _prepare(examples, config)
    if not usable.max_tokens:
        yield Stage("Choosing how much of a review is read")
        usable = replace(usable, max_tokens=_length(chosen, usable, encoders_dir))
    with checkpoint.scratch_folder(output_dir) as scratch:
        curve: list[dict[str, Any]] = []
        folders = _Folders(features_dir, encoders_dir, scratch, resume_dir)
        pretrained = yield from _pretrain(examples, usable, folders, texts)
        if pretrained is not None:
            clock.lap("pretraining")
        fitting = _fit(chosen, usable, folders, pretrained)
        result = yield from _recorded(fitting, curve)
        clock.lap("train")
        terms = None
        if usable.tier is not Tier.TFIDF and (usable.baselines or _mixes(usable)):
            yield Stage("Fitting the linear model of terms")
            terms = _tfidf(chosen, usable)
            result = _blended(result, terms, chosen, usable)
            clock.lap("terms")
        yield Stage("Measuring on the test reviews")
        measured = measure_model(result.model, chosen)
        clock.lap("evaluate")
        baselines: dict[str, dict[str, Any]] = {}
        if config.baselines:
            yield Stage("Measuring the baselines")
            baselines = _baselines(chosen, usable, terms)
            clock.lap("baselines")
        if config.beside:
            asked = _beside(chosen, usable, terms, folders, pretrained)
            baselines |= yield from asked
            clock.lap("beside")
        metrics = {
            "questions": _with_notes(outcome(measured.questions, baselines), notes, config),
            "curve": curve,
            "seconds": clock.total(),
            "counts": _counts(chosen, usable),
            **_happened(result, pretrained),
        }
        yield Stage("Writing the checkpoint")
        snapshot = snapshot_hash(examples)
        folder = _write(scratch, chosen, usable, result, measured, metrics, snapshot)
        about = {"snapshot_sha256": snapshot, "seed": config.seed}
        about |= _read(pretrained) | _stopped(result)
        versions = checkpoint.library_versions()
        hardware = describe(config.device, tier=config.tier)
        checkpoint.publish(
            folder, output_dir, {**about, "versions": versions, "hardware": hardware}
        )
    yield Finished(metrics, output_dir)


def _prepare(
    examples: Sequence[Example], config: TrainConfig
) -> tuple[list[Example], TrainConfig, dict[str, str]]:
    chosen = _sample(examples, config)
    notes = {head.question: _note(head, chosen) for head in config.heads}
    heads = tuple(h for h in config.heads if answered(chosen, h.question, "train"))
    if not heads:
        raise TooLittleDataError(
            "No training review has an answer to any of the chosen questions. "
            "Label some reviews first."
        )
    train = [example for example in chosen if example.split == "train"]
    heads = tuple(suited(head, answered(train, head.question)) for head in heads)
    usable = sized(replace(config, heads=heads), rows=len(train))
    return chosen, usable, {q: note for q, note in notes.items() if note}


def _length(examples: Sequence[Example], config: TrainConfig, encoders_dir: Path) -> int:
    if config.tier is Tier.TFIDF:
        return _UNREAD
    from ml.core import fitting

    return fitting.max_tokens(config, examples, encoders_dir)


def _sample(examples: Sequence[Example], config: TrainConfig) -> list[Example]:
    questions = {head.question for head in config.heads}
    train = [e for e in examples if e.split == "train" and questions & e.answers.keys()]
    if config.max_samples is not None and len(train) > config.max_samples:
        kept = random.Random(config.seed).sample(range(len(train)), config.max_samples)  # noqa: S311 - a sample, no secret
        train = [train[row] for row in sorted(kept)]
    return train + [e for e in examples if e.split != "train" and questions & e.answers.keys()]


def _note(head: HeadConfig, examples: Sequence[Example]) -> str:
    train, validation, test = (
        answered(examples, head.question, split) for split in ("train", "validation", "test")
    )
    if not train:
        return "No training review has an answer, so the model does not answer this question."
    if head.kind is Kind.CHOICE and len({e.answers[head.question] for e in train}) == 1:
        return f"All {len(train)} training answers are the same, so the model can only repeat it."
    if not test:
        return "No test review has an answer, so nothing could be measured."
    if len(test) < _FEW:
        return f"Only {len(test)} test reviews have an answer: the figures say little."
    if len(validation) < _FEW:
        return f"Only {len(validation)} validation reviews have an answer: confidences are rough."
    return ""


def _pretrain(
    examples: Sequence[Example],
    config: TrainConfig,
    folders: _Folders,
    texts: Sequence[str] | None,
) -> Generator[Event, None, "Pretrained | None"]:
    if not config.pretraining_texts:
        return None
    from ml.core import pretraining

    if texts is None:
        texts = [example.text for example in examples if example.split == "train"]
    count, seed = config.pretraining_texts, config.seed
    chosen = pretraining.readable(texts, examples, count=count, seed=seed)
    place = folders.scratch / "reading"
    place.mkdir()
    kept = folders.resume / "reading" if folders.resume else None
    saves = _saves(examples, config, kept, pretraining.texts_hash(chosen))
    return (yield from pretraining.pretrain(chosen, config, scratch=place, saves=saves))


def _fit(
    examples: Sequence[Example],
    config: TrainConfig,
    folders: _Folders,
    pretrained: "Pretrained | None" = None,
) -> Generator[Event, None, _Result]:
    if config.tier is Tier.TFIDF:
        yield Stage("Training on TF-IDF terms")
        model = _tfidf(examples, config)
        return _Result(model, model.tensors())
    from ml.core import fitting

    own = {"features_dir": folders.features, "encoders_dir": folders.encoders}
    if config.tier is Tier.FROZEN:
        fitted = yield from fitting.fit_frozen(examples, config, **own)
    else:
        exported = folders.scratch / "encoder"
        exported.mkdir()
        read = pretrained.facts["texts_sha256"] if pretrained else ""
        saves = _saves(examples, config, folders.resume, read)
        fitted = yield from fitting.fit_full(
            examples, config, **own, scratch=exported, saves=saves, pretrained=pretrained
        )
    return _Result(
        fitted.model,
        fitted.tensors,
        fitted.encoder_folder,
        fitted.tower,
        fitted.diverged,
        fitted.stopped,
        fitted.parity,
    )


def _saves(
    examples: Sequence[Example], config: TrainConfig, folder: Path | None, read: str
) -> "Saves | None":
    """Return where a state is kept; `read` names the texts that the encoder has read before."""
    if folder is None:
        return None
    from ml.core.resume import Saves

    # The state of other settings, other answers or other texts must never be taken up. A machine of
    # more cores learns the same, but for the rounding of sums.
    own = {name: value for name, value in config.to_json().items() if name != "threads"}
    settings = json.dumps(own, sort_keys=True) + snapshot_hash(examples) + read
    return Saves(folder, hashlib.sha256(settings.encode()).hexdigest())


def _recorded(
    events: Generator[Event, None, _Result], curve: list[dict[str, Any]]
) -> Generator[Event, None, _Result]:
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: _Result = stop.value
            return result
        if isinstance(event, Epoch):
            curve.append(_point(event))
        yield event


def _read(pretrained: "Pretrained | None") -> dict[str, Any]:
    return {} if pretrained is None else {"pretraining": pretrained.facts}


def _happened(result: _Result, pretrained: "Pretrained | None") -> dict[str, Any]:
    diverged = {"diverged": _diverged(result.diverged)} if result.diverged else {}
    agreed = {"parity": result.parity} if result.parity else {}
    return _read(pretrained) | _stopped(result) | diverged | agreed


def _stopped(result: _Result) -> dict[str, Any]:
    if not result.stopped:
        return {}
    note = f"Stopped early in epoch {result.stopped}: the best weights until then were kept."
    return {"stopped": {"epoch": result.stopped, "note": note}}


def _diverged(epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "note": f"The loss stopped being a number in epoch {epoch}. These are the last "
        "weights from before, kept to look at and not to be used. "
        "Train again with a lower learning rate.",
    }


def _point(event: Epoch) -> dict[str, Any]:
    loss = event.validation_loss
    return {
        "epoch": event.epoch,
        "train_loss": round(event.train_loss, 6),
        "validation_loss": round(loss, 6) if loss is not None and math.isfinite(loss) else None,
    }


def _tfidf(examples: Sequence[Example], config: TrainConfig) -> TfidfModel:
    train, validation = (
        [e for e in examples if e.split == split] for split in ("train", "validation")
    )
    return fit_tfidf(config.heads, train, validation)


def _mixes(config: TrainConfig) -> bool:
    """Tell whether terms may take part; a fine-tuned encoder has learned them itself."""
    return config.blend and config.tier is Tier.FROZEN


def _blended(
    result: _Result, terms: TfidfModel, examples: Sequence[Example], config: TrainConfig
) -> _Result:
    deep = result.model
    if not (_mixes(config) and isinstance(deep, NeuralModel)):
        return result
    model = blend(deep, terms, examples)
    if not isinstance(model, BlendedModel):
        return result
    own = {f"{TERMS}{name}": tensor for name, tensor in model.terms.tensors().items()}
    return replace(result, model=model, tensors={**result.tensors, **own})


def _baselines(
    examples: Sequence[Example], config: TrainConfig, terms: TfidfModel | None
) -> dict[str, dict[str, Any]]:
    found = {"majority": majority_metrics(config.heads, examples)}
    if terms is not None:
        found["tfidf"] = _measured(terms, examples)
    return found


def _beside(
    examples: Sequence[Example],
    config: TrainConfig,
    terms: TfidfModel | None,
    folders: _Folders,
    pretrained: "Pretrained | None",
) -> Generator[Event, None, dict[str, dict[str, Any]]]:
    """Train the baselines that were asked for; return their metrics by name and question."""
    found: dict[str, dict[str, Any]] = {}
    if "lstm" in config.beside:
        pooled = [head for head in config.heads if head.kind is not Kind.SPANS]
        found["lstm"] = yield from _attempted(_recurrent(examples, config), pooled)
    # Linear models on terms share nothing, so one a question would be the same again.
    if "single_task" in config.beside and config.tier is not Tier.TFIDF and len(config.heads) > 1:
        found["single_task"] = {}
        for number, head in enumerate(config.heads):
            alone = replace(config, heads=(head,))
            own = replace(folders, scratch=folders.scratch / f"alone-{number}", resume=None)
            training = _alone(examples, alone, terms, own, pretrained)
            found["single_task"] |= yield from _attempted(training, [head])
    return found


def _attempted(
    training: Generator[Event, None, dict[str, Any]], heads: Sequence[HeadConfig]
) -> Generator[Event, None, dict[str, Any]]:
    """Train a baseline of some questions; where it has no figures, a note says why.

    A finished model is not lost for a baseline that fails. After a wish for the end there is none:
    cut short too, it would make the model look better than it is.
    """
    if not stopping.is_asked():
        try:
            found = yield from training
        except CoreError as error:
            return _noted(heads, f"Not measured. {error}")
        if not stopping.is_asked():
            return found
    return _noted(heads, "Left out, because the training was stopped early.")


def _noted(heads: Sequence[HeadConfig], note: str) -> dict[str, Any]:
    return {head.question: {"note": note} for head in heads}


def _recurrent(
    examples: Sequence[Example], config: TrainConfig
) -> Generator[Event, None, dict[str, Any]]:
    from ml.core.lstm import fit_lstm

    yield Stage("Training an LSTM beside it")
    model = fit_lstm(config.heads, examples, seed=config.seed, seconds=_LSTM_SECONDS)
    return {} if model is None else _measured(model, examples)


def _alone(
    examples: Sequence[Example],
    config: TrainConfig,
    terms: TfidfModel | None,
    folders: _Folders,
    pretrained: "Pretrained | None",
) -> Generator[Event, None, dict[str, Any]]:
    yield Stage(f"Training a model of {config.heads[0].question} alone")
    folders.scratch.mkdir()
    result = yield from _quietly(_fit(examples, config, folders, pretrained))
    if result.diverged:
        raise DivergedError(result.diverged)
    if terms is not None:
        result = _blended(result, terms, examples, config)
    return _measured(result.model, examples)


def _quietly(events: Generator[Event, None, _Result]) -> Generator[Event, None, _Result]:
    """Pass on everything but epochs: the curve is the joint model's."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: _Result = stop.value
            return result
        if not isinstance(event, Epoch):
            yield event


def _measured(model: Model, examples: Sequence[Example]) -> dict[str, Any]:
    questions = measure_model(model, examples, in_detail=False).questions
    return {question: own["model"] for question, own in questions.items() if own["model"]}


def _with_notes(
    questions: dict[str, dict[str, Any]], notes: dict[str, str], config: TrainConfig
) -> dict[str, dict[str, Any]]:
    found = {}
    for head in config.heads:
        missing: dict[str, Any] = {"kind": head.kind.value, "n": 0, "model": None, "baselines": {}}
        found[head.question] = questions.get(head.question, missing)
        if head.question in notes:
            found[head.question] = {**found[head.question], "note": notes[head.question]}
    return found


def _counts(examples: Sequence[Example], config: TrainConfig) -> dict[str, Any]:
    splits = ("train", "validation", "test")
    return {
        **{split: sum(e.split == split for e in examples) for split in splits},
        "questions": {
            h.question: {split: len(answered(examples, h.question, split)) for split in splits}
            for h in config.heads
        },
    }


def _write(
    scratch: Path,
    examples: Sequence[Example],
    config: TrainConfig,
    result: _Result,
    measured: Measured,
    metrics: dict[str, Any],
    snapshot: str,
) -> Path:
    folder = scratch / "checkpoint"
    folder.mkdir()
    checkpoint.write_tensors(folder / "model.safetensors", result.tensors)
    _write_tier(folder, result)
    shares = result.model.shares if isinstance(result.model, BlendedModel) else {}
    settings = {
        "train": config.to_json(),
        "calibrations": {q: c.to_json() for q, c in measured.calibrations.items()},
        "tower": result.tower,
        "shares_of_terms": shares,
    }
    checkpoint.write_json(folder / "config.json", settings)
    checkpoint.write_json(folder / "metrics.json", metrics)
    (folder / "CARD.md").write_text(write_card(config, metrics, snapshot, shares), "utf-8")
    tested = [example for example in examples if example.split == "test"]
    _write_predictions(folder / "test_predictions.jsonl", tested, measured)
    return folder


def _write_tier(folder: Path, result: _Result) -> None:
    if isinstance(result.model, TfidfModel):
        result.model.write_vocabulary(folder)
    if isinstance(result.model, BlendedModel):
        result.model.terms.write_vocabulary(folder)
    if result.encoder_folder is not None:
        for name in FILES:
            checkpoint.place(result.encoder_folder / name, folder / name)


def _write_predictions(path: Path, rows: Sequence[Example], measured: Measured) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for example, prediction in zip(rows, measured.predictions, strict=True):
            line = {"id": example.id, "answers": prediction}
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
