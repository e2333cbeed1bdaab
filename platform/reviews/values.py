"""What the cells of a file stand for, where a person has said so: "5 stars" for "5"."""

import json
from collections.abc import Mapping
from typing import Any


class Values:
    """The words of each column, in any case."""

    def __init__(self, words: Mapping[str, Mapping[str, str]]) -> None:
        self._words = {
            column: {raw.strip().casefold(): word for raw, word in given.items()}
            for column, given in words.items()
        }

    def of(self, column: str, raw: str) -> str:
        """Return what a raw answer stands for; options and labels inside a list one by one."""
        words = self._words.get(column)
        if not words:
            return raw
        if raw.lstrip().startswith("["):
            return _inside(words, raw)
        return words.get(raw.strip().casefold(), raw)


def _inside(words: Mapping[str, str], raw: str) -> str:
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        return words.get(raw.strip().casefold(), raw)
    return json.dumps([_element(words, each) for each in listed], ensure_ascii=False)


def _element(words: Mapping[str, str], element: Any) -> Any:
    if isinstance(element, str):
        return words.get(element.strip().casefold(), element)
    if isinstance(element, dict) and isinstance(element.get("label"), str):
        return {**element, "label": _element(words, element["label"])}
    return element
