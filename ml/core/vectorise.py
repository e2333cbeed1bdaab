"""TF-IDF of words and characters: its whole state is a list of terms and an array of weights."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.core.engines.base import Floats, Ints

Hashes = npt.NDArray[np.uint64]

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*|[!?]+")
_SPACE: Final = re.compile(r"\s+")
_LENGTHS: Final = (3, 4, 5)
_PRIME: Final = np.uint64(0x100000001B3)
_CHUNK: Final = 4000
_MAX_WORDS: Final = 40_000
_MAX_GRAMS: Final = 60_000
# A stored review can hold any text; only its beginning is worth its characters.
_MAX_CHARACTERS: Final = 20_000


@dataclass(frozen=True)
class Vectoriser:
    """Turn texts into sparse rows: words and word pairs, then character 3- to 5-grams within words.

    Term counts are damped (1 + log), weighted by smoothed inverse document frequency and each of
    the two blocks is scaled to length 1 (Salton and Buckley, 1988).
    """

    words: tuple[str, ...]
    grams: tuple[str, ...]
    idf: Floats

    def __post_init__(self) -> None:
        hashes = _term_hashes(self.grams)
        order = np.argsort(hashes, kind="stable")
        object.__setattr__(self, "_columns", {word: i for i, word in enumerate(self.words)})
        object.__setattr__(self, "_hashes", hashes[order])
        object.__setattr__(self, "_order", order)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Vectoriser":
        """Choose the most frequent terms of texts; a term of many texts must occur in two."""
        least = 2 if len(texts) >= 50 else 1
        word_counts: Counter[str] = Counter()
        for text in texts:
            word_counts.update(set(_word_terms(text)))
        words = _most_frequent(word_counts, least, _MAX_WORDS)
        gram_counts = _gram_document_counts(texts, least, _MAX_GRAMS)
        grams = tuple(sorted(gram_counts))
        frequencies = [word_counts[w] for w in words] + [gram_counts[g] for g in grams]
        idf = np.log((1 + len(texts)) / (1 + np.array(frequencies, dtype=np.float64))) + 1
        return cls(words, grams, idf.astype(np.float32))

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.words) + len(self.grams)

    def transform(self, texts: Sequence[str]) -> Any:
        """Return a CSR matrix [texts, width] of float32."""
        if not texts:
            return sparse.csr_matrix(np.zeros((0, self.width), dtype=np.float32))
        parts = [
            self._transform(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK)
        ]
        return sparse.vstack(parts, format="csr")

    def _transform(self, texts: Sequence[str]) -> Any:
        split = len(self.words)
        words = _weighted(self._word_counts(texts), self.idf[:split])
        grams = _weighted(self._gram_counts(texts), self.idf[split:])
        return sparse.hstack([words, grams], format="csr", dtype=np.float32)

    def _word_counts(self, texts: Sequence[str]) -> Any:
        columns: dict[str, int] = self._columns  # type: ignore[attr-defined]  # set in __post_init__
        found = [[columns.get(term, -1) for term in _word_terms(text)] for text in texts]
        rows = np.repeat(np.arange(len(texts)), [len(one) for one in found])
        flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=len(rows))
        is_known = flat >= 0
        return _counts(rows[is_known], flat[is_known], (len(texts), len(self.words)))

    def _gram_counts(self, texts: Sequence[str]) -> Any:
        hashes: Hashes = self._hashes  # type: ignore[attr-defined]  # set in __post_init__
        order: Ints = self._order  # type: ignore[attr-defined]
        shape = (len(texts), len(self.grams))
        rows, found, _ = _grams(texts)
        if not len(hashes):
            return _counts(np.zeros(0, int), np.zeros(0, int), shape)
        places = np.minimum(np.searchsorted(hashes, found), len(hashes) - 1)
        is_known = hashes[places] == found
        return _counts(rows[is_known], order[places[is_known]], shape)


def _word_terms(text: str) -> Iterator[str]:
    words = _WORD.findall(text[:_MAX_CHARACTERS].lower())
    yield from words
    yield from (f"{a} {b}" for a, b in pairwise(words))


def _most_frequent(counts: Counter[str], least: int, limit: int) -> tuple[str, ...]:
    frequent = [(term, count) for term, count in counts.items() if count >= least]
    frequent.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(sorted(term for term, _ in frequent[:limit]))


def _gram_document_counts(texts: Sequence[str], least: int, limit: int) -> dict[str, int]:
    hashes, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for start in range(0, len(texts), _CHUNK):
        found, frequency = _chunk_counts(texts[start : start + _CHUNK])
        merged, inverse = np.unique(np.concatenate([hashes, found]), return_inverse=True)
        weights = np.concatenate([counts, frequency])
        hashes, counts = merged, np.bincount(inverse, weights=weights).astype(np.int64)
    frequent = np.flatnonzero(counts >= least)
    chosen = frequent[np.lexsort((hashes[frequent], -counts[frequent]))[:limit]]
    wanted = dict(zip(hashes[chosen].tolist(), counts[chosen].tolist(), strict=True))
    return _spelled(texts, wanted)


def _chunk_counts(texts: Sequence[str]) -> tuple[Hashes, Ints]:
    rows, found, _ = _grams(texts)
    order = np.lexsort((rows, found))
    rows, found = rows[order], found[order]
    is_term = np.append(True, found[1:] != found[:-1])[: len(found)]
    is_pair = is_term | np.append(True, rows[1:] != rows[:-1])[: len(found)]
    starts = np.flatnonzero(is_term)
    counts = np.add.reduceat(is_pair.astype(np.int64), starts) if len(starts) else starts
    return found[starts], counts


def _spelled(texts: Sequence[str], wanted: dict[int, int]) -> dict[str, int]:
    spelled: dict[str, int] = {}
    missing = np.array(sorted(wanted), dtype=np.uint64)
    for start in range(0, len(texts), _CHUNK):
        _, found, speller = _grams(texts[start : start + _CHUNK])
        if not len(missing):
            break
        places = np.minimum(np.searchsorted(missing, found), len(missing) - 1)
        hits = np.flatnonzero(missing[places] == found)
        # Written backwards, so that the first occurrence spells the term.
        first = np.full(len(missing), -1)
        first[places[hits[::-1]]] = hits[::-1]
        for value, place in zip(missing.tolist(), first.tolist(), strict=True):
            if place >= 0:
                spelled[speller.spell(place)] = wanted[value]
        missing = missing[first < 0]
    return spelled


@dataclass(frozen=True)
class _Speller:
    joined: str
    starts: Ints
    lengths: Ints

    def spell(self, place: int) -> str:
        start = int(self.starts[place])
        return self.joined[start : start + int(self.lengths[place])]


def _grams(texts: Sequence[str]) -> tuple[Ints, Hashes, _Speller]:
    """Return (row, hash) of every n-gram that has no space inside, and what spells them."""
    cleaned = [f" {_SPACE.sub(' ', t[:_MAX_CHARACTERS].lower()).strip()} " for t in texts]
    joined = "".join(cleaned)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    row_of = np.repeat(np.arange(len(texts)), [len(text) for text in cleaned])
    is_space = codes == ord(" ")
    starts, hashes, lengths = [], [], []
    for length in _LENGTHS:
        places = _places(is_space, length)
        starts.append(places)
        hashes.append(_hashes(codes, places, length))
        lengths.append(np.full(len(places), length))
    all_starts = np.concatenate(starts)
    speller = _Speller(joined, all_starts, np.concatenate(lengths))
    return row_of[all_starts], np.concatenate(hashes), speller


def _places(is_space: npt.NDArray[np.bool_], length: int) -> Ints:
    # A space may stand at either end and marks the border of a word; texts are two spaces apart.
    count = max(len(is_space) - length + 1, 0)
    has_gap = np.zeros(count, dtype=bool)
    for inner in range(1, length - 1):
        has_gap |= is_space[inner : inner + count]
    return np.flatnonzero(~has_gap)


def _hashes(codes: npt.NDArray[np.uint32], places: Ints, length: int) -> Hashes:
    """Return 64-bit FNV-like hashes; two of 100,000 terms collide with probability 3e-10."""
    value = np.full(len(places), 0xCBF29CE484222325 + length, dtype=np.uint64)
    for offset in range(length):
        value = (value ^ codes[places + offset].astype(np.uint64)) * _PRIME
        value ^= value >> np.uint64(29)
    return value


def _term_hashes(terms: Sequence[str]) -> Hashes:
    hashes = np.zeros(len(terms), dtype=np.uint64)
    for length in {len(term) for term in terms}:
        rows = [row for row, term in enumerate(terms) if len(term) == length]
        joined = "".join(terms[row] for row in rows).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(joined, dtype=np.uint32)
        hashes[rows] = _hashes(codes, np.arange(len(rows)) * length, length)
    return hashes


def _counts(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Any:
    ones = np.ones(len(rows), dtype=np.float32)
    counts = sparse.coo_matrix((ones, (rows, columns)), shape=shape).tocsr()
    counts.sum_duplicates()
    return counts


def _weighted(counts: Any, idf: Floats) -> Any:
    counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
    squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
    lengths = np.sqrt(np.maximum(squares, 1e-12))
    counts.data = (counts.data / np.repeat(lengths, np.diff(counts.indptr))).astype(np.float32)
    return counts
