"""What every writer of files is given: the plan of an export, and reviews with their labels."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reviews.labels import Labels, QuestionInfo

#: How many of the things that a format could not take are named one by one.
_NAMED = 20


class Unwritable(Exception):
    """The format cannot hold this; the sentence says what, and what to choose instead."""


class Exported(NamedTuple):
    """A review on its way out."""

    id: int
    dataset: str
    text: str
    metadata: Mapping[str, Any]
    product: str
    author: str
    #: ISO, or "" when nobody knows.
    date: str
    split: str
    labels: Sequence[Labels] = ()


@dataclass(slots=True)
class LeftOut:
    """What a format could not take: counted, and the first of it named."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < _NAMED:
            self.examples.append(what)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export is to hold."""

    #: Words for people: the project, and which reviews.
    title: str
    #: Which labels: a key of reviews.labels, or "none".
    labels: str = "none"
    #: Whether the labels are those of several people, each of whom is named.
    names_people: bool = False
    questions: tuple[QuestionInfo, ...] = ()
    #: The keys of the reviews' metadata that are wanted, None for all; tables have to know them.
    metadata: tuple[str, ...] | None = ()
    #: The facts about a review that are wanted beside its id and text; see FACTS.
    facts: tuple[str, ...] = ()
    #: The one question of formats that have room for one.
    question: QuestionInfo | None = None
    #: "words" parts words and punctuation, "spaces" parts at white space only.
    tokens: str = "words"
    left_out: LeftOut = field(default_factory=LeftOut)

    def kept(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the part of a review's metadata that is wanted."""
        if self.metadata is None:
            return metadata
        return {key: metadata[key] for key in self.metadata if key in metadata}


#: What is known about a review beside its text and its metadata, in the order of columns.
FACTS = ("product", "author", "date", "dataset", "split")


class Writer(ABC):
    """Writes one file, by the piece; raises Unwritable for what its format cannot hold."""

    @abstractmethod
    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""

    @abstractmethod
    def close(self) -> None:
        """Complete the file; nothing can be added after it."""

    def abandon(self) -> None:  # noqa: B027  (most have nothing to leave behind)
        """Leave nothing behind of a file that will not be completed."""
