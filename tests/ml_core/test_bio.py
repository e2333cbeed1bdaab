import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core import bio
from ml.core.data import SpanAnswer

OPTIONS = ("LOC", "PER")


def words_of(text: str) -> np.ndarray:
    ends = np.cumsum([len(word) + 1 for word in text.split(" ")]) - 1
    starts = np.append(0, ends[:-1] + 1)
    return np.stack([starts, ends], axis=1)


def is_valid(tags: tuple[int, ...]) -> bool:
    before = (0, *tags)
    return all(t % 2 or t == 0 or b in {t, t - 1} for b, t in zip(before, tags, strict=False))


def test_spans_become_tags_and_tags_become_the_same_spans() -> None:
    ranges = words_of("Ann Lee flew to New York today")
    spans = (SpanAnswer(0, 7, "PER"), SpanAnswer(16, 24, "LOC"))

    tags = bio.encode(spans, ranges, OPTIONS)

    assert tags.tolist() == [3, 4, 0, 0, 1, 2, 0]
    assert list(bio.decode(tags)) == [bio.WordSpan(0, 2, 1), bio.WordSpan(4, 6, 0)]


def test_a_span_within_a_word_marks_the_whole_word() -> None:
    assert bio.covered_words(SpanAnswer(1, 2, "PER"), words_of("Ann Lee")) == (0, 1)


def test_a_span_between_words_marks_none() -> None:
    assert bio.covered_words(SpanAnswer(3, 4, "PER"), words_of("Ann Lee")) == (1, 1)


def test_of_overlapping_spans_the_longer_one_is_kept() -> None:
    spans = (SpanAnswer(0, 3, "LOC"), SpanAnswer(0, 7, "PER"))

    assert bio.encode(spans, words_of("Ann Lee"), OPTIONS).tolist() == [3, 4]


def test_two_spans_of_one_option_side_by_side_stay_two() -> None:
    tags = bio.encode(
        (SpanAnswer(0, 3, "PER"), SpanAnswer(4, 7, "PER")), words_of("Ann Lee"), OPTIONS
    )

    assert tags.tolist() == [3, 3]
    assert len(list(bio.decode(tags))) == 2


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_viterbi_finds_the_best_of_all_valid_taggings(seed: int, length: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(length, 5))
    valid = [t for t in itertools.product(range(5), repeat=length) if is_valid(t)]

    tags = tuple(bio.viterbi(scores).tolist())

    best = max(valid, key=lambda t: sum(scores[i, tag] for i, tag in enumerate(t)))
    assert is_valid(tags)
    assert tags == best


@pytest.mark.parametrize("tag", [2, 4])
def test_an_inside_never_starts_a_text(tag: int) -> None:
    scores = np.zeros((1, 5))
    scores[0, tag] = 9

    assert bio.viterbi(scores).tolist() != [tag]


def test_a_text_without_words_has_no_tags() -> None:
    assert bio.viterbi(np.zeros((0, 5))).tolist() == []
