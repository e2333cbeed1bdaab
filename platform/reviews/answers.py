"""The hook by which an import's answer columns become gold.

Questions belong to a package above this one; it registers what takes the answers of an import.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from projects.models import Project


@dataclass(frozen=True, slots=True)
class ImportedSpan:
    """A range of a text with the key of an option, as an import found it."""

    start: int
    end: int
    option: str
    polarity: str = ""


class AnswerSink(Protocol):
    """Takes the answers of imported rows for one project."""

    def questions(self) -> Mapping[str, str]:
        """Return the questions that a column can answer: key to name."""
        ...

    def parse(self, question_key: str, raw: str) -> Any:
        """Turn a cell into an answer; None when it is empty.

        The answer to a question about spans is a tuple of ImportedSpan, in offsets of the raw
        text; whoever stores it has moved them to the text that is stored. Parsing the same cell
        twice gives equal answers. Raises ValueError with a sentence such as '"five" is not a
        number from 1 to 5'.
        """
        ...

    def is_complete(self, given: Mapping[str, Any]) -> bool:
        """Tell whether parsed answers leave nothing to ask: such a review is labelled."""
        ...

    def prepare(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Any:
        """Make what spares `store` work with the same rows, without the database, in any thread."""
        ...

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]], prepared: Any = None) -> None:
        """Write the parsed answers of reviews (by id) as gold, in the caller's transaction."""
        ...

    def store_said(
        self, rows: Sequence[tuple[int, str, Mapping[str, Any]]], import_job_id: int
    ) -> list[bool]:
        """Write what annotators (by name) said about reviews (by id): an annotation each.

        Consensus and what is labelled follow from them. Returns for each row whether it was
        written: not when that annotator has an annotation of that review already.
        """
        ...

    def before_and_update(
        self, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> dict[int, dict[str, Any]]:
        """Put imported answers in place of those that are there; return those, as JSON, by id."""
        ...

    def restore(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Put answers back that `before_and_update` returned."""
        ...

    def said_since(self, dataset_id: int) -> tuple[int, int]:
        """Count the annotations of a data set that came with no import, and who made them."""
        ...

    def remove_said(self, import_job_id: int, *, limit: int) -> int:
        """Take away up to `limit` of the annotations that came with an import; return how many.

        Called until it returns 0, which is when people who said nothing else are forgotten.
        """
        ...


class _Nobody:
    """What takes answers while no package above has registered: nothing can be answered."""

    def questions(self) -> Mapping[str, str]:
        return {}

    def parse(self, question_key: str, raw: str) -> Any:
        raise KeyError(question_key, raw)

    def is_complete(self, given: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False

    def prepare(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Nothing will be stored."""

    def store(
        self,
        rows: Sequence[tuple[int, Mapping[str, Any]]],
        prepared: Any = None,  # noqa: ARG002
    ) -> None:
        if rows:
            raise KeyError("nobody takes answers")

    def store_said(
        self,
        rows: Sequence[tuple[int, str, Mapping[str, Any]]],
        import_job_id: int,  # noqa: ARG002
    ) -> list[bool]:
        if rows:
            raise KeyError("nobody takes answers")
        return []

    def before_and_update(
        self, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> dict[int, dict[str, Any]]:
        return {review_id: {} for review_id, _ in rows}

    def restore(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Nothing was changed."""

    def said_since(self, dataset_id: int) -> tuple[int, int]:  # noqa: ARG002
        return 0, 0

    def remove_said(self, import_job_id: int, *, limit: int) -> int:  # noqa: ARG002
        return 0


_factories: list[Callable[[Project], AnswerSink]] = [lambda _: _Nobody()]


def register(factory: Callable[[Project], AnswerSink]) -> None:
    """Say who takes answers; called once, when the package above starts."""
    _factories[:] = [factory]


def sink_for(project: Project) -> AnswerSink:
    """Return what takes the project's imported answers."""
    return _factories[0](project)
