"""What is fine-tuned, in which batches, at which rates and on which words."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from ml.core.config import TrainConfig
from ml.core.data import Answer, Example, SpanAnswer
from ml.core.encode import TextEncoder
from ml.core.engines.torch import TorchEngine, load_tower
from ml.core.layers import rates
from ml.core.lengths import chosen_length
from ml.core.lesson import Limit, batches
from ml.core.tuning import step_limit, tower_lesson
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


def test_a_batch_holds_no_more_tokens_than_it_may_and_every_row_comes_once() -> None:
    lengths = np.random.default_rng(1).integers(5, 129, 500)

    made = batches(lengths, Limit(32, 2048), np.random.default_rng(2))

    assert max(len(rows) * max(lengths[row] for row in rows) for rows in made) <= 2048
    assert max(len(rows) for rows in made) <= 32
    assert sorted(np.concatenate(made).tolist()) == list(range(500))


def test_a_text_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    made = batches(np.array([300, 5, 300]), Limit(4, 200), np.random.default_rng(2))

    assert sorted(map(len, made)) == [1, 1, 1]


def test_a_step_reads_as_many_tokens_as_full_texts_would_have() -> None:
    config = TrainConfig("full", (tiny.RATING,), batch_size=16, max_tokens=128)  # type: ignore[arg-type]

    assert step_limit(config) == Limit(32, 2048)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(num_hidden_layers=3)
        self.embeddings = nn.Embedding(5, 2)
        self.layer = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.norm = nn.LayerNorm(2)


def test_each_layer_learns_slower_than_the_one_above_it() -> None:
    model = Model()

    groups = rates(model, 1.0, decay=0.5, unfreeze=-1)

    assert [rate for _, rate in groups] == [0.125, 0.25, 0.5, 1.0]
    assert sum(len(parameters) for parameters, _ in groups) == len(list(model.parameters()))


@pytest.mark.parametrize(("unfreeze", "learning"), [(-1, 4), (2, 2), (0, 0), (9, 3)])
def test_only_the_last_layers_learn(unfreeze: int, learning: int) -> None:
    model = Model()

    groups = rates(model, 1.0, decay=1.0, unfreeze=unfreeze)

    moved = {id(p) for parameters, _ in groups for p in parameters}
    assert len(groups) == learning
    assert all(p.requires_grad == (id(p) in moved) for p in model.parameters())


def encoder(workshop: Workshop, *, max_tokens: int, truncation: str = "head") -> TextEncoder:
    tower, info = load_tower(workshop.encoder)
    engine = TorchEngine(tower, info, Path(workshop.encoder) / "tokenizer.json")
    return TextEncoder(engine, max_tokens=max_tokens, pooling="mean", truncation=truncation)


def test_the_ends_of_a_long_text_are_read(workshop: Workshop) -> None:
    text = "lovely " + "kettle " * 50 + "broken"

    head, both = (
        encoder(workshop, max_tokens=16, truncation=name).tokenise([text, "lovely kettle"])
        for name in ("head", "head_tail")
    )

    assert head[0].ids[:4] == both[0].ids[:4]
    assert len(head[0].ids) == len(both[0].ids) == 16
    assert text[slice(*both[0].offsets[-2])] == "broken"
    assert text[slice(*head[0].offsets[-2])] == "kettle"
    assert head[1] == both[1]
    assert both[0].is_cut
    assert not both[1].is_cut


@pytest.mark.parametrize("truncation", ["head", "head_tail"])
def test_reading_at_once_gives_what_reading_apart_gives(
    truncation: str, workshop: Workshop
) -> None:
    own = encoder(workshop, max_tokens=16, truncation=truncation)
    texts = ["lovely kettle", "lovely " + "kettle " * 50 + "broken", ""]

    vectors, words = own.read(texts)

    np.testing.assert_allclose(vectors, own.pooled(texts), atol=1e-5)
    assert len(words[1].ranges) == 52


def test_spans_beyond_the_cut_are_learned_too(workshop: Workshop) -> None:
    text = "The " + "lovely " * 60 + "kettle came"
    start = text.index("kettle")
    span = SpanAnswer(start, start + 6, "kitchen", "good")
    answers: dict[str, Answer] = {"thing": (span,), "rating": 5.0}
    config = workshop.config("full", (tiny.RATING, tiny.THING), max_tokens=16)
    own = encoder(workshop, max_tokens=16)
    tower, _ = load_tower(workshop.encoder)

    lesson = tower_lesson([Example(1, text, "train", answers)], config, tower, own)

    tags = [t for t in lesson.targets["thing"] if t is not None]
    assert any(target.tags.any() for target in tags)
    ratings = lesson.targets["rating"]
    assert isinstance(ratings, torch.Tensor)
    assert int((~ratings.isnan()).sum()) == 1


@pytest.mark.parametrize(
    ("words", "limit", "wanted"), [(10, 0, 128), (150, 0, 192), (900, 0, 512), (900, 256, 256)]
)
def test_as_much_is_read_as_most_reviews_have(
    words: int, limit: int, wanted: int, workshop: Workshop
) -> None:
    texts = ["lovely " * words] * 20

    file = Path(workshop.encoder) / "tokenizer.json"

    assert chosen_length(texts, file, limit=limit) == wanted
