import torch
from torch import nn

from ml.core.loop import Part


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
