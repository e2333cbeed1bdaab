"""Read the XML of SemEval's aspect-based sentiment analysis, of 2014 and of 2015/16, as a stream.

2014: <sentence id> with <text>, <aspectTerms> and <aspectCategories>. 2015/16: <Review rid> with
<sentence id>, <text> and <Opinions>, whose target may be NULL. A sentence becomes a record.
Entities and document types are refused, so nothing in the file can grow or reach outside.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from common.errors import Invalid
from reviews.sources.offsets import place
from reviews.sources.raw import RawSpan, Refused, options, spans
from reviews.tables import MAX_CELL_CHARS, Format, Record, Said, Table

_START = re.compile(r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:sentences|Reviews)\b", re.DOTALL)
#: Far more than a sentence with all its opinions takes.
_MAX_SENTENCE_BYTES = 1 << 20
#: What is looked at to learn which kinds of answer a file has.
_SAMPLE_RECORDS = 1_000
SPANS, ASPECTS, POLARITIES = "aspect spans", "aspects", "aspect polarities"
#: The option of spans in 2014, where terms have a polarity and no category.
TERM = "aspect"
_COLUMNS = ["text", "id", "review", "conflicts"]
#: What 2014 says of an aspect that is praised and blamed at once: no polarity that spans have.
_CONFLICT = "conflict"


def looks_like_semeval(text: str) -> bool:
    """Tell whether the start of a file is that of such XML."""
    return _START.match(text.lstrip("\ufeff \t\r\n")) is not None


def open_semeval(binary: BinaryIO, chosen: Format) -> Table:  # noqa: ARG001  (XML says its encoding)
    """Open a file of sentences; raise Invalid when it has none or its XML is not well formed."""
    records = _records(binary)
    sample = list(islice(records, _SAMPLE_RECORDS))
    if not sample:
        raise Invalid.of("file", "The file has no <sentence>. Choose one of SemEval's ABSA files.")
    known = [
        name
        for name in (SPANS, ASPECTS, POLARITIES)
        if any(each.answers.get(name, "[]") != "[]" for record in sample for each in record.said)
    ]
    return Table(list(_COLUMNS), _only(chain(sample, records), known), known)


def _only(records: Iterator[Record], known: list[str]) -> Iterator[Record]:
    """Leave "none" out for what nobody was asked: the laptops of 2015 have no targets."""
    for record in records:
        answers = [
            {name: raw for name, raw in each.answers.items() if name in known}
            for each in record.said
        ]
        said = tuple(Said("", each) for each in answers if each)
        yield replace(record, said=said)


class _Guarded:
    """A file that is not read on for ever without a sentence ending."""

    def __init__(self, binary: BinaryIO) -> None:
        self._binary = binary
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """Read as a file does; raise Invalid when a sentence has no end."""
        if self.count > _MAX_SENTENCE_BYTES:
            raise Invalid.of(
                "file",
                f"The XML goes on for {_MAX_SENTENCE_BYTES:,} bytes without the end of a "
                "<sentence>. Choose one of SemEval's ABSA files.",
            )
        found = self._binary.read(size)
        self.count += len(found)
        return found


def _records(binary: BinaryIO) -> Iterator[Record]:
    source = _Guarded(binary)
    events = iterparse(source, events=("start", "end"), forbid_dtd=True)
    number, review, path = 0, "", []
    for event, element in _checked(events):
        if event == "start":
            path.append(element)
            if element.tag == "Review":
                review = element.get("rid", "")
            continue
        path.pop()
        if element.tag == "sentence":
            source.count = 0
            number += 1
            yield _record(element, number, review)
        if element.tag in {"sentence", "sentences", "Review"}:
            element.clear()
            if path:
                path[-1].remove(element)


def _checked(events: Iterator[Any]) -> Iterator[tuple[str, Element]]:
    """Hand events on; turn what is wrong with the XML into a sentence."""
    try:
        yield from events
    except ParseError as error:
        line, column = error.position
        raise Invalid.of(
            "file",
            f"Line {line:,}, column {column + 1:,}: the XML is not well formed ({error.msg}).",
        ) from None
    except DefusedXmlException:
        raise Invalid.of(
            "file",
            "The XML defines a document type or entities, which are not read for safety. "
            "Remove its <!DOCTYPE ...> part.",
        ) from None
    except (ValueError, LookupError, TypeError) as error:
        raise Invalid.of("file", f"The XML cannot be read: {error}.") from None


# --- One sentence -----------------------------------------------------------------------------


def _record(sentence: Element, number: int, review: str) -> Record:
    text = sentence.findtext("text") or ""
    cells = [text[:MAX_CELL_CHARS], sentence.get("id", ""), review, _conflicts(sentence)]
    if len(text) > MAX_CELL_CHARS:
        why = f"the text has {len(text):,} characters, at most {MAX_CELL_CHARS:,} are allowed"
        return Record(number, cells, why)
    if sentence.get("OutOfScope", "").upper() == "TRUE":
        return Record(number, cells)
    try:
        return Record(number, cells, "", (Said("", _answers(sentence, text, bool(review))),))
    except Refused as refused:
        return Record(number, cells, str(refused))


def _conflicts(sentence: Element) -> str:
    """Return the terms of which both good and bad is said; their spans say neither."""
    terms = sentence.findall("aspectTerms/aspectTerm") + sentence.findall("Opinions/Opinion")
    named = (each.get("term", each.get("target", "")) for each in terms if _is_conflict(each))
    return "; ".join(named)[:MAX_CELL_CHARS]


def _is_conflict(element: Element) -> bool:
    return element.get("polarity", "") == _CONFLICT


def _answers(sentence: Element, text: str, has_opinions: bool) -> dict[str, str]:  # noqa: FBT001
    if has_opinions or sentence.find("Opinions") is not None:
        opinions = sentence.findall("Opinions/Opinion")
        targets = [each for each in opinions if each.get("target", "NULL") != "NULL"]
        found = [_span(each, "target", each.get("category", ""), text) for each in targets]
    else:
        opinions = sentence.findall("aspectCategories/aspectCategory")
        terms = sentence.findall("aspectTerms/aspectTerm")
        found = [_span(each, "term", TERM, text) for each in terms]
    aspects = [each.get("category", "") for each in opinions]
    pairs = [f"{each.get('category', '')}={each.get('polarity', '')}" for each in opinions]
    return {SPANS: spans(found, text), ASPECTS: options(aspects), POLARITIES: options(pairs)}


def _span(element: Element, name: str, label: str, text: str) -> RawSpan:
    start, end = (_offset(element, key) for key in ("from", "to"))
    claim = element.get(name, "")
    if text[start:end].split() != claim.split():
        # Line breaks in an attribute become spaces; apart from those the words must be there.
        start, end = place(text, start, end, claim)
    polarity = "" if _is_conflict(element) else element.get("polarity", "")
    return RawSpan(start, end, label, polarity)


def _offset(element: Element, key: str) -> int:
    raw = element.get(key, "")
    if not raw.isdecimal() or len(raw) > 9:
        raise Refused(f"{key} of <{element.tag}> is {raw[:30]!r}, not a whole number")
    return int(raw)
