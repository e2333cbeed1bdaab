"""Text as it is kept: what an upload may contain and a database or an offset cannot bear."""

import hashlib
import unicodedata


def normalise(raw: str) -> str:
    """Drop NUL and byte-order marks, fold line ends to LF, compose to NFC, strip the ends.

    Offsets count the code points of the result, so it is made once and then frozen: HTML and
    forms would otherwise fold CRLF behind our back.
    """
    if raw.isascii() and "\x00" not in raw and "\r" not in raw:
        return raw.strip()  # nothing of the rest can apply, and imports are mostly this
    text = raw.replace("\x00", "").replace("\ufeff", "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Lone surrogates cannot be encoded; they come from broken JSON escapes.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", text).strip()


def text_hash(text: str) -> str:
    """Return the SHA-256 of a normalised text, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def text_key(digest: str) -> int:
    """Return the first 63 bits of a SHA-256 in hex: what databases hold in a column of integers."""
    return int(digest[:16], 16) >> 1


def is_number(cell: str) -> bool:
    """Tell whether a cell reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
