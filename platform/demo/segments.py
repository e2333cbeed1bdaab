"""Turn a written template into text whose marked phrases keep their exact offsets.

A template may hold ``{slot}`` (replaced by one of the slot's values), ``[a/b/c]`` (one of them) and
``<phrase>`` or ``<phrase|aspect+>`` (a marked phrase; the sign is ``+``, ``-`` or ``=``).
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

POLARITY_OF_SIGN = {"+": "positive", "-": "negative", "=": "neutral"}

_CHOICE = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")
_MARK = re.compile(r"<([^<>|]+)(?:\|(\w+)([-+=]))?>")


@dataclass(frozen=True, slots=True)
class Segment:
    """Hold a piece of text; with an aspect and a polarity when it names one."""

    text: str
    aspect: str = ""
    polarity: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """Hold a template with the aspect and polarity it speaks of; both empty for small talk."""

    template: str
    aspect: str = ""
    polarity: str = ""


class Deck:
    """Deal the items of each list in shuffled order, so that none returns before all were seen."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._piles: dict[tuple[Clause, ...], list[Clause]] = {}

    def deal(self, clauses: tuple[Clause, ...]) -> Clause:
        """Return the next clause of this list's pile."""
        pile = self._piles.setdefault(clauses, [])
        if not pile:
            pile.extend(self._rng.sample(clauses, len(clauses)))
        return pile.pop()


def expand(clause: Clause, slots: Mapping[str, Sequence[str]], rng: random.Random) -> list[Segment]:
    """Fill the slots and choices of a clause and cut it at its marks.

    Raises KeyError when the template names a slot that does not exist.
    """
    text = clause.template
    while match := _CHOICE.search(text):
        options = match[1].split("/") if match[1] is not None else slots[match[2]]
        text = text[: match.start()] + rng.choice(options) + text[match.end() :]
    return _cut(" ".join(text.split()), clause)


def capitalised(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments with the first letter in upper case."""
    first, *rest = segments
    return [replace(first, text=first.text[:1].upper() + first.text[1:]), *rest]


def _cut(text: str, clause: Clause) -> list[Segment]:
    segments: list[Segment] = []
    position = 0
    for mark in _MARK.finditer(text):
        if mark.start() > position:
            segments.append(Segment(text[position : mark.start()]))
        aspect = mark[2] or clause.aspect
        polarity = POLARITY_OF_SIGN[mark[3]] if mark[3] else clause.polarity
        segments.append(Segment(mark[1], aspect, polarity))
        position = mark.end()
    if position < len(text):
        segments.append(Segment(text[position:]))
    return segments
