"""What somebody wants exported: which reviews, whose labels, in which format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import Invalid
from reviews.formats import FORMATS, OutFormat
from reviews.formats.plan import FACTS
from reviews.labels import QuestionInfo

#: No labels at all.
NONE = "none"
TOKENS = ("words", "spaces")
_MAX_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wish; what is empty or None is left to us."""

    format: str
    #: A key of reviews.labels, or "none".
    labels: str = NONE
    #: What the source of the labels is asked more closely: {"version": "3"}.
    label_settings: Mapping[str, str] = field(default_factory=dict)
    #: Filters of the review table, name and value.
    filters: tuple[tuple[str, str], ...] = ()
    #: Id of the data set; with `version` the number of one of its snapshots.
    dataset: int | None = None
    version: int | None = None
    #: Facts and keys of the metadata; None is all there is.
    columns: tuple[str, ...] | None = None
    #: Key of the one question of formats that have room for one.
    question: str = ""
    tokens: str = "words"

    def as_json(self) -> dict[str, Any]:
        """Return the shape in which a wish is kept."""
        return {
            "format": self.format,
            "labels": self.labels,
            "label_settings": dict(self.label_settings),
            "filters": [list(each) for each in self.filters],
            "dataset": self.dataset,
            "version": self.version,
            "columns": None if self.columns is None else list(self.columns),
            "question": self.question,
            "tokens": self.tokens,
        }

    @property
    def facts(self) -> tuple[str, ...]:
        """Which of the known facts are wanted."""
        return tuple(name for name in FACTS if self.columns is None or name in self.columns)

    @property
    def metadata(self) -> tuple[str, ...] | None:
        """Which keys of the metadata are wanted; None is all there are.

        A key that is called like a fact is named with `metadata.` before it.
        """
        if self.columns is None:
            return None
        named = (name for name in self.columns if name not in FACTS)
        return tuple(dict.fromkeys(name.removeprefix("metadata.") for name in named))


def from_json(raw: Mapping[str, Any]) -> Wanted:
    """Read a wish that `as_json` wrote."""
    columns = raw["columns"]
    return Wanted(
        format=raw["format"],
        labels=raw["labels"],
        label_settings=raw["label_settings"],
        filters=tuple((name, value) for name, value in raw["filters"]),
        dataset=raw["dataset"],
        version=raw["version"],
        columns=None if columns is None else tuple(columns),
        question=raw["question"],
        tokens=raw["tokens"],
    )


def format_of(key: str) -> OutFormat:
    """Return the format called `key`; raise Invalid when there is none."""
    chosen = FORMATS.get(key)
    if chosen is None:
        known = ", ".join(FORMATS)
        raise Invalid.of("format", f"There is no format {key[:50]!r}; known: {known}.")
    return chosen


def check(wanted: Wanted, *, names_people: bool) -> None:
    """Raise Invalid for what contradicts itself or what a format cannot hold."""
    chosen = format_of(wanted.format)
    if names_people and not chosen.has_annotators:
        raise Invalid.of(
            "labels",
            f"{chosen.name} has no place for who said it. Choose gold or consensus, or a format "
            "that keeps annotators apart, such as JSONL.",
        )
    if chosen.needs_labels and wanted.labels == NONE:
        raise Invalid.of("labels", f"{chosen.name} is made of labels. Say whose.")
    if wanted.tokens not in TOKENS:
        raise Invalid.of("tokens", f"tokens is one of {', '.join(TOKENS)}.")
    if wanted.columns is not None and len(wanted.columns) > _MAX_COLUMNS:
        raise Invalid.of("columns", f"At most {_MAX_COLUMNS:,} columns can be named.")
    if wanted.version is not None and (wanted.dataset is None or wanted.filters):
        raise Invalid.of("version", "A version is one of a data set, whole: name it, no filters.")
    if wanted.version is not None and wanted.labels not in {NONE, "gold"}:
        raise Invalid.of("labels", "A version holds the gold of its time. Choose gold or none.")


def question_of(wanted: Wanted, questions: list[QuestionInfo]) -> QuestionInfo | None:
    """Return the question of a format that has room for one, the only one where there is one.

    Raises Invalid when there is none of its kind, or a choice to be made.
    """
    chosen = format_of(wanted.format)
    fitting = [each for each in questions if each.kind in chosen.one_of]
    if wanted.question and wanted.question not in {each.key for each in fitting}:
        known = ", ".join(each.key for each in fitting) or "none"
        raise Invalid.of(
            "question",
            f"{chosen.name} cannot be about the question {wanted.question[:50]!r}. "
            f"Questions that fit: {known}.",
        )
    if wanted.question:
        return next(each for each in fitting if each.key == wanted.question)
    if len(fitting) > 1:
        keys = ", ".join(each.key for each in fitting)
        raise Invalid.of("question", f"{chosen.name} is about one question. Choose from {keys}.")
    if not fitting and chosen.kinds == chosen.one_of and wanted.labels != NONE:
        raise Invalid.of("question", f"The labels have no question that {chosen.name} can hold.")
    return fitting[0] if fitting else None
