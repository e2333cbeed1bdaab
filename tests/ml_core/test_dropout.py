"""Dropout with cheap masks does what torch's own does."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ml.core import dropout
from ml.core.dropout import QuickDropout, dropped, quick_dropout
from ml.core.engines.torch import TextTower, load_tower
from tests.ml_core.conftest import Workshop

IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_one_asked_for_and_the_mean_stays(p: float) -> None:
    torch.manual_seed(1)
    count = 400_001

    found = dropped(torch.ones(count), p)

    wrong = 4.5 * (p * (1 - p) / count) ** 0.5
    assert float((found == 0).float().mean()) == pytest.approx(p, abs=wrong)
    assert found.max().item() == pytest.approx(1 / (1 - p))
    # Neighbours come out of one drawn number and must not hang together.
    pairs = (found[:-1] == 0) & (found[1:] == 0)
    assert float(pairs.float().mean()) == pytest.approx(p * p, abs=2 * wrong)


def test_a_seed_gives_the_same_mask_and_gradients_know_it() -> None:
    values = torch.ones(1000, dtype=torch.bfloat16, requires_grad=True)

    torch.manual_seed(3)
    first = dropped(values, 0.3)
    torch.manual_seed(3)
    second = dropped(values, 0.3)
    third = dropped(values, 0.3)

    assert first.dtype == torch.bfloat16
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    first.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    assert values.grad is not None
    assert torch.equal(values.grad == 0, first == 0)


def _states(tower: TextTower) -> Tensor:
    with torch.no_grad():
        return tower.states(IDS, MASK, "last") * MASK[:, :, None]


def test_a_tower_learns_with_dropout_and_answers_without_it(workshop: Workshop) -> None:
    tower = load_tower(workshop.encoder)[0].eval()
    wanted = _states(tower)

    with quick_dropout(tower.model):
        assert any(isinstance(m, QuickDropout) for m in tower.modules())
        assert torch.allclose(_states(tower), wanted, atol=1e-6)
        tower.train()
        assert not torch.allclose(_states(tower), _states(tower))
    tower.eval()

    assert not any(isinstance(m, QuickDropout) for m in tower.modules())
    assert torch.allclose(_states(tower), wanted, atol=1e-6)


def test_attention_is_the_usual_one_but_for_what_is_dropped(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = load_tower(workshop.encoder)[0].eval()
    wanted = _states(tower)
    seen: list[float] = []

    def kept(values: Tensor, p: float) -> Tensor:
        seen.append(p)
        return values

    monkeypatch.setattr(dropout, "dropped", kept)
    with quick_dropout(tower.model):
        tower.train()
        found = _states(tower)

    attentions = [m for m in tower.modules() if hasattr(m, "scaling")]
    drops = [m for m in tower.modules() if type(m) is nn.Dropout and m.p > 0]
    # Every dropout is asked, those inside of the attentions among them.
    assert len(seen) == len(drops) > len(attentions) > 0
    assert torch.allclose(found, wanted, atol=1e-5)


def test_dropout_comes_back_after_an_error(workshop: Workshop) -> None:
    tower = load_tower(workshop.encoder)[0]

    with pytest.raises(ValueError, match="stop"), quick_dropout(tower.model):
        raise ValueError("stop")

    assert not any(isinstance(m, QuickDropout) for m in tower.modules())
    config: Any = tower.model.config
    assert config._attn_implementation == "sdpa"
