"""What benchmarks run on: a file that the caller names, or reviews made up on the spot."""

import csv
import os
import random
from dataclasses import dataclass
from pathlib import Path

WORDS = [
    "dress",
    "fits",
    "runs",
    "small",
    "large",
    "waist",
    "fabric",
    "soft",
    "colour",
    "lovely",
    "photo",
    "length",
    "petite",
    "tall",
    "order",
    "return",
    "sleeve",
    "pocket",
    "zip",
    "lining",
    "wash",
    "summer",
    "work",
    "party",
    "perfect",
    "cheap",
    "thin",
    "heavy",
    "quality",
    "size",
]


@dataclass(frozen=True, slots=True)
class Source:
    """A CSV file and the options with which it is imported."""

    path: Path
    options: tuple[str, ...]
    has_real_data: bool


def reviews(folder: Path, *, rows: int = 18_809) -> Source:
    """Return the clothing reviews at DATA, or as many made-up ones of like length."""
    given = os.environ.get("DATA")
    if given:
        options = ("--text", "Title,Review Text", "--answer", "Rating=rating")
        columns = ("Clothing ID", "Age", "Department Name", "Class Name")
        metadata = tuple(part for column in columns for part in ("--metadata", column))
        return Source(Path(given), (*options, *metadata), has_real_data=True)
    path = folder / f"made-up-{rows}.csv"
    rng = random.Random(11)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "text", "rating", "department"])
        for number in range(rows):
            text = " ".join(rng.choices(WORDS, k=rng.randint(20, 100)))
            writer.writerow([f"Review {number}", text, rng.randint(1, 5), rng.choice("ABC")])
    made_up = ("--text", "title,text", "--answer", "rating=rating", "--metadata", "department")
    return Source(path, made_up, has_real_data=False)
