"""Guidelines: Markdown made into safe HTML, and what has changed between two versions."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# HTML in the text stays text, and links lead nowhere that runs a script: markdown-it refuses
# javascript:, vbscript:, file: and data:. Images would load from elsewhere, which the page's
# policy forbids.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@lru_cache(maxsize=128)
def as_html(text: str) -> SafeString:
    """Return guidelines as HTML; what they contain of HTML is shown as it was written."""
    html: SafeString = mark_safe(_MARKDOWN.render(text))  # noqa: S308  (HTML is switched off)
    return html


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line that came or went."""

    text: str
    is_new: bool


def changes(before: str, after: str) -> tuple[ChangedLine, ...]:
    """Return the lines that differ between two versions, in reading order."""
    return tuple(_changed(before, after))


def _changed(before: str, after: str) -> Iterator[ChangedLine]:
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line[:2] in {"+ ", "- "} and line[2:].strip():
            yield ChangedLine(line[2:], is_new=line[0] == "+")
