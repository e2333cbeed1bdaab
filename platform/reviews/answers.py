"""The hook by which an import's answer columns become gold.

Questions belong to a package above this one; it registers what takes the answers of an import.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from projects.models import Project


class AnswerSink(Protocol):
    """Takes the answers of imported rows for one project."""

    def questions(self) -> Mapping[str, str]:
        """Return the questions that a column can answer: key to name."""
        ...

    def parse(self, question_key: str, raw: str) -> Any:
        """Turn a cell into an answer; None when it is empty.

        Raises ValueError with a sentence such as '"five" is not a number from 1 to 5'.
        """
        ...

    def is_complete(self, given: Mapping[str, Any]) -> bool:
        """Tell whether parsed answers leave nothing to ask: such a review is labelled."""
        ...

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Write the parsed answers of reviews (by id) in the caller's transaction."""
        ...


class _Nobody:
    """What takes answers while no package above has registered: nothing can be answered."""

    def questions(self) -> Mapping[str, str]:
        return {}

    def parse(self, question_key: str, raw: str) -> Any:
        raise KeyError(question_key, raw)

    def is_complete(self, given: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        if rows:
            raise KeyError("nobody takes answers")


_factories: list[Callable[[Project], AnswerSink]] = [lambda _: _Nobody()]


def register(factory: Callable[[Project], AnswerSink]) -> None:
    """Say who takes answers; called once, when the package above starts."""
    _factories[:] = [factory]


def sink_for(project: Project) -> AnswerSink:
    """Return what takes the project's imported answers."""
    return _factories[0](project)
