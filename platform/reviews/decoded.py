"""Show a text that holds HTML as it will be seen, with its marks where their words are.

Only what is shown changes: the text that is kept, and the offsets of everything said about it, are
those that came in.
"""

from collections.abc import Sequence
from dataclasses import replace

from reviews.cleaning import clean_with_offsets
from reviews.markup import find_markup
from reviews.offsets import Offsets
from reviews.panels import TextPiece

_STEPS = ("html",)


def has_markup(text: str) -> bool:
    """Tell whether there is anything to decode."""
    return bool(find_markup(text))


def decode(text: str, pieces: Sequence[TextPiece]) -> list[TextPiece]:
    """Return the pieces of a text decoded; together they are the whole decoded text."""
    shown, offsets = clean_with_offsets(text, _STEPS)
    made, read, begun = [], 0, 0
    for piece in pieces:
        read += len(piece.text)
        end = len(shown) if read == len(text) else max(begun, _end(offsets, read))
        made.append(replace(piece, text=shown[begun:end]))
        begun = end
    return made


def _end(offsets: Offsets, place: int) -> int:
    """Return where what stands before a place ends; nothing may be left of it."""
    moved = offsets.move(0, place)
    return moved[1] if moved else 0
