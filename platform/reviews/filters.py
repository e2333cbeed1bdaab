"""Which reviews: the filters that a URL or an API request may name, and no others.

Packages above register theirs (`answer.QUESTION`, `predicted.QUESTION`, `labelled`); a name that
nobody registered is refused, so no lookup path ever reaches the ORM from outside.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from common.errors import Invalid
from projects.models import Project
from reviews.models import Review


@dataclass(frozen=True, slots=True)
class Asked:
    """One filter of a request: the name's part after the dot, the value, and its neighbours."""

    project: Project
    suffix: str
    value: str
    #: Every (name, value) of the request: `predicted.` wants to know which `model` is meant.
    others: tuple[tuple[str, str], ...] = ()


Filter = Callable[[QuerySet[Review], Asked], QuerySet[Review]]

_filters: dict[str, Filter] = {}


def register(name: str, apply: Filter) -> None:
    """Make a filter known; `name` ends in a dot when what follows names a question."""
    _filters[name] = apply


def apply_filters(
    reviews: QuerySet[Review], project: Project, asked: Iterable[tuple[str, str]]
) -> QuerySet[Review]:
    """Narrow `reviews` by every (name, value); raise Invalid for an unknown name."""
    others = tuple(asked)
    for name, raw in others:
        head, dot, suffix = name.partition(".")
        apply = _filters.get(head + dot)
        if apply is None:
            known = ", ".join(
                sorted(each + ("QUESTION" if each.endswith(".") else "") for each in _filters)
            )
            raise Invalid.of(name, f"There is no filter {name!r}. Known: {known}.")
        # No database takes NUL, and none of our texts has one.
        value = raw.replace("\x00", "")
        if value == "":
            continue
        reviews = apply(reviews, Asked(project, suffix, value, others))
    return reviews
