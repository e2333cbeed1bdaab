"""What became of the rows of a batch: by column, ready to be written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import itemgetter
from typing import Any, Self

from common.coded import Coded
from reviews.rows import Accepted, Rejected

#: What one annotator said: the name, and answers by question.
Spoken = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """Answers of a row that hold for true, and whether they leave nothing to ask.

    Rows with the same cells share one object.
    """

    answers: Mapping[str, Any]
    is_complete: bool


NOTHING_GIVEN = Given({}, is_complete=False)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that can become reviews; all lists have the same length."""

    numbers: Sequence[int] = ()
    texts: Sequence[str] = ()
    #: SHA-256 of the texts.
    digests: Sequence[bytes] = ()
    #: SHA-256 in hex of what the file had where that is another text, else "".
    originals: Sequence[str] = ()
    metadata: Sequence[str] = ()  # JSON
    products: Sequence[str] = ()
    authors: Sequence[str] = ()
    days: Sequence[str | None] = ()
    given: Sequence[Given] = ()
    said: Sequence[tuple[Spoken, ...]] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def at(self, places: Sequence[int]) -> Self:
        """Return the rows at some places, in that order."""
        if len(places) == len(self.numbers) and list(places) == list(range(len(places))):
            return self
        if len(places) < 2:  # itemgetter would return the element and no tuple
            pick: Any = lambda column: [column[place] for place in places]  # noqa: E731
        else:
            pick = itemgetter(*places)
        columns = {
            name: column.at(places) if isinstance(column, Coded) else list(pick(column))
            for name, column in self._columns().items()
        }
        return replace(self, **columns)

    def with_accepted(self, rows: Iterable[Accepted], given: Iterable[Given]) -> Self:
        """Return these and some more, in the order of the file."""
        columns = {name: list(column) for name, column in self._columns().items()}
        for row, answers in zip(rows, given, strict=True):
            columns["numbers"].append(row.row_number)
            columns["texts"].append(row.text)
            columns["digests"].append(bytes.fromhex(row.text_hash))
            columns["originals"].append(row.original_hash)
            columns["metadata"].append(row.metadata)
            columns["products"].append(row.product)
            columns["authors"].append(row.author)
            columns["days"].append(row.reviewed_at.isoformat() if row.reviewed_at else None)
            columns["given"].append(answers)
            columns["said"].append(row.said)
        numbers = columns["numbers"]
        return replace(self, **columns).at(sorted(range(len(numbers)), key=numbers.__getitem__))

    def _columns(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class Decided:
    """All rows of a batch: those that can become reviews, and the refused ones."""

    rows: Rows
    rejected: list[Rejected]
    #: Of the first row, from 1.
    first_row: int
    read_count: int
    #: How many bytes of the file had been read.
    position: int
