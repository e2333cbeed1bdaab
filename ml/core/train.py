"""One training from examples to a checkpoint, as a generator of events."""

import json
import math
import random
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.core import beside, checkpoint
from ml.core.blend import BlendedModel
from ml.core.card import write_card
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig, sized
from ml.core.data import Example, answered, check_answers, snapshot_hash
from ml.core.engines.export import FILES
from ml.core.errors import TooLittleDataError
from ml.core.evaluate import Measured, measure_model, outcome
from ml.core.events import Epoch, Event, Finished, Stage
from ml.core.fitted import Fitted
from ml.core.hardware import describe
from ml.core.targets import usable_heads
from ml.core.tfidf import TfidfModel
from ml.core.tiers import Folders, blended, fit, fit_terms, mixes, saves_of

if TYPE_CHECKING:
    from ml.core.pretraining import Pretrained

_FEW = 20
# Written down for a model of terms, which reads whole texts.
_UNREAD = 128


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
        folders = Folders(features_dir, encoders_dir, scratch, resume_dir)
        pretrained = yield from _pretrain(examples, usable, folders, texts)
        if pretrained is not None:
            clock.lap("pretraining")
        fitting = fit(chosen, usable, folders, pretrained)
        result = yield from _recorded(fitting, curve)
        clock.lap("train")
        terms = None
        if usable.tier is not Tier.TFIDF and (usable.baselines or mixes(usable)):
            yield Stage("Fitting the linear model of terms")
            terms = fit_terms(chosen, usable)
            result = blended(result, terms, chosen, usable)
            clock.lap("terms")
        yield Stage("Measuring on the test reviews")
        measured = measure_model(result.model, chosen)
        clock.lap("evaluate")
        baselines: dict[str, dict[str, Any]] = {}
        if config.baselines:
            yield Stage("Measuring the baselines")
            baselines = beside.known(chosen, usable, terms)
            clock.lap("baselines")
        if config.beside:
            asked = beside.asked_for(chosen, usable, terms, folders, pretrained)
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
    heads = usable_heads(config.heads, chosen)
    if not heads:
        raise TooLittleDataError(
            "No training review has an answer to any of the chosen questions. "
            "Label some reviews first."
        )
    rows = sum(example.split == "train" for example in chosen)
    usable = sized(replace(config, heads=heads), rows=rows)
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
    folders: Folders,
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
    saves = saves_of(examples, config, kept, pretraining.texts_hash(chosen))
    return (yield from pretraining.pretrain(chosen, config, scratch=place, saves=saves))


def _recorded(
    events: Generator[Event, None, Fitted], curve: list[dict[str, Any]]
) -> Generator[Event, None, Fitted]:
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: Fitted = stop.value
            return result
        if isinstance(event, Epoch):
            curve.append(_point(event))
        yield event


def _read(pretrained: "Pretrained | None") -> dict[str, Any]:
    return {} if pretrained is None else {"pretraining": pretrained.facts}


def _happened(result: Fitted, pretrained: "Pretrained | None") -> dict[str, Any]:
    diverged = {"diverged": _diverged(result.diverged)} if result.diverged else {}
    agreed = {"parity": result.parity} if result.parity else {}
    return _read(pretrained) | _stopped(result) | diverged | agreed


def _stopped(result: Fitted) -> dict[str, Any]:
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
    result: Fitted,
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


def _write_tier(folder: Path, result: Fitted) -> None:
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
