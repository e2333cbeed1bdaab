"""Raw answers as Said carries them: words, or JSON for several options and for spans."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from reviews.tables import Said


class Refused(ValueError):
    """This record cannot be used; the message says why."""


class Written(float):
    """A number with a point, which is shown as the file has it: 1.10 and not 1.1."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Keep the text beside its value."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RawSpan:
    """Part of a text with an option, in code points of the text as given."""

    start: int
    end: int
    label: str
    polarity: str = ""


def compact(value: Any) -> str:
    """Return JSON as short as it gets, with letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def options(chosen: Sequence[str]) -> str:
    """Return a raw answer for what was chosen: the word for one, a list for none or several."""
    words = list(dict.fromkeys(chosen))
    if len(words) == 1 and not _is_ambiguous(words[0]):
        return words[0]
    return compact(words)


def _is_ambiguous(word: str) -> bool:
    """Tell whether one option's name would be read as several."""
    return not word.strip() or word.lstrip()[:1] in "[{" or ";" in word or "|" in word


def spans(found: Iterable[RawSpan], text: str) -> str:
    """Return a raw answer for spans of `text`, in its order; raise Refused for one outside it."""
    written = []
    for span in sorted(found, key=lambda span: (span.start, span.end)):
        if not 0 <= span.start < span.end <= len(text):
            raise Refused(
                f"a span of {span.label!r} goes from {span.start} to {span.end}, "
                f"the text has {len(text):,} characters"
            )
        each: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
        if span.polarity:
            each["polarity"] = span.polarity
        written.append(each)
    return compact(written)


def whole(value: Any, name: str) -> int:
    """Return an offset; raise Refused when it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or int(value) != value:
        raise Refused(f"{name} of a span is {str(value)[:50]!r}, not a whole number")
    return int(value)


def word(value: Any) -> str:
    """Return the name of an option: words as they are, numbers as JSON has them."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float) and not isinstance(value, Written) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    raise Refused(f"{compact(value)[:60]} is no label")


def apart(answers: Mapping[str, Mapping[str, str]]) -> list[Said]:
    """Return what each annotator said: annotator to field to raw answer."""
    return [Said(annotator, given) for annotator, given in answers.items() if given]
