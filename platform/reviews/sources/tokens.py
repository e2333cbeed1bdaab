"""Sentences as tokens and tags: the arithmetic of IOB, and objects that carry both lists.

A chunk starts at a B (or S, U) tag, at a tag of another type than the one before, and after an O.
So IOB1 (where B only parts neighbours), IOB2 (where every chunk starts with B) and the variants
with marked ends are read alike, as the evaluation script of CoNLL does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, spans
from reviews.tables import Said

FIELD = "entities"
_TAG = re.compile(r"(?:([BIESLU])-(\S.*)|O)\Z")
_TOKENS = ("tokens", "words")
_TAGS = ("tags", "ner_tags", "labels", "ner", "tag")


def is_tag(value: Any) -> bool:
    """Tell whether this is a tag such as O, B-PER or I-PER."""
    return isinstance(value, str) and _TAG.match(value) is not None


def joined(tokens: Sequence[str], tags: Sequence[str]) -> tuple[str, list[RawSpan]]:
    """Return the tokens as a text, single spaces between them, and its chunks as spans.

    Raises Refused for a tag that is none.
    """
    found: list[RawSpan] = []
    at, open_type = 0, ""
    for token, tag in zip(tokens, tags, strict=True):
        match = _TAG.match(tag)
        if match is None:
            raise Refused(f"{tag[:50]!r} is no tag such as O, B-PER or I-PER")
        mark, kind = match.group(1) or "", match.group(2) or ""
        end = at + len(token)
        if kind and kind == open_type and mark in "IEL":
            found[-1] = RawSpan(found[-1].start, end, kind)
        elif kind:
            found.append(RawSpan(at, end, kind))
        open_type = "" if mark in {"", "E", "L", "S", "U"} else kind
        at = end + 1
    return " ".join(tokens), found


def _lists(value: Mapping[str, Any]) -> tuple[str, str]:
    """Return the keys of the tokens and of their tags, or two empty strings."""
    for token_key in _TOKENS:
        words = value.get(token_key)
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
            continue
        for tag_key in _TAGS:
            tags = value.get(tag_key)
            if isinstance(tags, list) and len(tags) == len(words) and all(map(is_tag, tags)):
                return token_key, tag_key
    return "", ""


def is_sentence(value: Mapping[str, Any]) -> bool:
    """Tell whether an object has a list of tokens and one of as many tags."""
    return _lists(value)[0] != ""


def read_sentence(value: dict[str, Any]) -> Content:
    """Join the tokens to the cell "text" and the tags to spans."""
    token_key, tag_key = _lists(value)
    if not token_key:
        raise Refused("it has no list of tokens with a tag such as O or B-PER for each")
    text, found = joined(value[token_key], value[tag_key])
    rest = {key: each for key, each in value.items() if key not in {token_key, tag_key, "text"}}
    return Content({"text": text, **rest}, [Said("", {FIELD: spans(found, text)})])
