"""Which reviews: the filters that a URL or an API request may name, and no others.

Packages above register theirs (`answer.QUESTION`, `predicted.QUESTION`, `labelled`); a name that
nobody registered is refused, so no lookup path ever reaches the ORM from outside.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from common.errors import Invalid, NotAllowed
from projects.models import Membership, Project
from reviews.models import Review
from reviews.place import ANYWHERE, Place


@dataclass(frozen=True, slots=True)
class Asked:
    """One filter of a request: the name's part after the dot, the value, and its neighbours."""

    project: Project
    suffix: str
    value: str
    #: Every (name, value) of the request: `predicted.` wants to know which `model` is meant.
    others: tuple[tuple[str, str], ...] = ()
    #: Where the page begins; a filter need not look at what comes before.
    place: Place = ANYWHERE


Filter = Callable[[QuerySet[Review], Asked], QuerySet[Review]]

_filters: dict[str, Filter] = {}


def register(name: str, apply: Filter) -> None:
    """Make a filter known; `name` ends in a dot when what follows names a question."""
    _filters[name] = apply


def apply_filters(
    reviews: QuerySet[Review],
    project: Project,
    asked: Iterable[tuple[str, str]],
    *,
    place: Place = ANYWHERE,
) -> QuerySet[Review]:
    """Narrow `reviews` by every (name, value); raise Invalid for an unknown name.

    Whoever names a `place` takes only reviews beyond it.
    """
    others = tuple(asked)
    for name, raw in others:
        check_letters(name, raw)
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
        reviews = apply(reviews, Asked(project, suffix, value, others, place))
    return reviews


def check_letters(name: str, value: str) -> None:
    """Raise Invalid for a filter that no database takes: NUL in its name, half a letter."""
    try:
        f"{name}{value}".encode()
    except UnicodeEncodeError:
        raise Invalid.of(name[:200], "A filter has letters that no text can have.") from None
    if "\x00" in name:
        raise Invalid.of(name[:200], "The name of a filter has no NUL.")


def check_kept(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise Invalid for filters that cannot be written down: NUL is in no JSON that is kept."""
    for name, value in pairs:
        check_letters(name, value)
        if "\x00" in value:
            raise Invalid.of(f"filters.{name}"[:200], "The value of a filter has no NUL.")


#: Filters and columns that would tell annotators which reviews are there to measure them.
KEPT_FROM_LABELLERS = frozenset({"labelled", "control"})


def check_reader(membership: Membership, names: Iterable[str]) -> None:
    """Raise NotAllowed where who labels asks for what others have said: it shall not sway them.

    Nor are they told which reviews are labelled or of the control slice: of what they are given to
    label that would say whether it is there to measure them. In a blind project what a model says
    is kept from them, too.
    """
    if membership.is_only_labeller:
        kinds = {name.partition(".")[0] for name in names}
        if kinds & {"answer", "flipped"}:
            raise NotAllowed("Who labels does not see the answers of others; leave them out.")
        if kinds & KEPT_FROM_LABELLERS:
            raise NotAllowed(
                "Who labels does not see which reviews are labelled or of the control slice; "
                "leave that out."
            )
        if "predicted" in kinds and membership.project.is_blind:
            raise NotAllowed("This project is blind: who labels sees no predictions.")


#: Up to so many rows, SQLite had better look them all up than ask about one review after another.
_FEW = 2_000


def among(reviews: QuerySet[Review], rows: QuerySet[Any], key: str) -> QuerySet[Review]:
    """Keep the reviews whose id is the `key` of one of `rows`, however few or many they are.

    PostgreSQL knows how many rows to expect and chooses. SQLite does not: it is asked whether they
    are few, which an index answers.
    """
    if connection.vendor == "sqlite" and rows.order_by()[: _FEW + 1].count() <= _FEW:
        return reviews.filter(pk__in=rows.values(key))
    return reviews.filter(Exists(rows.filter(**{key: OuterRef("pk")})))


# --- What a form offers ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChoiceFilter:
    """A filter of which the possible values are few and known: a form shows it as a choice."""

    name: str
    label: str
    #: (value, words) in the order in which people expect them.
    options: tuple[tuple[str, str], ...]
    group: str


MakeChoices = Callable[[Project], Iterable[ChoiceFilter]]

_choice_makers: list[MakeChoices] = []


def register_choices(make: MakeChoices) -> None:
    """Add choices to the form of filters; they stand in the order in which they are registered."""
    _choice_makers.append(make)


def choices_for(project: Project) -> list[ChoiceFilter]:
    """Return the choices that a project's questions and models make possible."""
    return [choice for make in _choice_makers for choice in make(project)]
