"""Make reviews up by the million: lengths and words as real ones have them, always the same."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

COLUMNS = ("text", "rating", "sentiment", "product", "department", "date")
DEPARTMENTS = ("Dresses", "Tops", "Bottoms", "Shoes", "Bags", "Intimate", "Jackets", "Trend")
_LETTERS = list("eeeeaaaiiooutttnnsshhrrlldcmwfgypbvk")
_WORDS = 30_000
_SLICE = 10_000


def write_reviews(path: Path, rows: int, *, seed: int = 5) -> None:
    """Write a CSV file with a header and `rows` different reviews, about 400 characters each.

    One review in twenty has accents and other signs beyond ASCII, one in ten quotes something,
    one in fifty has a second paragraph.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(itertools.islice(_rows(np.random.default_rng(seed)), rows))


def _rows(rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    words = _vocabulary(rng)
    # Zipf's law, a little flattened at the top, as word counts of real text are.
    shares = 1.0 / (np.arange(_WORDS) + 2.7)
    bounds = np.cumsum(shares / shares.sum())
    while True:
        lengths = np.clip(rng.lognormal(4.1, 0.6, _SLICE), 4, 400).astype(int)
        drawn = np.searchsorted(bounds, rng.random(lengths.sum())).clip(max=_WORDS - 1)
        ends = np.cumsum(lengths)
        extras = rng.integers(0, 2**31, (_SLICE, 6))
        for start, end, extra in zip(ends - lengths, ends, extras.tolist(), strict=True):
            yield _row([words[at] for at in drawn[start:end]], extra)


def _vocabulary(rng: np.random.Generator) -> list[str]:
    lengths = rng.integers(2, 11, _WORDS)
    lengths[:200] = rng.integers(1, 5, 200)  # the frequent ones are short
    letters = rng.choice(_LETTERS, lengths.sum())
    ends = np.cumsum(lengths)
    return ["".join(letters[end - length : end]) for length, end in zip(lengths, ends, strict=True)]


def _row(words: list[str], extra: list[int]) -> tuple[str, ...]:
    words[0] = words[0].capitalize()
    words[len(words) // 2] += ","
    if extra[0] % 20 == 0:
        words[-1] = f"café – {words[-1]} 👍"
    if extra[1] % 10 == 0:
        words[1] = f'"{words[1]}"'
    if extra[2] % 50 == 0:
        words[-2] += ".\n\nAlso:"
    rating = (1, 2, 3, 3, 4, 4, 5, 5, 5, 5)[extra[3] % 10]
    sentiment = "negative" if rating < 3 else "neutral" if rating == 3 else "positive"
    day = f"20{15 + extra[4] % 11}-{1 + extra[4] // 11 % 12:02}-{1 + extra[4] // 132 % 28:02}"
    product = f"P{extra[5] % 2000:04}"
    department = DEPARTMENTS[extra[5] // 2000 % len(DEPARTMENTS)]
    return f"{' '.join(words)}.", str(rating), sentiment, product, department, day
