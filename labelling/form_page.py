"""What the label page shows: one block a question, with keys, answers, proposals and faults."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelling import answers as answers_json
from labelling import hotkeys, spans
from labelling.answers import Answers
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue


@dataclass(frozen=True, slots=True)
class Choosable:
    """One button: an option, or a step of a scale."""

    value: str
    name: str
    hot_key: str
    colour: int = 0
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that a model or an import proposes, as a chip."""

    name: str
    #: What the field takes when it is accepted; "" stands for none of the options.
    value: str = ""
    colour: int = 0
    #: Percent, or None where the proposal has no confidence.
    confidence: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One question on the page."""

    question: QuestionSnapshot
    buttons: tuple[Choosable, ...] = ()
    #: What a number's field holds, and the key that jumps to it.
    text: str = ""
    hot_key: str = ""
    has_none: bool = False
    proposals: tuple[Proposal, ...] = ()
    error: str = ""

    @property
    def is_field(self) -> bool:
        """Tell whether the answer is typed."""
        return self.question.kind == "number" and not self.buttons


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Raw proposals of one model version: question key to (value, confidence)."""

    model_version: int | None
    values: Mapping[str, tuple[Any, float | None]]


NO_SUGGESTIONS = Suggestions(model_version=None, values={})


def blocks(
    schema: SchemaSnapshot,
    raw: Mapping[str, Any],
    *,
    suggestions: Suggestions = NO_SUGGESTIONS,
    errors: Mapping[str, str] | None = None,
    chosen: Mapping[str, str] = hotkeys.NOTHING,
) -> list[Block]:
    """Return the page's blocks; `raw` has answers in the API's shape, right or wrong.

    `chosen` has the keys that the person has chosen.
    """
    keys = hotkeys.layout(schema.questions, chosen)
    said = errors or {}
    return [
        _block(
            question,
            raw.get(question.key),
            keys[question.key],
            suggestions.values.get(question.key),
            said.get(question.key, ""),
        )
        for question in schema.questions
    ]


def _block(
    question: QuestionSnapshot,
    value: Any,
    keys: Mapping[str, str],
    suggested: tuple[Any, float | None] | None,
    error: str,
) -> Block:
    is_typed = question.kind == "number" and not question.steps
    return Block(
        question=question,
        buttons=_buttons(question, value, keys),
        text="" if value is None or not is_typed else _plain(value),
        hot_key=keys.get("", ""),
        has_none=value == [] and not question.is_required,
        proposals=_proposals(question, suggested),
        error=error,
    )


def _buttons(
    question: QuestionSnapshot, value: Any, keys: Mapping[str, str]
) -> tuple[Choosable, ...]:
    if question.kind == "number":
        chosen = _plain(value)
        return tuple(
            Choosable(str(step), str(step), keys.get(str(step), ""), is_chosen=str(step) == chosen)
            for step in question.steps
        )
    picked: Collection[Any] = value if isinstance(value, list) else [value]
    return tuple(
        Choosable(
            option.key,
            option.name,
            keys.get(option.key, ""),
            option.colour,
            is_chosen=question.kind != "spans" and option.key in picked,
        )
        for option in question.options
    )


def _plain(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return "" if value is None else str(value)


def _proposals(
    question: QuestionSnapshot, suggested: tuple[Any, float | None] | None
) -> tuple[Proposal, ...]:
    if suggested is None or question.kind == "spans":
        return ()
    value, confidence = suggested
    percent = round(100 * confidence) if confidence is not None else None
    if question.kind == "number":
        return (Proposal(_plain(value), _plain(value), confidence=percent),)
    keys = value if isinstance(value, list) else [value]
    options = [option for option in question.options if option.key in keys]
    if not options and isinstance(value, list):
        return (Proposal("None of these", confidence=percent),)
    return tuple(Proposal(each.name, each.key, each.colour, percent) for each in options)


# --- Spans, for the script ------------------------------------------------------------------------


def span_data(
    schema: SchemaSnapshot, text: str, raw: Mapping[str, Any], suggestions: Suggestions
) -> dict[str, Any] | None:
    """Return what the span component needs, or None when no question asks for spans."""
    asked = [question for question in schema.questions if question.kind == "spans"]
    if not asked:
        return None
    return {
        "text": text,
        "polarityKeys": hotkeys.POLARITY_KEYS,
        "maxSpans": answers_json.MAX_SPANS,
        "questions": [
            {
                "key": question.key,
                "name": question.name,
                "hasPolarity": question.has_polarity,
                "allowsOverlap": question.allows_overlap,
                "options": [
                    {"key": option.key, "name": option.name, "colour": option.colour}
                    for option in question.options
                ],
                "spans": _listed(raw.get(question.key)),
                "suggested": _listed(suggestions.values.get(question.key, ([], None))[0]),
            }
            for question in asked
        ],
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def painted(schema: SchemaSnapshot, text: str, answers: Answers) -> Sequence[spans.Piece]:
    """Cut the text at the spans of every question, for a page without a script."""
    marks: list[SpanValue] = []
    for question in schema.questions:
        value = answers.get(question.key)
        if isinstance(value, tuple):
            marks.extend(value)
    return spans.pieces(text, marks)


def errors_by_question(errors: Sequence[Any]) -> dict[str, str]:
    """Return the first sentence about each question from an Invalid's field errors."""
    said: dict[str, str] = {}
    for error in errors:
        said.setdefault(error.field.removeprefix("answers."), error.message)
    return said


def as_raw(answers: Answers, schema: SchemaSnapshot) -> dict[str, Any]:
    """Return stored answers in the shape that `blocks` takes."""
    return answers_json.to_json(answers, schema)
