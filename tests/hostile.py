"""Words that are no words: markup, scripts and formulas where a name or a text is expected.

`read_page` reads an answer as a browser would and raises when anything of it came alive.
"""

import json
import re
from html.parser import HTMLParser

#: Ways out of a text, an attribute, a script or a template; `@` stands for what is attacked, which
#: pages must show again in letters as they are.
MARKUP = {
    "script": '"><script>canary("@")</script>',
    "svg": "'><svg/onload=canary('@')>",
    "attribute": '" onfocus=canary("@") autofocus data-canary="',
    "bare attribute": "x onmouseover=canary('@') ",
    "island": '</script><!--<script>canary("@")</script>',
    "address": "javascript:canary('@')//",
    "template": '{{ "@"|upper }}{% now "@" %}{# @ #}',
    "closing": '</textarea></title></select></style><img src=x onerror=canary("@")>',
    "htmx": '" hx-get="//canary/@" hx-trigger="load" data-canary="',
    "entities": '&ltimg src=x onerror=canary("@")&gt&ampltsvg onload=canary()&ampgt',
    "wide letters": '＂＞＜script＞canary("@")\u2028\u202e≮script≯',
    "base": "<base href=//canary.@/><meta http-equiv=refresh content=0>",
}
#: A way out of whatever it is in, for where there is no time to try one after another.
ALL_AT_ONCE = """'"></textarea></script><script>canary("@")</script>{{ "@"|upper }} onload=x """

_NAME = re.compile(r"[a-z][a-z0-9-]*(:[a-z-]+)?")
_ADDRESSES = {"href", "src", "action", "formaction", "poster", "data", "xlink:href", "srcset"}
_UNWANTED = {"base", "iframe", "object", "embed", "frame", "applet", "style", "foreignobject"}


class Alive(AssertionError):
    """Something in a page is no longer words."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._island = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if not _NAME.fullmatch(tag) or "canary" in tag or tag in _UNWANTED:
            raise Alive(f"<{tag}> in line {self.getpos()[0]}")
        if tag == "meta" and "http-equiv" in given:
            raise Alive(f"<meta> in line {self.getpos()[0]}")
        if len(given) != len(attrs):
            raise Alive(f"<{tag}> has an attribute twice: {attrs}")
        for name, value in given.items():
            self._check(tag, name, value)
        if tag == "script":
            self._island = given.get("type", "")
            if "src" not in given and self._island != "application/json":
                raise Alive(f"a script of type {self._island!r} without an address")
        self.words.extend(given.values())

    def _check(self, tag: str, name: str, value: str) -> None:
        if not _NAME.fullmatch(name) or name.startswith("on") or name == "style":
            raise Alive(f'<{tag} {name}="{value}">')
        if "canary" in name:
            raise Alive(f'<{tag} {name}="{value}">')
        if name in _ADDRESSES or name in {"hx-get", "hx-post", "hx-delete", "hx-put", "hx-patch"}:
            # Browsers leave out blanks and control characters before they look for a scheme.
            address = re.sub(r"[\x00-\x20]", "", value).lower()
            scheme = re.match(r"[a-z0-9.+-]*:", address)
            if address.startswith(("//", "\\", "/\\")) or (scheme and scheme[0] != "data:"):
                raise Alive(f'<{tag} {name}="{value}">')
            if scheme and not address.startswith("data:image/"):
                raise Alive(f'<{tag} {name}="{value}">')

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._island = ""

    def handle_data(self, data: str) -> None:
        if self._island and data.strip():
            if "<" in data or ">" in data:
                raise Alive(f"an island with a bracket: {data[:200]}")
            data = json.dumps(json.loads(data), ensure_ascii=False)
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        if "canary" in data:
            raise Alive(f"<!--{data}-->")


def read_page(html: str) -> str:
    """Return the words of a page, in text and in attributes; raise Alive for more than words."""
    page = _Page()
    page.feed(html)
    page.close()
    if page.rawdata:
        raise Alive(f"a page that does not end: {page.rawdata[:200]}")
    return "\n".join(page.words)
