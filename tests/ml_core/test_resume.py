"""A killed training goes on; one whose loss is no number ends with its last good weights."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ml.core.config import TrainConfig
from ml.core.engines.base import Ints
from ml.core.errors import DivergedError
from ml.core.events import Epoch, Event, Stage
from ml.core.lesson import FrozenFeatures, Lesson
from ml.core.loop import Part, Study, learn
from ml.core.network import Heads
from ml.core.resume import Saves
from ml.core.targets import Prior
from ml.core.tiers import saves_of
from tests.ml_core import tiny

CONFIG = TrainConfig("frozen", (tiny.SENTIMENT,), epochs=6, batch_size=8, patience=9)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Poisoned:
    """Features that are no numbers from the given call on."""

    features: FrozenFeatures
    after: int
    calls: list[int] = field(default_factory=list)

    def batch(self, rows: Ints) -> tuple[Tensor | None, Tensor | None]:
        pooled, words = self.features.batch(rows)
        self.calls.append(len(rows))
        assert pooled is not None
        return (pooled if len(self.calls) <= self.after else pooled * np.nan), words

    def lengths(self) -> Ints:
        return self.features.lengths()


def study(*, poisoned_after: int | None = None, is_validated: bool = True) -> Study:
    torch.manual_seed(3)
    chance = np.random.default_rng(3)
    vectors = torch.from_numpy(chance.normal(size=(48, 4)).astype(np.float32))
    targets = (vectors[:, 0] > 0).long()
    features = FrozenFeatures(vectors, [None] * 48, 8)
    train = Lesson(features, {"sentiment": targets}, 48)
    if poisoned_after is not None:
        train = replace(train, features=Poisoned(features, poisoned_after))
    size = 48 if is_validated else 0
    validation = Lesson(FrozenFeatures(vectors, [None] * 48, 8), {"sentiment": targets}, size)
    heads = Heads([tiny.SENTIMENT], width=4, word_width=8)
    priors = {"sentiment": Prior(np.zeros(2), np.ones(2))}
    return Study(heads, heads, priors, train, validation, [Part(heads, {"sentiment": 1.0})])


def weights(one: Study) -> Tensor:
    return torch.cat([p.detach().ravel() for p in one.network.parameters()])


def until_epoch(events: Iterator[Event], epoch: int) -> None:
    for event in events:
        if isinstance(event, Epoch) and event.epoch == epoch:
            return


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    list(learn(whole := study(), CONFIG))
    # The state of an epoch is saved after its event, so that the third epoch is lost.
    until_epoch(learn(study(), CONFIG, Saves(tmp_path, "a", every=0)), 3)
    second = study()

    events = list(learn(second, CONFIG, Saves(tmp_path, "a", every=0)))

    assert isinstance(events[0], Stage)
    assert [e.epoch for e in events if isinstance(e, Epoch)] == [3, 4, 5, 6]
    assert torch.equal(weights(whole), weights(second))


def test_the_state_of_another_training_is_not_taken_up(tmp_path: Path) -> None:
    list(learn(study(), CONFIG, Saves(tmp_path, "a", every=0)))

    events = list(learn(study(), CONFIG, Saves(tmp_path, "b", every=0)))

    assert [e.epoch for e in events if isinstance(e, Epoch)] == [1, 2, 3, 4, 5, 6]


def test_a_damaged_state_is_as_none(tmp_path: Path) -> None:
    list(learn(study(), CONFIG, Saves(tmp_path, "a", every=0)))
    for path in tmp_path.glob("state-*/state.safetensors"):
        path.write_bytes(path.read_bytes()[:100])

    assert Saves(tmp_path, "a").read() is None


def test_a_state_that_cannot_be_saved_does_not_end_the_training(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    events = list(learn(study(), CONFIG, Saves(blocked, "a", every=0)))

    assert sum(isinstance(e, Epoch) for e in events) == 6
    assert any("could not be saved" in e.message for e in events if isinstance(e, Stage))


def test_only_one_state_is_kept(tmp_path: Path) -> None:
    list(learn(study(), CONFIG, Saves(tmp_path, "a", every=0)))

    assert len(list(tmp_path.glob("state-*"))) == 1
    assert not list(tmp_path.glob("new-*"))


@pytest.mark.parametrize("is_validated", [True, False])
def test_a_loss_that_is_no_number_ends_with_the_last_good_weights(*, is_validated: bool) -> None:
    # 48 rows are six batches of eight: the fourteenth is in the third epoch.
    poisoned, good = (study(poisoned_after=n, is_validated=is_validated) for n in (13, 10_000))
    list(learn(good, replace(CONFIG, epochs=6)))

    events = list(learn(poisoned, CONFIG))

    assert poisoned.diverged == 3
    assert [e.epoch for e in events if isinstance(e, Epoch)] == [1, 2]
    assert bool(weights(poisoned).isfinite().all())
    assert good.diverged == 0


def test_a_loss_that_is_no_number_in_the_first_epoch_is_an_error() -> None:
    with pytest.raises(DivergedError, match="lower learning rate"):
        list(learn(study(poisoned_after=2), CONFIG))


def test_a_validation_loss_that_is_no_number_ends_with_the_last_good_weights() -> None:
    poisoned = study()
    # One look before learning and one an epoch: the fourth look is after the third epoch.
    features = poisoned.validation.features
    assert isinstance(features, FrozenFeatures)
    poisoned.validation = replace(poisoned.validation, features=Poisoned(features, 3))

    events = list(learn(poisoned, CONFIG))

    assert poisoned.diverged == 3
    assert [e.epoch for e in events if isinstance(e, Epoch)] == [1, 2]
    assert bool(weights(poisoned).isfinite().all())


def test_a_validation_loss_that_never_was_a_number_is_an_error() -> None:
    poisoned = study()
    features = poisoned.validation.features
    assert isinstance(features, FrozenFeatures)
    poisoned.validation = replace(poisoned.validation, features=Poisoned(features, 0))

    with pytest.raises(DivergedError):
        list(learn(poisoned, CONFIG))


def test_a_training_goes_on_where_there_are_more_cores(tmp_path: Path) -> None:
    rows = tiny.make_examples(5)

    keys = []
    for config in (replace(CONFIG, threads=1), replace(CONFIG, threads=8), replace(CONFIG, seed=1)):
        saves = saves_of(rows, config, tmp_path, "")
        assert saves is not None
        keys.append(saves.key)

    assert keys[0] == keys[1] != keys[2]


def test_batches_summed_before_a_step_are_one_large_batch() -> None:
    config = replace(CONFIG, epochs=1, heads=(replace(tiny.SENTIMENT, dropout=0.0),))
    large, summed = study(), study()
    for one in (large, summed):
        one.heads.each[0].dropout.p = 0.0
    summed.accumulate = 6

    list(learn(large, replace(config, batch_size=48)))
    list(learn(summed, config))

    torch.testing.assert_close(weights(large), weights(summed), atol=1e-5, rtol=1e-4)
