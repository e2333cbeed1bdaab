"""Read a JSON document as a stream: the elements of its list, one by one, in bounded memory.

The list may be the document itself or lie in an object under some key. Several documents in one
file are read one after the other. What is broken inside an element costs that element; where the
brackets themselves do not fit, nothing after them can be trusted and Invalid is raised.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from common.errors import Invalid
from reviews.sources.jsonlines import DECODER, mended, reason
from reviews.sources.objects import Row
from reviews.sources.streams import MARK, UNDECODABLE, release, text_stream
from reviews.tables import MAX_RECORD_CHARS

_CHUNK = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
#: What matters to find the end of a value: whole strings, an open one, brackets, commas.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[\[\]{},]', re.DOTALL)
_KEY = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*+:', re.DOTALL)


def read_document(binary: BinaryIO, encoding: str) -> Iterator[Row]:
    """Yield every element of the document's list; `line` counts elements from 1."""
    stream = text_stream(binary, encoding)
    try:
        yield from _Reader(_Buffer(stream)).rows()
    finally:
        release(stream)


class _Buffer:
    """Characters that have been read and not used up, and the line on which they stand."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.text = ""
        self.at = 0
        self.line = 1
        self.is_whole = False

    @property
    def held(self) -> int:
        """Return how many characters wait to be used."""
        return len(self.text) - self.at

    def more(self) -> bool:
        """Read on; False at the end of the file. Doubling keeps repeated looks linear."""
        if self.is_whole:
            return False
        fresh = self._stream.read(max(_CHUNK, self.held))
        self.is_whole = not fresh
        self.text = self.text[self.at :] + fresh
        self.at = 0
        return bool(fresh)

    def after_space(self, at: int) -> int:
        """Return the first place from `at` on that is no space."""
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def peek(self) -> str:
        """Return the next character that is no space; "" at the end."""
        while True:
            self.advance(self.after_space(self.at))
            if self.held:
                return self.text[self.at]
            if not self.more():
                return ""

    def advance(self, to: int) -> None:
        """Use up everything before `to`."""
        self.line += self.text.count("\n", self.at, to)
        self.at = to


class _Reader:
    def __init__(self, buffer: _Buffer) -> None:
        self._buffer = buffer
        self._count = 0

    def rows(self) -> Iterator[Row]:
        """Yield the elements of every document in the file."""
        while start := self._buffer.peek():
            if start == "[":
                yield from self._elements()
            elif start == "{":
                yield from self._object()
            elif start == "," and self._count:
                self._take()
            else:
                raise self._broken(f"{start!r} starts neither a list nor an object")

    def _take(self) -> None:
        self._buffer.advance(self._buffer.at + 1)

    def _elements(self) -> Iterator[Row]:
        """Yield the elements of the list that starts here."""
        self._take()
        while (start := self._buffer.peek()) != "]":
            if start == ",":
                self._take()
            elif not start:
                raise self._cut()
            elif start in "}:":
                raise self._broken(f"{start!r} does not belong here")
            else:
                self._count += 1
                yield self._value()
        self._take()

    # --- Lists in objects ---------------------------------------------------------------------

    def _object(self) -> Iterator[Row]:
        """Yield the elements of the list in an object, or the object itself when it has none."""
        self._take()
        members: dict[str, Any] = {}
        streamed, size = "", 0
        while (start := self._buffer.peek()) != "}":
            if start == ",":
                self._take()
                continue
            key = self._key(start)
            if self._is_list_of_objects():
                if streamed:
                    raise self._two_lists(streamed, key)
                streamed = key
                yield from self._elements()
                continue
            row = self._value()
            size += len(key) + row.size
            if size > MAX_RECORD_CHARS:
                raise self._too_long(self._buffer.line)
            if row.error:
                raise self._broken(f"the field {key[:100]!r}: {row.error}")
            members[key] = row.value
        self._take()
        if not streamed:
            yield from self._alone(members, size)

    def _alone(self, members: dict[str, Any], size: int) -> Iterator[Row]:
        """Yield the elements of the only list, or the object as the one record that it is."""
        values = list(members.values())
        if len(values) == 1 and isinstance(values[0], list):
            for value in values[0]:
                self._count += 1
                yield Row(self._count, value, "", size // len(values[0]))
            return
        if len(values) > 1 and are_columns(values):
            raise Invalid.of(
                "file",
                "The file holds one list for every column. Save it as a list of records "
                '(with pandas: to_json(orient="records")).',
            )
        if members:
            self._count += 1
            yield Row(self._count, members, "", size)

    def _key(self, start: str) -> str:
        """Return the name of the member that starts here and stop behind its colon."""
        if start and start != '"':
            raise self._broken(f"{start!r} stands where the name of a field should")
        buffer = self._buffer
        while not (match := _KEY.match(buffer.text, buffer.at)):
            if buffer.held > MAX_RECORD_CHARS:
                raise self._too_long(buffer.line)
            if not buffer.more():
                raise self._cut()
        try:
            key = mended(DECODER.decode(match.group(1)))
        except ValueError as error:
            raise self._broken(reason(error)) from None
        buffer.advance(match.end())
        if buffer.peek() in {"", ",", "}", "]", ":"}:
            raise self._broken(f"the field {str(key)[:100]!r} has no value")
        return str(key)

    def _is_list_of_objects(self) -> bool:
        buffer = self._buffer
        if buffer.peek() != "[":
            return False
        while (after := buffer.after_space(buffer.at + 1)) >= len(buffer.text):
            if not buffer.more():
                return False
        return buffer.text[after] == "{"

    # --- Values -------------------------------------------------------------------------------

    def _value(self) -> Row:
        """Return the value that starts here, or why it is none."""
        buffer = self._buffer
        row = self._sound_value()
        if row is None:
            line = buffer.line
            end = self._end_of_value()
            row = self._from_text(line, buffer.text[buffer.at : end])
            buffer.advance(end)
        return row

    def _sound_value(self) -> Row | None:
        """Return the value when it is all here and nothing is wrong with it: the usual case."""
        buffer = self._buffer
        text, at = buffer.text, buffer.at
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        # Without a sign after it, a number may go on; with a wrong one, it is no value.
        after = buffer.after_space(end)
        if text[after : after + 1] not in {",", "]", "}"}:
            return None
        if end - at > MAX_RECORD_CHARS or text.find(MARK, at, end) >= 0:
            return None
        if text.find("\\ud", at, end) >= 0 or text.find("\\uD", at, end) >= 0:
            return None
        buffer.advance(end)
        return Row(self._count, value, "", end - at)

    def _from_text(self, line: int, text: str) -> Row:
        if MARK in text:
            return Row(self._count, None, f"line {line:,}: {UNDECODABLE}", len(text))
        try:
            return Row(self._count, mended(DECODER.decode(text)), "", len(text))
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                line += error.lineno - 1
            return Row(self._count, None, f"line {line:,}: {reason(error)}", len(text))

    def _end_of_value(self) -> int:
        """Return where the value that starts here ends, by brackets and quotes alone."""
        buffer = self._buffer
        line = buffer.line
        while (end := _end(buffer.text, buffer.at)) is None:
            if buffer.held > MAX_RECORD_CHARS:
                raise self._too_long(line)
            if not buffer.more():
                raise self._cut(line)
        return end

    # --- What is wrong ------------------------------------------------------------------------

    def _broken(self, why: str) -> Invalid:
        return Invalid.of(
            "file", f"Line {self._buffer.line:,}: {why}. The file is no valid JSON from there on."
        )

    def _cut(self, line: int | None = None) -> Invalid:
        return Invalid.of(
            "file",
            f"The file ends inside element {self._count:,}, which starts on line "
            f"{line or self._buffer.line:,}: it was cut off, or a quote or bracket never closes.",
        )

    def _too_long(self, line: int) -> Invalid:
        return Invalid.of(
            "file",
            f"Line {line:,}: an element is longer than {MAX_RECORD_CHARS:,} characters, or a "
            "quote or bracket never closes.",
        )

    def _two_lists(self, first: str, second: str) -> Invalid:
        return Invalid.of(
            "file",
            f"The file holds two lists of records, {first[:100]!r} and {second[:100]!r}. "
            "Save the one that you want as a file of its own.",
        )


def _end(text: str, at: int) -> int | None:
    """Return where the value at `at` ends; None when that cannot be seen yet."""
    depth = 0
    for match in _TOKEN.finditer(text, at):
        sign = match.group()
        if sign == '"':
            return None
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            if depth == 0:
                return match.start()
            depth -= 1
        elif sign == "," and depth == 0:
            return match.start()
    return None


def are_columns(values: list[Any]) -> bool:
    """Tell whether these are the columns of a table: lists, or objects with the same keys."""
    first = values[0]
    if isinstance(first, list):
        return all(isinstance(each, list) and len(each) == len(first) for each in values)
    if isinstance(first, dict) and len(first) > 1:
        return all(isinstance(each, dict) and each.keys() == first.keys() for each in values)
    return False
