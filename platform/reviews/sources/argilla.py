"""Read records of Argilla, exported as JSON or as a data set for Hugging Face's `datasets`.

Three shapes (argilla 2, records/_io/_generic.py, and the data sets of version 1): nested `fields`
and `responses`; flat, with `QUESTION.responses`, `.responses.users` and `.responses.status` side
by side; a column for each question with a list of {"user_id", "value", "status"}. Suggestions and
drafts are no answers. Users are ids: the export has no names.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, apart, options, spans, whole, word

_RESPONSES = ".responses"
_SUGGESTED = (".suggestion", ".suggestion.score", ".suggestion.agent")
_SUGGESTED_OLD = ("-suggestion", "-suggestion-metadata")
#: No set: what a file says need not be hashable.
_COUNTED = (None, "submitted")
_LEFT_OUT = {"suggestions", "responses", "fields", "vectors", "_server_id"}


class _Response(NamedTuple):
    question: str
    user: str
    value: Any


def is_record(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a record in one of the three shapes."""
    nested = isinstance(value.get("fields"), dict) and isinstance(value.get("responses"), dict)
    return nested or any(
        (key.endswith(_RESPONSES) and f"{key}.users" in value) or _is_column(each)
        for key, each in value.items()
    )


def _is_column(value: Any) -> bool:
    """Tell whether this is a list of responses, or the lists of their parts side by side."""
    if isinstance(value, dict):
        return {"user_id", "value"} <= value.keys() and isinstance(value["value"], list)
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and {"user_id", "value"} <= each.keys() for each in value)
    )


def read_record(value: dict[str, Any]) -> Content:
    """Part responses from cells."""
    cells: dict[str, Any] = {}
    if isinstance(value.get("fields"), dict):
        cells.update(value["fields"])
    nested = value.get("responses")
    responses = list(_nested(nested)) if isinstance(nested, dict) else []
    for key, each in value.items():
        if key in _LEFT_OUT or key.endswith((*_SUGGESTED, *_SUGGESTED_OLD)):
            continue
        if key.endswith(_RESPONSES):
            responses += _flat(key, value)
        elif _is_column(each):
            responses += _column(key, each)
        elif not key.endswith((f"{_RESPONSES}.users", f"{_RESPONSES}.status")):
            cells.setdefault(key, each)
    answers: dict[str, dict[str, str]] = {}
    for response in responses:
        raw = _answer(response.value, cells)
        if raw:
            answers.setdefault(response.user, {})[response.question] = raw
    return Content(cells, apart(answers))


def _nested(responses: Mapping[str, Any]) -> Iterator[_Response]:
    for question, each in responses.items():
        if each is not None and not _is_column(each) and each != []:
            raise Refused(f"the responses to {question[:60]!r} have no user_id and value")
        if each:
            yield from _column(question, each)


def _column(question: str, value: Any) -> Iterator[_Response]:
    if isinstance(value, dict):
        count = len(value["value"])
        value = [
            {
                name: value[name][at] if _has(value.get(name), at) else None
                for name in ("user_id", "value", "status")
            }
            for at in range(count)
        ]
    for each in value:
        if each.get("status") in _COUNTED and each["value"] is not None:
            yield _Response(question, _user(each["user_id"]), each["value"])


def _has(parts: Any, at: int) -> bool:
    return isinstance(parts, list) and at < len(parts)


def _flat(key: str, value: Mapping[str, Any]) -> Iterator[_Response]:
    given, users = value[key], value.get(f"{key}.users")
    if given is None:
        return
    status = value.get(f"{key}.status")
    if not isinstance(given, list) or not isinstance(users, list) or len(users) != len(given):
        raise Refused(f"{key[:60]!r} and {f'{key}.users'[:60]!r} are no lists of the same length")
    for at, each in enumerate(given):
        state = status[at] if isinstance(status, list) and at < len(status) else None
        if state in _COUNTED and each is not None:
            yield _Response(key.removesuffix(_RESPONSES), _user(users[at]), each)


def _user(value: Any) -> str:
    return "" if value is None else word(value)


def _answer(value: Any, cells: Mapping[str, Any]) -> str:
    """Return a raw answer: of one option, of several, of a ranking (its first), of spans."""
    if isinstance(value, dict):
        # datasets write a list of objects as an object of lists.
        value = _rows(value)
    if not isinstance(value, list):
        return options([word(value)]) if isinstance(value, str) else word(value)
    if not value:
        return "[]"
    if all(isinstance(each, dict) and "start" in each for each in value):
        return _spans(value, cells)
    if all(isinstance(each, dict) and "rank" in each for each in value):
        best = min(value, key=lambda each: each["rank"] if isinstance(each["rank"], int) else 0)
        return options([word(best.get("value"))])
    return options([word(each) for each in value])


def _rows(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    lists = {key: each for key, each in value.items() if isinstance(each, list)}
    count = min(map(len, lists.values()), default=0)
    return [{key: each[at] for key, each in lists.items()} for at in range(count)]


def _spans(value: list[dict[str, Any]], cells: Mapping[str, Any]) -> str:
    found = [
        RawSpan(
            whole(each["start"], "the start"),
            whole(each.get("end"), "the end"),
            word(each.get("label", "")),
        )
        for each in value
    ]
    # The record does not say which field a question is about: the first that is long enough.
    texts = [each for each in cells.values() if isinstance(each, str)]
    reach = max(span.end for span in found)
    longest = max(texts, key=len, default="")
    named = cells.get("text")
    text = named if isinstance(named, str) and len(named) >= reach else longest
    return spans(found, text)
