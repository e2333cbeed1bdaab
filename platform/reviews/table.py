"""The table of reviews as a page shows it: rows, columns and active filters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from common.errors import Invalid
from projects.models import Membership, Project
from reviews import paging, search_index, table_columns
from reviews.filters import KEPT_FROM_LABELLERS, ChoiceFilter, choices_for
from reviews.models import Dataset, Review
from reviews.patience import TooSlow
from reviews.place import Place
from reviews.table_columns import Cell, Chip, Column

#: Parameters of the address that are no filters.
NO_FILTERS = frozenset({"after", "before", "columns"})
_LABELS = {
    "q": "Words", "dataset": "Data set", "split": "Split", "labelled": "Labelled",
    "min_length": "Characters, at least", "max_length": "Characters, at most",
    "control": "Control slice", "product": "Product", "author": "Author",
    "date_from": "Written from", "date_to": "Written until", "group": "Near duplicates",
    "model": "Model version",
}  # fmt: skip
_COMMON = [
    ChoiceFilter("split", "Split", tuple(Review.Split.choices), ""),
    ChoiceFilter("labelled", "Labelled", (("yes", "Yes"), ("no", "No")), ""),
]
_RARER = [
    ChoiceFilter("control", "Control slice", (("yes", "Yes"), ("no", "No")), ""),
    ChoiceFilter("group", "Near duplicates", (("any", "Has near duplicates"),), ""),
]
#: Filters that a form has an input for.
_TYPED = {
    "q", "dataset", "product", "author", "date_from", "date_to", "min_length", "max_length",
}  # fmt: skip
#: Cells carry the name of their column: narrow pages have no room for a heading.
_EMPTY = '<td class="is-empty" data-name="{0}"><span class="muted">–</span></td>'
_TEXT = '<td data-name="{0}">{1}</td>'
_NUMBER = '<td class="number" data-name="{0}">{1}</td>'
_CHIPS = '<td data-name="{0}"><span class="cell-chips">{1}</span></td>'
_WORDS = {"true": "yes", "false": "no", "1": "yes", "0": "no"}

_NO_PAGE = paging.Page([], None, None)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One review: its beginning, its address, and a cell for every chosen column."""

    pk: int
    url: str
    excerpt: str
    #: The cells of the table's row, as HTML.
    cells: SafeString


@dataclass(frozen=True, slots=True)
class Active:
    """A filter in force: in words, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class Select:
    """A filter as a form offers it: (value, words, is chosen) for every option."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Table:
    """Everything the page shows of the reviews that were asked for."""

    page: paging.Page
    rows: list[Row]
    columns: list[Column]
    #: Every column, and whether it is shown.
    offered: list[tuple[Column, bool]]
    active: list[Active]
    #: The filters that most people want, and the others.
    common: list[Select]
    rarer: list[Select]
    #: (id, name, is chosen)
    datasets: list[tuple[int, str, bool]]
    #: Filters that the form has no field for; it hands them on.
    hidden: Pairs
    #: The filters as a query string, without columns and page.
    filters: str
    #: What the search has not seen yet, and why there is nothing to see.
    unindexed: list[search_index.Missing]
    problem: str = ""
    #: Whether what was asked makes no sense.
    is_invalid: bool = False


def asked_of(query: QueryDict) -> Pairs:
    """Return the filters that an address names."""
    return [
        (name, value)
        for name, values in query.lists()
        if name not in NO_FILTERS
        for value in values
    ]


def build(
    project: Project, membership: Membership, query: QueryDict, *, datasets: Sequence[Dataset]
) -> Table:
    """Read the page of reviews that an address names; what makes no sense becomes its problem.

    `datasets` are the newest of the project, which the form offers.
    """
    asked = asked_of(query)
    every = table_columns.columns_of(project, membership)
    chosen = table_columns.chosen_from(every, query.getlist("columns"))
    is_invalid = False
    try:
        page, problem = _page(project, asked, query, chosen)
    except Invalid as error:
        page, problem, is_invalid = _NO_PAGE, error.detail, True
    names = {each.pk: each.name for each in datasets if each.is_ready}
    kept = KEPT_FROM_LABELLERS if membership.is_only_labeller else frozenset()
    common = [choice for choice in _COMMON if choice.name not in kept]
    rarer = [choice for choice in (*_RARER, *_choices(every)) if choice.name not in kept]
    fields = {*_TYPED, *(choice.name for choice in (*common, *rarer))}
    return Table(
        page=page,
        rows=_rows(project, page.reviews, chosen),
        columns=chosen,
        offered=[(column, column in chosen) for column in every],
        active=_active(asked, query, [*common, *rarer], names),
        common=[_select(choice, query) for choice in common],
        rarer=[_select(choice, query) for choice in rarer],
        datasets=[(pk, name, str(pk) == query.get("dataset")) for pk, name in names.items()],
        hidden=[(name, value) for name, value in asked if name not in fields],
        filters=urlencode(asked),
        unindexed=[] if is_invalid else _unindexed(project, asked),
        problem=problem,
        is_invalid=is_invalid,
    )


def _choices(columns: Sequence[Column]) -> list[ChoiceFilter]:
    return [
        ChoiceFilter(column.key, column.name, column.options, column.group)
        for column in columns
        if column.options
    ]


def _page(
    project: Project, asked: Pairs, query: QueryDict, chosen: Sequence[Column]
) -> tuple[paging.Page, str]:
    needs = {name for column in chosen for name in column.needs}
    place = Place(after=place_of(query, "after"), before=place_of(query, "before"))
    wanted = paging.wanted(project, asked, place=place).excerpts(needs)
    try:
        return paging.page_of(wanted, after=place.after, before=place.before), ""
    except TooSlow as error:
        return _NO_PAGE, error.detail


def place_of(query: QueryDict, name: str) -> int | None:
    """Return the number of the review at which a page begins; raise Invalid for anything else."""
    raw = query.get(name, "")
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Invalid.of(name, f"{name} is the number of a review, not {raw[:50]!r}.")
    return int(raw)


def _rows(project: Project, reviews: Sequence[Review], chosen: Sequence[Column]) -> list[Row]:
    base = reverse("reviews:list", args=[project.slug])
    loaded = [
        (column.load(project, reviews), column, escape(column.name))
        for column in (chosen if reviews else ())
    ]
    return [
        Row(
            pk=review.pk,
            url=f"{base}{review.pk}/",
            excerpt=_excerpt(review),
            # Every value in it went through escape().
            cells=mark_safe(  # noqa: S308
                "".join(
                    _cell(cells.get(review.pk, ""), name, is_number=column.is_number)
                    for cells, column, name in loaded
                )
            ),
        )
        for review in reviews
    ]


def _cell(cell: Cell, name: str, *, is_number: bool) -> str:
    """Write one cell; here and not in a template, which takes ten times as long for a page.

    `name` is that of the column, escaped.
    """
    if not cell:
        return _EMPTY.format(name)
    if isinstance(cell, str):
        return (_NUMBER if is_number else _TEXT).format(name, escape(cell))
    return _CHIPS.format(name, " ".join(_chip(chip) for chip in cell))


def _chip(chip: Chip) -> str:
    classes = ["chip"]
    if chip.colour:
        classes.append(f"option-{chip.colour}")
    if chip.is_suggested:
        classes.append("chip-suggested")
    return f'<span class="{" ".join(classes)}" dir="auto">{escape(chip.words)}</span>'


def _select(choice: ChoiceFilter, query: QueryDict) -> Select:
    chosen = query.get(choice.name)
    options = [(value, words, value == chosen) for value, words in choice.options]
    return Select(choice.name, choice.label, options)


def _excerpt(review: Review) -> str:
    text: str = review.excerpt  # type: ignore[attr-defined]  # annotated by paging
    return text if len(text) < paging.EXCERPT_CHARS else text[:-2].rstrip() + "…"


def _active(
    asked: Pairs, query: QueryDict, choices: Sequence[ChoiceFilter], datasets: dict[int, str]
) -> list[Active]:
    by_name = {choice.name: choice for choice in choices}
    return [
        Active(_words_for(name, value, by_name, datasets), _without(query, name, value))
        for name, value in asked
        if value
    ]


def filters_in_words(project: Project, asked: Iterable[tuple[str, str]]) -> list[str]:
    """Say what filters keep: Words: refund, Rating: 5."""
    by_name = {choice.name: choice for choice in choices_for(project)}
    return [_words_for(name, value, by_name, {}) for name, value in asked if value]


def _words_for(
    name: str, value: str, choices: dict[str, ChoiceFilter], datasets: dict[int, str]
) -> str:
    if name in choices:
        choice = choices[name]
        return f"{choice.label}: {dict(choice.options).get(value, value)}"
    if name == "dataset" and value.isascii() and value.isdigit():
        value = datasets.get(int(value[:18]), value)
    label = _LABELS.get(name, name.removeprefix("meta."))
    return f"{label}: {_WORDS.get(value, value) if name == 'control' else value}"


def _without(query: QueryDict, name: str, value: str) -> str:
    rest = query.copy()
    rest.setlist(name, [each for each in query.getlist(name) if each != value])
    for place in ("after", "before"):
        rest.pop(place, None)
    return f"?{rest.urlencode()}"


def _unindexed(project: Project, asked: Pairs) -> list[search_index.Missing]:
    if not any(name == "q" and value for name, value in asked):
        return []
    missing = search_index.missing_in(project)
    return missing if search_index.are_too_many(missing) else []
