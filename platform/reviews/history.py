"""Where a data set comes from, step by step, in words: its own steps, then those of its parents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from common.errors import Invalid
from reviews import recipes
from reviews.cleaning import STEPS
from reviews.models import Dataset, ImportJob

#: A data set made of one made of one ... is told so far back.
_MAX_ANCESTORS = 10
_OUTCOMES = (
    ("duplicates", "left out because their text had become that of another"),
    ("empty", "left out because nothing of their text was left"),
    ("spans_moved", "spans moved with their words"),
    ("spans_lost", "spans dropped because their words had gone"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """What was done to make one data set."""

    dataset: Dataset
    steps: list[Step]
    #: The address of the form filled in alike, for what can be made again; else empty.
    again: str = ""


def history_of(dataset: Dataset) -> list[Chapter]:
    """Return what made a data set, then what made the one that it was made of, and so on."""
    chapters = [_chapter(dataset)]
    parent = dataset.parent
    while parent is not None and len(chapters) < _MAX_ANCESTORS:
        chapters.append(_chapter(parent))
        parent = parent.parent
    return chapters


def _chapter(dataset: Dataset) -> Chapter:
    if dataset.kind == Dataset.Kind.IMPORTED:
        works = dataset.imports.select_related("upload").order_by("pk")
        return Chapter(dataset, [step for work in works for step in _of_import(work)])
    steps = [Step(title, detail) for title, detail in dataset.recipe.get("said", [])]
    return Chapter(dataset, [*steps, *_of_outcome(dataset)], _again(dataset.recipe))


def _again(recipe: dict[str, Any]) -> str:
    try:
        return recipes.from_json(recipe).as_query() if recipe else ""
    except Invalid:  # of a release that knew other steps
        return ""


def _of_import(work: ImportJob) -> Iterator[Step]:
    mapping = work.mapping
    yield Step("Imported", f"{work.upload.original_name}, {work.read_count:,} rows")
    columns = mapping.get("text", [])
    if len(columns) > 1:
        between = recipes.separator_in_words(mapping.get("separator", ""))
        yield Step("Text made of", f"{', '.join(columns)}; between them {between}")
    for key in mapping.get("cleaning", []):
        if key in STEPS:
            yield Step("Cleaned", f"{STEPS[key].name}: {STEPS[key].description}")


def _of_outcome(dataset: Dataset) -> Iterator[Step]:
    outcome = dataset.recipe.get("outcome", {})
    for key, words in _OUTCOMES:
        if outcome.get(key):
            yield Step("And so", f"{outcome[key]:,} {words}")
