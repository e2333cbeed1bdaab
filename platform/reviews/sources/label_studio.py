"""Read what Label Studio exports: tasks (JSON), or one flat object an annotation (JSON_MIN).

Shapes from https://labelstud.io/guide/task_format and label_studio_sdk's converter. Only
submitted annotations are answers: cancelled ones, drafts and predictions are not. Offsets of
spans count UTF-16 code units in some versions and code points in others (issues 1347 and 1008
there), so the text that a span claims to cover decides which.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.offsets import place, units_of
from reviews.sources.raw import RawSpan, Refused, compact, options, spans, whole, word
from reviews.tables import Said

#: Keys of a task that are worth a cell, beside its data.
_TASK_CELLS = ("id", "meta")
#: What JSON_MIN writes after the answers.
_MIN_KEYS = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time")


def is_task(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a task."""
    return isinstance(value.get("data"), dict) and (
        isinstance(value.get("annotations"), list) or isinstance(value.get("completions"), list)
    )


def is_min(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is an annotation of JSON_MIN."""
    return "annotation_id" in value and "annotator" in value


def read_task(value: dict[str, Any]) -> Content:
    """Part a task's data from what each annotator said; who submitted twice, said the later."""
    data = value.get("data")
    if not isinstance(data, dict):
        raise Refused("the task has no data")
    cells = dict(data)
    for key in _TASK_CELLS:
        if value.get(key) not in (None, {}):
            cells.setdefault(key, value[key])
    said: dict[str, dict[str, str]] = {}
    for annotation in _annotations(value):
        annotator = _annotator(annotation.get("completed_by"))
        said[annotator] = _answers(annotation, data)
    return Content(cells, [Said(annotator, given) for annotator, given in said.items()])


def _annotations(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = value.get("annotations", value.get("completions"))
    for annotation in found if isinstance(found, list) else []:
        if not isinstance(annotation, dict):
            raise Refused("one of its annotations is no object")
        if not annotation.get("was_cancelled"):
            yield annotation


def _annotator(raw: Any) -> str:
    """Return an e-mail address where there is one, else the number of the user."""
    if isinstance(raw, dict):
        raw = next((raw[key] for key in ("email", "username", "id") if raw.get(key)), None)
    return "" if raw is None else word(raw)


def _answers(annotation: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, str]:
    results: dict[str, list[Mapping[str, Any]]] = {}
    found = annotation.get("result")
    for result in found if isinstance(found, list) else []:
        if isinstance(result, dict) and isinstance(result.get("value"), dict):
            name = result.get("from_name")
            if isinstance(name, str):
                results.setdefault(name, []).append(result["value"])
    given = {name: _answer(values, data) for name, values in results.items()}
    return {name: raw for name, raw in given.items() if raw}


def _answer(values: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> str:
    """Return the raw answer that one control of the page has gathered; "" for none we know."""
    if any("start" in value and "end" in value for value in values):
        return _spans(values, data)
    first = values[0]
    for key in ("rating", "number"):
        if key in first:
            return word(first[key])
    for key in ("choices", "taxonomy", "labels"):
        if key in first:
            return options([_path(each) for value in values for each in _listed(value.get(key))])
    if "text" in first:
        texts = [word(each) for value in values for each in _listed(value.get("text"))]
        return texts[0] if len(texts) == 1 else compact(texts)
    return ""


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _path(choice: Any) -> str:
    """Return a choice; one of a tree is a list of names from its root."""
    return " / ".join(map(word, choice)) if isinstance(choice, list) else word(choice)


# --- Spans ------------------------------------------------------------------------------------


def _spans(values: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> str:
    text = _text(values, data)
    found = []
    for value in values:
        if "start" not in value or "end" not in value:
            raise Refused("one of its spans has no start or no end")
        start, end = whole(value["start"], "the start"), whole(value["end"], "the end")
        start, end = place(text, start, end, _claim(value))
        labels = [each for key, each in value.items() if key.endswith("labels")]
        names = [word(name) for each in labels for name in _listed(each)]
        # Its own pages have no such thing, but keep it, and our exports say it.
        polarity = value.get("polarity")
        polarity = polarity if isinstance(polarity, str) else ""
        found += [RawSpan(start, end, name, polarity) for name in names]
    return spans(found, text)


def _text(values: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> str:
    """Return the cell that the spans are of: the one that holds what they claim to cover."""
    texts = [each for each in data.values() if isinstance(each, str)]
    if isinstance(data.get("text"), str):
        texts.insert(0, data["text"])
    claims = [claim for value in values if (claim := _claim(value))]
    for text in texts:
        if all(claim in text for claim in claims) and (claims or _reaches(values, text)):
            return text
    if not texts:
        raise Refused("it has spans and no text")
    raise Refused("its spans are of a text that is not in the task")


def _reaches(values: Sequence[Mapping[str, Any]], text: str) -> bool:
    return all(whole(value.get("end", 0), "the end") <= units_of(text) for value in values)


def _claim(value: Mapping[str, Any]) -> str:
    claim = value.get("text")
    # Some versions write a line break of the covered text as a backslash and an n.
    return claim.replace("\\n", "\n") if isinstance(claim, str) else ""


# --- JSON_MIN ---------------------------------------------------------------------------------


def read_min(value: dict[str, Any]) -> Content:
    """Part the answers of one annotation from the cells.

    The converter writes the task's data, its id, the answers and then the annotator: what stands
    between those two is an answer. Elsewhere only what cannot be a cell is taken for one.
    """
    keys = list(value)
    between: set[str] = set()
    if "id" in keys and "annotator" in keys:
        between = set(keys[keys.index("id") + 1 : keys.index("annotator")])
    cells: dict[str, Any] = {}
    answers: dict[str, str] = {}
    for key, each in value.items():
        if key in _MIN_KEYS:
            continue
        if key in between or _is_answer(each):
            raw = _min_answer(each, value)
            if raw:
                answers[key] = raw
        else:
            cells[key] = each
    return Content(cells, [Said(_annotator(value.get("annotator")), answers)])


def _is_answer(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    known = ("choices", "labels", "rating", "number", "taxonomy")
    return bool(values) and all(
        isinstance(each, dict) and any(key in each for key in known) for each in values
    )


def _min_answer(value: Any, cells: Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return value
    values = [each for each in _listed(value) if isinstance(each, dict)]
    if values:
        return _answer(values, cells)
    return options([word(each) for each in _listed(value)]) if value is not None else ""
