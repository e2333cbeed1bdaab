"""Guess how a file of unknown make is to be read: encoding, delimiter, header line."""

import codecs
import io
import math
from collections import Counter
from dataclasses import replace

from charset_normalizer import CharsetMatch, from_bytes

from common.errors import Invalid
from common.text import is_number
from reviews.parsing import read_records
from reviews.tables import Format

#: How much of a file is looked at: for validity as UTF-8 (fast), and for everything else.
SAMPLE_BYTES = 16 * 1024 * 1024
_LOOK_BYTES = 256 * 1024
_LOOK_RECORDS = 100

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16 with a byte-order mark",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "utf-32": "UTF-32",
    "cp1252": "Western European (Windows-1252)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859-2": "Central European (ISO 8859-2)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Russian (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC)",
    "cp949": "Korean",
    "gb18030": "Chinese, simplified (GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "mac-roman": "Western European (Mac Roman)",
}


def guess_format(
    sample: bytes,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool | None = None,
) -> Format:
    """Guess what was not given from the start of a file; raise Invalid for an unknown choice."""
    if encoding and encoding not in ENCODINGS:
        raise Invalid.of("encoding", f"The encoding {encoding!r} is not known here.")
    if delimiter and delimiter not in DELIMITERS:
        raise Invalid.of("delimiter", f"{delimiter!r} is no delimiter; use comma, semicolon, tab.")
    encoding = encoding or guess_encoding(sample)
    head = sample[:_LOOK_BYTES]
    delimiter = delimiter or _guess_delimiter(head, encoding)
    chosen = Format(encoding, delimiter)
    if has_header is None:
        has_header = _guess_header(sample_rows(head, chosen))
    return replace(chosen, has_header=has_header)


def guess_encoding(sample: bytes) -> str:
    """Return one of ENCODINGS: by byte-order mark, as UTF-8, by statistics, else Windows-1252."""
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return _utf16_without_mark(sample[:4096]) or _utf8(sample) or _by_statistics(sample[:65_536])


def _utf16_without_mark(head: bytes) -> str:
    """Recognise the NUL of every other byte that Latin letters have in UTF-16."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    enough = len(head) // 2 * 0.4
    if odd > enough and even < enough / 4:
        return "utf-16-le"
    if even > enough and odd < enough / 4:
        return "utf-16-be"
    return ""


def _utf8(sample: bytes) -> str:
    """Accept UTF-8 with a few broken bytes: those rows are refused, not the file misread."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        foreign = sum(char > "\x7f" for char in text)
        return "utf-8" if broken * 10 < foreign else ""
    return "utf-8"


def _by_statistics(head: bytes) -> str:
    """Take what reads best; among equals (short or mostly plain samples) the commonest, 1252."""
    found = list(from_bytes(head))
    if not found:
        return "cp1252"
    best = [each for each in found if _quality(each) == _quality(found[0])]
    alike = [
        codecs.lookup(name).name
        for each in best
        for name in (each.encoding, *each.could_be_from_charset)
    ]
    if "cp1252" in alike or "iso8859-1" in alike:
        return "cp1252"
    return next((name for name in alike if name in ENCODINGS), "cp1252")


def _quality(match: CharsetMatch) -> tuple[float, float]:
    return match.chaos, match.coherence


def sample_rows(head: bytes, chosen: Format) -> list[list[str]]:
    """Return the first records of a sample, without the last, which may be cut."""
    records = []
    for record in read_records(io.BytesIO(head), chosen):
        if not record.error:
            records.append(record.cells)
        if len(records) > _LOOK_RECORDS:
            break
    is_cut = len(head) >= _LOOK_BYTES and 1 < len(records) <= _LOOK_RECORDS
    return records[:-1] if is_cut else records


def _guess_delimiter(head: bytes, encoding: str) -> str:
    def fit(delimiter: str) -> float:
        """Score by the share of records with the usual number of cells, and that number."""
        rows = sample_rows(head, Format(encoding, delimiter))
        widths = Counter(map(len, rows))
        if not widths:
            return 0.0
        width, frequency = widths.most_common(1)[0]
        return math.log(width) * frequency / len(rows)

    return max(DELIMITERS, key=fit)


def _guess_header(rows: list[list[str]]) -> bool:
    """Take the first record for names unless it looks like data: numbers, sentences, repeats."""
    if not rows:
        return True
    names = [cell.strip() for cell in rows[0]]
    if any(is_number(name) or len(name) > 60 for name in names):
        return False
    given = [name.casefold() for name in names if name]
    if not given or len(set(given)) < len(given):
        return False
    return not any(name.endswith((".", "!", "?")) for name in given)
