"""Fit the heads on a frozen encoder, or the encoder with them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.core.config import HeadConfig, Kind, TrainConfig
from ml.core.data import Example, answered
from ml.core.encode import REACH, TextEncoder, Words, pad, word_starts
from ml.core.engines.base import EncoderInfo, Engine, Floats, Ints
from ml.core.engines.export import export_tower, exported
from ml.core.engines.onnx import OnnxEngine
from ml.core.engines.torch import (
    TextTower,
    TorchEngine,
    choose_device,
    load_tower,
    precision,
    save_tokenizer,
    tower_config,
)
from ml.core.events import Event, Progress, Stage
from ml.core.features import CachedEncoder
from ml.core.lesson import (
    FrozenFeatures,
    Lesson,
    Targets,
    pooled_targets,
    spans_targets,
)
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.neural import NeuralModel
from ml.core.targets import Prior, prior, tag_prior

_WORDS_CHUNK: Final = 64


@dataclass(frozen=True)
class Fitted:
    """Hold a fitted model and what its checkpoint keeps."""

    model: NeuralModel
    tensors: dict[str, Floats]
    encoder_folder: Path
    tower: dict[str, Any] | None = None


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


def fit_frozen(
    examples: Sequence[Example], config: TrainConfig, *, features_dir: Path, encoders_dir: Path
) -> Generator[Event, None, Fitted]:
    """Train heads on an encoder that stays as it is; pooled vectors are remembered."""
    _seed(config)
    yield Stage(f"Preparing the encoder {config.encoder}")
    folder = exported(config.encoder, encoders_dir)
    encoder = _text_encoder(_engine(config, folder), config)
    cached = CachedEncoder(encoder, features_dir)
    heads = yield from _fit_heads(examples, config, encoder, cached)
    model = NeuralModel(heads.numpy(), cached, encoder)
    return Fitted(model, heads.arrays(), folder)


def fit_full(
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    features_dir: Path,
    encoders_dir: Path,
    scratch: Path,
) -> Generator[Event, None, Fitted]:
    """Train heads first, then the encoder with them (Kumar et al., ICLR 2022).

    Random heads would pull the encoder away from what it knows. `scratch` takes its export.
    """
    _seed(config)
    yield Stage(f"Preparing the encoder {config.encoder}")
    folder = exported(config.encoder, encoders_dir)
    frozen = _text_encoder(_engine(config, folder), config)
    warm = replace(config, epochs=20, minimum_steps=0)
    heads = yield from _fit_heads(
        examples, warm, frozen, CachedEncoder(frozen, features_dir), is_silent=True
    )
    tower, info = load_tower(config.encoder)
    device = choose_device(config.device)
    tower.to(device)
    heads.to(device)
    yield Stage("Fine-tuning the encoder and its heads")
    yield from learn(_tower_study(examples, config, tower, heads, frozen), config)
    yield Stage("Exporting the fine-tuned encoder")
    encoder = _trained_encoder(tower, info, config, device, scratch)
    tensors = heads.cpu().arrays() | _tower_tensors(tower)
    model = NeuralModel(heads.numpy(), encoder, encoder)
    return Fitted(model, tensors, scratch, tower_config(tower))


def _fit_heads(
    examples: Sequence[Example],
    config: TrainConfig,
    encoder: TextEncoder,
    cached: CachedEncoder,
    *,
    is_silent: bool = False,
) -> Generator[Event, None, Heads]:
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
    words = (train_words, validation_words)
    yield Stage("Training the heads")
    study = _frozen_study(config, splits, pooled, words, (encoder.width, encoder.word_width))
    with _one_thread():
        for event in learn(study, config):
            if not is_silent:
                yield event
    return study.heads


@contextmanager
def _one_thread() -> Iterator[None]:
    # Heads are too small to share: two threads would mostly wait for each other.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _words(
    encoder: TextEncoder, examples: Sequence[Example], heads: Sequence[HeadConfig]
) -> Generator[Event, None, list[Words | None]]:
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


def _frozen_study(
    config: TrainConfig,
    splits: _Splits,
    pooled: Sequence[Floats | None],
    words: Sequence[Sequence[Words | None]],
    widths: tuple[int, int],
) -> Study:
    lessons = []
    for part, vectors, part_words in zip(
        (splits.train, splits.validation), pooled, words, strict=True
    ):
        tensor = torch.from_numpy(vectors) if vectors is not None else None
        ranges = [w.ranges if w is not None else None for w in part_words]
        targets = _targets(config.heads, part, ranges)
        features = FrozenFeatures(tensor, part_words, widths[1])
        lessons.append(Lesson(features, targets, len(part)))
    train, validation = lessons
    heads = Heads(config.heads, width=widths[0], word_width=widths[1])
    priors = _priors(config, splits.train, train.targets)
    _start(heads, priors, pooled[0], words[0])
    parts = [Part(head, {head.config.question: 1.0}) for head in heads.each]
    return Study(heads, heads, priors, train, validation, parts)


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


def _priors(
    config: TrainConfig, examples: Sequence[Example], targets: dict[str, Targets]
) -> dict[str, Prior]:
    found = {}
    for head in config.heads:
        own = targets[head.question]
        if isinstance(own, list):
            found[head.question] = tag_prior(head, [t for t in own if t is not None])
        else:
            rows = answered(examples, head.question)
            found[head.question] = prior(head, rows, is_weighted=config.class_weights)
    return found


def _targets(
    heads: Sequence[HeadConfig], examples: Sequence[Example], ranges: Sequence[Ints | None]
) -> dict[str, Targets]:
    spans = {h.question: spans_targets(h, examples, ranges) for h in heads if h.kind is Kind.SPANS}
    return {**pooled_targets(heads, examples), **spans}


@dataclass(frozen=True)
class _TowerFeatures:
    """Run the tower on the rows asked for, so that gradients reach it."""

    tower: TextTower
    ids: list[list[int]]
    firsts: list[list[int]]
    pooling: str
    layers: str
    pad_id: int
    has_words: bool

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        """Return pooled [rows, width] and states of first subtokens [rows, words, width]."""
        ids, mask = (torch.from_numpy(a) for a in pad([self.ids[r] for r in rows], self.pad_id))
        device = next(self.tower.parameters()).device
        ids, mask = ids.to(device), mask.to(device)
        with precision(device):
            states = self.tower.states(ids, mask, self.layers).float()
        return self._pooled(states, mask), self._words(states, rows) if self.has_words else None

    def lengths(self) -> Ints:
        """Return the number of tokens of every row."""
        return np.array([len(one) for one in self.ids], dtype=np.int64)

    def _pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            return states[:, 0]
        weights = mask[:, :, None].to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1.0)

    def _words(self, states: Tensor, rows: Ints) -> Tensor | None:
        firsts = [self.firsts[row] for row in rows]
        longest = max(map(len, firsts))
        if not longest:
            return None
        index = torch.zeros((len(rows), longest), dtype=torch.int64)
        for place, one in enumerate(firsts):
            index[place, : len(one)] = torch.tensor(one)
        index = index.to(states.device)[:, :, None].expand(-1, -1, states.shape[-1])
        return context_of(states.gather(1, index), [len(one) for one in firsts])


def context_of(states: Tensor, counts: Sequence[int]) -> Tensor:
    """Do for padded states [rows, words, width] what `encode.with_context` does for one text.

    counts: words of each row; returns [rows, words, 2 x width].
    """
    places = torch.arange(states.shape[1])
    is_near = (places[:, None] - places[None, :]).abs() <= REACH
    is_word = places[None, :] < torch.tensor(counts)[:, None]
    shares = (is_near[None] & is_word[:, None]).to(states.device, states.dtype)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp_min(1.0)
    return torch.cat([states, shares @ states], dim=2)


def _tower_study(
    examples: Sequence[Example],
    config: TrainConfig,
    tower: TextTower,
    heads: Heads,
    encoder: TextEncoder,
) -> Study:
    splits = _Splits.of(examples, config.heads)
    train, validation = (
        _tower_lesson(part, config, tower, encoder) for part in (splits.train, splits.validation)
    )
    network = nn.ModuleDict({"tower": tower, "heads": heads})
    priors = _priors(config, splits.train, train.targets)
    part = Part(network, {head.question: head.weight for head in config.heads})
    return Study(network, heads, priors, train, validation, [part], config.learning_rate)


def _tower_lesson(
    examples: Sequence[Example], config: TrainConfig, tower: TextTower, encoder: TextEncoder
) -> Lesson:
    encodings = encoder.tokenise([e.text for e in examples])
    starts = [word_starts(one, e.text) for one, e in zip(encodings, examples, strict=True)]
    ranges = [np.array(places, dtype=np.int64).reshape(-1, 2) for _, places in starts]
    features = _TowerFeatures(
        tower=tower,
        ids=[one.ids for one in encodings],
        firsts=[firsts for firsts, _ in starts],
        pooling=config.pooling,
        layers=config.layers,
        pad_id=encoder.engine.info.pad_id,
        has_words=any(head.kind is Kind.SPANS for head in config.heads),
    )
    return Lesson(features, _targets(config.heads, examples, ranges), len(examples))


def _trained_encoder(
    tower: TextTower, info: EncoderInfo, config: TrainConfig, device: str, scratch: Path
) -> TextEncoder:
    """Return the encoder as it will be served, so that what is measured is what is used."""
    save_tokenizer(config.encoder, scratch / "tokenizer.json")
    export_tower(tower, info, scratch)
    if device == "cpu":
        return _text_encoder(OnnxEngine(scratch, threads=config.threads), config)
    engine = TorchEngine(tower, info, scratch / "tokenizer.json", device=device)
    return _text_encoder(engine, config)


def _tower_tensors(tower: TextTower) -> dict[str, Floats]:
    return {
        f"encoder.{name}": np.array(tensor.detach().cpu().numpy())
        for name, tensor in tower.model.state_dict().items()
    }


def _engine(config: TrainConfig, folder: Path) -> Engine:
    if choose_device(config.device) == "cpu":
        return OnnxEngine(folder, threads=config.threads)
    tower, info = load_tower(config.encoder)
    return TorchEngine(tower, info, folder / "tokenizer.json", device="cuda")


def _text_encoder(engine: Engine, config: TrainConfig) -> TextEncoder:
    return TextEncoder(
        engine, max_tokens=config.max_tokens, pooling=config.pooling, layers=config.layers
    )


def _seed(config: TrainConfig) -> None:
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
