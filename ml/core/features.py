"""Pooled vectors kept on disk, so that heads are refitted without encoding anything again."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from ml.core.encode import HEAD, TextEncoder
from ml.core.engines.base import Floats

_KEY_BYTES: Final = 32
_FLOAT_BYTES: Final = 4


class FeatureStore:
    """Append-only vectors of one encoder, length limit and pooling.

    A vector is written before its key, and only whole pairs count: a process killed in between
    leaves bytes that the next writer overwrites. Writers of several processes take turns.
    """

    def __init__(self, directory: Path, *, width: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._width = width
        self._keys = directory / "keys.bin"
        self._vectors = directory / "vectors.f32"
        self._lock = directory / "lock"
        self._rows: dict[bytes, int] = {}
        self._known = 0
        self.refresh()

    def __len__(self) -> int:
        return self._known

    def refresh(self) -> None:
        """Take in what other processes wrote since."""
        count = self._whole_rows()
        if count == self._known:
            return
        with self._keys.open("rb") as file:
            file.seek(self._known * _KEY_BYTES)
            new = file.read((count - self._known) * _KEY_BYTES)
        for row in range(self._known, count):
            start = (row - self._known) * _KEY_BYTES
            self._rows[new[start : start + _KEY_BYTES]] = row
        self._known = count

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Return the distinct texts that have no vector yet, in order."""
        return [t for t in dict.fromkeys(texts) if text_key(t) not in self._rows]

    def get(self, texts: Sequence[str]) -> Floats:
        """Return vectors [texts, width]; raises KeyError for a text without one."""
        if not texts:
            return np.zeros((0, self._width), dtype=np.float32)
        rows = [self._rows[text_key(text)] for text in texts]
        stored = np.memmap(
            self._vectors, dtype=np.float32, mode="r", shape=(self._known, self._width)
        )
        return np.array(stored[rows], dtype=np.float32)

    def append(self, texts: Sequence[str], vectors: Floats) -> None:
        """Keep the vectors [texts, width] of texts, durably."""
        with self._locked():
            self.refresh()
            fresh = [i for i, text in enumerate(texts) if text_key(text) not in self._rows]
            keys = b"".join(text_key(texts[i]) for i in fresh)
            rows = np.ascontiguousarray(vectors[fresh], dtype=np.float32)
            _write_at(self._vectors, self._known * self._width * _FLOAT_BYTES, rows.tobytes())
            _write_at(self._keys, self._known * _KEY_BYTES, keys)
            self.refresh()

    def _whole_rows(self) -> int:
        if not (self._keys.exists() and self._vectors.exists()):
            return 0
        keys = self._keys.stat().st_size // _KEY_BYTES
        return min(keys, self._vectors.stat().st_size // (self._width * _FLOAT_BYTES))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class CachedEncoder:
    """Answer like a TextEncoder, and remember every pooled vector in a store."""

    def __init__(self, encoder: TextEncoder, features_dir: Path) -> None:
        self.encoder = encoder
        cut = () if encoder.truncation == HEAD else (encoder.truncation,)
        parts = (encoder.max_tokens, encoder.pooling, encoder.layers, *cut)
        name = "-".join([encoder.engine.info.sha256[:32], *map(str, parts)])
        self.store = FeatureStore(features_dir / name, width=encoder.width)

    def fill(self, texts: Sequence[str], *, chunk: int = 256) -> Iterator[tuple[int, int]]:
        """Encode what the store lacks, chunk by chunk, yielding (done, total) texts."""
        # Sorted by length, so that a chunk holds texts alike and little padding is computed.
        missing = sorted(self.store.missing(texts), key=len)
        for start in range(0, len(missing), chunk):
            part = missing[start : start + chunk]
            self.store.append(part, self.encoder.pooled(part))
            yield start + len(part), len(missing)

    def pooled(self, texts: Sequence[str]) -> Floats:
        """Return one vector per text, [texts, width], encoding only what is not stored."""
        for _ in self.fill(texts):
            pass
        return self.store.get(texts)


def text_key(text: str) -> bytes:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _write_at(path: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
