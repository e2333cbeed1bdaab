"""Changes of questions in words, by the names that people know."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labelling.changes import (
    AddOption,
    AddQuestion,
    Adjust,
    Change,
    ChangeType,
    Merge,
    Questions,
    RemoveQuestion,
    Rename,
    Reorder,
    Retire,
    SetBounds,
    Split,
    Work,
)
from labelling.snapshot import QuestionSnapshot


def words(before: Questions, changes: Sequence[Change]) -> list[str]:
    """Return one sentence a change."""
    work = Work(before)
    said: list[str] = []
    for change in changes:
        names = {question.key: question for question in work.done().questions}
        said.append(_sentence(change, names))
        work.make("changes", change)
    return said


def _sentence(change: Change, now: Mapping[str, QuestionSnapshot]) -> str:
    if isinstance(change, AddQuestion):
        return f"Ask one more question: {change.question.name}"
    if isinstance(change, Reorder) and not change.question:
        return "Put the questions in another order"
    asked = now[change.question]
    return f"{asked.name}: {_SENTENCES[type(change)](asked, change)}"


def _called(question: QuestionSnapshot, key: str) -> str:
    option = question.option(key)
    return option.name if option else key


def _rename(asked: QuestionSnapshot, change: Rename) -> str:
    what = f"“{_called(asked, change.option)}” to " if change.option else "it "
    return f"rename {what}“{change.name}”"


def _merge(asked: QuestionSnapshot, change: Merge) -> str:
    merged = ", ".join(f"“{_called(asked, key)}”" for key in change.options)
    return f"merge {merged} into “{change.name or _called(asked, change.into)}”"


def _split(asked: QuestionSnapshot, change: Split) -> str:
    parts = ", ".join(f"“{each.name}”" for each in change.into)
    return f"split “{_called(asked, change.option)}” into {parts}"


def _retire(asked: QuestionSnapshot, change: Retire) -> str:
    return f"retire “{_called(asked, change.option)}”"


def _bounds(_: QuestionSnapshot, change: SetBounds) -> str:
    low = "" if change.minimum is None else f" from {change.minimum:g}"
    high = "" if change.maximum is None else f" to {change.maximum:g}"
    whole = "whole numbers" if change.is_integer else "any number"
    return f"take {whole}{low}{high}"


def _adjust(_: QuestionSnapshot, change: Adjust) -> str:
    said = {
        "instructions": "change the instructions",
        "is_required": "it needs an answer" if change.is_required else "it is optional",
        "has_polarity": "spans have a polarity"
        if change.has_polarity
        else "spans have no polarity",
        "allows_overlap": (
            "spans may share characters" if change.allows_overlap else "spans share no characters"
        ),
    }
    given = [name for name in said if getattr(change, name) is not None]
    return ", ".join(said[name] for name in given)


_SENTENCES: Mapping[ChangeType, Callable[[QuestionSnapshot, Any], str]] = {
    Rename: _rename,
    Merge: _merge,
    Split: _split,
    Retire: _retire,
    AddOption: lambda _, change: f"offer “{change.option.name}” as well",
    RemoveQuestion: lambda *_: "ask it no more",
    SetBounds: _bounds,
    Adjust: _adjust,
    Reorder: lambda *_: "put its options in another order",
}
