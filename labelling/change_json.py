"""Changes of questions as JSON: as they are kept with a version and as the API takes them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Any

from common.errors import Invalid
from labelling.changes import KINDS, Change
from labelling.snapshot import Kind, OptionSnapshot, QuestionSnapshot

MAX_CHANGES = 200
#: What neither a database nor UTF-8 takes.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def to_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return changes as they are kept and as the API takes them."""
    return [{"do": change.do} | _plain(asdict(change)) for change in changes]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key != "id"}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def from_json(raw: Any, *, at: str = "changes") -> tuple[Change, ...]:
    """Read changes; raise Invalid that says which one cannot be read and why."""
    if not isinstance(raw, list | tuple) or len(raw) > MAX_CHANGES:
        raise Invalid.of(at, f"Changes are a list of at most {MAX_CHANGES}.")
    return tuple(_from_json(f"{at}[{index}]", each) for index, each in enumerate(raw))


def _from_json(at: str, raw: Any) -> Change:
    kind = KINDS.get(str(raw.get("do", ""))) if isinstance(raw, Mapping) else None
    if kind is None:
        raise Invalid.of(f"{at}.do", f"A change says in do what it is: {', '.join(KINDS)}.")
    given = {str(key): value for key, value in raw.items() if key != "do"}
    return kind(**_fields(at, kind, given))


def _fields(at: str, kind: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a dataclass, each of the type that its annotation says."""
    known = {each.name: each.type for each in fields(kind) if each.name != "id"}
    for name in given:
        if name not in known:
            raise Invalid.of(f"{at}.{name[:60]}", f"This takes {', '.join(known)}.")
    values = {name: _READERS[known[name]](f"{at}.{name}", value) for name, value in given.items()}
    for each in fields(kind):
        is_needed = each.default is MISSING and each.default_factory is MISSING
        if is_needed and each.name not in values:
            raise Invalid.of(f"{at}.{each.name}", "This is needed.")
    return values


def _reader(types: type | tuple[type, ...], words: str) -> Callable[[str, Any], Any]:
    def read(at: str, value: Any) -> Any:
        wanted = types if isinstance(types, tuple) else (types,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise Invalid.of(at, f"This is {words}.")
        if isinstance(value, str) and _UNWRITABLE.search(value):
            raise Invalid.of(at, "This has characters that no text has.")
        return value

    return read


def _number(at: str, value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        found = float(value) if is_number else math.nan
    except OverflowError:
        found = math.nan
    if not math.isfinite(found):
        raise Invalid.of(at, "This is a finite number, or null.")
    return found


def _texts(at: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Invalid.of(at, "This is a list of keys.")
    return tuple(value)


def _an_option(at: str, value: Any) -> OptionSnapshot:
    if not isinstance(value, Mapping):
        raise Invalid.of(at, "An option is an object with key and name.")
    return OptionSnapshot(**_fields(at, OptionSnapshot, value))


def _options(at: str, value: Any) -> tuple[OptionSnapshot, ...]:
    if not isinstance(value, list | tuple):
        raise Invalid.of(at, "This is a list of options with key and name.")
    return tuple(_an_option(f"{at}[{index}]", each) for index, each in enumerate(value))


def _a_question(at: str, value: Any) -> QuestionSnapshot:
    if not isinstance(value, Mapping):
        raise Invalid.of(at, "A question is an object with key, name, kind and options.")
    return QuestionSnapshot(**_fields(at, QuestionSnapshot, value))


#: How a field is read, by the annotation that it has.
_READERS: Mapping[Any, Callable[[str, Any], Any]] = {
    str: _reader(str, "a string"),
    bool: _reader(bool, "true or false"),
    int: _reader(int, "a whole number"),
    float | None: _number,
    str | None: _reader((str, type(None)), "a string"),
    bool | None: _reader((bool, type(None)), "true or false"),
    int | None: _reader((int, type(None)), "a whole number"),
    tuple[str, ...]: _texts,
    OptionSnapshot: _an_option,
    tuple[OptionSnapshot, ...]: _options,
    QuestionSnapshot: _a_question,
    Kind: _reader(str, "a kind of question"),
}
