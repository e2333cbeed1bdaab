from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ml.core.config import HeadConfig, Kind, TrainConfig
from ml.core.data import Example
from ml.core.lesson import FrozenFeatures, Lesson, pooled_targets
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.targets import prior


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

    part.note({"small": 0.01, "large": 100.0}, {"small": 0.01, "large": 100.0})
    part.note({"small": 0.005, "large": 110.0}, {"small": 0.01, "large": 100.0})

    assert part.stale == 0


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
