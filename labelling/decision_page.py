"""What the page of one disagreement shows: answers side by side, and the form that decides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelling import answers as answers_json
from labelling import consensus
from labelling.answers import Answers, AnswerValue, FormData
from labelling.difference import Mark, marks
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue, pieces

_STANDINGS = {
    "option": "same words, another name",
    "bounds": "other boundaries",
    "only": "nobody else",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who has answered, as the page calls them."""

    name: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Chip:
    """One value in a cell: its words, its colour (or 0), and what is special about it."""

    words: str
    colour: int = 0
    standing: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one person said about one question; no chips: nothing."""

    name: str
    chips: tuple[Chip, ...]
    #: Whether somebody else said something else.
    is_different: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be ticked, with who said it."""

    value: str
    name: str
    colour: int
    is_chosen: bool
    people: str


@dataclass(frozen=True, slots=True)
class Row:
    """One question: a row of the table and a field of the form."""

    question: QuestionSnapshot
    cells: tuple[Cell, ...]
    differs: bool
    choices: tuple[Choice, ...]
    #: What a number's field holds.
    text: str
    is_open: bool
    error: str

    @property
    def is_typed(self) -> bool:
        """Tell whether the answer is written into a field."""
        return self.question.kind == "number" and not self.question.steps

    @property
    def has_many(self) -> bool:
        """Tell whether several may be ticked."""
        return self.question.kind in {"multichoice", "spans"}


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A run of the review's text, under at most one colour, with the labels that end there."""

    text: str
    colour: int
    standing: str
    labels: tuple[str, ...]


def merged(schema: SchemaSnapshot, voices: Sequence[Voice]) -> dict[str, Any]:
    """Return what the form starts from: the majority's answer to every question that has one."""
    found: Answers = {}
    for question in schema.questions:
        given = [each.answers[question.key] for each in voices if question.key in each.answers]
        value = consensus.of_question(question, given)
        if value is not None:
            found[question.key] = value
    return answers_json.to_json(found, schema)


def rows(
    schema: SchemaSnapshot,
    voices: Sequence[Voice],
    raw: Mapping[str, Any],
    errors: Mapping[str, str],
) -> list[Row]:
    """Return a row for every question; `raw` has the form's answers in the API's shape.

    A question that is missing there is left open.
    """
    return [
        _row(question, voices, raw, errors.get(question.key, "")) for question in schema.questions
    ]


def _row(
    question: QuestionSnapshot, voices: Sequence[Voice], raw: Mapping[str, Any], error: str
) -> Row:
    given = {
        at: each.answers[question.key]
        for at, each in enumerate(voices)
        if question.key in each.answers
    }
    value = raw.get(question.key)
    found = _marks(question, given)
    return Row(
        question=question,
        cells=tuple(
            Cell(
                each.name,
                _chips(question, given.get(at), [mark for mark in found if at in mark.people]),
                is_different=at in given and any(other != given[at] for other in given.values()),
            )
            for at, each in enumerate(voices)
        ),
        differs=not consensus.are_equal(list(given.values())) if given else False,
        choices=_span_choices(question, found, voices, value)
        if question.kind == "spans"
        else _choices(question, given, voices, value),
        text=_plain(value) if question.kind == "number" else "",
        is_open=value is None,
        error=error,
    )


def _marks(question: QuestionSnapshot, given: Mapping[int, AnswerValue]) -> list[Mark]:
    if question.kind != "spans":
        return []
    return marks({at: value for at, value in given.items() if isinstance(value, tuple)})


def _chips(
    question: QuestionSnapshot, value: AnswerValue | None, found: Sequence[Mark]
) -> tuple[Chip, ...]:
    if value is None:
        return ()
    if isinstance(value, float):
        return (Chip(f"{value:g}"),)
    if isinstance(value, tuple):
        chips = tuple(
            Chip(
                f"{_span_name(question, mark.span)}: {mark.span.text}",
                _colour(question, mark.span),
                _STANDINGS.get(mark.standing, ""),
            )
            for mark in found
        )
    else:
        keys = {value} if isinstance(value, str) else value
        chips = tuple(Chip(each.name, each.colour) for each in _named(question, keys))
    return chips or (Chip("none"),)


def _named(question: QuestionSnapshot, keys: Collection[str]) -> list[OptionSnapshot]:
    return [option for option in question.options if option.key in keys]


def _span_name(question: QuestionSnapshot, span: SpanValue) -> str:
    option = question.option(span.option)
    name = option.name if option else span.option
    return f"{name}, {span.polarity}" if span.polarity else name


def _colour(question: QuestionSnapshot, span: SpanValue) -> int:
    option = question.option(span.option)
    return option.colour if option else 0


def _choices(
    question: QuestionSnapshot,
    given: Mapping[int, AnswerValue],
    voices: Sequence[Voice],
    value: Any,
) -> tuple[Choice, ...]:
    ticked = [_plain(each) for each in value] if isinstance(value, list) else [_plain(value)]
    offered = [(option.key, option.name, option.colour) for option in question.options]
    offered += [(str(step), str(step), 0) for step in question.steps]
    return tuple(
        Choice(
            key,
            name,
            colour,
            is_chosen=value is not None and key in ticked,
            people=_listed(voices[at].name for at, said in given.items() if _says(said, key)),
        )
        for key, name, colour in offered
    )


def _says(said: AnswerValue, key: str) -> bool:
    if isinstance(said, frozenset):
        return key in said
    return _plain(said) == key


def _span_choices(
    question: QuestionSnapshot, found: Sequence[Mark], voices: Sequence[Voice], value: Any
) -> tuple[Choice, ...]:
    """Offer every span that somebody marked, and those that the form has beside them."""
    ticked = {_code(each) for each in value or () if isinstance(each, Mapping)}
    offered = {
        span_code(mark.span): (mark.span, _listed(voices[at].name for at in mark.people))
        for mark in found
    }
    for each in value or ():
        if isinstance(each, Mapping) and _code(each) not in offered:
            span = SpanValue(
                each["start"],
                each["end"],
                each["option"],
                each.get("polarity") or "",
                each["text"],
            )
            offered[span_code(span)] = (span, "")
    return tuple(
        Choice(
            code,
            f"{_span_name(question, span)}: {span.text}",
            _colour(question, span),
            is_chosen=code in ticked,
            people=people,
        )
        for code, (span, people) in sorted(offered.items(), key=lambda each: each[1][0])
    )


def span_code(span: SpanValue) -> str:
    """Return how a form names a span: start, end, polarity and option."""
    return f"{span.start}:{span.end}:{span.polarity}:{span.option}"


def _code(raw: Mapping[str, Any]) -> str:
    return f"{raw.get('start')}:{raw.get('end')}:{raw.get('polarity') or ''}:{raw.get('option')}"


def _listed(names: Any) -> str:
    return ", ".join(names)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


# --- The text -----------------------------------------------------------------------------------


def painted(schema: SchemaSnapshot, voices: Sequence[Voice], text: str) -> list[TextPiece]:
    """Return the text with every span that anybody marked, and who did, in words."""
    found: dict[SpanValue, tuple[QuestionSnapshot, Mark, int]] = {}
    for question in schema.questions:
        given = {
            at: value
            for at, each in enumerate(voices)
            if isinstance(value := each.answers.get(question.key), tuple)
        }
        for mark in marks(given):
            found[mark.span] = (question, mark, len(given))
    if not found:
        return []
    return [
        TextPiece(
            piece.text,
            _colour(found[piece.spans[-1]][0], piece.spans[-1]) if piece.spans else 0,
            found[piece.spans[-1]][1].standing if piece.spans else "",
            tuple(_label(*found[span], voices) for span in piece.ending),
        )
        for piece in pieces(text, list(found))
        if piece.text
    ]


def _label(question: QuestionSnapshot, mark: Mark, count: int, voices: Sequence[Voice]) -> str:
    names = _listed(voices[at].name for at in mark.people)
    if mark.standing == "all":
        who = {1: names, 2: "both"}.get(count, f"all {count}")
    elif mark.standing == "only":
        who = f"only {names}"
    else:
        who = f"{names}, {_STANDINGS[mark.standing]}"
    return f"{_span_name(question, mark.span)} · {who}"


# --- The form -----------------------------------------------------------------------------------


def from_form(schema: SchemaSnapshot, text: str, data: FormData) -> dict[str, Any]:
    """Return what the form decides, in the shape of the API's answers.

    Fields are `answer.KEY` as on the label page, `span.KEY` for every span that is ticked, and
    `open.KEY` for a question that is left open.
    """
    written = answers_json.from_form(schema, data)
    decided: dict[str, Any] = {}
    for question in schema.questions:
        if data.get(f"open.{question.key}", ""):
            continue
        if question.kind == "spans":
            decided[question.key] = [
                _span(str(code), text) for code in data.getlist(f"span.{question.key}")
            ]
        elif question.kind == "multichoice":
            decided[question.key] = list(data.getlist(f"answer.{question.key}"))
        elif question.key in written:
            decided[question.key] = written[question.key]
    return decided


def _span(code: str, text: str) -> Any:
    """Return the span that a ticked field names; what is none is refused with the answers."""
    start, _, rest = code.partition(":")
    end, _, rest = rest.partition(":")
    polarity, _, option = rest.partition(":")
    if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in (start, end)):
        return code
    return {
        "start": int(start),
        "end": int(end),
        "text": text[int(start) : int(end)],
        "option": option,
    } | ({"polarity": polarity} if polarity else {})
