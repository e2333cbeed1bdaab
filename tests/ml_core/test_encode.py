from pathlib import Path

import numpy as np
import pytest

from ml.core.encode import TextEncoder, pad, pool, token_budget, with_context
from ml.core.engines.export import exported
from ml.core.engines.onnx import OnnxEngine
from ml.core.errors import ConfigError
from tests.ml_core import tiny
from tests.ml_core.conftest import Workshop


@pytest.fixture(scope="module")
def engine(workshop: Workshop) -> OnnxEngine:
    return OnnxEngine(exported(workshop.encoder, workshop.folder / "encoders_dir"), threads=1)


def encoder_of(engine: OnnxEngine, max_tokens: int = 32, pooling: str = "mean") -> TextEncoder:
    return TextEncoder(engine, max_tokens=max_tokens, pooling=pooling)


def test_words_are_code_point_ranges_of_the_text_as_it_was_written(engine: OnnxEngine) -> None:
    text = "😀 Café\u0301  KETTLE—soft!"

    (words,) = encoder_of(engine).words([text])

    pieces = [text[start:end] for start, end in words.ranges.tolist()]
    assert "KETTLE" in pieces
    assert "soft" in pieces
    assert "😀" in pieces
    assert words.states.shape == (len(pieces), 64)


def test_a_word_of_several_subtokens_is_one_word(engine: OnnxEngine) -> None:
    text = "kettlescarfcoat kettle"

    (words,) = encoder_of(engine).words([text])

    assert [text[a:b] for a, b in words.ranges.tolist()] == ["kettlescarfcoat", "kettle"]


def test_windows_cover_every_word_of_a_long_text_once(engine: OnnxEngine) -> None:
    text = " ".join(example.text for example in tiny.make_examples(20))

    (short,) = encoder_of(engine, max_tokens=16).words([text])
    (long,) = encoder_of(engine, max_tokens=64).words([text])

    assert short.ranges.tolist() == long.ranges.tolist()
    assert short.ranges[-1, 1] == len(text)


def test_reading_once_gives_what_reading_twice_gives(engine: OnnxEngine) -> None:
    encoder = encoder_of(engine, max_tokens=12)
    texts = [example.text for example in tiny.make_examples(9)] + ["", "kettle " * 40]

    vectors, words = encoder.read(texts)

    np.testing.assert_allclose(vectors, encoder.pooled(texts), atol=1e-5)
    assert [len(one.ranges) for one in words][-2:] == [0, 40]


def test_a_text_without_words_has_none(engine: OnnxEngine) -> None:
    empty, blank = encoder_of(engine).words(["", " \n"])

    assert empty.states.shape == blank.states.shape == (0, 64)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_vector_does_not_depend_on_the_padding_beside_it(
    engine: OnnxEngine, pooling: str
) -> None:
    encoder = encoder_of(engine, pooling=pooling)
    texts = ["kettle", "My lovely kettle came 3 days ago.", ""]

    together = encoder.pooled(texts)

    alone = np.vstack([encoder.pooled([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_long_texts_are_cut_to_the_length_limit(engine: OnnxEngine) -> None:
    encoder = encoder_of(engine, max_tokens=8)

    cut, same = encoder.pooled(["kettle " * 100, "kettle " * 6])

    np.testing.assert_allclose(cut, same, atol=1e-5)


def test_more_tokens_than_the_encoder_can_read_are_refused(engine: OnnxEngine) -> None:
    with pytest.raises(ConfigError, match="at most 64"):
        encoder_of(engine, max_tokens=65)


def test_batches_stay_within_the_token_budget_and_hold_every_row_once() -> None:
    lengths = [3, 90, 5, 40, 41, 7, 120]

    batches = list(token_budget(lengths, 100))

    assert sorted(row for batch in batches for row in batch) == list(range(7))
    assert all(len(b) == 1 or len(b) * max(lengths[r] for r in b) <= 100 for b in batches)


def test_pooling_ignores_padding() -> None:
    states = np.array([[[1.0, 0.0], [3.0, 2.0], [99.0, 99.0]]])
    _, mask = pad([[7, 8]], 0)

    mean = pool(states, np.array([[1, 1, 0]]), "mean")

    assert mask.tolist() == [[1, 1]]
    assert mean.tolist() == [[2.0, 1.0]]
    assert pool(states, np.array([[1, 1, 0]]), "cls").tolist() == [[1.0, 0.0]]


def test_context_is_the_mean_of_three_words_on_either_side() -> None:
    states = np.arange(9, dtype=np.float32).reshape(9, 1)

    found = with_context(states)

    assert found[:, 0].tolist() == list(range(9))
    assert found[0, 1] == np.mean([0, 1, 2, 3])
    assert found[4, 1] == np.mean([1, 2, 3, 4, 5, 6, 7])
    assert found[8, 1] == np.mean([5, 6, 7, 8])


def test_the_exported_encoder_is_made_once(engine: OnnxEngine, workshop: Workshop) -> None:
    cache = workshop.folder / "encoders_dir"
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}

    exported(workshop.encoder, cache)

    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_an_export_leaves_no_unfinished_folder(engine: OnnxEngine, workshop: Workshop) -> None:
    (folder,) = (workshop.folder / "encoders_dir").iterdir()

    names = {path.name for path in Path(folder).iterdir()}
    assert names == {"encoder.onnx", "encoder.json", "tokenizer.json"}
