"""Where a range of a text lands when the text changes: offsets in code points, end exclusive.

A change is a list of edits, everything between them stays letter for letter. What was replaced
is one piece: a range that touches a part of it covers the whole replacement. Changes that follow
one another are kept one after another and applied in turn, which is what composing them means.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from common.text import normalise


@dataclass(frozen=True, slots=True)
class Replacement:
    """Characters `start` to `end` that become `text`; where both are the same, it is inserted."""

    start: int
    end: int
    text: str


class _Change:
    """The edits of one change, ready to be asked: places before it and what they grew by."""

    __slots__ = ("_ends", "_grown", "_starts")

    def __init__(self, edits: Iterable[tuple[int, int, int]]) -> None:
        """Take (start, end, new length) of every edit, in order and apart from one another."""
        known = list(edits)
        self._starts = [start for start, _, _ in known]
        self._ends = [end for _, end, _ in known]
        growth = (length - (end - start) for start, end, length in known)
        self._grown = list(accumulate(growth, initial=0))

    def __bool__(self) -> bool:
        return bool(self._starts)

    def start(self, place: int) -> int:
        """Move the start of a range: to the start of the piece it is inside of."""
        before = bisect_right(self._ends, place)
        inside = before < len(self._starts) and self._starts[before] < place
        return (self._starts[before] if inside else place) + self._grown[before]

    def end(self, place: int) -> int:
        """Move the end of a range: to the end of the piece it is inside of."""
        begun = bisect_left(self._starts, place)
        inside = begun > 0 and self._ends[begun - 1] > place
        return (self._ends[begun - 1] if inside else place) + self._grown[begun]


@dataclass(frozen=True, slots=True)
class Offsets:
    """How places of one text become places of another."""

    _changes: tuple[_Change, ...] = ()

    def move(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range that holds what is left of characters `start` to `end`, if anything."""
        for change in self._changes:
            if start >= end:
                return None
            start, end = change.start(start), change.end(end)
        return (start, end) if start < end else None

    def then(self, following: "Offsets") -> "Offsets":
        """Return what this change and the following one do together."""
        return Offsets(self._changes + following._changes)  # noqa: SLF001  (of the same class)

    def after_prefix(self, length: int) -> "Offsets":
        """Return what this change does when `length` characters are then put in front."""
        return self.then(resized([(0, 0, length)])) if length else self


UNCHANGED = Offsets()


def resized(edits: Iterable[tuple[int, int, int]]) -> Offsets:
    """Return offsets for (start, end, new length) of every edit, in order and apart."""
    change = _Change(edits)
    return Offsets((change,)) if change else UNCHANGED


def replace(text: str, replacements: Sequence[Replacement]) -> str:
    """Return the text with the replacements made; they stand in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for each in replacements:
        parts += (text[at : each.start], each.text)
        at = each.end
    return "".join((*parts, text[at:]))


def of_replacements(replacements: Iterable[Replacement]) -> Offsets:
    """Return where places land when the replacements are made."""
    return resized((each.start, each.end, len(each.text)) for each in replacements)


# --- The change that every text goes through --------------------------------------------------


def normalise_with_offsets(raw: str) -> tuple[str, Offsets]:
    """Return common.text.normalise(raw) and where places of the raw text are in it."""
    text = normalise(raw)
    if text == raw:
        return text, UNCHANGED
    offsets, now = UNCHANGED, raw
    for find in (_unwanted, _line_ends, _decomposed, _outer_blanks):
        found = find(now)
        now, offsets = replace(now, found), offsets.then(of_replacements(found))
    return text, offsets


def _unwanted(text: str) -> list[Replacement]:
    return [
        Replacement(place, place + 1, "") for place, char in enumerate(text) if char in "\x00\ufeff"
    ]


def _line_ends(text: str) -> list[Replacement]:
    """Find CRLF, which shrinks; a lone CR becomes an LF in its place and moves nothing."""
    found, at = [], text.find("\r\n")
    while at >= 0:
        found.append(Replacement(at, at + 2, "\n"))
        at = text.find("\r\n", at + 2)
    return found


def _decomposed(text: str) -> list[Replacement]:
    """Find what composing to NFC changes, cluster by cluster."""
    if unicodedata.is_normalized("NFC", text):
        return []
    found = []
    for start, end in _clusters(text):
        cluster = text[start:end]
        composed = unicodedata.normalize("NFC", cluster)
        if composed != cluster:
            found.append(Replacement(start, end, composed))
    return found


def _clusters(text: str) -> Iterable[tuple[int, int]]:
    """Yield the ranges of a text that NFC can be applied to one by one.

    A cluster ends before a character that neither is a mark nor composes with what is before it
    (as the vowels of Hangul do). See Unicode Standard Annex 15, section 9.1.
    """
    start = 0
    for place in range(1, len(text)):
        if unicodedata.combining(text[place]):
            continue
        before, here = text[start:place], text[place]
        # Plain letters start a cluster without a closer look: ASCII composes with nothing before.
        if here.isascii() or _compose_apart(before, here):
            yield start, place
            start = place
    yield start, len(text)


def _compose_apart(before: str, here: str) -> bool:
    together = unicodedata.normalize("NFC", before + here)
    apart = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", here)
    return together == apart


def _outer_blanks(text: str) -> list[Replacement]:
    ends = len(text.rstrip())
    starts = min(len(text) - len(text.lstrip()), ends)
    found = [Replacement(0, starts, "")] if starts else []
    return [*found, Replacement(ends, len(text), "")] if ends < len(text) else found
