"""Read what Prodigy's db-out writes: one decision of one person a line.

Shapes from https://prodi.gy/docs/api-interfaces: `answer` is accept, reject or ignore; `spans`,
`label` and `accept` (ids of `options`) hold the decision. Only what was accepted is an answer; the
rest stays in the cells. A text that several people have seen comes several times.
"""

import re
from collections.abc import Mapping
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, options, spans, whole, word
from reviews.tables import Said

#: A session without a name is named after its start.
_UNNAMED = re.compile(r"(?:.*-)?\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}\Z", re.DOTALL)
#: No set: what a file says need not be hashable.
_ANSWERS = ("accept", "reject", "ignore")
#: What can be made again from the text or only serves the page.
_LEFT_OUT = {"tokens", "options", "_annotator_id", "_session_id", "_view_id", "config", "html"}


def is_task(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a decision: a text, an answer, and a sign of Prodigy."""
    if not isinstance(value.get("text"), str):
        return False
    if "_input_hash" in value or "_task_hash" in value:
        return True
    spanned = isinstance(value.get("spans"), list) and all(map(_is_span, value["spans"]))
    return value.get("answer") in _ANSWERS and ("accept" in value or "label" in value or spanned)


def _is_span(value: Any) -> bool:
    return isinstance(value, dict) and "start" in value and "end" in value


def read_task(value: dict[str, Any]) -> Content:
    """Part the decision from the cells."""
    rest = {key: each for key, each in value.items() if key not in _LEFT_OUT}
    if value.get("answer", "accept") != "accept":
        return Content(rest)
    text = value.get("text")
    answers: dict[str, str] = {}
    if isinstance(value.get("spans"), list):
        found = [_span(each) for each in value["spans"]]
        answers["spans"] = spans(found, text if isinstance(text, str) else "")
    if isinstance(value.get("accept"), list):
        answers["accept"] = options(_accepted(value))
    if isinstance(value.get("label"), str) and value["label"]:
        answers["label"] = options([value["label"]])
    kept = {key: each for key, each in rest.items() if key not in answers}
    return Content(kept, [Said(_annotator(value), answers)] if answers else [])


def _annotator(value: Mapping[str, Any]) -> str:
    name = value.get("_annotator_id") or value.get("_session_id")
    return name if isinstance(name, str) and not _UNNAMED.match(name) else ""


def _span(value: Any) -> RawSpan:
    if not _is_span(value):
        raise Refused("one of its spans has no start or no end")
    start, end = whole(value["start"], "the start"), whole(value["end"], "the end")
    return RawSpan(start, end, word(value.get("label", "")))


def _accepted(value: Mapping[str, Any]) -> list[str]:
    """Return what was accepted: ids that are words as they are, numbers by their text."""
    texts: dict[str, str] = {}
    choices = value.get("options")
    for option in choices if isinstance(choices, list) else []:
        if isinstance(option, dict) and isinstance(option.get("text"), str):
            texts[str(option.get("id"))] = option["text"]
    words = [word(each) for each in value["accept"]]
    return [texts.get(each, each) if each.isdigit() else each for each in words]
