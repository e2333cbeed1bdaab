"""Fit the heads on a frozen encoder, or the encoder with them."""

import copy
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from ml.core.config import HeadConfig, Kind, TrainConfig
from ml.core.data import Example, answered
from ml.core.dropout import quick_dropout
from ml.core.encode import TextEncoder, Words
from ml.core.engines.base import EncoderInfo, Engine, Floats
from ml.core.engines.export import export_tower, exported
from ml.core.engines.growing import GrowingEngine
from ml.core.engines.onnx import OnnxEngine
from ml.core.engines.torch import (
    TextTower,
    TorchEngine,
    choose_device,
    load_tower,
    save_tokenizer,
    tower_config,
)
from ml.core.events import Event, Progress, Stage
from ml.core.features import CachedEncoder
from ml.core.fitted import Fitted
from ml.core.hardware import encodes_in_bf16
from ml.core.lengths import chosen_length, most_tokens
from ml.core.lesson import FrozenFeatures, Lesson, all_targets, as_floats
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.neural import NeuralModel
from ml.core.parity import parity
from ml.core.resume import Saves
from ml.core.targets import Prior, prior, tag_prior
from ml.core.tuning import tower_lesson, tower_study

if TYPE_CHECKING:
    from ml.core.pretraining import Pretrained

_WORDS_CHUNK: Final = 64


@dataclass(frozen=True)
class Prepared:
    """Hold what heads on a frozen encoder learn from, encoded once.

    pooled and words: of the training and of the validation rows; widths: of a vector and a word.
    """

    splits: "_Splits"
    pooled: Sequence[Floats | None]
    words: Sequence[Sequence[Words | None]]
    widths: tuple[int, int]


@dataclass(frozen=True)
class _Splits:
    train: list[Example]
    validation: list[Example]
    others: list[Example]

    @classmethod
    def of(cls, examples: Sequence[Example], heads: Sequence[HeadConfig]) -> "_Splits":
        questions = {head.question for head in heads}
        used = [e for e in examples if questions & e.answers.keys()]
        train, validation, others = (
            [e for e in used if e.split == split] for split in ("train", "validation", "test")
        )
        return cls(train, validation, others)

    @property
    def texts(self) -> list[str]:
        return [e.text for e in (*self.train, *self.validation, *self.others)]


def max_tokens(config: TrainConfig, examples: Sequence[Example], encoders_dir: Path) -> int:
    """Return how many tokens suit the training reviews; on a CPU no more than 256."""
    folder = exported(config.encoder, encoders_dir)
    limit = most_tokens(
        EncoderInfo.read(folder).max_positions, is_on_cpu=choose_device(config.device) == "cpu"
    )
    texts = [example.text for example in examples if example.split == "train"]
    return chosen_length(texts, folder / "tokenizer.json", limit=limit)


def fit_frozen(
    examples: Sequence[Example], config: TrainConfig, *, features_dir: Path, encoders_dir: Path
) -> Generator[Event, None, Fitted]:
    """Train heads on an encoder that stays as it is; pooled vectors are remembered."""
    _seed(config)
    yield Stage(f"Preparing the encoder {config.encoder}")
    folder = exported(config.encoder, encoders_dir)
    encoder = text_encoder(engine_of(config, folder), config)
    cached = CachedEncoder(encoder, features_dir)
    study = yield from _fit_heads(examples, config, encoder, cached)
    model = NeuralModel(study.heads.numpy(), cached, encoder, study.heads.numpy_neck())
    return Fitted(
        model, study.heads.arrays(), folder, diverged=study.diverged, stopped=study.stopped
    )


def fit_full(
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    features_dir: Path,
    encoders_dir: Path,
    scratch: Path,
    saves: Saves | None = None,
    pretrained: "Pretrained | None" = None,
) -> Generator[Event, None, Fitted]:
    """Train heads first, then the encoder with them (Kumar et al., ICLR 2022).

    Random heads would pull the encoder away from what it knows. `scratch` takes its export; with
    `saves` an interrupted fine-tuning goes on. It begins from the encoder as it comes, or as it is
    after reading texts.
    """
    _seed(config)
    splits = _Splits.of(examples, config.heads)
    yield Stage(f"Preparing the encoder {config.encoder}")
    if pretrained is None:
        folder = exported(config.encoder, encoders_dir)
        frozen = text_encoder(engine_of(config, folder), config)
        cached = CachedEncoder(frozen, features_dir)
    else:
        frozen = _pretrained_encoder(pretrained, config, scratch / "pretrained")
        # Its vectors are nobody else's, though the encoder has the same name.
        cached = CachedEncoder(frozen, scratch / "pretrained")
    warm = replace(config, epochs=20, minimum_steps=0)
    # The test rows are read by the encoder that comes out, never by the one that goes in.
    learned = [*splits.train, *splits.validation]
    first = yield from _fit_heads(learned, warm, frozen, cached, is_silent=True)
    heads = first.heads
    tower, info = load_tower(config.encoder)
    if pretrained is not None:
        tower.model.load_state_dict(pretrained.state)
    device = choose_device(config.device)
    tower.to(device)
    heads.to(device)
    yield Stage("Fine-tuning the encoder and its heads")
    parts = (splits.train, splits.validation)
    lessons = [tower_lesson(part, config, tower, frozen) for part in parts]
    study = tower_study(config, tower, heads, lessons, _priors(config, splits.train, lessons[0]))
    with quick_dropout(tower.model):
        yield from learn(study, config, saves)
    yield Stage("Exporting the fine-tuned encoder")
    encoder = _trained_encoder(tower, info, config, device, scratch)
    tensors = heads.cpu().arrays() | _tower_tensors(tower)
    model = NeuralModel(heads.numpy(), encoder, encoder, heads.numpy_neck())
    texts = [example.text for example in splits.validation or splits.train]
    agreed = _parity(tower, info, config, device, scratch, texts)
    return Fitted(
        model, tensors, scratch, tower_config(tower), study.diverged, study.stopped, agreed
    )


def prepare_frozen(
    examples: Sequence[Example], config: TrainConfig, *, features_dir: Path, encoders_dir: Path
) -> Generator[Stage | Progress, None, Prepared]:
    """Encode the rows of every split once, for heads that are fitted several times."""
    _seed(config)
    yield Stage(f"Preparing the encoder {config.encoder}")
    folder = exported(config.encoder, encoders_dir)
    encoder = text_encoder(engine_of(config, folder), config)
    return (yield from _prepare(examples, config, encoder, CachedEncoder(encoder, features_dir)))


def _fit_heads(
    examples: Sequence[Example],
    config: TrainConfig,
    encoder: TextEncoder,
    cached: CachedEncoder,
    *,
    is_silent: bool = False,
) -> Generator[Event, None, Study]:
    prepared = yield from _prepare(examples, config, encoder, cached)
    yield Stage("Training the heads")
    fitted = fit_heads(prepared, config)
    while True:
        try:
            event = next(fitted)
        except StopIteration as stop:
            study: Study = stop.value
            return study
        if not is_silent:
            yield event


def fit_heads(prepared: Prepared, config: TrainConfig) -> Generator[Event, None, Study]:
    """Train heads on what was encoded; the study returned holds them."""
    torch.manual_seed(config.seed)
    study = _frozen_study(config, prepared)
    with one_thread():
        yield from learn(study, config)
    return study


def _prepare(
    examples: Sequence[Example], config: TrainConfig, encoder: TextEncoder, cached: CachedEncoder
) -> Generator[Stage | Progress, None, Prepared]:
    splits = _Splits.of(examples, config.heads)
    has_pooled = any(head.kind is not Kind.SPANS for head in config.heads)
    if has_pooled:
        yield Stage(f"Encoding {len(splits.texts)} reviews")
        for done, total in cached.fill(splits.texts):
            yield Progress(done, total, "Encoding")
    store = cached.store if has_pooled else None
    pooled = [
        store.get([e.text for e in part]) if store else None
        for part in (splits.train, splits.validation)
    ]
    train_words = yield from _words(encoder, splits.train, config.heads)
    validation_words = yield from _words(encoder, splits.validation, config.heads)
    widths = (encoder.width, encoder.word_width)
    return Prepared(splits, pooled, (train_words, validation_words), widths)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: heads are too small to share, two would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _words(
    encoder: TextEncoder, examples: Sequence[Example], heads: Sequence[HeadConfig]
) -> Generator[Progress, None, list[Words | None]]:
    questions = {head.question for head in heads if head.kind is Kind.SPANS}
    found: list[Words | None] = [None] * len(examples)
    rows = [row for row, e in enumerate(examples) if questions & e.answers.keys()]
    rows.sort(key=lambda row: len(examples[row].text))
    for start in range(0, len(rows), _WORDS_CHUNK):
        chunk = rows[start : start + _WORDS_CHUNK]
        for row, words in zip(chunk, encoder.words([examples[r].text for r in chunk]), strict=True):
            found[row] = words
        yield Progress(start + len(chunk), len(rows), "Encoding words")
    return found


def _frozen_study(config: TrainConfig, prepared: Prepared) -> Study:
    splits, widths = prepared.splits, prepared.widths
    lessons = []
    for part, vectors, part_words in zip(
        (splits.train, splits.validation), prepared.pooled, prepared.words, strict=True
    ):
        tensor = torch.from_numpy(vectors) if vectors is not None else None
        ranges = [w.ranges if w is not None else None for w in part_words]
        targets = all_targets(config.heads, part, ranges)
        features = FrozenFeatures(tensor, part_words, widths[1])
        lessons.append(Lesson(features, targets, len(part)))
    train, validation = lessons
    heads = Heads(
        config.heads,
        width=widths[0],
        word_width=widths[1],
        projection=config.projection,
        is_normalised=config.normalise,
    )
    priors = _priors(config, splits.train, train)
    _start(heads, priors, _read(heads, prepared.pooled[0]), prepared.words[0])
    return Study(heads, heads, priors, train, validation, _parts(config, heads))


def _parts(config: TrainConfig, heads: Heads) -> list[Part]:
    """Return what stops by itself: every head, or all as one where they share a projection."""
    if config.projection:
        return [Part(heads, {head.question: head.weight for head in config.heads})]
    return [Part(head, {head.config.question: 1.0}) for head in heads.each]


@torch.no_grad()
def _read(heads: Heads, pooled: Floats | None) -> Floats | None:
    """Return what the heads read of pooled vectors [rows, width]."""
    return None if pooled is None else as_floats(heads.neck(torch.from_numpy(pooled)))


def _start(
    heads: Heads,
    priors: dict[str, Prior],
    pooled: Floats | None,
    words: Sequence[Words | None],
) -> None:
    states = [w.states for w in words if w is not None]
    word_states = np.concatenate(states) if states else np.zeros((0, 0), dtype=np.float32)
    for head in heads.each:
        is_spans = head.config.kind is Kind.SPANS
        features = word_states if is_spans or pooled is None else pooled
        head.start_from(priors[head.config.question], features)


def _priors(config: TrainConfig, examples: Sequence[Example], lesson: Lesson) -> dict[str, Prior]:
    found = {}
    for head in config.heads:
        own = lesson.targets[head.question]
        if isinstance(own, list):
            given = [targets for targets in own if targets is not None]
            found[head.question] = tag_prior(head, given, is_weighted=config.class_weights)
        else:
            rows = answered(examples, head.question)
            found[head.question] = prior(head, rows, is_weighted=config.class_weights)
    return found


def _trained_encoder(
    tower: TextTower, info: EncoderInfo, config: TrainConfig, device: str, scratch: Path
) -> TextEncoder:
    """Return the encoder that measures: as it will be served, or where that takes long faster.

    On CUDA, and for many texts on a processor with units for it, it computes in bfloat16 unless
    fp32 is wished for; how far what is measured is what is used, `_parity` tells.
    """
    save_tokenizer(config.encoder, scratch / "tokenizer.json")
    export_tower(tower, info, scratch)
    tokenizer = scratch / "tokenizer.json"
    if device == "cuda":
        wish = config.precision
        return text_encoder(TorchEngine(tower, info, tokenizer, device=device, wish=wish), config)

    def in_bf16() -> Engine:
        return TorchEngine(copy.deepcopy(tower), info, tokenizer, is_bf16=True)

    return text_encoder(_growing(scratch, config, in_bf16), config)


def _parity(
    tower: TextTower,
    info: EncoderInfo,
    config: TrainConfig,
    device: str,
    scratch: Path,
    texts: Sequence[str],
) -> dict[str, Any]:
    """Compare the encoder as torch runs it on this device with the export that is served."""
    is_bf16 = device == "cpu" and encodes_in_bf16(config.precision)
    copied = copy.deepcopy(tower)
    tokenizer = scratch / "tokenizer.json"
    measured = TorchEngine(
        copied, info, tokenizer, device=device, is_bf16=is_bf16, wish=config.precision
    )
    served = OnnxEngine(scratch, threads=config.threads)
    return parity(text_encoder(measured, config), text_encoder(served, config), texts)


def _pretrained_encoder(pretrained: "Pretrained", config: TrainConfig, folder: Path) -> TextEncoder:
    """Return the encoder as it is after reading, before it learns from labels."""
    folder.mkdir()
    tower, info = load_tower(config.encoder)
    tower.model.load_state_dict(pretrained.state)
    return _trained_encoder(tower, info, config, choose_device(config.device), folder)


def _tower_tensors(tower: TextTower) -> dict[str, Floats]:
    return {
        f"encoder.{name}": np.array(tensor.detach().cpu().numpy())
        for name, tensor in tower.model.state_dict().items()
    }


def engine_of(config: TrainConfig, folder: Path) -> Engine:
    """Return what a training encodes with; `folder` holds the exported encoder."""

    def on_torch(device: str, *, is_bf16: bool) -> Engine:
        tower, info = load_tower(config.encoder)
        return TorchEngine(
            tower,
            info,
            folder / "tokenizer.json",
            device=device,
            is_bf16=is_bf16,
            wish=config.precision,
        )

    if choose_device(config.device) == "cuda":
        return on_torch("cuda", is_bf16=False)
    return _growing(folder, config, lambda: on_torch("cpu", is_bf16=True))


def _growing(folder: Path, config: TrainConfig, in_bf16: Callable[[], Engine]) -> Engine:
    first = OnnxEngine(folder, threads=config.threads)
    return GrowingEngine(first, in_bf16) if encodes_in_bf16(config.precision) else first


def text_encoder(engine: Engine, config: TrainConfig) -> TextEncoder:
    """Return what turns texts into vectors by an engine and the settings of a training."""
    return TextEncoder(
        engine,
        max_tokens=config.max_tokens,
        pooling=config.pooling,
        layers=config.layers,
        truncation=config.truncation,
    )


def _seed(config: TrainConfig) -> None:
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
