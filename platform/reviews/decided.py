"""What became of the rows of a batch: by column, ready to be written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import itemgetter
from typing import Any, Self

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

    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    #: SHA-256 of the texts.
    digests: list[bytes] = field(default_factory=list)
    #: SHA-256 in hex of what the file had where that is another text, else "".
    originals: list[str] = field(default_factory=list)
    metadata: list[str] = field(default_factory=list)  # JSON
    products: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    days: list[str | None] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    said: list[tuple[Spoken, ...]] = field(default_factory=list)

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
        columns = {each.name: list(pick(getattr(self, each.name))) for each in fields(self)}
        return replace(self, **columns)

    def with_accepted(self, rows: Iterable[Accepted], given: Iterable[Given]) -> Self:
        """Return these and some more, in the order of the file."""
        for row, answers in zip(rows, given, strict=True):
            self.numbers.append(row.row_number)
            self.texts.append(row.text)
            self.digests.append(bytes.fromhex(row.text_hash))
            self.originals.append(row.original_hash)
            self.metadata.append(row.metadata)
            self.products.append(row.product)
            self.authors.append(row.author)
            self.days.append(row.reviewed_at.isoformat() if row.reviewed_at else None)
            self.given.append(answers)
            self.said.append(row.said)
        return self.at(sorted(range(len(self)), key=self.numbers.__getitem__))


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
