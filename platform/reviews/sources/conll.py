"""Read the files of CoNLL-2003: a token a line, its tag last, a blank line after each sentence.

Columns are parted by a tab where the line has one, else by spaces. The text of a sentence is its
tokens with single spaces between them. A line -DOCSTART- begins a document.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from common.errors import Invalid
from reviews.parsing import readable
from reviews.sources.raw import Refused, spans
from reviews.sources.streams import lines, release, text_stream
from reviews.sources.tokens import FIELD, is_tag, joined
from reviews.tables import MAX_CELL_CHARS, Format, Record, Said, Table

_SPACES = re.compile(r"[ \t]+")
_COMMENT = re.compile(r"# ?\S+ = ")
_DOCUMENT = "-DOCSTART-"
_COLUMNS = ["text", "document"]
_LOOK_LINES = 200


def looks_like_conll(text: str) -> bool:
    """Tell whether nearly all lines of the start of a file end in a tag."""
    seen = [line for line in text.splitlines()[:_LOOK_LINES] if line.strip()]
    parted = [_parted(line) for line in seen if not _COMMENT.match(line)]
    tagged = sum(len(parts) > 1 and is_tag(parts[-1]) for parts in parted)
    return len(parted) > 1 and tagged >= 0.9 * len(parted)


def _parted(line: str) -> list[str]:
    line = line.strip(" \r\n")
    return line.split("\t") if "\t" in line else _SPACES.split(line)


def open_conll(binary: BinaryIO, chosen: Format) -> Table:
    """Open a file of sentences; raise Invalid when it has none."""
    records = _records(binary, chosen.encoding)
    first = next(records, None)
    if first is None:
        raise Invalid.of("file", "The file is empty. Choose one with a token and its tag a line.")
    return Table(list(_COLUMNS), _again(first, records), [FIELD])


def _again(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest


class _Sentence:
    """The lines of the sentence that is being read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.width = 0
        self.chars = 0
        self.tokens: list[str] = []
        self.tags: list[str] = []
        self.error = ""

    def add(self, number: int, line: str) -> None:
        """Take one line in, or remember why it cannot be."""
        parts = _parted(line)
        self.chars += len(parts[0]) + 1
        self.width = self.width or len(parts)
        if len(parts) < 2:
            self.refuse(f"line {number:,} has a token and no tag")
        elif len(parts) != self.width:
            self.refuse(f"line {number:,} has {len(parts)} columns, the sentence has {self.width}")
        elif not is_tag(parts[-1]):
            self.refuse(f"line {number:,}: {parts[-1][:50]!r} is no tag such as O, B-PER or I-PER")
        if self.chars <= MAX_CELL_CHARS:
            self.tokens.append(parts[0])
            self.tags.append(parts[-1])
        else:
            self.refuse(f"the sentence is longer than {MAX_CELL_CHARS:,} characters")

    def refuse(self, why: str) -> None:
        """Remember the first thing that is wrong."""
        self.error = self.error or why

    def record(self, document: str) -> Record:
        """Return the sentence as a record."""
        if not self.error:
            try:
                text, found = joined(self.tokens, self.tags)
                said = (Said("", {FIELD: spans(found, text)}),)
                return Record(self.number, [text, document], "", said)
            except Refused as refused:
                self.error = str(refused)
        return Record(self.number, [readable(" ".join(self.tokens)), document], self.error)


def _records(binary: BinaryIO, encoding: str) -> Iterator[Record]:
    stream = text_stream(binary, encoding)
    sentence: _Sentence | None = None
    document = 0
    try:
        for number, line, trouble in lines(stream):
            is_start = line.startswith(_DOCUMENT)
            if not line.strip() or is_start:
                if sentence is not None:
                    yield sentence.record(str(document or ""))
                sentence, document = None, document + is_start
            elif not _COMMENT.match(line):
                sentence = sentence or _Sentence(number)
                if trouble:
                    sentence.refuse(f"line {number:,}: {trouble}")
                sentence.add(number, line[:MAX_CELL_CHARS].replace("\x00", ""))
        if sentence is not None:
            yield sentence.record(str(document or ""))
    finally:
        release(stream)
