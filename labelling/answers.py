"""Answers as the API writes them, checked against the questions and turned into values.

A choice is an option's key, a number a float, a multichoice a frozenset of keys (empty: none of
them), spans a tuple in reading order (empty: there are none). An absent question is unanswered.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from common.errors import FieldError, Invalid
from labelling import spans
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue

AnswerValue = str | float | frozenset[str] | tuple[SpanValue, ...]
Answers = dict[str, AnswerValue]

MAX_SPANS = 500
_SPAN_FIELDS = frozenset({"start", "end", "text", "option", "polarity"})


class Fault(ValueError):
    """What is wrong with one answer, as a sentence."""


def parse(schema: SchemaSnapshot, raw: Any, text: str) -> Answers:
    """Return the answers about a review of `text`; raise Invalid naming every wrong field."""
    if not isinstance(raw, Mapping):
        raise Invalid.of("answers", "Answers are an object: question key to answer.")
    errors = [
        FieldError(f"answers.{key}", f"Version {schema.version} has no question {key!r}.")
        for key in map(str, raw)
        if schema.question(key) is None
    ]
    answers: Answers = {}
    for question in schema.questions:
        try:
            value = parse_one(question, raw.get(question.key), text)
        except Fault as fault:
            errors.append(FieldError(f"answers.{question.key}", str(fault)))
        else:
            if value is not None:
                answers[question.key] = value
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=tuple(errors))
    return answers


def parse_one(question: QuestionSnapshot, raw: Any, text: str) -> AnswerValue | None:
    """Return one answer, None where an optional one is left out; raise Fault with the sentence."""
    if raw is None:
        if question.is_required:
            raise Fault("This question needs an answer.")
        return None
    if question.kind == "number":
        return number(question, raw)
    if question.kind == "choice":
        return _choice(question, raw)
    if question.kind == "multichoice":
        return _multichoice(question, raw)
    return _spans(question, raw, text)


def number(question: QuestionSnapshot, raw: Any) -> float:
    """Return a number within the question's bounds; raise Fault with the sentence."""
    shown = f"{raw:g}" if isinstance(raw, float) else str(raw)[:40]
    said = f'"{shown}" is not {_wanted(question)}'
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not _is_storable(raw):
        raise Fault(said)
    if question.is_integer and raw != int(raw):
        raise Fault(said)
    is_low = question.minimum is not None and raw < question.minimum
    is_high = question.maximum is not None and raw > question.maximum
    if is_low or is_high:
        raise Fault(said)
    return float(raw)


def _is_storable(raw: float) -> bool:
    """Tell whether a number is one that a float holds: JSON may say 1e999, or 400 digits."""
    try:
        return math.isfinite(raw)
    except OverflowError:
        return False


def _wanted(question: QuestionSnapshot) -> str:
    noun = "a whole number" if question.is_integer and not question.steps else "a number"
    low, high = question.minimum, question.maximum
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:g}"
    if low is not None:
        return f"{noun} of at least {low:g}"
    if high is not None:
        return f"{noun} of at most {high:g}"
    return noun


def _choice(question: QuestionSnapshot, raw: Any) -> str:
    if not isinstance(raw, str):
        raise Fault(f"{question.name} takes the key of one option, as a string.")
    return _option(question, raw)


def _option(question: QuestionSnapshot, raw: str) -> str:
    if question.option(raw) is None:
        known = ", ".join(option.key for option in question.options[:20])
        raise Fault(f"{question.name} has no option {raw[:60]!r}. Options: {known}.")
    return raw


def _multichoice(question: QuestionSnapshot, raw: Any) -> frozenset[str]:
    if not isinstance(raw, list | tuple) or not all(isinstance(key, str) for key in raw):
        raise Fault(f"{question.name} takes a list of option keys; [] says none of them.")
    return frozenset(_option(question, key) for key in raw)


def _spans(question: QuestionSnapshot, raw: Any, text: str) -> tuple[SpanValue, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > MAX_SPANS:
        raise Fault(f"{question.name} takes a list of at most {MAX_SPANS} spans.")
    options = {option.key for option in question.options}
    values = [_span(question, each) for each in raw]
    for value in values:
        fault = spans.fault_of(value, text, options=options, has_polarity=question.has_polarity)
        if fault:
            raise Fault(fault)
    for value in spans.doubled(values):
        raise Fault(f"{value.start} to {value.end} is marked {value.option!r} twice.")
    clash = None if question.allows_overlap else spans.clash(values)
    if clash:
        raise Fault(clash)
    return tuple(sorted(values))


def _span(question: QuestionSnapshot, raw: Any) -> SpanValue:
    if not isinstance(raw, Mapping) or not {"start", "end", "text", "option"} <= set(raw):
        raise Fault(f"Every span of {question.name} has start, end, text and option.")
    unknown = set(map(str, raw)) - _SPAN_FIELDS
    if unknown:
        raise Fault(f"A span has no {min(unknown)!r}.")
    start, end = raw["start"], raw["end"]
    if type(start) is not int or type(end) is not int:
        raise Fault("start and end of a span are whole numbers.")
    words = (raw["option"], raw["text"], raw.get("polarity") or "")
    if not all(isinstance(word, str) for word in words):
        raise Fault("option, text and polarity of a span are strings.")
    option, covered, polarity = words
    return SpanValue(start=start, end=end, option=option, polarity=polarity, text=covered)


# --- Back to JSON -------------------------------------------------------------------------------


def to_json(answers: Mapping[str, AnswerValue], schema: SchemaSnapshot) -> dict[str, Any]:
    """Return the answers as the API writes them, in the order of the questions."""
    return {
        question.key: _json_of(question, answers[question.key])
        for question in schema.questions
        if question.key in answers
    }


def _json_of(question: QuestionSnapshot, value: AnswerValue) -> Any:
    if isinstance(value, frozenset):
        return [option.key for option in question.options if option.key in value]
    if isinstance(value, tuple):
        return [span_json(span, has_polarity=question.has_polarity) for span in value]
    if isinstance(value, float) and value == int(value):
        return int(value)
    return value


def span_json(span: SpanValue, *, has_polarity: bool) -> dict[str, Any]:
    """Return a span as the API writes it."""
    written = {"start": span.start, "end": span.end, "text": span.text, "option": span.option}
    return written | ({"polarity": span.polarity} if has_polarity else {})


# --- From an HTML form --------------------------------------------------------------------------


class FormData(Protocol):
    """What Django's QueryDict can do that is needed here."""

    def get(self, key: str, default: str, /) -> Any:
        """Return the last value of a field."""
        ...

    def getlist(self, key: str, /) -> Sequence[Any]:
        """Return every value of a field."""
        ...


def from_form(schema: SchemaSnapshot, data: FormData) -> dict[str, Any]:
    """Return a form's fields (`answer.KEY`, `none.KEY`) in the shape of the API's answers."""
    fields = {question.key: _from_field(question, data) for question in schema.questions}
    return {key: value for key, value in fields.items() if value is not None}


def _from_field(question: QuestionSnapshot, data: FormData) -> Any:
    name = f"answer.{question.key}"
    has_none = bool(data.get(f"none.{question.key}", ""))
    if question.kind == "multichoice":
        chosen = list(data.getlist(name))
        return chosen if chosen or question.is_required or has_none else None
    raw = str(data.get(name, "") or "")
    if question.kind == "spans":
        return _spans_field(question, raw, has_none=has_none)
    if question.kind == "number":
        return _number_field(raw)
    return raw or None


def _spans_field(question: QuestionSnapshot, raw: str, *, has_none: bool) -> Any:
    """Read a list of spans; the field is blank until the script that marks them has run."""
    if not raw:
        return [] if has_none else None
    try:
        marked = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return None if marked == [] and not (question.is_required or has_none) else marked


def _number_field(raw: str) -> Any:
    """Return a number where it is one, else the text, which is then named in the error."""
    cleaned = raw.strip()
    if not cleaned:
        return None
    try:
        value = float(cleaned.replace(",", "."))
    except ValueError:
        return cleaned
    return value if math.isfinite(value) else cleaned
