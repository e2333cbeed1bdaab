"""What a dry run counts: refusals by cause, lengths of texts, words that a question refuses: pure.

Everything is bounded, whatever the file holds, because it is kept as one piece of JSON.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviews.proposals import words_of
from reviews.rows import Rejected

_MAX_CAUSES = 100
_SHOWN_CAUSES = 30
_EXAMPLES = 5
_MAX_MISFITS = 40
_QUOTED = re.compile(r'".*"', re.DOTALL)
_NUMBER = re.compile(r"\d[\d,.]*")
_OTHERS = ("", "other reasons")

#: Upper ends of the classes of lengths, in characters.
BOUNDS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000)


@dataclass(slots=True)
class Causes:
    """Refused rows by column and reason, whatever the value was."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    #: Column to the values that its question refused, and how often.
    misfits: dict[str, Counter[str]] = field(default_factory=dict)
    #: Column to the options that such values name, in how many rows.
    words: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, rows: Iterable[Rejected], answering: Mapping[str, str]) -> None:
        """Count refused rows; `answering` has the columns that answer questions."""
        for row in rows:
            cause = (row.column, general(row.reason))
            if cause not in self.counts and len(self.counts) >= _MAX_CAUSES:
                cause = _OTHERS
            self.counts[cause] += 1
            shown = self.examples.setdefault(cause, [])
            if len(shown) < _EXAMPLES:
                shown.append({"line": row.line, "value": _short(row.value), "reason": row.reason})
            if row.column in answering and row.value:
                self._misfit(row.column, row.value)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the causes, the most frequent first."""
        return [
            {
                "column": cause[0],
                "reason": cause[1],
                "count": count,
                "examples": self.examples[cause],
            }
            for cause, count in self.counts.most_common(_SHOWN_CAUSES)
        ]

    def misfits_as_json(self) -> dict[str, list[str]]:
        """Return the values by column, the most frequent first."""
        return {
            column: [value for value, _ in values.most_common(_MAX_MISFITS)]
            for column, values in self.misfits.items()
        }

    def _misfit(self, column: str, value: str) -> None:
        values = self.misfits.setdefault(column, Counter())
        if len(value) <= 100 and (value in values or len(values) < 10 * _MAX_MISFITS):
            values[value] += 1
        words = self.words.setdefault(column, Counter())
        for word in set(words_of(value)):
            if len(word) <= 100 and (word in words or len(words) < 10 * _MAX_MISFITS):
                words[word] += 1


def general(reason: str) -> str:
    """Return a reason without the value and the numbers in it, by which rows are grouped.

    A bound that is the same for every row stays: it is part of what was asked.
    """
    quoted = _QUOTED.sub("“…”", reason)
    if quoted != reason:
        return quoted
    return (
        _NUMBER.sub("…", reason)
        if reason.startswith(("the row has", "the span", "cell"))
        else reason
    )


def _short(value: str) -> str:
    return value if len(value) <= 160 else f"{value[:160]}…"


@dataclass(slots=True)
class Lengths:
    """How long texts are, in characters."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, texts: Sequence[str]) -> None:
        """Count some texts."""
        self.counts.update(map(len, texts))

    def as_json(self) -> dict[str, Any] | None:
        """Return shortest, middle, mean, longest and a histogram; None without a text."""
        total = sum(self.counts.values())
        if not total:
            return None
        chars = sum(length * count for length, count in self.counts.items())
        return {
            "min": min(self.counts),
            "median": self._middle(total),
            "mean": round(chars / total, 1),
            "max": max(self.counts),
            "histogram": self._histogram(),
        }

    def _middle(self, total: int) -> int:
        seen = 0
        for length in sorted(self.counts):
            seen += self.counts[length]
            if 2 * seen >= total:
                return length
        raise AssertionError  # some text is the middle one

    def _histogram(self) -> list[dict[str, int]]:
        low, classes = 1, []
        for high in BOUNDS:
            count = sum(n for length, n in self.counts.items() if low <= length <= high)
            classes.append({"from": low, "to": high, "count": count})
            low = high + 1
        used = [at for at, each in enumerate(classes) if each["count"]]
        return classes[used[0] : used[-1] + 1] if used else []
