"""How much of a review is worth reading: by how long reviews are and what reading costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ml.core.encode import load_tokenizer

STEPS: Final = (128, 192, 256, 384, 512)
SAMPLE: Final = 2000
"""How many texts are looked at, at most."""

# Reading more than this on a processor costs more than it brings.
_CPU_TOKENS: Final = 256
_SHARE: Final = 0.95
# A text cannot have more tokens than characters, and no limit is above this many.
LONGEST: Final = 20_000
"""Characters of a text that are looked at."""


def chosen_length(texts: Sequence[str], tokenizer_file: Path, *, limit: int) -> int:
    """Return the smallest step that holds 95 % of the texts whole, and at most `limit`.

    Short texts cost no more under a generous limit, because batches are padded to their longest.
    """
    step = max(1, len(texts) // SAMPLE)
    return suited_length(token_counts(texts[::step], tokenizer_file), limit=limit)


def token_counts(texts: Sequence[str], tokenizer_file: Path) -> list[int]:
    """Return how many tokens each text has, special tokens included."""
    encodings = load_tokenizer(tokenizer_file, 0).encode_batch(
        [text[:LONGEST].encode("utf-8", "replace").decode("utf-8") for text in texts]
    )
    return [len(one.ids) for one in encodings]


def suited_length(counts: Sequence[int], *, limit: int) -> int:
    """Return the smallest step that holds 95 % of the token counts, and at most `limit`."""
    wanted = float(np.quantile(counts, _SHARE)) if counts else 0.0
    found = next((step for step in STEPS if step >= wanted), STEPS[-1])
    return min(found, limit) if limit else found


def most_tokens(positions: int, *, is_on_cpu: bool) -> int:
    """Return the most tokens that are chosen; positions: that an encoder reads, 0 for any."""
    dearest = _CPU_TOKENS if is_on_cpu else STEPS[-1]
    return min(positions or dearest, dearest)
