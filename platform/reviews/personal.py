"""Notice what seems to be personal data in cells, and show it without giving it away: pure.

A warning and no proof: patterns miss what is written unusually and take some numbers for others.
"""

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reviews.cleaning import EMAIL, PHONE

KINDS = {"email": "E-mail addresses", "phone": "Telephone numbers", "card": "Card numbers"}
#: 13 to 19 digits in groups, beginning as the numbers of the large card schemes do.
_CARD = re.compile(
    r"(?<![\w.+-])(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}"
    r"|(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))(?:[ -]?\d{4}){3})(?![\w-])"
)
#: A card number has more; most cells have fewer, and are done with.
_MIN_PHONE_DIGITS = 7
_EXAMPLES = 3


@dataclass(slots=True)
class Personal:
    """Counts rows by kind and column, with a few masked examples."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, column: str, cells: Sequence[str]) -> None:
        """Look at some cells of a column, one a row."""
        for cell in cells:
            if "@" in cell and (match := EMAIL.search(cell)):
                self._note("email", column, masked_email(match[0]))
        for cell in _with_many_digits(cells):
            self._numbers(column, cell)

    def as_json(self) -> list[dict[str, Any]]:
        """Return what was found, the most frequent first."""
        return [
            {
                "kind": kind,
                "name": KINDS[kind],
                "column": column,
                "count": count,
                "examples": self.examples[kind, column],
            }
            for (kind, column), count in self.counts.most_common(50)
        ]

    def _numbers(self, column: str, cell: str) -> None:
        card = next((m[0] for m in _CARD.finditer(cell) if passes_luhn(m[0])), "")
        if card:
            self._note("card", column, masked_digits(card))
            return
        for match in PHONE.finditer(cell):
            if sum(map(str.isdigit, match[0])) >= _MIN_PHONE_DIGITS:
                self._note("phone", column, masked_digits(match[0]))
                return

    def _note(self, kind: str, column: str, example: str) -> None:
        self.counts[kind, column] += 1
        shown = self.examples.setdefault((kind, column), [])
        if len(shown) < _EXAMPLES and example not in shown:
            shown.append(example)


def _with_many_digits(cells: Sequence[str]) -> list[str]:
    """Return the cells with digits enough for a telephone number, in their order.

    Counted for all cells at once, since nearly all have too few for a search to be worth it.
    """
    signs = "\0".join([*cells, ""]).encode("utf-32-le", "surrogatepass")
    counts = np.cumsum(_are_digits()[np.frombuffer(signs, np.uint32)], dtype=np.int32)
    ends = np.cumsum(np.fromiter(map(len, cells), np.int64, len(cells)) + 1) - 1
    has_many = np.diff(counts[ends], prepend=np.int32(0)) >= _MIN_PHONE_DIGITS
    return list(compress(cells, has_many.tolist()))


@functools.cache
def _are_digits() -> NDArray[np.bool]:
    """Tell of every code point whether it is a digit, in any script, as patterns see it."""
    return np.fromiter(map(str.isdecimal, map(chr, range(0x110000))), np.bool, 0x110000)


def passes_luhn(number: str) -> bool:
    """Tell whether the digits have the check digit of a card (ISO/IEC 7812-1, annex B)."""
    digits = [int(char) for char in number if char.isdigit()][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def masked_email(address: str) -> str:
    """Return an address of which only the shape is left: j…@e….org."""
    name, _, host = address.partition("@")
    domain, _, ending = host.rpartition(".")
    return f"{name[:1]}…@{domain[:1]}….{ending}"


def masked_digits(number: str) -> str:
    """Return a number with all digits hidden but the last two."""
    count = sum(map(str.isdigit, number))
    masked, seen = [], 0
    for char in number:
        seen += char.isdigit()
        masked.append("•" if char.isdigit() and seen <= count - 2 else char)
    return "".join(masked)
