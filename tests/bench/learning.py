"""How fast learning is: a pass of fine-tuning, a refit of heads, and encoding once.

Every figure is measured beside its reference in the same run, in turns, so that ratios hold on a
machine that others use too.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

from ml.core import encoders
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.data import Answer, Example
from ml.core.dropout import quick_dropout
from ml.core.encode import TextEncoder
from ml.core.engines.base import Floats
from ml.core.engines.export import exported
from ml.core.engines.growing import ENOUGH
from ml.core.engines.onnx import OnnxEngine
from ml.core.engines.torch import TextTower, TorchEngine, load_tower
from ml.core.events import Epoch
from ml.core.fitting import engine_of, one_thread, text_encoder
from ml.core.hardware import has_bf16
from ml.core.lesson import FrozenFeatures, Lesson, pooled_targets
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.targets import prior
from ml.core.tuning import tower_lesson, tower_study
from tests.bench.data import WORDS
from tests.bench.report import Report

REVIEWS = 2_000
CACHED = 20_000
WIDTH = 384
# A pass over all the reviews in plain fp32 takes minutes: a part is timed and scaled up.
TIMED = {"MiniLM": 512, "DistilBERT's size": 128}
ENCODED = 256
TURNS = 3
RATING = HeadConfig("rating", Kind.NUMBER, minimum=1, maximum=5, is_integer=True)
SENTIMENT = HeadConfig("sentiment", Kind.CHOICE, ("negative", "neutral", "positive"))
TOPICS = HeadConfig("topics", Kind.MULTICHOICE, ("size", "cloth", "price"))
HEADS = (SENTIMENT, RATING, TOPICS)


def run(report: Report) -> None:
    """Measure a pass for two sizes of encoder, a refit and encoding once."""
    report.add("the processor has units for bfloat16", float(has_bf16()), "", n=1)
    with tempfile.TemporaryDirectory() as name:
        _refit(report)
        _encoding(report, Path(name))
        encoder = _encoder(Path(name))
        wanted = (3.5, 5) if has_bf16() else (2, 2)
        _passes(report, "MiniLM", load_tower(encoders.DEFAULT)[0], encoder, wanted[0])
        _passes(report, "DistilBERT's size", _distilbert(), encoder, wanted[1])


def _distilbert() -> TextTower:
    """Return an encoder of the size of DistilBERT with random weights; words are cut alike."""
    return TextTower(transformers.DistilBertModel(transformers.DistilBertConfig()))


def _width(tower: TextTower) -> int:
    config: Any = tower.model.config
    return int(config.hidden_size)


def _passes(
    report: Report, label: str, tower: TextTower, encoder: TextEncoder, wanted: float
) -> None:
    timed = TIMED[label]
    examples = medium_reviews(timed)
    config = TrainConfig(Tier.FULL, HEADS, epochs=1, batch_size=16, max_tokens=128)
    plain, ours = _in_turns(
        lambda: _plain_pass(tower, examples, encoder),
        lambda: _our_pass(tower, examples, encoder, config),
    )
    scale = REVIEWS / timed
    note = f"timed on {timed} of them, median of {TURNS}"
    report.add(
        f"{label}: pass over 2,000, padded, 16, fp32", plain * scale, "s", n=TURNS, note=note
    )
    report.add(f"{label}: pass over 2,000, as trained here", ours * scale, "s", n=TURNS, note=note)
    report.add(f"{label}: times as fast", plain / ours, "x", n=TURNS, note=f"wanted {wanted}")


def medium_reviews(count: int, *, seed: int = 5) -> list[Example]:
    """Return made-up reviews of about 60 words that answer three questions."""
    chance = np.random.default_rng(seed)
    lengths = np.clip(chance.lognormal(4.1, 0.45, count), 8, 250).astype(int)
    return [_example(number, int(length), chance) for number, length in enumerate(lengths)]


def _example(number: int, length: int, chance: np.random.Generator) -> Example:
    rating = float(chance.integers(1, 6))
    sentiment = SENTIMENT.options[0 if rating < 3 else 1 if rating == 3 else 2]
    topics = frozenset(o for o in TOPICS.options if chance.random() < 0.3)
    text = " ".join(chance.choice(WORDS, length))
    answers: dict[str, Answer] = {"rating": rating, "sentiment": sentiment, "topics": topics}
    return Example(number, text, "train", answers)


def _plain_pass(tower: TextTower, examples: Sequence[Example], encoder: TextEncoder) -> None:
    """Go over the reviews as the earlier systems did: padded to 128, sixteen at a time, fp32."""
    head = nn.Linear(_width(tower), 3)
    optimiser = torch.optim.AdamW([*tower.parameters(), *head.parameters()], lr=2e-5)
    ids = [tokens.ids for tokens in encoder.tokenise([e.text for e in examples])]
    tower.train()
    for start in range(0, len(ids), 16):
        padded, mask = _padded(ids[start : start + 16], 128)
        states = tower.model(input_ids=padded, attention_mask=mask).last_hidden_state
        pooled = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        loss = functional.cross_entropy(head(pooled), torch.zeros(len(pooled), dtype=torch.int64))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()


def _padded(ids: Sequence[Sequence[int]], length: int) -> tuple[Tensor, Tensor]:
    padded, mask = (torch.zeros((len(ids), length), dtype=torch.int64) for _ in range(2))
    for row, one in enumerate(ids):
        padded[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return padded, mask


def _our_pass(
    tower: TextTower, examples: Sequence[Example], encoder: TextEncoder, config: TrainConfig
) -> None:
    width = _width(tower)
    heads = Heads(HEADS, width=width, word_width=2 * width)
    priors = {head.question: prior(head, examples, is_weighted=False) for head in HEADS}
    lessons = [tower_lesson(part, config, tower, encoder) for part in (examples, [])]
    with quick_dropout(tower.model):
        for event in learn(tower_study(config, tower, heads, lessons, priors), config):
            if isinstance(event, Epoch):
                return


def _refit(report: Report) -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(CACHED, WIDTH)).astype(np.float32)
    examples = medium_reviews(CACHED)
    seconds = [_refit_once(vectors, examples) for _ in range(TURNS)]
    report.add(
        "refit of three heads on 20,000 kept embeddings", statistics.median(seconds), "s",
        n=TURNS, note="wanted below 5",
    )  # fmt: skip


def _refit_once(vectors: Floats, examples: Sequence[Example]) -> float:
    started = time.perf_counter()
    config = TrainConfig(Tier.FROZEN, HEADS)
    cut = int(0.85 * CACHED)
    train, validation = (
        Lesson(
            FrozenFeatures(torch.from_numpy(vectors[part]), [None] * len(vectors[part]), 0),
            pooled_targets(HEADS, examples[part]),
            len(vectors[part]),
        )
        for part in (slice(0, cut), slice(cut, None))
    )
    heads = Heads(HEADS, width=WIDTH, word_width=2 * WIDTH)
    priors = {head.question: prior(head, examples[:cut], is_weighted=False) for head in HEADS}
    parts = [Part(head, {head.config.question: 1.0}) for head in heads.each]
    with one_thread():
        for _ in learn(Study(heads, heads, priors, train, validation, parts), config):
            pass
    return time.perf_counter() - started


def _encoding(report: Report, folder: Path) -> None:
    texts = [example.text for example in medium_reviews(ENCODED)]
    tower, info = load_tower(encoders.DEFAULT)
    plain = TorchEngine(tower, info, encoders.obtain(encoders.DEFAULT) / "tokenizer.json")
    portable = _encoder(folder)
    config = TrainConfig(Tier.FROZEN, HEADS, layers="last")
    engine = engine_of(config, exported(encoders.DEFAULT, folder / "encoders"))
    ours = text_encoder(engine, config)
    ours.pooled(texts * (1 + ENOUGH // ENCODED))  # until it has settled for the faster engine

    def padded() -> None:
        for start in range(0, len(texts), 16):
            ids = [tokens.ids for tokens in ours.tokenise(texts[start : start + 16])]
            padded_ids, mask = _padded(ids, 128)
            plain.states(padded_ids.numpy(), mask.numpy())

    slow, fast = _in_turns(padded, lambda: ours.pooled(texts))
    chosen = type(getattr(engine, "chosen", engine)).__name__
    report.add("encoding once: reviews a second", ENCODED / fast, "", n=TURNS, note=chosen)
    report.add(
        "encoding once: times as fast as padded torch fp32", slow / fast, "x",
        n=TURNS, note="wanted 3.2",
    )  # fmt: skip
    slow, fast = _in_turns(padded, lambda: portable.pooled(texts))
    report.add("the same by ONNX Runtime alone", slow / fast, "x", n=TURNS)


def _encoder(folder: Path) -> TextEncoder:
    engine = OnnxEngine(exported(encoders.DEFAULT, folder / "encoders"))
    return TextEncoder(engine, max_tokens=128, pooling="mean")


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds of two pieces of work that are done alternately."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for work, own in zip((first, second), seconds, strict=True):
            started = time.perf_counter()
            work()
            own.append(time.perf_counter() - started)
    return statistics.median(seconds[0]), statistics.median(seconds[1])
