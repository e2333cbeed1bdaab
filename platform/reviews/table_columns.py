"""What the table of reviews can show beside the text; packages above add their columns.

A column loads its values for all rows of a page at once, so that a page takes as many queries as
it has columns and not as it has cells.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from projects.models import Membership, Project
from reviews.filters import KEPT_FROM_LABELLERS
from reviews.models import Dataset, ImportJob, Review

DEFAULT = ("dataset", "product", "written", "split", "labelled")
_META = "meta."
_MAX_METADATA = 100


@dataclass(frozen=True, slots=True)
class Chip:
    """One value in a cell: words, and the colour of its option (0: none)."""

    words: str
    colour: int = 0
    #: Proposed by a model and not said by a person.
    is_suggested: bool = False


Cell = str | tuple[Chip, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the name that an address uses, its heading, and where its cells come from."""

    key: str
    name: str
    #: Cells by review id; a review that is missing has nothing to show.
    load: Callable[[Project, Sequence[Review]], Mapping[int, Cell]]
    group: str = ""
    is_number: bool = False
    #: Fields of the review beyond those of every row; the table reads no more than it shows.
    needs: tuple[str, ...] = ()
    #: Values that the filter of the same name takes, with words, where they are few and known.
    options: tuple[tuple[str, str], ...] = ()


MakeColumns = Callable[[Project, Membership], Iterable[Column]]

_makers: list[MakeColumns] = []


def register(make: MakeColumns) -> None:
    """Add columns; they stand in the order in which they are registered."""
    _makers.append(make)


def columns_of(project: Project, membership: Membership) -> list[Column]:
    """Return every column that this member may choose."""
    made = [column for make in _makers for column in make(project, membership)]
    own: Sequence[Column] = _OWN
    if membership.is_only_labeller:
        own = tuple(
            _BARE_SPLIT if column.key == "split" else column
            for column in _OWN
            if column.key not in KEPT_FROM_LABELLERS
        )
    return [*own, *made, *_metadata(project)]


def chosen_from(columns: Iterable[Column], keys: Sequence[str]) -> list[Column]:
    """Return the columns called `keys`, in that order; the usual ones where none is named.

    A key that names nothing is left out: the question of a saved view may have gone.
    """
    by_key = {column.key: column for column in columns}
    return [by_key[key] for key in dict.fromkeys(keys or DEFAULT) if key in by_key]


def _of(value: Callable[[Review], str]) -> Callable[[Project, Sequence[Review]], dict[int, Cell]]:
    return lambda _, reviews: {review.pk: value(review) for review in reviews}


def _datasets(project: Project, reviews: Sequence[Review]) -> dict[int, Cell]:
    ids = {review.dataset_id for review in reviews}
    names = dict(Dataset.objects.filter(project=project, pk__in=ids).values_list("pk", "name"))
    return {review.pk: names.get(review.dataset_id, "") for review in reviews}


def _written(review: Review) -> str:
    day = review.reviewed_at
    return f"{day.day} {day:%b %Y}" if day else ""


def _split(review: Review) -> str:
    return review.split.capitalize() + (" · control" if review.is_control else "")


_OWN = (
    Column("dataset", "Data set", _datasets),
    Column("product", "Product", _of(lambda review: review.product)),
    Column("author", "Author", _of(lambda review: review.author)),
    Column("written", "Written", _of(_written)),
    Column("split", "Split", _of(_split)),
    Column("labelled", "Labelled", _of(lambda review: "Yes" if review.is_labelled else "No")),
    Column("number", "Number", _of(lambda review: str(review.pk)), is_number=True),
    Column("row", "Row", _of(lambda review: str(review.row_number)), is_number=True),
)
#: Without the control slice, which measures those who label.
_BARE_SPLIT = Column("split", "Split", _of(lambda review: review.split.capitalize()))


def _metadata(project: Project) -> list[Column]:
    """Return a column for whatever an import of the project has kept as metadata."""
    mappings = (
        ImportJob.objects.filter(dataset__project=project, dataset__is_ready=True)
        .order_by("-pk")
        .values_list("mapping", flat=True)[:_MAX_METADATA]
    )
    names = dict.fromkeys(name for each in mappings for name in each.get("metadata") or ())
    return [_metadata_column(name) for name in list(names)[:_MAX_METADATA]]


def _metadata_column(name: str) -> Column:
    def value(review: Review) -> str:
        found = review.metadata.get(name, "")
        return found if isinstance(found, str) else str(found)

    return Column(_META + name, name, _of(value), "Metadata", needs=("metadata",))
