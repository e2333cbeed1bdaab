"""The words of a comment: who is called by name in them, and where links lead."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_NAMED = re.compile(r"(?<![\w.@+-])@([\w.@+-]+)")
_LINK = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
#: What ends a sentence and is hardly ever the end of an address or a name.
_TAIL = ".,;:!?)]}-+"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a comment: plain words, a link (its address), or a person's name."""

    text: str
    url: str = ""
    is_mention: bool = False


def mentioned(body: str, usernames: Collection[str]) -> set[str]:
    """Return those of `usernames` that a comment calls by @name, whatever their case."""
    known = _Known(usernames)
    return {name for match in _NAMED.finditer(body) if (name := known.find(match[1])[0])}


def pieces(body: str, usernames: Collection[str]) -> list[Piece]:
    """Return the whole of a comment in pieces; `usernames` are those that it mentions."""
    known = _Known(usernames)
    found: list[Piece] = []
    at = 0
    for start, piece in sorted(_marked(body, known), key=lambda each: each[0]):
        if start < at:  # a name within an address
            continue
        if start > at:
            found.append(Piece(body[at:start]))
        found.append(piece)
        at = start + len(piece.text)
    return [*found, Piece(body[at:])] if at < len(body) else found


def _marked(body: str, known: "_Known") -> Iterator[tuple[int, Piece]]:
    for match in _LINK.finditer(body):
        address = match[0].rstrip(_TAIL)
        yield match.start(), Piece(address, url=address)
    for match in _NAMED.finditer(body):
        name, length = known.find(match[1])
        if name:
            text = body[match.start() : match.start() + 1 + length]
            yield match.start(), Piece(text, is_mention=True)


class _Known:
    """Finds a username at the beginning of what stands after an @."""

    def __init__(self, usernames: Collection[str]) -> None:
        self._exact = frozenset(usernames)
        self._folded = {name.casefold(): name for name in usernames}

    def find(self, written: str) -> tuple[str, int]:
        """Return the username and how many characters of `written` are it; "" for nobody's."""
        while written:
            name = written if written in self._exact else self._folded.get(written.casefold(), "")
            if name:
                return name, len(written)
            if written[-1] not in _TAIL:
                break
            written = written[:-1]
        return "", 0
