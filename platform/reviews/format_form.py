"""How to read a file, as a form whose every field is in the address of the page."""

from collections.abc import Mapping
from typing import Any

from django import forms

from reviews.guessing import DELIMITERS, ENCODINGS, QUOTES
from reviews.previews import Preview
from reviews.sources import KINDS
from reviews.tables import Format

#: Addresses show words in place of signs.
_SIGNS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "bar": "|",
    "caret": "^",
    "tilde": "~",
    "colon": ":",
    "space": " ",
    "double": '"',
    "single": "'",
}
_WORDS = {sign: word for word, sign in _SIGNS.items()}
_FIELDS = ("kind", "encoding", "delimiter", "quote", "sheet")
_HEADER = {"yes": True, "no": False}


class FormatForm(forms.Form):
    """What can be chosen for a file of this kind."""

    def __init__(self, seen: Preview) -> None:
        chosen = seen.format
        super().__init__(initial=as_query(chosen))
        kind = KINDS[chosen.kind]
        self._choose("kind", {key: each.name for key, each in KINDS.items()}, "Kind of file")
        if kind.is_text:
            self._choose("encoding", ENCODINGS, "Encoding")
        if kind.is_delimited:
            delimiters = {_WORDS.get(sign, sign): name for sign, name in DELIMITERS.items()}
            delimiters.setdefault(_WORDS.get(chosen.delimiter, chosen.delimiter), chosen.delimiter)
            self._choose("delimiter", delimiters, "Between cells")
            quotes = {_WORDS.get(sign, sign): name for sign, name in QUOTES.items()}
            quotes.setdefault(_WORDS.get(chosen.quote, chosen.quote), chosen.quote)
            self._choose("quote", quotes, "Around cells")
        if kind.has_sheets and seen.sheets:
            self.initial["sheet"] = chosen.sheet or seen.sheets[0]
            self._choose("sheet", {name: name for name in seen.sheets}, "Sheet")
        if kind.is_delimited or kind.has_sheets or chosen.kind == "lines":
            header = {"yes": "Names of the columns", "no": "A review"}
            self._choose("header", header, "First row")

    def _choose(self, name: str, choices: Mapping[str, str], label: str) -> None:
        self.fields[name] = forms.ChoiceField(label=label, choices=list(choices.items()))


def asked(query: Mapping[str, str]) -> dict[str, Any]:
    """Return what an address says about the format: names of Format's fields to values."""
    found: dict[str, Any] = {name: query[name] for name in _FIELDS if query.get(name)}
    for name in ("delimiter", "quote"):
        if name in found:
            found[name] = _SIGNS.get(found[name], found[name])
    if query.get("header") in _HEADER:
        found["has_header"] = _HEADER[query["header"]]
    return found


def as_query(chosen: Format) -> dict[str, str]:
    """Return a format as it stands in an address."""
    query = {name: getattr(chosen, name) for name in _FIELDS if getattr(chosen, name)}
    for name in ("delimiter", "quote"):
        query[name] = _WORDS.get(query[name], query[name])
    return {**query, "header": "yes" if chosen.has_header else "no"}
