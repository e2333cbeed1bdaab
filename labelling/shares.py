"""How often somebody was right, with what the number of answers can tell: pure."""

import math
from dataclasses import dataclass

#: Below this many answers a share is no figure to judge anybody by.
TOO_FEW = 10
_Z = 1.959963984540054  # 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` answers with its 95 % interval; all None where there is no answer."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def is_too_few(self) -> bool:
        """Tell whether there are too few answers to judge by."""
        return self.n < TOO_FEW


NOTHING = Share(None, None, None, 0)


def wilson(hits: int, n: int) -> Share:
    """Return a counted share with Wilson's score interval (1927)."""
    if not n:
        return NOTHING
    share, square = hits / n, _Z**2 / n
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / n + square / n / 4) / (1 + square)
    return Share(share, max(0.0, middle - half), min(1.0, middle + half), n)
