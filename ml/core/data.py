"""The snapshot of gold that a training reads: one JSON line per review."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ml.core.config import HeadConfig, Kind
from ml.core.errors import SnapshotError

#: No number beyond it is learned: what is computed of its square would no longer be a number.
LARGEST_NUMBER: Final = 1e15

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, order=True)
class SpanAnswer:
    """Mark the code points `start` (inclusive) to `end` (exclusive) of a text."""

    start: int
    end: int
    option: str
    polarity: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise SnapshotError(f"A span from {self.start} to {self.end} marks no text.")


Answer = str | float | frozenset[str] | tuple[SpanAnswer, ...]


@dataclass(frozen=True)
class Example:
    """Hold one review, its split and its gold answers; an unanswered question is absent.

    `product` is what the review is about, where that is known; nothing learns from it.
    """

    id: int
    text: str
    split: Split
    answers: Mapping[str, Answer] = field(default_factory=dict)
    product: str = ""

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise SnapshotError(f"Review {self.id}: {self.split!r} is not a split.")
        for question, answer in self.answers.items():
            if isinstance(answer, tuple) and any(s.end > len(self.text) for s in answer):
                raise SnapshotError(f"Review {self.id}, {question}: a span ends after the text.")


def check_answers(examples: Iterable[Example], heads: Iterable[HeadConfig]) -> None:
    """Raise SnapshotError for the first answer that does not fit the head of its question."""
    heads = tuple(heads)
    for example in examples:
        for head in heads:
            answer = example.answers.get(head.question)
            if answer is not None and not fits(answer, head):
                raise SnapshotError(
                    f"Review {example.id}: {_shown(answer)} is no answer to {head.question!r}."
                )
            if isinstance(answer, int | float) and abs(answer) > LARGEST_NUMBER:
                raise SnapshotError(
                    f"Review {example.id}: {answer:g} as an answer to {head.question!r} is too "
                    f"large to learn from; correct it, or leave the question out. Numbers may "
                    f"reach {LARGEST_NUMBER:g}."
                )


def fits(answer: Answer, head: HeadConfig) -> bool:
    """Tell whether an answer is possible for a head."""
    match head.kind:
        case Kind.CHOICE:
            return answer in head.options
        case Kind.MULTICHOICE:
            return isinstance(answer, frozenset) and answer <= set(head.options)
        case Kind.NUMBER:
            return isinstance(answer, int | float) and _in_range(float(answer), head)
        case Kind.SPANS:
            return isinstance(answer, tuple) and all(_span_fits(span, head) for span in answer)


def _in_range(value: float, head: HeadConfig) -> bool:
    low = -math.inf if head.minimum is None else head.minimum
    high = math.inf if head.maximum is None else head.maximum
    return math.isfinite(value) and low <= value <= high


def _span_fits(span: SpanAnswer, head: HeadConfig) -> bool:
    return span.option in head.options and (
        not span.polarity or span.polarity in head.polarities or not head.polarities
    )


def _shown(answer: Answer) -> str:
    return repr(sorted(answer) if isinstance(answer, frozenset) else answer)[:80]


def answered(examples: Iterable[Example], question: str, split: str | None = None) -> list[Example]:
    """Return the examples of a split that answer a question, in order."""
    return [e for e in examples if question in e.answers and (split is None or e.split == split)]


def write_snapshot(path: Path, examples: Iterable[Example]) -> None:
    """Write one JSON line per example."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_line(example) + "\n" for example in examples)


def read_snapshot(path: Path) -> list[Example]:
    """Read what write_snapshot wrote; raises SnapshotError with the line's number."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return list(_examples(file))


def snapshot_hash(examples: Iterable[Example]) -> str:
    """Return the SHA-256 of the content; the order of the examples does not matter."""
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda e: e.id):
        digest.update(_line(example).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _examples(lines: Iterable[str]) -> Iterator[Example]:
    for number, line in enumerate(lines, start=1):
        try:
            yield _example(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise SnapshotError(f"Line {number} of the snapshot cannot be read: {error}") from error


def _example(row: Mapping[str, Any]) -> Example:
    answers = {question: _answer(stored) for question, stored in row["answers"].items()}
    return Example(int(row["id"]), row["text"], row["split"], answers, row.get("product", ""))


def _answer(stored: Mapping[str, Any]) -> Answer:
    ((kind, value),) = stored.items()
    match Kind(kind):
        case Kind.CHOICE:
            return str(value)
        case Kind.MULTICHOICE:
            return frozenset(value)
        case Kind.NUMBER:
            return float(value)
        case Kind.SPANS:
            return tuple(SpanAnswer(**span) for span in value)


def _line(example: Example) -> str:
    row = {
        "id": example.id,
        "text": example.text,
        "split": example.split,
        "answers": {question: _stored(answer) for question, answer in example.answers.items()},
    }
    if example.product:
        row["product"] = example.product
    return json.dumps(row, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _stored(answer: Answer) -> dict[str, Any]:
    # The kind is kept beside the value: an empty list could be no options or no spans.
    if isinstance(answer, str):
        return {Kind.CHOICE.value: answer}
    if isinstance(answer, frozenset):
        return {Kind.MULTICHOICE.value: sorted(answer)}
    if isinstance(answer, tuple):
        spans = sorted(answer)
        return {Kind.SPANS.value: [_span(span) for span in spans]}
    return {Kind.NUMBER.value: float(answer)}


def _span(span: SpanAnswer) -> dict[str, Any]:
    stored = {"start": span.start, "end": span.end, "option": span.option}
    return stored | ({"polarity": span.polarity} if span.polarity else {})
