from pathlib import Path

import pytest

from ml.core.config import Kind
from ml.core.data import (
    Example,
    SpanAnswer,
    check_answers,
    read_snapshot,
    snapshot_hash,
    write_snapshot,
)
from ml.core.errors import SnapshotError
from tests.ml_core import tiny

ROWS = [
    Example(1, 'a\nb\u2028c 😀 "q"', "train", {"topics": frozenset(), "thing": ()}),
    Example(2, "\ud83d half", "test", {"sentiment": "positive", "rating": 4.0}),
    Example(3, "", "validation", {}),
    Example(4, "a kettle", "train", {"thing": (SpanAnswer(2, 8, "kitchen", "good"),)}),
]


def test_a_snapshot_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "s.jsonl", ROWS)

    assert read_snapshot(tmp_path / "s.jsonl") == ROWS


def test_the_hash_knows_the_content_and_not_the_order() -> None:
    changed = [*ROWS[:-1], Example(4, "a kettle", "train", {"thing": ()})]

    assert snapshot_hash(ROWS) == snapshot_hash(ROWS[::-1])
    assert snapshot_hash(ROWS) != snapshot_hash(changed)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": 1}',
        '{"id": 1, "text": "a", "split": "x", "answers": {}}',
        '{"id": 1, "text": "a", "split": "test", "answers": {"q": {"essay": 1}}}',
    ],
    ids=["cut short", "a list", "without text", "unknown split", "unknown kind"],
)
def test_a_line_of_another_shape_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "s.jsonl"
    write_snapshot(path, ROWS[:1])
    with path.open("a") as file:
        file.write(line + "\n")

    with pytest.raises(SnapshotError, match="Line 2"):
        read_snapshot(path)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("sentiment", "meh"),
        ("sentiment", 1.0),
        ("rating", 6.0),
        ("rating", float("nan")),
        ("rating", "4"),
        ("topics", frozenset({"garden"})),
        ("thing", (SpanAnswer(0, 1, "garden"),)),
        ("thing", (SpanAnswer(0, 1, "kitchen", "so-so"),)),
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_refused(question: str, answer: object) -> None:
    row = Example(7, "text", "train", {question: answer})  # type: ignore[dict-item]

    with pytest.raises(SnapshotError, match="Review 7"):
        check_answers([row], tiny.HEADS)


@pytest.mark.parametrize("answer", [1e19, -1e300])
def test_a_number_too_large_to_learn_from_is_refused_in_words(answer: float) -> None:
    rows = [Example(7, "text", "train", {"weight": value}) for value in (1e15, answer)]

    with pytest.raises(SnapshotError, match="'weight' is too large to learn"):
        check_answers(rows, tiny.HEADS)


def test_spans_must_mark_text() -> None:
    with pytest.raises(SnapshotError, match="marks no text"):
        SpanAnswer(3, 3, "kitchen")
    with pytest.raises(SnapshotError, match="after the text"):
        Example(1, "abc", "train", {"thing": (SpanAnswer(0, 4, "kitchen"),)})


def test_every_kind_has_its_own_answer_type() -> None:
    answers = tiny.make_examples(1)[0].answers

    kinds = {head.question: head.kind for head in tiny.HEADS}
    assert {kinds[q]: type(a) for q, a in answers.items()} == {
        Kind.CHOICE: str,
        Kind.NUMBER: float,
        Kind.MULTICHOICE: frozenset,
        Kind.SPANS: tuple,
    }
