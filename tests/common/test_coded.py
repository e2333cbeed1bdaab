"""Columns whose values repeat are the columns that they stand for."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import coded
from common.coded import Coded

WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=30)


def coded_of(words: Sequence[str]) -> Coded[str]:
    values, codes = np.unique(list(words), return_inverse=True)
    return Coded(values.tolist(), codes)


@given(WORDS)
def test_a_coded_column_reads_like_a_list(words: list[str]) -> None:
    column = coded_of(words)

    assert list(column) == words
    assert [column[at] for at in range(len(column))] == words
    assert list(column[1:5]) == words[1:5]
    assert list(column.at([0, len(words) - 1])) == [words[0], words[-1]]
    assert list(coded.mapped(column, str.upper)) == [word.upper() for word in words]


@given(WORDS, st.data())
def test_columns_are_zipped_like_lists(words: list[str], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.sampled_from("xy"), min_size=len(words), max_size=len(words)))
    right = data.draw(st.sampled_from([others, coded_of(others)]))

    assert list(coded.zipped([coded_of(words), right])) == list(zip(words, others, strict=True))


def test_what_is_made_of_a_value_is_made_once() -> None:
    asked: list[str] = []

    def twice(word: str) -> str:
        asked.append(word)
        return word * 2

    made = coded.mapped(coded_of("abab"), twice)

    assert list(made) == ["aa", "bb", "aa", "bb"]
    assert asked == ["a", "b"]


def test_columns_of_too_many_values_are_zipped_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded, "_MOST_VALUES", 3)
    left, right = coded_of("abab"), coded_of("xxyy")

    assert coded.paired(left, right, str.__add__) is None
    assert list(coded.zipped([left, right])) == [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")]
