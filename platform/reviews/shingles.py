"""Turn texts into what tells near duplicates: sets of shingles and their MinHash bands.

A text is the set of its shingles, here pairs of words that follow each other; two texts are near
duplicates when the Jaccard similarity (resemblance) of their sets is at least THRESHOLD. Shingles
and resemblance are those of A. Broder, On the resemblance and containment of documents (1997);
MinHash signatures cut into bands, whose equality makes two texts candidates, are chapter 3 of
J. Leskovec, A. Rajaraman and J. Ullman, Mining of Massive Datasets. Candidates are verified with
their exact sets, so bands decide only what is overlooked.

With pairs of words and 0.7, one changed word joins texts of 13 words and more, and about one word
in eleven may differ in longer ones. A pair of texts at the threshold is found with probability
1 - (1 - 0.7**4)**16 = 0.99. Below SHORT_WORDS words a single word turns the meaning ("good
product", "bad product"), so short texts must agree in all their letters and digits.
"""

import functools
import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Least Jaccard similarity of near duplicates.
THRESHOLD = 0.7
#: Texts with fewer words compare by their letters and digits.
SHORT_WORDS = 8
BANDS = 16
ROWS_PER_BAND = 4

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

#: Texts are read in pieces of so many characters, which keeps the arrays below 40 MB.
_PIECE_CHARS = 500_000
_END = "\x00"
_WORD, _OWN_WORD = 1, 2
#: Scripts without spaces: every character counts as a word (Han, Kana, Thai, Lao, Khmer, Burmese).
_OWN_WORDS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
    (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sketches:
    """What is compared instead of texts.

    Text i has the band keys `keys[i]` (BANDS of them) and the set of shingles
    `shingles[bounds[i]:bounds[i + 1]]`, sorted.
    """

    keys: U32
    shingles: U32
    bounds: I64


def sketch(texts: Sequence[str]) -> Sketches:
    """Return the band keys and shingles of normalised texts, in their order."""
    parts = [_sketch_piece(piece) for piece in _pieces(texts)]
    sizes = np.concatenate([np.diff(part.bounds) for part in parts] or [np.zeros(0, np.int64)])
    return Sketches(
        keys=np.concatenate([part.keys for part in parts] or [np.zeros((0, BANDS), np.uint32)]),
        shingles=np.concatenate([part.shingles for part in parts] or [np.zeros(0, np.uint32)]),
        bounds=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
    )


def _pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = chars = 0
    for place, text in enumerate(texts):
        chars += len(text)
        if chars >= _PIECE_CHARS:
            yield texts[start : place + 1]
            start, chars = place + 1, 0
    if start < len(texts):
        yield texts[start:]


# --- Shingles -----------------------------------------------------------------------------------


def _sketch_piece(texts: Sequence[str]) -> Sketches:
    words, owner = _words(texts)
    counts = np.bincount(owner, minlength=len(texts))
    follows = (owner[1:] == owner[:-1]) & (counts[owner[1:]] >= SHORT_WORDS)
    pairs = mix(words[:-1][follows] * np.uint64(3) + words[1:][follows])
    marked = (owner[1:][follows].astype(np.uint64) << np.uint64(32)) | (pairs >> np.uint64(32))
    short = np.flatnonzero(counts < SHORT_WORDS)
    marked = np.concatenate([marked, _short_marks(texts, short)])
    marked.sort()
    marked = marked[np.concatenate([[True], marked[1:] != marked[:-1]])]
    shingles = marked.astype(np.uint32)
    sizes = np.bincount((marked >> np.uint64(32)).astype(np.int64), minlength=len(texts))
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Sketches(_band_keys(shingles, bounds), shingles, bounds)


def _words(texts: Sequence[str]) -> tuple[U64, I64]:
    """Return a hash of every word, and the place of the text that it is in.

    The hash is a polynomial in the word's characters: a difference of two running sums, moved to
    the word's start by the inverse power.
    """
    whole = _END.join([text.replace(_END, " ") for text in texts]) + _END
    folded = whole.casefold().replace("'", "").replace("\u2019", "")
    chars = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds()[chars]
    after = np.concatenate([kinds[1:], np.zeros(1, np.uint8)])
    before = np.concatenate([np.zeros(1, np.uint8), kinds[:-1]])
    starts = np.flatnonzero((kinds == _OWN_WORD) | ((kinds == _WORD) & (before != _WORD)))
    ends = np.flatnonzero((kinds == _OWN_WORD) | ((kinds == _WORD) & (after != _WORD)))
    powers, inverses = _powers(len(chars))
    sums = np.cumsum(chars * powers, dtype=np.uint64)
    words = mix((sums[ends] - sums[starts] + chars[starts] * powers[starts]) * inverses[starts])
    return words, np.searchsorted(np.flatnonzero(chars == 0), starts).astype(np.int64)


def _short_marks(texts: Sequence[str], places: I64) -> U64:
    """Return three shingles for each short text, made of all its letters and digits.

    Three of 32 bits, so that two of a million different texts are not taken for the same.
    """
    marks = np.empty((len(places), 3), np.uint64)
    for row, place in enumerate(places):
        folded = "".join(filter(str.isalnum, texts[place].casefold())) or texts[place]
        digest = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        marks[row] = np.frombuffer(digest, "<u4")
    return (marks | (places.astype(np.uint64) << np.uint64(32))[:, None]).ravel()


@functools.cache
def _kinds() -> U8:
    """Return for every code point whether it is no part of a word, part of one, or one."""
    every = "".join(map(chr, range(0x110000)))
    kinds = np.fromiter(map(str.isalnum, every), np.uint8, len(every))
    # Letters and digits, and the marks that some scripts write vowels with.
    others = np.fromiter(map(str.isprintable, every), np.bool, len(every)) & (kinds == 0)
    for place in np.flatnonzero(others):
        kinds[place] = unicodedata.category(every[place])[0] == "M"
    for first, last in _OWN_WORDS:
        kinds[first : last + 1] *= _OWN_WORD
    return kinds


_BASE = 0x9E3779B97F4A7C15


@functools.cache
def _all_powers(length: int) -> tuple[U64, U64]:
    """Return the powers of an odd base modulo 2**64, and of its inverse."""
    inverse = pow(_BASE, -1, 2**64)
    both = np.ones((2, length), np.uint64)
    for row, base in zip(both, (_BASE, inverse), strict=True):
        np.multiply.accumulate(np.full(length - 1, base, np.uint64), out=row[1:])
    return both[0], both[1]


def _powers(length: int) -> tuple[U64, U64]:
    # Doubled, so that few lengths are ever made; one huge review does not keep its own.
    size = 1 << max(length, _PIECE_CHARS * 2 - 1).bit_length()
    make = _all_powers if length <= _PIECE_CHARS * 2 else _all_powers.__wrapped__
    powers, inverses = make(size)
    return powers[:length], inverses[:length]


def mix(values: U64) -> U64:
    """Scatter 64-bit values (the finaliser of S. Vigna's splitmix64)."""
    mixed = values ^ (values >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


# --- Signatures ---------------------------------------------------------------------------------

_SEEDS = np.random.default_rng(1997).integers(
    0, 2**32, size=(BANDS, ROWS_PER_BAND, 2), dtype=np.uint32
) | np.array([1, 0], np.uint32)


def _band_keys(shingles: U32, bounds: I64) -> U32:
    """Return the keys of the bands: hashes of ROWS_PER_BAND minima of permuted shingles each."""
    keys = np.zeros((len(bounds) - 1, BANDS), np.uint32)
    permuted = np.empty_like(shingles)
    for band, seeds in enumerate(_SEEDS):
        gathered = np.zeros(len(keys), np.uint64)
        for factor, shift in seeds:
            np.multiply(shingles, factor, out=permuted)
            np.add(permuted, shift, out=permuted)
            smallest = np.minimum.reduceat(permuted, bounds[:-1])
            gathered = mix(gathered * np.uint64(_BASE) + smallest)
        keys[:, band] = gathered >> np.uint64(32)
    return keys


# --- Verification -------------------------------------------------------------------------------

_PAIRS_AT_ONCE = 10_000


def resemblance(shingles: U32, bounds: I64, left: I64, right: I64) -> F64:
    """Return the Jaccard similarities of pairs of texts, given by their places."""
    found = [
        _resemblance(shingles, bounds, left[at : at + _PAIRS_AT_ONCE], right[at:][:_PAIRS_AT_ONCE])
        for at in range(0, len(left), _PAIRS_AT_ONCE)
    ]
    return np.concatenate(found or [np.zeros(0)])


def _resemblance(shingles: U32, bounds: I64, left: I64, right: I64) -> F64:
    """Sort both sets of every pair together: what they share stands side by side."""
    both = np.concatenate([_marked(shingles, bounds, side) for side in (left, right)])
    both.sort()
    shared = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    common = np.bincount(shared.astype(np.int64), minlength=len(left))
    sizes = [bounds[side + 1] - bounds[side] for side in (left, right)]
    result: F64 = common / (sizes[0] + sizes[1] - common)
    return result


def _marked(shingles: U32, bounds: I64, places: I64) -> U64:
    """Return the shingles of the texts at `places`, each below the number of its pair."""
    sizes = bounds[places + 1] - bounds[places]
    pair = np.repeat(np.arange(len(places)), sizes)
    first = np.repeat(bounds[places] - (np.cumsum(sizes) - sizes), sizes)
    values = np.asarray(shingles[first + np.arange(len(first))], np.uint64)
    return values | (pair.astype(np.uint64) << np.uint64(32))
