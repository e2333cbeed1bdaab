"""Find the HTML in a text that people and shops have written: tags, entities, comments.

Nothing here can fail, and what is no HTML stays: "a < b", "<3", "AT&T", "<grin>". Every search
starts where the last one ended, so a text of a million opened tags takes no longer than any other.
"""

import html
import re
from collections.abc import Iterator

from reviews.offsets import Replacement

_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TAG = (
    r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,19})(?P<space>:[A-Za-z]{1,20})?(?:[\s/][^<>]*)?>"
)
_TOKEN = re.compile(rf"{_TAG}|{_ENTITY}|<!--|<!(?i:doctype)[^<>]*>")
_COMMENT_END = re.compile("-->")
_SILENT = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style", "template")
}

#: What starts a line of its own when it opens, what does so when it closes, and the cells that
#: would otherwise run into each other.
_OPEN = {
    **dict.fromkeys(("br", "hr", "p", "div", "li", "tr", "ul", "ol", "dl", "dt", "dd"), "\n"),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table"), "\n"),
    **dict.fromkeys(("td", "th"), " "),
}
_CLOSE = dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"), "\n")
#: Tags that say how a text looks and nothing about lines; other words in brackets are no tags.
_INLINE = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr acronym address article aside audio b base basefont bdi bdo big body button canvas
        caption center cite code col colgroup data datalist del details dfn dialog dir em embed
        fieldset figcaption figure font footer form frame frameset head header html i iframe img
        input ins kbd label legend link main map mark meta meter nav noscript object optgroup option
        output param picture progress q rp rt ruby s samp section select small source span strike
        strong sub summary sup svg tbody textarea tfoot thead time title track tt u var video wbr
        """,
    )
)
_KNOWN = _INLINE | _OPEN.keys() | _SILENT.keys()


def find_markup(text: str) -> list[Replacement]:
    """Return what stands in place of each piece of HTML in the text."""
    if "&" not in text and "<" not in text:
        return []
    return list(_pieces(text))


def _pieces(text: str) -> Iterator[Replacement]:
    at, ends = 0, _Ends(text)
    while (match := _TOKEN.search(text, at)) is not None:
        start, at = match.span()
        found = match[0]
        if found[0] == "&":
            decoded = html.unescape(found)
            if decoded != found:
                yield Replacement(start, at, decoded)
        elif found[1] == "!":
            end = ends.after(_COMMENT_END, at) if found == "<!--" else at
            if end is not None:
                yield Replacement(start, at := end, "")
        elif (name := match["name"].lower()) in _KNOWN or match["space"]:
            at = _end_of(name, match, ends)
            yield Replacement(start, at, _in_place_of(name, is_closing=bool(match["close"])))


def _end_of(name: str, match: re.Match[str], ends: "_Ends") -> int:
    """Return where a tag ends, with its content when that is nothing to be read."""
    if name not in _SILENT or match["close"]:
        return match.end()
    return ends.after(_SILENT[name], match.end()) or match.end()


def _in_place_of(name: str, *, is_closing: bool) -> str:
    if name == "br":  # </br> is a mistake that browsers understand
        return "\n"
    return (_CLOSE if is_closing else _OPEN).get(name, "")


class _Ends:
    """Where something next ends; what was not found once is not looked for again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[re.Pattern[str]] = set()

    def after(self, pattern: re.Pattern[str], place: int) -> int | None:
        """Return the end of the next match, if there is one."""
        if pattern in self._missing:
            return None
        match = pattern.search(self._text, place)
        if match is None:
            self._missing.add(pattern)
            return None
        return match.end()
