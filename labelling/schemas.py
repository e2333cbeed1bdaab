"""What makes a set of questions a good one: checked before it becomes a version."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from common.errors import FieldError, Invalid
from labelling import hotkeys
from labelling.snapshot import OPTION_KINDS, OptionSnapshot, QuestionSnapshot

MAX_QUESTIONS = 30
MAX_OPTIONS = 100
MAX_NAME = 100
MAX_KEY = 50
MAX_INSTRUCTIONS = 2000
COLOURS = 12
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
KINDS = ("choice", "multichoice", "number", "spans")


def check(questions: Sequence[QuestionSnapshot]) -> None:
    """Raise Invalid, with one error a fault, when these questions cannot be asked."""
    errors = tuple(_faults(questions))
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors=errors)


def with_hot_keys(questions: Sequence[QuestionSnapshot]) -> tuple[QuestionSnapshot, ...]:
    """Return the questions with a hot key on every option that can have one."""
    keys = hotkeys.layout(questions)
    return tuple(
        replace(
            question,
            options=tuple(
                replace(option, hot_key=keys[question.key].get(option.key, ""))
                for option in question.options
            ),
        )
        for question in questions
    )


def key_of(name: str, taken: Iterable[str] = ()) -> str:
    """Make a key for programs out of a name; numbered when nothing is left or it is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: MAX_KEY - 4] or "x"
    used = set(taken)
    if base not in used:
        return base
    return next(key for number in range(2, 1000) if (key := f"{base}_{number}") not in used)


def _faults(questions: Sequence[QuestionSnapshot]) -> Iterator[FieldError]:
    if len(questions) > MAX_QUESTIONS:
        yield FieldError("questions", f"At most {MAX_QUESTIONS} questions, not {len(questions)}.")
    seen: set[str] = set()
    for index, question in enumerate(questions):
        at = f"questions[{index}]"
        if question.key in seen:
            yield FieldError(f"{at}.key", f"Two questions have the key {question.key!r}.")
        seen.add(question.key)
        yield from _question_faults(at, question)


def _question_faults(at: str, question: QuestionSnapshot) -> Iterator[FieldError]:
    if len(question.key) > MAX_KEY or not _KEY.match(question.key):
        yield FieldError(
            f"{at}.key",
            f"A key has 1 to {MAX_KEY} lower-case letters, digits, - and _; "
            f"{question.key[:60]!r} has not.",
        )
    if question.kind not in KINDS:
        yield FieldError(f"{at}.kind", f"{question.kind!r} is none of {', '.join(KINDS)}.")
    yield from _name_faults(f"{at}.name", question.name)
    if len(question.instructions) > MAX_INSTRUCTIONS:
        yield FieldError(
            f"{at}.instructions", f"Keep instructions under {MAX_INSTRUCTIONS} characters."
        )
    yield from _bound_faults(at, question)
    yield from _option_faults(at, question)


def _name_faults(at: str, name: str) -> Iterator[FieldError]:
    if not name.strip():
        yield FieldError(at, "Give it a name.")
    elif len(name) > MAX_NAME:
        yield FieldError(at, f"A name has at most {MAX_NAME} characters, not {len(name)}.")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        yield FieldError(at, "A name has no line breaks, tabs or other control characters.")


def _bound_faults(at: str, question: QuestionSnapshot) -> Iterator[FieldError]:
    low, high = question.minimum, question.maximum
    if not all(bound is None or math.isfinite(bound) for bound in (low, high)):
        yield FieldError(f"{at}.minimum", "A minimum and a maximum are finite, or left out.")
    elif question.kind != "number" and (low is not None or high is not None):
        yield FieldError(f"{at}.minimum", "Only numbers have a minimum and a maximum.")
    elif low is not None and high is not None and not low < high:
        yield FieldError(f"{at}.minimum", f"The minimum {low:g} is not below the maximum {high:g}.")
    if question.has_polarity and question.kind != "spans":
        yield FieldError(f"{at}.has_polarity", "Only spans have a polarity.")
    if not question.allows_overlap and question.kind != "spans":
        yield FieldError(f"{at}.allows_overlap", "Only spans can be kept from overlapping.")


def _option_faults(at: str, question: QuestionSnapshot) -> Iterator[FieldError]:
    count = len(question.options)
    if question.kind == "number" and count:
        yield FieldError(f"{at}.options", "A number has no options.")
    least = 2 if question.kind == "choice" else 1
    if question.kind in OPTION_KINDS and not least <= count <= MAX_OPTIONS:
        yield FieldError(f"{at}.options", f"Give {least} to {MAX_OPTIONS} options, not {count}.")
    keys: set[str] = set()
    names: set[str] = set()
    for index, option in enumerate(question.options):
        here = f"{at}.options[{index}]"
        yield from _one_option_faults(here, option)
        if option.key in keys or option.name in names:
            yield FieldError(here, f"Two options are called {option.name!r} ({option.key!r}).")
        keys.add(option.key)
        names.add(option.name)


def _one_option_faults(at: str, option: OptionSnapshot) -> Iterator[FieldError]:
    yield from _name_faults(f"{at}.name", option.name)
    yield from _name_faults(f"{at}.key", option.key)
    if not 1 <= option.colour <= COLOURS:
        yield FieldError(f"{at}.colour", f"Colours go from 1 to {COLOURS}, not {option.colour}.")
    if option.hot_key in hotkeys.RESERVED and option.hot_key:
        yield FieldError(f"{at}.hot_key", f"The key {option.hot_key!r} does something else.")
    elif len(option.hot_key) > 1 or (option.hot_key and not option.hot_key.isalnum()):
        yield FieldError(f"{at}.hot_key", "A hot key is one letter or digit.")
