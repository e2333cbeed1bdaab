"""What the page of a data set says, as plain facts for its template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviews import search_index, snapshots, splitting, strata
from reviews.cleaning import STEPS
from reviews.models import Dataset, DatasetVersion, ImportJob
from reviews.recipes import separator_in_words
from reviews.sources import KINDS

SPLITS = ("train", "validation", "test")
#: Answers that the page shows one by one.
_MOST_STRATA = 30
_VERSIONS = 50
_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
_DUPLICATES = {
    "skip": "left out",
    "keep": "kept",
    "update": "used to update what was there",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what belongs to it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class StratumRow:
    """A stratum: how many reviews each split has, and which part of the stratum that is."""

    name: str
    total: int
    cells: list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """How the splits were drawn and what came of it."""

    sentence: str
    rows: list[StratumRow]
    #: How many strata there are beyond those in `rows`.
    more_count: int
    is_under_way: bool
    #: Why they cannot be drawn anew, or empty.
    why_fixed: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in the list."""

    version: DatasetVersion
    #: The first version with the same content, where that is an earlier one.
    same_as: int | None


def read_facts(work: ImportJob) -> list[Fact]:
    """Say how a file was read."""
    read = work.read_as
    kind = read.get("kind", "csv")
    facts = [Fact("Read as", KINDS[kind].name if kind in KINDS else kind)]
    if kind in KINDS and KINDS[kind].is_text:
        facts.append(Fact("Encoding", read.get("encoding", "")))
    if kind == "csv":
        delimiter = read.get("delimiter", ",")
        facts.append(Fact("Delimiter", _DELIMITERS.get(delimiter, repr(delimiter))))
        facts.append(Fact("Header", "in the first row" if read.get("has_header", True) else "none"))
    if read.get("compression"):
        facts.append(Fact("Compression", read["compression"]))
    if read.get("sheet"):
        facts.append(Fact("Sheet", read["sheet"]))
    return facts


def mapping_facts(work: ImportJob) -> list[Fact]:
    """Say what became of the columns, and by which steps: the history of the texts."""
    return [fact for fact in _mapping_facts(work.mapping) if fact.value]


def _mapping_facts(mapping: Mapping[str, Any]) -> Iterator[Fact]:
    text = mapping.get("text", [])
    yield Fact("Text", ", ".join(text))
    if len(text) > 1:
        yield Fact("Joined with", separator_in_words(mapping.get("separator", "")))
    for column, question in mapping.get("answers", {}).items():
        yield Fact(f"Answers {question}", column)
    for column, words in mapping.get("values", {}).items():
        yield Fact(f"{column} reads", ", ".join(f"{raw} as {word}" for raw, word in words.items()))
    for key in ("annotator", "date", "product", "author"):
        yield Fact(key.capitalize(), mapping.get(key, ""))
    yield Fact("Metadata", ", ".join(mapping.get("metadata") or []))
    steps = [STEPS[key] for key in mapping.get("cleaning", []) if key in STEPS]
    said = (f"{step.name} ({step.description.rstrip('.')})" for step in steps)
    yield Fact("Cleaned by", ", then ".join(said))
    yield Fact("Exact duplicates", _DUPLICATES.get(mapping.get("on_duplicate", "skip"), ""))
    yield Fact("Near duplicates", _DUPLICATES.get(mapping.get("on_near_duplicate", "keep"), ""))


def split_facts(dataset: Dataset) -> SplitFacts:
    """Say how the splits were drawn."""
    plan = dataset.split_plan
    found = plan.get("counts", {}).get("strata", []) if plan else [_whole(dataset)]
    # One row says what the figures above it say already.
    rows = [_row(each) for each in found] if len(found) > 1 else []
    rows.sort(key=lambda row: -row.total)
    return SplitFacts(
        sentence=_sentence(plan),
        rows=sorted(rows[:_MOST_STRATA], key=lambda row: row.name),
        more_count=max(0, len(rows) - _MOST_STRATA),
        is_under_way=splitting.is_under_way(dataset),
        why_fixed=splitting.why_fixed(dataset),
    )


def _whole(dataset: Dataset) -> dict[str, Any]:
    return {"name": "", **{split: dataset.split_counts.get(split, 0) for split in SPLITS}}


def _row(stratum: Mapping[str, Any]) -> StratumRow:
    counts = [int(stratum[split]) for split in SPLITS]
    total = sum(counts)
    cells = [(count, 100 * count / total if total else 0.0) for count in counts]
    return StratumRow(stratum["name"], total, cells)


def _sentence(plan: Mapping[str, Any]) -> str:
    if not plan:
        return "Drawn at random from a hash of each text, when the reviews came in."
    if plan["method"] == "inherited":
        return "Every copy has the split of the review that it was made of."
    shares = ", ".join(f"{100 * share:g} %" for share in plan["shares"])
    by = f"every answer to {plan['question_name']} has its share" if plan["question"] else ""
    groups = "near duplicates stay together"
    if plan["by_product"]:
        groups = "near duplicates and the reviews of one product stay together"
    parts = [f"Drawn at random ({shares}; seed {plan['seed']})", by, groups]
    return ", ".join(part for part in parts if part) + "."


def questions(dataset: Dataset) -> Sequence[strata.Stratifier]:
    """Return the questions by which the splits can be stratified."""
    return strata.questions(dataset)


def version_rows(dataset: Dataset) -> list[VersionRow]:
    """Return the newest versions, each with the first that has the same content."""
    versions = list(snapshots.versions_of(dataset)[:_VERSIONS])
    first: dict[str, int] = {}
    for version in reversed(versions):
        if version.sha256:
            first.setdefault(version.sha256, version.number)
    return [
        VersionRow(each, same if (same := first.get(each.sha256)) != each.number else None)
        for each in versions
    ]


def indexed_percent(dataset: Dataset) -> int:
    """Return how much of a data set the full-text search knows, in percent."""
    missing = search_index.missing_in(dataset.project)
    return next((each.percent for each in missing if each.dataset.pk == dataset.pk), 100)
