"""The hook by which a draw of splits learns what reviews were answered.

Questions belong to a package above this one; it registers who knows the answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reviews.models import Dataset


@dataclass(frozen=True, slots=True)
class Stratifier:
    """A question whose answers part reviews into strata."""

    key: str
    name: str


class Answered(Protocol):
    """Knows which questions the reviews of a data set answer, and how."""

    def questions(self, dataset: Dataset) -> Sequence[Stratifier]:
        """Return the questions with one option or a number that some of its reviews answer."""
        ...

    def answers(self, dataset: Dataset, key: str) -> Iterable[tuple[int, str]]:
        """Return ids of its reviews and their answer in a word."""
        ...


class _Nobody:
    """Who knows answers while no package above has registered: there are none."""

    def questions(self, dataset: Dataset) -> Sequence[Stratifier]:  # noqa: ARG002
        return []

    def answers(self, dataset: Dataset, key: str) -> Iterable[tuple[int, str]]:
        raise KeyError(dataset, key)


_known: list[Answered] = [_Nobody()]


def register(answered: Answered) -> None:
    """Say who knows answers; called once, when the package above starts."""
    _known[:] = [answered]


def questions(dataset: Dataset) -> Sequence[Stratifier]:
    """Return the questions by whose answers a data set can be stratified, in their order."""
    return _known[0].questions(dataset)


def answers(dataset: Dataset, key: str) -> Iterable[tuple[int, str]]:
    """Return ids of a data set's reviews and their answer to a question, in a word."""
    return _known[0].answers(dataset, key)
