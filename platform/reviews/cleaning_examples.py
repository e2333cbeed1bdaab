"""Show what a step of cleaning does to the texts of a file: a place before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.text import normalise
from reviews.cleaning import STEPS

_LOOK_TEXTS = 200
_AROUND = 24
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Example:
    """The same place of a text before and after, and how many of the texts looked at change."""

    before: str
    after: str
    count: int
    of: int


def examples(texts: Sequence[str]) -> Mapping[str, Example]:
    """Return an example for every step that changes one of the first texts, by its key."""
    looked = [normalise(text) for text in texts[:_LOOK_TEXTS]]
    found = {}
    for key, step in STEPS.items():
        changed = [(text, after) for text in looked if (after := step.apply(text)) != text]
        if changed:
            before, after = _place(*changed[0])
            found[key] = Example(before, after, len(changed), len(looked))
    return found


def _place(before: str, after: str) -> tuple[str, str]:
    """Cut both texts to where they differ first."""
    pairs = zip(before, after, strict=False)
    # Where one is the beginning of the other, they differ where it ends.
    end = min(len(before), len(after))
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), end)
    start = max(0, at - _AROUND)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    end = start + _AROUND + _SHOWN
    lead, rest = "…" if start else "", "…" if len(text) > end else ""
    return f"{lead}{text[start:end]}{rest}".replace("\n", " ↵ ")
