"""What a derived data set is made of: where from, which, how many of them, cleaned and joined how.

A recipe says all of it, so that it can be shown in words and followed once more: the same recipe
on the same reviews chooses the same ones.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from common.errors import Invalid
from reviews.cleaning import STEPS, check_steps
from reviews.filters import check_kept

TEXT = "text"
PLAIN_PARTS = (TEXT, "product", "author")
META = "meta."
DEFAULT_SEPARATOR = "\n\n"
MAX_SEPARATOR_CHARS = 40
MAX_PARTS = 20
MAX_DATASETS = 200
MAX_FILTERS = 50
#: What a form offers to stand between the parts of a text: key, name and the separator.
SEPARATORS = {
    "paragraph": ("An empty line", "\n\n"),
    "line": ("A line break", "\n"),
    "space": ("A space", " "),
    "sep": ("The marker [SEP]", " [SEP] "),
}
_MILLION = 1_000_000
_MAX_NUMBER = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Sample:
    """How many: a number or a share (in millionths), of all or of every class."""

    count: int | None = None
    per_million: int | None = None
    #: What parts reviews into classes: product, meta.COLUMN, answer.QUESTION; empty: nothing.
    by: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.count is None) == (self.per_million is None):
            raise Invalid.of("sample", "A sample has a count or a share, one of the two.")
        if self.count is not None and not 1 <= self.count <= _MAX_NUMBER:
            raise Invalid.of("sample.count", "A sample has at least 1 review.")
        if self.per_million is not None and not 1 <= self.per_million <= _MILLION:
            raise Invalid.of("sample.share", "A share is above 0 and at most 1 (that is all).")
        if not 0 <= self.seed <= _MAX_NUMBER:
            raise Invalid.of("sample.seed", f"A seed is a whole number from 0 to {_MAX_NUMBER:,}.")

    @property
    def percent(self) -> str:
        """Return the share as people write it: 10, 2.5."""
        return f"{(self.per_million or 0) / 10_000:.4f}".rstrip("0").rstrip(".")

    def mixed(self) -> tuple[int, int]:
        """Return the two numbers below 2**31 - 1 that make an order of the seed's own."""
        digest = hashlib.sha256(f"sample {self.seed}".encode()).digest()
        factor = int.from_bytes(digest[:8], "big") % (_MAX_NUMBER - 1) + 1
        return factor, int.from_bytes(digest[8:16], "big") % _MAX_NUMBER


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a data set of others; nothing chosen means every review, as it is."""

    #: Ids of data sets; none: all of the project.
    datasets: tuple[int, ...] = ()
    #: Names and values as in the address of the table of reviews.
    filters: tuple[tuple[str, str], ...] = ()
    sample: Sample | None = None
    cleaning: tuple[str, ...] = ()
    #: What the text is made of, in this order.
    parts: tuple[str, ...] = (TEXT,)
    separator: str = DEFAULT_SEPARATOR

    def __post_init__(self) -> None:
        _check_parts(self.parts)
        if len(self.separator) > MAX_SEPARATOR_CHARS or "\x00" in self.separator:
            message = f"A separator has at most {MAX_SEPARATOR_CHARS} letters."
            raise Invalid.of("separator", message)
        if len(self.filters) > MAX_FILTERS or len(self.datasets) > MAX_DATASETS:
            raise Invalid.of("filters", "That is more than a recipe holds.")
        if any(name == "dataset" for name, _ in self.filters):
            raise Invalid.of("filters", "Name data sets under datasets and not as a filter.")
        try:
            check_steps(self.cleaning)
        except ValueError as error:
            raise Invalid.of("cleaning", str(error)) from None

    @property
    def makes_copies(self) -> bool:
        """Tell whether texts change, so that reviews are copied and not pointed to."""
        return bool(self.cleaning) or self.parts != (TEXT,)

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        filters: dict[str, list[str]] = {}
        for name, value in self.filters:
            filters.setdefault(name, []).append(value)
        return {
            "datasets": list(self.datasets),
            "filters": filters,
            "sample": _sample_json(self.sample),
            "cleaning": list(self.cleaning),
            "text": list(self.parts),
            "separator": self.separator,
        }

    def as_query(self) -> str:
        """Return the address of the form filled in with this recipe."""
        pairs: list[tuple[str, Any]] = [("source", number) for number in self.datasets]
        pairs += self.filters
        pairs += [("step", key) for key in self.cleaning]
        if self.parts != (TEXT,):
            pairs += [(f"part{at}", part) for at, part in enumerate(self.parts, start=1)]
        if self.separator != DEFAULT_SEPARATOR:
            pairs.append(("between", key_of_separator(self.separator)))
        if self.sample is not None:
            amount = self.sample.count or self.sample.percent
            pairs += [("sample", "count" if self.sample.count else "share"), ("amount", amount)]
            pairs += [("by", self.sample.by), ("seed", self.sample.seed)]
        return urlencode(pairs)


def key_of_separator(separator: str) -> str:
    """Return the key of a separator that forms offer, or what it is."""
    keys = {chars: key for key, (_, chars) in SEPARATORS.items()}
    return keys.get(separator, separator)


def _sample_json(sample: Sample | None) -> dict[str, Any] | None:
    if sample is None:
        return None
    known = asdict(sample)
    share = known.pop("per_million")
    return {**known, "share": None if share is None else share / _MILLION}


def _check_parts(parts: Sequence[str]) -> None:
    if not 1 <= len(parts) <= MAX_PARTS:
        raise Invalid.of("text", f"A text is made of 1 to {MAX_PARTS} parts.")
    if len(set(parts)) < len(parts):
        raise Invalid.of("text", "A part of the text is named twice; name each once.")
    for part in parts:
        if part not in PLAIN_PARTS and not part[len(META) :]:
            known = ", ".join((*PLAIN_PARTS, "meta.COLUMN"))
            raise Invalid.of("text", f"{part[:60]!r} is no part of a text; known: {known}.")
        if part not in PLAIN_PARTS and not part.startswith(META):
            raise Invalid.of("text", f"Write meta.{part[:60]} for a column of the metadata.")


# --- From JSON ----------------------------------------------------------------------------------


def from_json(raw: Mapping[str, Any]) -> Recipe:
    """Read a recipe as `Recipe.as_json` writes it, checked; raise Invalid naming the field."""
    return Recipe(
        datasets=tuple(dict.fromkeys(_numbers(raw.get("datasets")))),
        filters=tuple(_pairs(raw.get("filters"))),
        sample=_sample(raw.get("sample")),
        cleaning=tuple(_strings(raw.get("cleaning"), "cleaning")),
        parts=tuple(_strings(raw.get("text"), "text")) or (TEXT,),
        separator=_string(raw.get("separator")),
    )


def _string(value: Any) -> str:
    if value is None:
        return DEFAULT_SEPARATOR
    if not isinstance(value, str):
        raise Invalid.of("separator", "The separator is a string.")
    return value


def _numbers(value: Any) -> list[int]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise Invalid.of("datasets", "datasets is a list of the numbers of data sets.")
    return value


def _strings(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid.of(name, f"{name} is a list of strings.")
    return value


def _pairs(value: Any) -> Iterable[tuple[str, str]]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise Invalid.of("filters", 'filters maps names to values: {"q": "amazon"}.')
    pairs = [
        (str(name), each)
        for name, values in value.items()
        for each in (values if isinstance(values, list) else [values])
    ]
    for name, each in pairs:
        if not isinstance(each, str):
            raise Invalid.of(f"filters.{name}"[:200], "The value of a filter is a string.")
    check_kept(pairs)
    return pairs


def _sample(value: Any) -> Sample | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not value.keys() <= {"count", "share", "by", "seed"}:
        raise Invalid.of("sample", 'A sample is {"share": 0.1, "by": "answer.rating", "seed": 1}.')
    count, share, seed = value.get("count"), value.get("share"), value.get("seed", 0)
    by = value.get("by") or ""
    if not (count is None or type(count) is int) or type(seed) is not int:
        raise Invalid.of("sample", "count and seed of a sample are whole numbers.")
    if not isinstance(by, str):
        raise Invalid.of("sample.by", "by names a product, meta.COLUMN or answer.QUESTION.")
    return Sample(count=count, per_million=_per_million(share), by=by, seed=seed)


def _per_million(share: Any) -> int | None:
    if share is None:
        return None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise Invalid.of("sample.share", "A share is above 0 and at most 1 (that is all).")
    return max(1, round(share * _MILLION))


# --- In words -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """One step of a recipe as people read it."""

    title: str
    detail: str


def in_words(
    recipe: Recipe, *, sources: Sequence[str], filters: Sequence[str], by: str
) -> list[Said]:
    """Say what a recipe does, given its sources, filters and classes in words."""
    said = [Said("Taken from", ", ".join(sources) or "all of the project")]
    said += [Said("Kept where", each) for each in filters]
    if recipe.sample is not None:
        said.append(Said("Sampled", _sample_words(recipe.sample, by)))
    if recipe.parts != (TEXT,):
        parts = ", ".join(part.removeprefix(META) for part in recipe.parts)
        said.append(
            Said("Text made of", f"{parts}; between them {separator_in_words(recipe.separator)}")
        )
    said += [
        Said("Cleaned", f"{STEPS[key].name}: {STEPS[key].description}") for key in recipe.cleaning
    ]
    return said


def _sample_words(sample: Sample, by: str) -> str:
    amount = f"{sample.count:,}" if sample.count is not None else f"{sample.percent} %"
    of = f"of every class of {by}, at least one" if sample.by else "of them"
    if sample.by and sample.count is not None:
        of = f"at most of every class of {by}"
    return f"{amount} {of}, by chance with seed {sample.seed}"


def separator_in_words(separator: str) -> str:
    """Say what stands between the parts of a text."""
    names = {chars: name for name, chars in SEPARATORS.values()} | {"": "Nothing"}
    name = names.get(separator, f"“{separator.strip()}”")
    return name[0].lower() + name[1:]
