"""Guess how a file of unknown make is to be read: encoding, delimiter, header line."""

import codecs
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from charset_normalizer import CharsetMatch, from_bytes

from common.errors import Invalid
from common.text import is_number
from reviews.parsing import read_records
from reviews.tables import Format

#: How much of a file is looked at: for validity as UTF-8 (fast), and for everything else.
SAMPLE_BYTES = 16 * 1024 * 1024
_LOOK_BYTES = 256 * 1024
_LOOK_RECORDS = 100

DELIMITERS = {
    ",": "Comma",
    ";": "Semicolon",
    "\t": "Tab",
    "|": "Vertical bar",
    "^": "Caret",
    "~": "Tilde",
    ":": "Colon",
    " ": "Space",
}
#: Those that files use; the others, which also stand in texts, only where nothing else will do.
_COMMON = (",", ";", "\t", "|")
#: The share of records that must have the same number of cells for a rare delimiter.
_RARE_SHARE = 0.95
#: Below this share of records with the usual number of cells, a text is no table.
_TABLE_SHARE = 0.5
_TEXT_NAMES = {"text", "review", "reviews", "comment", "comments", "sentence", "body", "content"}
QUOTES = {'"': "Double quotes", "'": "Single quotes"}
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


@dataclass(frozen=True, slots=True)
class Delimited:
    """How a text is parted into cells, if it is at all."""

    format: Format
    #: Whether most records have the same number of cells.
    is_table: bool
    #: Whether that number is one, and the cells have no quotes around them.
    is_list: bool
    #: Whether the first line reads as the name of a column of texts.
    starts_with_name: bool


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
    return guess_delimited(
        sample,
        encoding=encoding or guess_encoding(sample),
        delimiter=delimiter,
        has_header=has_header,
    ).format


def guess_delimited(
    sample: bytes,
    *,
    encoding: str,
    delimiter: str | None = None,
    quote: str | None = None,
    has_header: bool | None = None,
) -> Delimited:
    """Guess delimiter, quote and header from the start of a text, and whether it is a table."""
    head = sample[:_LOOK_BYTES]
    plain = Format(encoding, quote=quote or '"')
    delimiter = delimiter or _guess_delimiter(head, plain)
    chosen = replace(plain, delimiter=delimiter)
    if quote is None:
        chosen = replace(chosen, quote=_guess_quote(head, chosen))
    rows = sample_rows(head, chosen)
    if has_header is None:
        has_header = guess_header(rows)
    width, share = _usual_width(rows)
    is_table = share > _TABLE_SHARE or (width > 1 and share >= _TABLE_SHARE)
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    first = text.splitlines()[0] if text else ""
    return Delimited(
        replace(chosen, has_header=has_header),
        is_table=is_table,
        is_list=width == 1 and text.count("\n" + chosen.quote) * 2 < len(rows),
        starts_with_name=first.strip().casefold() in _TEXT_NAMES,
    )


def _usual_width(rows: list[list[str]]) -> tuple[int, float]:
    """Return the commonest number of cells and the share of the records that have it."""
    if not rows:
        return 0, 0.0
    width, frequency = Counter(map(len, rows)).most_common(1)[0]
    return width, frequency / len(rows)


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


def _guess_delimiter(head: bytes, plain: Format) -> str:
    def fit(delimiter: str) -> float:
        """Score by the share of records with the usual number of cells, and that number."""
        width, share = _usual_width(sample_rows(head, replace(plain, delimiter=delimiter)))
        return math.log(width) * share if width else 0.0

    scores = {delimiter: fit(delimiter) for delimiter in _COMMON}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best] > 0:
        return best
    return next((rare for rare in DELIMITERS if _is_rare_fit(head, plain, rare)), best)


def _is_rare_fit(head: bytes, plain: Format, delimiter: str) -> bool:
    """Tell whether a sign that texts are full of parts nearly every record alike."""
    if delimiter in _COMMON:
        return False
    rows = sample_rows(head, replace(plain, delimiter=delimiter))
    width, share = _usual_width(rows)
    if len(rows) < 2 or width < 2 or share < _RARE_SHARE:
        return False
    # Words have spaces between them: there must be quotes to tell the cells.
    return delimiter != " " or head.lstrip()[:1] in {b'"', b"'"}


def _guess_quote(head: bytes, chosen: Format) -> str:
    """Take single quotes where cells begin and end with them and none has double ones."""
    rows = sample_rows(head, chosen)
    cells = [cell.strip() for row in rows for cell in row if cell.strip()]
    quoted = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
    if quoted < 2 or chosen.delimiter + '"' in head.decode(chosen.encoding, "replace"):
        return chosen.quote
    single = replace(chosen, quote="'")
    fits = _usual_width(sample_rows(head, single))[1] >= _usual_width(rows)[1]
    return "'" if fits and quoted * 4 >= len(rows) else chosen.quote


def guess_header(rows: list[list[str]]) -> bool:
    """Take the first record for names unless it looks like data: numbers, sentences, repeats."""
    if not rows:
        return True
    names = [cell.strip() for cell in rows[0]]
    if any(is_number(name) for name in names):
        return False
    # A word above numbers names them, whatever else stands in its row: surveys name columns
    # by whole questions.
    if _is_above_numbers(names, rows[1:]):
        return len({name.casefold() for name in names if name}) == sum(map(bool, names))
    if any(len(name) > 60 for name in names):
        return False
    given = [name.casefold() for name in names if name]
    if not given or len(set(given)) < len(given):
        return False
    return not any(name.endswith((".", "!", "?")) for name in given)


def _is_above_numbers(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a word stands above nothing but numbers, three of them at least."""
    for at, name in enumerate(names):
        cells = [row[at].strip() for row in rows if at < len(row) and row[at].strip()]
        if name and len(cells) >= 3 and all(map(is_number, cells)):
            return True
    return False
