"""Draw a sample of reviews, of all of them or of every class, the same one for the same seed.

The order in which reviews are drawn hangs on their texts and the seed and on nothing else, so the
same file imported elsewhere gives the same sample. It is one of a family of hashes, a * key + b
modulo a prime, that every database computes alike (Carter and Wegman, Universal classes of hash
functions, 1979).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, F, QuerySet, Value, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, RowNumber

from common.errors import Invalid
from projects.models import Project
from reviews.models import Review
from reviews.recipes import META, Sample
from reviews.review_filters import MetadataValue

_PRIME = 2_147_483_647
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Classes:
    """Something by which reviews fall into classes."""

    key: str
    name: str


#: Returns what tells the class of a review, or None when there is no such thing.
MakeExpression = Callable[[Project, str], Combinable | None]
MakeChoices = Callable[[Project], Iterable[Classes]]


@dataclass(frozen=True, slots=True)
class _Known:
    express: MakeExpression
    choices: MakeChoices


_known: dict[str, _Known] = {}


def register(prefix: str, express: MakeExpression, choices: MakeChoices) -> None:
    """Let reviews be drawn by classes called `prefix` and a name, such as answer.QUESTION."""
    _known[prefix] = _Known(express, choices)


def choices_for(project: Project) -> list[Classes]:
    """Return what a form offers beside the columns of the metadata."""
    own = [Classes("product", "Product"), Classes("author", "Author"), Classes("split", "Split")]
    return [*(each for known in _known.values() for each in known.choices(project)), *own]


def name_of(project: Project, by: str) -> str:
    """Return what people call the classes."""
    names = {each.key: each.name for each in choices_for(project)}
    return names.get(by, by.removeprefix(META))


def expression_of(project: Project, by: str) -> Combinable:
    """Return what tells the class of a review; raise Invalid when there is no such thing."""
    if by in {"product", "author", "split"}:
        return F(by)
    head, dot, rest = by.partition(".")
    if head + dot == META and rest:
        return MetadataValue(F("metadata"), Value(rest))
    found = _known[head + dot].express(project, rest) if head + dot in _known else None
    if found is None:
        known = [
            "product",
            "author",
            "split",
            "meta.COLUMN",
            *(f"{each}QUESTION" for each in _known),
        ]
        raise Invalid.of("sample.by", f"{by[:60]!r} makes no classes; known: {', '.join(known)}.")
    return found


def sampled(reviews: QuerySet[Review], project: Project, sample: Sample) -> QuerySet[Review]:
    """Return the reviews that were drawn, in no order.

    With a share at least one of every class; with a count at most so many of every class. Reviews
    without a class are one of their own.
    """
    factor, shift = sample.mixed()
    drawn = (F("text_key") % _PRIME * factor + shift) % _PRIME
    parts: dict[str, Any] = {}
    if sample.by:
        reviews = reviews.annotate(drawn_class=expression_of(project, sample.by))
        parts["partition_by"] = [F("drawn_class")]
    place = Window(RowNumber(), order_by=[drawn, F("text_key"), F("pk")], **parts)
    ranked = reviews.annotate(drawn_place=place)
    if sample.count is not None:
        return ranked.filter(drawn_place__lte=sample.count)
    size = Window(Count("pk"), **parts)
    ranked = ranked.annotate(drawn_size=Coalesce(size, 0, output_field=BigIntegerField()))
    wanted = (F("drawn_size") * (sample.per_million or 0) + _MILLION // 2) / _MILLION
    return ranked.filter(
        drawn_place__lte=Greatest(wanted, Value(1), output_field=BigIntegerField())
    )
