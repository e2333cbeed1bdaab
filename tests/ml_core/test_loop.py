from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml.core import stopping
from ml.core.config import HeadConfig, Kind, TrainConfig
from ml.core.data import Example
from ml.core.encode import Words
from ml.core.engines.base import Ints
from ml.core.events import Epoch
from ml.core.lesson import WORDS, FrozenFeatures, Lesson, mean_losses, pooled_targets
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.targets import Prior, WordTargets, prior


def noted(part: Part, **losses: float) -> None:
    part.note(losses, dict.fromkeys(losses, 1.0))


def test_the_state_of_the_lowest_loss_is_taken_back() -> None:
    module = nn.Linear(1, 1)
    part = Part(module, {"q": 1.0})
    for value, loss in ((1.0, 0.9), (2.0, 0.5), (3.0, 0.7)):
        nn.init.constant_(module.weight, value)
        noted(part, q=loss)

    part.restore()

    assert module.weight.item() == 2.0
    assert part.stale == 1


def test_a_question_that_counts_little_does_not_stop_the_others() -> None:
    part = Part(nn.Linear(1, 1), {"rating": 1.0, "age": 0.1})

    noted(part, rating=0.9, age=0.9)
    noted(part, rating=0.5, age=1.5)

    assert part.stale == 0


def test_losses_of_different_size_count_alike() -> None:
    part = Part(nn.Linear(1, 1), {"small": 1.0, "large": 1.0})

    part.note({"small": 0.1, "large": 100.0}, {"small": 0.1, "large": 100.0})
    part.note({"small": 0.05, "large": 110.0}, {"small": 0.1, "large": 100.0})

    assert part.stale == 0


def test_a_question_with_one_answer_does_not_hide_that_the_others_get_worse() -> None:
    module = nn.Linear(1, 1)
    part, starts = Part(module, {"mood": 1.0, "always": 1.0}), {"mood": 0.4, "always": 6e-5}
    for value, mood, always in ((1.0, 0.36, 4e-5), (2.0, 0.38, 1e-5), (3.0, 0.41, 5e-6)):
        nn.init.constant_(module.weight, value)
        part.note({"mood": mood, "always": always}, starts)

    part.restore()

    assert module.weight.item() == 1.0
    assert part.stale == 2


def test_without_validation_rows_the_last_state_stays() -> None:
    module = nn.Linear(1, 1)
    part = Part(module, {"q": 1.0})
    before = module.weight.detach().clone()

    noted(part)
    part.restore()

    torch.testing.assert_close(module.weight.detach(), before)


MOOD = HeadConfig("mood", Kind.CHOICE, ("bad", "good"), hidden=8, dropout=0)
# Weighs so much that its gradients dwarf those of every other question.
STEEP = HeadConfig("steep", Kind.NUMBER, dropout=0, hidden=8, weight=1000)


def _learned(*heads: HeadConfig) -> dict[str, Tensor]:
    """Return what the first head has learned on frozen features beside the others."""
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(200, 6)).astype(np.float32)
    examples = [
        Example(i, "", "train", {"mood": MOOD.options[int(v[0] > 0)], "steep": float(v[1])})
        for i, v in enumerate(vectors)
    ]
    train, validation = (
        Lesson(
            FrozenFeatures(torch.from_numpy(vectors[rows]), [None] * 100, 0),
            pooled_targets(heads, examples[rows]),
            100,
        )
        for rows in (slice(0, 100), slice(100, 200))
    )
    config = TrainConfig("frozen", heads, epochs=4, patience=9)  # type: ignore[arg-type]
    torch.manual_seed(0)
    network = Heads(heads, width=6, word_width=12)
    priors = {head.question: prior(head, examples[:100], is_weighted=False) for head in heads}
    parts = [Part(head, {head.config.question: 1.0}) for head in network.each]
    for _ in learn(Study(network, network, priors, train, validation, parts), config):
        pass
    return network.each[0].state_dict()


def test_a_head_on_a_frozen_encoder_learns_beside_others_what_it_learns_alone() -> None:
    alone, beside = _learned(MOOD), _learned(MOOD, STEEP)

    for name, tensor in alone.items():
        torch.testing.assert_close(beside[name], tensor, rtol=1e-5, atol=1e-7)


def test_what_is_learned_does_not_stay_as_it_began() -> None:
    untrained = _learned(replace(MOOD, weight=1e-30))

    assert _learned(MOOD)["out.weight"].numpy() != pytest.approx(untrained["out.weight"].numpy())


NOISE_ROWS, NOISE_BATCH = 48, 8


def _noise(config: TrainConfig) -> tuple[Study, list[Epoch]]:
    """Learn answers that follow from nothing; return the study and its epochs."""
    chance = np.random.default_rng(4)
    train, validation = (
        Lesson(
            FrozenFeatures(
                torch.from_numpy(chance.normal(size=(NOISE_ROWS, 6)).astype(np.float32)),
                [None] * NOISE_ROWS,
                0,
            ),
            {"mood": torch.from_numpy(chance.integers(0, 2, NOISE_ROWS))},
            NOISE_ROWS,
        )
        for _ in range(2)
    )
    torch.manual_seed(0)
    heads = Heads([MOOD], width=6, word_width=12)
    priors = {"mood": Prior(np.zeros(2), np.ones(2))}
    study = Study(heads, heads, priors, train, validation, [Part(heads, {"mood": 1.0})])
    return study, [event for event in learn(study, config) if isinstance(event, Epoch)]


def test_losses_that_do_not_fall_end_nothing_before_the_minimum_of_steps() -> None:
    config = TrainConfig(
        "frozen",  # type: ignore[arg-type]
        (MOOD,),
        batch_size=NOISE_BATCH,
        epochs=40,
        patience=2,
        head_learning_rate=0.1,
    )
    steps = NOISE_ROWS // NOISE_BATCH

    study, patient = _noise(replace(config, minimum_steps=20 * steps - 1))
    _, hasty = _noise(config)

    assert len(hasty) < 10
    assert len(patient) == 20
    losses = [epoch.per_question["mood"] for epoch in patient]
    assert min(losses) < losses[-1]
    kept = mean_losses(study.network, study.heads, study.priors, study.validation)
    assert kept["mood"] == pytest.approx(min(losses))


@pytest.mark.usefixtures("unwished")
def test_a_wish_for_the_end_leaves_no_model_that_has_not_learned_a_whole_pass() -> None:
    stopping.ask()

    config = TrainConfig("frozen", (MOOD,), batch_size=NOISE_BATCH, epochs=9)  # type: ignore[arg-type]
    study, wished = _noise(config)
    stopping.forget()
    _, whole = _noise(config)

    assert wished == whole[:1]
    assert study.stopped == 1


@dataclass(frozen=True)
class Weighed:
    """Features that remember the words of every batch, padding included."""

    features: FrozenFeatures
    words: list[int] = field(default_factory=list)

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        pooled, words = self.features.batch(rows)
        assert words is not None
        self.words.append(words.shape[0] * words.shape[1])
        return pooled, words

    def lengths(self) -> Ints:
        return self.features.lengths()


def _spans_lesson(counts: list[int]) -> tuple[Lesson, Weighed]:
    """Return texts of so many words each, of which nothing is marked."""
    words = [
        Words(np.zeros((count, 2), dtype=np.int64), np.ones((count, 4), dtype=np.float32))
        for count in counts
    ]
    own: list[WordTargets | None] = [
        WordTargets(np.zeros(count, dtype=np.int64), ()) for count in counts
    ]
    weighed = Weighed(FrozenFeatures(None, words, 4))
    return Lesson(weighed, {"spot": own}, len(counts)), weighed


SPOT = HeadConfig("spot", Kind.SPANS, ("stain",), dropout=0)


def _words_of_batches(counts: list[int]) -> tuple[list[int], list[int]]:
    """Learn one epoch; return the words of the batches learned from, and of those validated."""
    (train, learned), (validation, validated) = _spans_lesson(counts), _spans_lesson(counts)
    heads = Heads([SPOT], width=4, word_width=4)
    priors = {"spot": Prior(np.zeros(3), np.ones(3))}
    study = Study(heads, heads, priors, train, validation, [Part(heads, {"spot": 1.0})])
    config = TrainConfig("frozen", (SPOT,), batch_size=32, epochs=1)  # type: ignore[arg-type]
    list(learn(study, config))
    return learned.words, validated.words


def test_one_endless_text_does_not_make_a_batch_of_endless_texts() -> None:
    learned, validated = _words_of_batches([20_000] + 31 * [3_000])

    assert max(learned) <= WORDS
    assert max(validated) <= WORDS


def test_texts_of_ordinary_length_are_learned_in_whole_batches() -> None:
    learned, validated = _words_of_batches(64 * [300])

    assert learned == 2 * [32 * 300]
    assert set(validated) == {64 * 300}
