"""A project's questions as plain values: what pure code works on instead of rows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["choice", "multichoice", "number", "spans"]

#: Kinds whose answers name options.
OPTION_KINDS: frozenset[str] = frozenset({"choice", "multichoice", "spans"})
#: An integer question with at most this many values is answered by buttons, not by typing.
MAX_BUTTONS = 11


@dataclass(frozen=True, slots=True)
class OptionSnapshot:
    """An allowed answer; `id` is 0 until it is stored."""

    key: str
    name: str
    colour: int = 1
    hot_key: str = ""
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class QuestionSnapshot:
    """What is asked about every review; `id` is 0 until it is stored."""

    key: str
    name: str
    kind: Kind
    options: tuple[OptionSnapshot, ...] = ()
    instructions: str = ""
    is_required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    is_integer: bool = False
    has_polarity: bool = False
    #: Whether spans may share characters.
    allows_overlap: bool = True
    id: int = field(default=0, compare=False)

    def option(self, key: str) -> OptionSnapshot | None:
        """Return the option called `key`, if there is one."""
        return next((option for option in self.options if option.key == key), None)

    @property
    def steps(self) -> tuple[int, ...]:
        """Return the values of a small integer scale, lowest first; empty for any other."""
        if self.kind != "number" or not self.is_integer:
            return ()
        if self.minimum is None or self.maximum is None:
            return ()
        if self.maximum - self.minimum > MAX_BUTTONS:  # before a range is made: it may be 1e308
            return ()
        values = range(int(self.minimum), int(self.maximum) + 1)
        return tuple(values) if len(values) <= MAX_BUTTONS else ()


@dataclass(frozen=True, slots=True)
class SchemaSnapshot:
    """One version of a project's questions, in the order in which they are asked."""

    version: int
    questions: tuple[QuestionSnapshot, ...] = ()
    guidelines: str = ""
    id: int = field(default=0, compare=False)
    made_at: datetime | None = field(default=None, compare=False)
    #: Whether somebody had answered it when it was read.
    is_frozen: bool = field(default=False, compare=False)

    def question(self, key: str) -> QuestionSnapshot | None:
        """Return the question called `key`, if there is one."""
        return next((question for question in self.questions if question.key == key), None)
