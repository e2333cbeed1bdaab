"""Cut a text into tokens without losing where they stand, and put spans onto tokens."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

#: Words with the apostrophes, points and hyphens inside them; any other sign stands alone.
_WORD = re.compile(r"\w+(?:['’.\-]\w+)*|\S")
_CHUNK = re.compile(r"\S+")
_PATTERNS = {"words": _WORD, "spaces": _CHUNK}
#: A line that starts so begins a document; no token may.
_DOCUMENT = "-DOCSTART-"

Token = tuple[int, int]


def tokens_of(text: str, how: str) -> list[Token]:
    """Return start and end of every token; `how` is "words" or "spaces"."""
    return list(_tokens(text, _PATTERNS[how]))


def _tokens(text: str, pattern: re.Pattern[str]) -> Iterator[Token]:
    # Split at what Python calls white space: readers of lines part some of it too.
    for chunk in _chunks(text):
        for match in pattern.finditer(text, *chunk):
            start, end = match.span()
            if text.startswith(_DOCUMENT, start, end):
                yield start, start + 1
                start += 1
            yield start, end


def _chunks(text: str) -> Iterator[Token]:
    at = 0
    for word in text.split():
        at = text.index(word, at)
        yield at, at + len(word)
        at += len(word)


def without_overlaps(
    spans: Iterable[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Part spans into those that can stand side by side, longest first, and the others."""
    kept: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for span in sorted(spans, key=lambda each: (each["start"] - each["end"], each["start"])):
        is_free = all(span["end"] <= each["start"] or each["end"] <= span["start"] for each in kept)
        (kept if is_free else others).append(span)
    return sorted(kept, key=lambda each: each["start"]), others


def tags_of(
    tokens: Sequence[Token], spans: Iterable[Mapping[str, Any]]
) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return a tag of IOB2 for each token, and the spans that do not start and end with tokens."""
    starts = {start: at for at, (start, _) in enumerate(tokens)}
    ends = {end: at for at, (_, end) in enumerate(tokens)}
    tags = ["O"] * len(tokens)
    others = []
    for span in spans:
        first, last = starts.get(span["start"]), ends.get(span["end"])
        if first is None or last is None:
            others.append(span)
            continue
        tags[first] = f"B-{span['option']}"
        tags[first + 1 : last + 1] = [f"I-{span['option']}"] * (last - first)
    return tags, others
