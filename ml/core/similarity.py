"""How alike texts are: cosines between their vectors."""

from typing import Final

import numpy as np

from ml.core.engines.base import Floats, Ints

# Below this length a vector points nowhere: an empty text of an encoder without special tokens.
_NOTHING: Final = 1e-12


def unit_rows(vectors: Floats) -> Floats:
    """Return vectors [rows, width] at length 1; rows of length 0 stay 0.

    Raises ValueError for anything but a table of finite numbers.
    """
    table = np.asarray(vectors, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("Vectors must be a table of finite numbers, one row a text.")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    units: Floats = np.where(lengths > _NOTHING, table / np.maximum(lengths, _NOTHING), 0.0)
    return units


def cosines(vectors: Floats) -> Floats:
    """Return the cosine of every pair of rows, [rows, rows]: symmetric, from -1 to 1."""
    units = unit_rows(vectors)
    table = units @ units.T
    # Symmetric to the last bit, and no 1.0000000000000002.
    both: Floats = np.clip((table + table.T) / 2, -1.0, 1.0)
    return both


def nearest(query: Floats, vectors: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the rows of vectors [rows, width] most like query [width], and their cosines.

    The most alike come first, of equals the lower row; at most `count` of them.
    """
    if not len(vectors) or count < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    found = np.clip(unit_rows(vectors) @ unit_rows(query[None])[0], -1.0, 1.0)
    # Rounded, so that the same text twice is a tie on every processor.
    order = np.argsort(-found.round(9), kind="stable")[:count]
    return order.astype(np.int64), found[order]
