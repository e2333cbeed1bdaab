"""Bytes to characters to lines, for text that is not delimited."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from reviews.tables import MAX_RECORD_CHARS

#: What stands for bytes that are no character: a lone surrogate, which no valid file contains.
MARK = "\udcff"
_MARKING = "reviews.sources.mark"

UNDECODABLE = "it contains bytes that are no characters in the chosen encoding"
TOO_LONG = f"the line is longer than {MAX_RECORD_CHARS:,} characters"


def text_stream(binary: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Return the characters of a file, with MARK for what is none; line ends are kept."""
    codecs.register_error(_MARKING, _mark)
    # A byte-order mark is no part of the content.
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(binary, codec, errors=_MARKING, newline="")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


def release(stream: io.TextIOWrapper) -> None:
    """Let go of a stream whose file is the caller's and stays open."""
    if not stream.closed and not stream.buffer.closed:
        stream.detach()


def lines(stream: io.TextIOWrapper) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the text and what is wrong ("" for nothing) of every line.

    Blank lines come too; one that is longer than any record is cut.
    """
    number = 0
    while line := stream.readline(MAX_RECORD_CHARS + 1):
        number += 1
        if len(line) > MAX_RECORD_CHARS and line[-1] not in "\r\n":
            _skip_line(stream)
            yield number, line[:MAX_RECORD_CHARS], TOO_LONG
        elif MARK in line:
            yield number, line, UNDECODABLE
        else:
            yield number, line, ""


def _skip_line(stream: io.TextIOWrapper) -> None:
    while piece := stream.readline(1 << 20):
        if piece[-1] in "\r\n":
            return
