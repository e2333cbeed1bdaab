"""The texts of a project that an encoder may read without labels before it learns from them."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from projects.models import Project
from reviews.models import Review
from reviews.selectors import visible_reviews

_CHUNK: Final = 500


def write_texts(path: Path, project: Project, *, count: int, seed: int) -> int:
    """Write the texts of at most `count` reviews, a JSON string a line; return how many."""
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for text in _texts(project, count=count, seed=seed):
            file.write(json.dumps(text) + "\n")
            written += 1
    return written


def _texts(project: Project, *, count: int, seed: int) -> Iterator[str]:
    """Yield texts of reviews drawn by the seed, labelled or not, none of the frozen test split.

    A model is tested on reviews of that split, and would be flattered by having read them. Splits
    that are not frozen yet may still become that one, so their data sets are left out.
    """
    frozen = visible_reviews(project).filter(dataset__splits_frozen_at__isnull=False)
    pool = frozen.exclude(split=Review.Split.TEST).order_by("pk")
    ids = list(pool.values_list("pk", flat=True))
    if len(ids) > count:
        ids = sorted(random.Random(seed).sample(ids, count))  # noqa: S311 - a sample, no secret
    for start in range(0, len(ids), _CHUNK):
        chunk = pool.filter(pk__in=ids[start : start + _CHUNK])
        yield from chunk.values_list("text", flat=True)
