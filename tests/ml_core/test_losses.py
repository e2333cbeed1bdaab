import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.core.config import HeadConfig, Kind
from ml.core.data import Example, SpanAnswer
from ml.core.losses import number_values, pooled_loss, spans_loss
from ml.core.network import Head, Heads
from ml.core.targets import (
    IGNORED,
    Prior,
    WordTargets,
    choice_targets,
    multichoice_targets,
    number_targets,
    prior,
    suited,
    tag_prior,
    word_targets,
)
from tests.ml_core import tiny

EVEN = Prior(np.zeros(1), np.ones(2), 0.0, 1.0)


def example(**answers: object) -> Example:
    return Example(1, "Ann Lee", "train", answers)  # type: ignore[arg-type]


@pytest.mark.parametrize("head", [tiny.SENTIMENT, tiny.TOPICS, tiny.RATING], ids=lambda h: h.kind)
def test_a_head_without_answers_in_a_batch_gets_no_gradient_at_all(head: HeadConfig) -> None:
    module = Head(head, width=4)
    targets = {
        Kind.CHOICE: torch.full((3,), IGNORED),
        Kind.MULTICHOICE: torch.full((3, 2), math.nan),
        Kind.NUMBER: torch.full((3, 1), math.nan),
    }[head.kind]

    loss = pooled_loss(head, EVEN, module(torch.randn(3, 4)), targets)
    loss.backward()  # type: ignore[no-untyped-call]  # as torch leaves it

    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in module.parameters())


def test_an_unanswered_row_changes_neither_loss_nor_gradient() -> None:
    logits = torch.randn(2, 2, requires_grad=True)
    both = pooled_loss(tiny.SENTIMENT, EVEN, logits, torch.tensor([1, IGNORED]))
    both.backward()  # type: ignore[no-untyped-call]  # as torch leaves it

    alone = pooled_loss(tiny.SENTIMENT, EVEN, logits[:1], torch.tensor([1]))

    assert both.item() == pytest.approx(alone.item())
    assert logits.grad is not None
    assert not logits.grad[1].any()


def test_unanswered_spans_get_no_gradient_and_answered_ones_without_spans_do() -> None:
    logits = torch.randn(2, 3, 7, requires_grad=True)
    targets = [None, WordTargets(np.zeros(3, dtype=np.int64), ())]

    spans_loss(tiny.THING, Prior(np.zeros(7), np.ones(5)), logits, targets).backward()  # type: ignore[no-untyped-call]  # as torch leaves it

    assert logits.grad is not None
    assert not logits.grad[0].any()
    assert logits.grad[1, :, :5].any()


def test_a_bounded_number_stays_in_its_range_whatever_the_logit() -> None:
    loss = pooled_loss(tiny.RATING, EVEN, torch.tensor([[50.0]]), torch.tensor([[5.0]]))

    assert loss.item() == pytest.approx(0)


def test_a_numbers_loss_is_divided_by_its_variance() -> None:
    wide = Prior(np.zeros(1), np.ones(1), 0.0, 10.0)

    loss = pooled_loss(tiny.WEIGHT, wide, torch.tensor([[0.0]]), torch.tensor([[10.0]]))

    assert loss.item() == pytest.approx(1)


def test_the_first_prediction_is_the_prior() -> None:
    rows = [example(sentiment="positive")] * 3 + [example(sentiment="negative")]
    head = Head(tiny.SENTIMENT, width=4).eval()

    head.start_from(prior(tiny.SENTIMENT, rows, is_weighted=False), np.zeros((0, 4)))

    shares = head(torch.zeros(1, 4)).softmax(-1)[0]
    assert shares[1].item() == pytest.approx(0.7, abs=0.01)


def test_a_rating_starts_at_its_mean() -> None:
    rows = [example(rating=5.0), example(rating=4.0)]
    head = Head(tiny.RATING, width=4).eval()
    with torch.no_grad():
        head.out.weight.zero_()

    given = prior(tiny.RATING, rows, is_weighted=False)
    head.start_from(given, np.zeros((0, 4)))

    heads = Heads([tiny.RATING], width=4, word_width=8)
    heads.head[0] = head
    (served,) = heads.numpy()
    assert served.scores(np.zeros((1, 4)))[0, 0] == pytest.approx(4.5, abs=0.01)


def test_rare_options_weigh_more_up_to_a_cap() -> None:
    rows = [example(sentiment="positive")] * 999 + [example(sentiment="negative")]

    weights = prior(tiny.SENTIMENT, rows, is_weighted=True).weights

    assert weights[0] == 5
    assert weights[1] == pytest.approx(math.sqrt(1 / 2), abs=0.01)


def test_rare_options_of_several_and_rare_tags_weigh_more_too() -> None:
    both, one = frozenset({"kitchen", "clothes"}), frozenset({"kitchen"})
    rows = [example(topics=both), *[example(topics=one)] * 9]
    tags = [WordTargets(np.array([0] * 98 + [1, 2]), ())]

    topics = prior(tiny.TOPICS, rows, is_weighted=True)
    thing = tag_prior(tiny.THING, tags, is_weighted=True)

    assert topics.weights.tolist() == pytest.approx([1, 3])
    assert thing.weights[0] < 1 < thing.weights[1] <= 5
    assert tag_prior(tiny.THING, tags).weights.tolist() == [1] * 5
    logits = torch.zeros(1, 2)
    missed, found = (
        pooled_loss(tiny.TOPICS, topics, logits, torch.tensor([wanted])).item()
        for wanted in ([0.0, 1.0], [0.0, 0.0])
    )
    assert missed == pytest.approx(2 * found)


def test_targets_mark_what_is_unanswered() -> None:
    rows = [example(sentiment="positive", rating=4.0, topics=frozenset({"clothes"})), example()]

    assert choice_targets(tiny.SENTIMENT, rows).tolist() == [1, IGNORED]
    assert np.isnan(number_targets(tiny.RATING, rows)).ravel().tolist() == [False, True]
    assert multichoice_targets(tiny.TOPICS, rows)[0].tolist() == [0, 1]
    assert np.isnan(multichoice_targets(tiny.TOPICS, rows)[1]).all()


def test_word_targets_hold_tags_and_polarities() -> None:
    row = example(thing=(SpanAnswer(4, 7, "clothes", "good"),))
    ranges = np.array([[0, 3], [4, 7]])

    targets = word_targets(tiny.THING, row, ranges)

    assert targets.tags.tolist() == [0, 3]
    assert targets.polarities == ((1, 2, 1),)
    assert tag_prior(tiny.THING, [targets]).bias.shape == (7,)


@pytest.mark.parametrize("hidden", [0, 8])
@pytest.mark.parametrize("head", tiny.HEADS, ids=lambda head: head.question)
def test_numpy_heads_equal_torch_heads(head: HeadConfig, hidden: int) -> None:
    torch.manual_seed(1)
    config = HeadConfig(**{**vars(head), "hidden": hidden})
    heads = Heads([config], width=6, word_width=6).eval()
    features = np.random.default_rng(2).normal(3, 2, size=(20, 6)).astype(np.float32)
    heads.each[0].start_from(Prior(np.zeros(1), np.ones(1), 3.0, 2.0), features)

    (served,) = heads.numpy()

    reference = heads.each[0](torch.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(served.logits(features), reference, atol=1e-3)


STEPS = HeadConfig(
    "rating", Kind.NUMBER, minimum=1, maximum=5, is_integer=True, ordinal="cumulative", hidden=0
)


def test_a_scale_in_steps_starts_at_its_mean_and_stays_in_its_range() -> None:
    rows = [example(rating=float(value)) for value in (1, 3, 4, 5, 5)]
    heads = Heads([STEPS], width=4, word_width=8)
    with torch.no_grad():
        heads.each[0].out.weight.zero_()

    heads.each[0].start_from(prior(STEPS, rows, is_weighted=False), np.zeros((0, 4)))
    (served,) = heads.numpy()

    assert served.scores(np.zeros((1, 4)))[0, 0] == pytest.approx(3.6, abs=0.02)
    served.arrays["out.bias"][:] = [90, -90, 90, 90]
    assert served.scores(np.zeros((1, 4)))[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "head",
    [
        STEPS,
        replace(STEPS, ordinal="squeezed"),
        HeadConfig("weight", Kind.NUMBER),
        HeadConfig("price", Kind.NUMBER, minimum=-1e308, maximum=1e308, ordinal="standardised"),
    ],
    ids=["steps", "squeezed", "unbounded", "standardised"],
)
def test_a_number_is_read_alike_where_it_is_learned_and_where_it_is_served(
    head: HeadConfig,
) -> None:
    torch.manual_seed(4)
    heads = Heads([head], width=6, word_width=6).eval()
    features = np.random.default_rng(2).normal(3, 2, size=(20, 6)).astype(np.float32)
    heads.each[0].start_from(Prior(np.zeros(1), np.ones(1), 3.0, 2.0), features)
    with torch.no_grad():
        heads.each[0].out.weight.mul_(100)

    (served,) = heads.numpy()

    found = number_values(head, heads.each[0](torch.from_numpy(features)), (3.0, 2.0))
    np.testing.assert_allclose(served.scores(features), found.detach().numpy(), atol=1e-3)


def test_a_number_whose_answers_fill_little_of_its_range_is_standardised() -> None:
    rows = [example(price=float(value)) for value in (15, 40)]
    wide = HeadConfig("price", Kind.NUMBER, minimum=0, maximum=1e6)

    found = suited(wide, rows)

    assert found.ordinal == "standardised"
    assert suited(replace(wide, maximum=500), rows).is_squeezed
    assert suited(STEPS, [example(rating=5.0)]) == STEPS
    heads = Heads([found], width=4, word_width=8)
    with torch.no_grad():
        heads.each[0].out.weight.zero_()
    heads.each[0].start_from(prior(found, rows, is_weighted=False), np.zeros((0, 4)))
    (served,) = heads.numpy()
    assert served.scores(np.zeros((1, 4)))[0, 0] == pytest.approx(27.5)
    served.arrays["out.bias"][:] = -90
    assert served.scores(np.zeros((1, 4)))[0, 0] == 0


def test_the_loss_of_a_scale_in_steps_is_that_of_its_steps() -> None:
    logits = torch.tensor([[2.0, 1.0, -1.0, -2.0], [0.0, 0.0, 0.0, 0.0]])
    targets = torch.tensor([[3.0], [math.nan]])

    loss = pooled_loss(STEPS, EVEN, logits, targets)

    wanted = torch.nn.functional.binary_cross_entropy_with_logits(
        logits[0], torch.tensor([1.0, 1.0, 0.0, 0.0])
    )
    assert loss.item() == pytest.approx(wanted.item())


def test_given_class_weights_are_taken_as_they_are() -> None:
    head = HeadConfig("sentiment", Kind.CHOICE, ("negative", "positive"), class_weights=(2, 0.5))

    found = prior(head, [example(sentiment="positive")] * 9, is_weighted=True)

    assert found.weights.tolist() == [2, 0.5]
