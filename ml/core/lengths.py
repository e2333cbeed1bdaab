"""How much of a review is worth reading: by how long reviews are and what reading costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ml.core.encode import load_tokenizer

STEPS: Final = (128, 192, 256, 384, 512)
_SAMPLE: Final = 2000
_SHARE: Final = 0.95
# A text cannot have more tokens than characters, and no limit is above this many.
_CHARACTERS: Final = 20_000


def chosen_length(texts: Sequence[str], tokenizer_file: Path, *, limit: int) -> int:
    """Return the smallest step that holds 95 % of the texts whole, and at most `limit`.

    Short texts cost no more under a generous limit, because batches are padded to their longest.
    """
    step = max(1, len(texts) // _SAMPLE)
    sample = [text[:_CHARACTERS] for text in texts[::step]]
    encodings = load_tokenizer(tokenizer_file, 0).encode_batch(
        [text.encode("utf-8", "replace").decode("utf-8") for text in sample]
    )
    lengths = [len(one.ids) for one in encodings]
    wanted = float(np.quantile(lengths, _SHARE)) if lengths else 0.0
    found = next((step for step in STEPS if step >= wanted), STEPS[-1])
    return min(found, limit) if limit else found
