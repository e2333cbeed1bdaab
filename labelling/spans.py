"""Character ranges of a text: what makes one valid, and how several lie to each other.

Offsets count code points, as Python's strings do; `end` is exclusive.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

POLARITIES = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True, order=True)
class SpanValue:
    """A range with its option and, where asked, what it says about it."""

    start: int
    end: int
    option: str
    polarity: str = ""
    text: str = ""


def fault_of(
    span: SpanValue, text: str, *, options: Collection[str], has_polarity: bool
) -> str | None:
    """Return the sentence that says what is wrong with a span of `text`, or None."""
    if not 0 <= span.start < span.end:
        return f"{span.start} to {span.end} is no range: start is below end, both from 0."
    if span.end > len(text):
        return f"{span.start} to {span.end} goes beyond the text, which has {len(text)} characters."
    covered = text[span.start : span.end]
    if span.text != covered:
        return (
            f"{span.start} to {span.end} covers {_short(covered)}, not {_short(span.text)}. "
            "Offsets count code points, and end is exclusive."
        )
    if not covered.strip():
        return f"{span.start} to {span.end} covers only blanks."
    if span.option not in options:
        return f"There is no option {_short(span.option)}."
    return _polarity_fault(span.polarity, has_polarity=has_polarity)


def _polarity_fault(polarity: str, *, has_polarity: bool) -> str | None:
    if not polarity:
        return None
    if not has_polarity:
        return "These spans have no polarity."
    if polarity not in POLARITIES:
        return f"{_short(polarity)} is none of {', '.join(POLARITIES)}."
    return None


def overlap(one: SpanValue, other: SpanValue) -> int:
    """Return how many code points two spans share."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def doubled(spans: Sequence[SpanValue]) -> Iterator[SpanValue]:
    """Yield every span whose range and option came before in the list."""
    seen: set[tuple[int, int, str]] = set()
    for span in spans:
        mark = (span.start, span.end, span.option)
        if mark in seen:
            yield span
        seen.add(mark)


class Placed(Protocol):
    """What has a place in a text."""

    @property
    def start(self) -> int:
        """Return the first code point's offset."""
        ...

    @property
    def end(self) -> int:
        """Return the offset behind the last code point."""
        ...

    @property
    def option(self) -> str:
        """Return the option's key."""
        ...


def clash(spans: Iterable[Placed]) -> str | None:
    """Return the sentence that names the first two spans that share characters, or None.

    A span within another shares them; two that only touch do not.
    """
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    for before, after in pairwise(ordered):  # of a clash-free beginning the last one ends last
        if after.start < before.end:
            return (
                f"{before.start} to {before.end} ({before.option}) and {after.start} to "
                f"{after.end} ({after.option}) overlap, and these spans may not: "
                "keep one of the two, or move an end."
            )
    return None


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text under the same spans, innermost last."""

    text: str
    spans: tuple[SpanValue, ...] = ()
    #: Spans that end with this piece, whose option is printed behind it.
    ending: tuple[SpanValue, ...] = ()


def pieces(text: str, spans: Sequence[SpanValue]) -> list[Piece]:
    """Cut `text` at every span's ends: how overlapping spans are shown without a script."""
    marks = [span for span in spans if 0 <= span.start < span.end <= len(text)]
    cuts = sorted({0, len(text), *(s.start for s in marks), *(s.end for s in marks)})
    outer_first = sorted(marks, key=lambda span: (span.start, -span.end, span.option))
    return [
        Piece(
            text=text[start:end],
            spans=tuple(s for s in outer_first if s.start <= start and end <= s.end),
            ending=tuple(s for s in outer_first if s.end == end),
        )
        for start, end in pairwise(cuts)
    ]


def _short(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
