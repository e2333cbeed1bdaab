"""Offsets that other programs have counted: in code points, in UTF-16 code units, or a bit off."""

from reviews.sources.raw import Refused

#: How far from where it should be the text of a span is looked for.
_NEAR = 2_000


def units_of(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def place(text: str, start: int, end: int, claim: str) -> tuple[int, int]:
    """Return a span of `text` in code points, whichever units it was counted in.

    `claim` is the text that it is said to cover; without one, code units are taken for meant, as
    browsers count. Raises Refused when the claim is nowhere near.
    """
    converted = _from_units(text, start), _from_units(text, end)
    if not claim:
        return converted
    # Code units first: browsers count them, and a text that repeats itself may fit both ways.
    for first, last in (converted, (start, end)):
        if 0 <= first < last <= len(text) and text[first:last] == claim:
            return first, last
    return _nearest(text, claim, start)


def _from_units(text: str, offset: int) -> int:
    if text.isascii() or offset < 0:
        return offset
    units = text.encode("utf-16-le", "surrogatepass")
    if offset * 2 > len(units):
        return len(text) + 1
    return len(units[: offset * 2].decode("utf-16-le", "replace"))


def _nearest(text: str, claim: str, start: int) -> tuple[int, int]:
    """Find a claim near where it should be: line ends may have been counted differently."""
    start = max(0, min(start, len(text)))
    before = text.rfind(claim, max(0, start - _NEAR), start + len(claim))
    after = text.find(claim, start, start + _NEAR + len(claim))
    places = [found for found in (before, after) if found >= 0]
    if not places:
        raise Refused(f"the span {claim[:60]!r} is not in the text near offset {start:,}")
    best = min(places, key=lambda found: abs(found - start))
    return best, best + len(claim)
