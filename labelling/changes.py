"""What owners change about questions, as values, and where the options of before go with it.

What that means for an answer is in labelling.reading.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, TypeVar

from common.errors import Invalid
from labelling.reading import Path, Step
from labelling.snapshot import OptionSnapshot, QuestionSnapshot

Questions = tuple[QuestionSnapshot, ...]
_Item = TypeVar("_Item")


# --- The changes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Call a question, or one of its options, something else; the key stays."""

    do: ClassVar[str] = "rename"
    question: str
    option: str = ""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Make one option of several: answers that named any of them name it."""

    do: ClassVar[str] = "merge"
    question: str
    options: tuple[str, ...]
    #: The key of one of them, or a new one, which takes a name.
    into: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Offer several options in the place of one; what named it is needed again."""

    do: ClassVar[str] = "split"
    question: str
    option: str
    into: tuple[OptionSnapshot, ...]
    reopen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """Offer an option no more; what named it is needed again."""

    do: ClassVar[str] = "retire"
    question: str
    option: str
    reopen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOption:
    """Offer one more option; answers given before stand."""

    do: ClassVar[str] = "add_option"
    question: str
    option: OptionSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class AddQuestion:
    """Ask one more question, last unless `position` says where, from 0."""

    do: ClassVar[str] = "add_question"
    question: QuestionSnapshot
    position: int | None = None
    reopen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveQuestion:
    """Ask a question no more."""

    do: ClassVar[str] = "remove_question"
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBounds:
    """Change which numbers answer a question; answers beyond are needed again."""

    do: ClassVar[str] = "set_bounds"
    question: str
    minimum: float | None = None
    maximum: float | None = None
    is_integer: bool = False
    reopen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    """Change how a question is put; None leaves a thing as it is."""

    do: ClassVar[str] = "adjust"
    question: str
    instructions: str | None = None
    is_required: bool | None = None
    has_polarity: bool | None = None
    allows_overlap: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """Put questions, or the options of one, in another order: all their keys."""

    do: ClassVar[str] = "reorder"
    question: str = ""
    keys: tuple[str, ...]


Change = (
    Rename
    | Merge
    | Split
    | Retire
    | AddOption
    | AddQuestion
    | RemoveQuestion
    | SetBounds
    | Adjust
    | Reorder
)
ChangeType = (
    type[Rename]
    | type[Merge]
    | type[Split]
    | type[Retire]
    | type[AddOption]
    | type[AddQuestion]
    | type[RemoveQuestion]
    | type[SetBounds]
    | type[Adjust]
    | type[Reorder]
)
KINDS: Mapping[str, ChangeType] = {
    each.do: each
    for each in (
        Rename, Merge, Split, Retire, AddOption, AddQuestion, RemoveQuestion, SetBounds, Adjust,
        Reorder,
    )
}  # fmt: skip


# --- Changing questions ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """What changes make of questions, and of the answers to them."""

    questions: Questions
    step: Step
    #: (question, option) whose reviews are opened again; option "": a question that is new, or
    #: numbers that are out of bounds.
    reopened: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Tell whether every answer stands as it is, and no question is new."""
        return len(self.questions) == len(self.step) and all(
            key == now for path in self.step.values() for key, now in path.options.items()
        )


def apply(before: Questions, changes: Sequence[Change]) -> Applied:
    """Make `changes` to questions, one after the other; raise Invalid for one that cannot be made.

    Whether the outcome can be asked is for schemas.check to say.
    """
    work = Work(before)
    for index, change in enumerate(changes):
        work.make(f"changes[{index}]", change)
    return work.done()


def step_between(before: Questions, after: Questions, changes: Sequence[Change]) -> Step:
    """Return the step that recorded changes made; without a record, keys tell.

    Versions from before changes were recorded have none.
    """
    work = Work(before)
    for change in changes or between(before, after):
        work.make("changes", change)
    now = {question.key: question for question in after}
    return {
        key: Path(now[key], path.options) for key, path in work.done().step.items() if key in now
    }


class Work:
    """Questions while they are being changed, and where the options of before have gone."""

    def __init__(self, before: Questions) -> None:
        self._questions = {question.key: question for question in before}
        self._paths: dict[str, dict[str, str | None]] = {
            question.key: {option.key: option.key for option in question.options}
            for question in before
        }
        self._reopened: set[tuple[str, str]] = set()

    def make(self, at: str, change: Change) -> None:
        """Make one change; `at` is where it stands, for errors."""
        makers: dict[ChangeType, Callable[[str, Any], None]] = {
            Rename: self._rename,
            Merge: self._merge,
            Split: self._split,
            Retire: self._retire,
            AddOption: self._add_option,
            AddQuestion: self._add_question,
            RemoveQuestion: self._remove_question,
            SetBounds: self._set_bounds,
            Adjust: self._adjust,
            Reorder: self._reorder,
        }
        makers[type(change)](at, change)

    def done(self) -> Applied:
        """Return the outcome."""
        step = {
            key: Path(self._questions[key], dict(options)) for key, options in self._paths.items()
        }
        return Applied(tuple(self._questions.values()), step, frozenset(self._reopened))

    def _question(self, at: str, key: str) -> QuestionSnapshot:
        if key not in self._questions:
            known = ", ".join(self._questions) or "none"
            raise Invalid.of(f"{at}.question", f"There is no question {key[:60]!r}: {known}.")
        return self._questions[key]

    def _option(self, at: str, question: QuestionSnapshot, key: str) -> OptionSnapshot:
        option = question.option(key)
        if option is None:
            known = ", ".join(each.key for each in question.options[:20]) or "none"
            raise Invalid.of(at, f"{question.name} has no option {key[:60]!r}. Options: {known}.")
        return option

    def _put(self, question: QuestionSnapshot, **values: Any) -> None:
        self._questions[question.key] = replace(question, **values)

    def _rename(self, at: str, change: Rename) -> None:
        question = self._question(at, change.question)
        if not change.option:
            self._put(question, name=change.name)
            return
        renamed = replace(self._option(f"{at}.option", question, change.option), name=change.name)
        self._replace(question, change.option, (renamed,))

    def _replace(
        self, question: QuestionSnapshot, key: str, instead: Sequence[OptionSnapshot]
    ) -> None:
        options: list[OptionSnapshot] = []
        for option in question.options:
            options += instead if option.key == key else (option,)
        self._put(question, options=tuple(options))

    def _merge(self, at: str, change: Merge) -> None:
        question = self._question(at, change.question)
        merged = [self._option(f"{at}.options", question, key) for key in change.options]
        same = question.option(change.into)
        if len({each.key for each in merged} | {change.into}) < 2:
            raise Invalid.of(f"{at}.options", "Two or more options can be merged, not one.")
        if same is None and not change.name:
            raise Invalid.of(f"{at}.name", f"{change.into[:60]!r} is a new option: name it.")
        kept = same or replace(merged[0], key=change.into)
        kept = replace(kept, name=change.name or kept.name, hot_key=kept.hot_key)
        gone = {each.key for each in merged} - {kept.key}
        first = next(each for each in question.options if each.key in gone | {kept.key})
        options = [
            kept if each is (same or first) else each
            for each in question.options
            if each.key not in gone or (same is None and each is first)
        ]
        self._put(question, options=tuple(options))
        self._lead(change.question, dict.fromkeys(gone, kept.key))

    def _lead(self, question: str, now: Mapping[str, str | None]) -> None:
        """Send what leads to the options that are keys of `now` on to its values."""
        path = self._paths.get(question, {})
        for key, to in path.items():
            if to is not None and to in now:
                path[key] = now[to]

    def _split(self, at: str, change: Split) -> None:
        question = self._question(at, change.question)
        self._option(f"{at}.option", question, change.option)
        if len(change.into) < 2:
            raise Invalid.of(f"{at}.into", "An option is split into two or more.")
        self._lose(question, change.option, is_reopened=change.reopen)
        self._replace(question, change.option, change.into)

    def _retire(self, at: str, change: Retire) -> None:
        question = self._question(at, change.question)
        self._option(f"{at}.option", question, change.option)
        self._lose(question, change.option, is_reopened=change.reopen)
        self._replace(question, change.option, ())

    def _lose(self, question: QuestionSnapshot, option: str, *, is_reopened: bool) -> None:
        path = self._paths.get(question.key, {})
        if is_reopened:
            self._reopened |= {(question.key, key) for key, to in path.items() if to == option}
        self._lead(question.key, {option: None})

    def _add_option(self, at: str, change: AddOption) -> None:
        question = self._question(at, change.question)
        self._put(question, options=(*question.options, change.option))

    def _add_question(self, at: str, change: AddQuestion) -> None:
        key = change.question.key
        if key in self._questions:
            raise Invalid.of(f"{at}.question", f"There is a question {key!r} already.")
        order = list(self._questions.values())
        order.insert(len(order) if change.position is None else change.position, change.question)
        self._questions = {question.key: question for question in order}
        if change.reopen:
            self._reopened.add((key, ""))

    def _remove_question(self, at: str, change: RemoveQuestion) -> None:
        self._question(at, change.question)
        del self._questions[change.question]
        self._paths.pop(change.question, None)
        self._reopened = {each for each in self._reopened if each[0] != change.question}

    def _set_bounds(self, at: str, change: SetBounds) -> None:
        question = self._question(at, change.question)
        self._put(
            question,
            minimum=change.minimum,
            maximum=change.maximum,
            is_integer=change.is_integer,
        )
        if change.reopen and change.question in self._paths:
            self._reopened.add((change.question, ""))

    def _adjust(self, at: str, change: Adjust) -> None:
        values = {key: value for key, value in asdict(change).items() if value is not None}
        self._put(self._question(at, values.pop("question")), **values)

    def _reorder(self, at: str, change: Reorder) -> None:
        if not change.question:
            order = _ordered(at, change.keys, self._questions)
            self._questions = {question.key: question for question in order}
            return
        question = self._question(at, change.question)
        options = {option.key: option for option in question.options}
        self._put(question, options=tuple(_ordered(at, change.keys, options)))


def _ordered(at: str, keys: Sequence[str], items: Mapping[str, _Item]) -> list[_Item]:
    if sorted(keys) != sorted(items):
        known = ", ".join(list(items)[:40])
        raise Invalid.of(f"{at}.keys", f"An order names each of them once: {known}.")
    return [items[key] for key in keys]


# --- Without a record -------------------------------------------------------------------------


def between(before: Questions, after: Questions) -> tuple[Change, ...]:
    """Return changes that lead from one set of questions to another, going by their keys.

    Colours and hot keys are no matter of answers and left out.
    """
    return tuple(_between(before, after))


def _between(before: Questions, after: Questions) -> Iterator[Change]:
    now = {question.key: question for question in after}
    kept: list[str] = []
    for old in before:
        new = now.get(old.key)
        if new is None or new.kind != old.kind:
            yield RemoveQuestion(question=old.key)
        else:
            kept.append(old.key)
            yield from _of_question(old, new)
    order = list(kept)
    for position, new in enumerate(after):
        if new.key not in kept:
            order.insert(position, new.key)
            yield AddQuestion(question=new, position=position)
    if order != list(now):
        yield Reorder(keys=tuple(now))


def _of_question(old: QuestionSnapshot, new: QuestionSnapshot) -> Iterator[Change]:
    key = old.key
    if old.name != new.name:
        yield Rename(question=key, name=new.name)
    bounds = (new.minimum, new.maximum, new.is_integer)
    if (old.minimum, old.maximum, old.is_integer) != bounds:
        low, high, is_integer = bounds
        yield SetBounds(question=key, minimum=low, maximum=high, is_integer=is_integer)
    adjusted = {
        name: getattr(new, name)
        for name in ("instructions", "is_required", "has_polarity", "allows_overlap")
        if getattr(new, name) != getattr(old, name)
    }
    if adjusted:
        yield Adjust(question=key, **adjusted)
    yield from _of_options(old, new)


def _of_options(old: QuestionSnapshot, new: QuestionSnapshot) -> Iterator[Change]:
    for option in old.options:
        same = new.option(option.key)
        if same is None:
            yield Retire(question=old.key, option=option.key)
        elif same.name != option.name:
            yield Rename(question=old.key, option=option.key, name=same.name)
    fresh = [option for option in new.options if old.option(option.key) is None]
    for option in fresh:
        yield AddOption(question=old.key, option=option)
    order = [each.key for each in old.options if new.option(each.key)]
    order += [each.key for each in fresh]
    wanted = tuple(each.key for each in new.options)
    if tuple(order) != wanted:
        yield Reorder(question=old.key, keys=wanted)
