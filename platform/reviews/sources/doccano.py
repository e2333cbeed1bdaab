"""Read what doccano exports, one example an object.

Shapes (doccano, backend/data_export, and its issues 15, 113 and 1291): `label` or `labels` is a
list of names or of [start, end, name]; `entities` has objects with start_offset, end_offset and
label, beside `relations`; the oldest has `annotations` with a `user` each. Newer versions write
one file for every annotator, without the name; older ones have `username`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, apart, options, spans, whole, word

_LABELS = ("label", "labels", "entities", "spans", "annotations")
_ANNOTATORS = ("annotator", "username", "user")
_TEXTS = ("text", "data")


def is_example(value: Mapping[str, Any]) -> bool:
    """Tell whether an object has a text and labels in one of doccano's shapes."""
    return _text_key(value) != "" and any(_is_labels(value.get(key)) for key in _LABELS)


def _text_key(value: Mapping[str, Any]) -> str:
    return next((key for key in _TEXTS if isinstance(value.get(key), str)), "")


def _is_labels(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return all(
        isinstance(each, str)
        or (isinstance(each, list) and len(each) in {3, 4} and isinstance(each[0], int))
        or (isinstance(each, dict) and "label" in each)
        for each in value
    )


def read_example(value: dict[str, Any]) -> Content:
    """Part labels from cells; an empty list counts as "none" only where somebody says so."""
    key = _text_key(value)
    text = value[key] if key else ""
    owner = _owner(value)
    answers: dict[str, dict[str, str]] = {}
    rest = {name: each for name, each in value.items() if name not in _ANNOTATORS}
    for name in _LABELS:
        labels = value.get(name, ())
        if not _is_labels(labels):
            continue
        del rest[name]
        # doccano writes [] for what nobody has labelled as well as for "nothing to label".
        if not labels and (owner or name == "spans"):
            answers.setdefault(owner, {})[name] = "[]"
        for annotator, theirs in _by_annotator(labels, owner):
            answers.setdefault(annotator, {})[name] = _answer(theirs, text)
    return Content(rest, apart(answers))


def _owner(value: Mapping[str, Any]) -> str:
    names = (value.get(key) for key in _ANNOTATORS)
    return next((word(name) for name in names if isinstance(name, str | int) and name != ""), "")


def _by_annotator(labels: list[Any], owner: str) -> Iterable[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for label in labels:
        user = label.get("user") if isinstance(label, dict) else None
        found.setdefault(owner if user is None else word(user), []).append(label)
    return found.items()


def _answer(labels: list[Any], text: str) -> str:
    if all(isinstance(label, str) for label in labels):
        return options(labels)
    if all(isinstance(label, dict) and not _has_offsets(label) for label in labels):
        return options([word(label["label"]) for label in labels])
    return spans([_span(label) for label in labels], text)


def _has_offsets(label: Mapping[str, Any]) -> bool:
    return "start_offset" in label or "start" in label


def _span(label: Any) -> RawSpan:
    if isinstance(label, list):
        start, end, name = label[:3]
    elif isinstance(label, dict) and _has_offsets(label):
        start = label.get("start_offset", label.get("start"))
        end = label.get("end_offset", label.get("end"))
        name = label["label"]
    else:
        raise Refused("its labels are partly spans and partly not")
    polarity = label.get("polarity") if isinstance(label, dict) else None
    return RawSpan(
        whole(start, "the start"),
        whole(end, "the end"),
        word(name),
        polarity if isinstance(polarity, str) else "",
    )
