"""Read JSON, one value a line or one document, as a stream of objects."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from reviews.sources.objects import Row
from reviews.sources.raw import Written
from reviews.sources.streams import lines, release, text_stream

_HALVES = re.compile("[\ud800-\udfff]")


#: NaN stands for a missing value wherever pandas has written it; infinity stays a word.
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}
DECODER = json.JSONDecoder(parse_float=Written, parse_constant=_CONSTANTS.get)


def read_lines(binary: BinaryIO, encoding: str) -> Iterator[Row]:
    """Yield the value of every line that is not blank; a bad line costs only itself."""
    stream = text_stream(binary, encoding)
    decode = DECODER.decode
    try:
        for number, line, trouble in lines(stream):
            if trouble:
                yield Row(number, None, trouble, len(line))
                continue
            if line.isspace():
                continue
            try:
                value = decode(line)
                if "\\ud" in line or "\\uD" in line:
                    value = mended(value)
            except (ValueError, RecursionError) as error:
                yield Row(number, None, reason(error), len(line))
                continue
            yield Row(number, value, "", len(line))
    finally:
        release(stream)


def reason(error: Exception) -> str:
    """Say in words why something is no JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"it is no valid JSON: {error.msg.lower()} at character {error.pos + 1:,}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it holds a number with too many digits"


def mended(value: Any) -> Any:
    """Replace halves of characters, which escapes can smuggle in, by the sign for "unknown"."""
    if isinstance(value, str):
        return _HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [mended(each) for each in value]
    if isinstance(value, dict):
        return {mended(key): mended(each) for key, each in value.items()}
    return value
