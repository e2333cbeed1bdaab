"""The filters on what a review itself is: its words, data set, split, length, origin."""

import datetime as dt
from typing import Any

from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from common.errors import Invalid
from common.text import normalise
from reviews.filters import Asked, Filter
from reviews.models import Dataset, Review
from reviews.search import by_words


class MetadataValue(Func):
    """The value of one column of a review's metadata; whatever the column is called."""

    template = "(%(expressions)s)"
    arg_joiner = " ->> "
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Look the column up without a path, in which dots, quotes and digits would mean more."""
        return self.as_sql(
            compiler,
            connection,
            template="(SELECT value FROM json_each(%(expressions)s))",
            arg_joiner=") WHERE key = (",
            **context,
        )


def _by_dataset(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    dataset = Dataset.objects.filter(project=asked.project, pk=_number(asked, "dataset")).first()
    if dataset is None:
        return reviews.none()
    if dataset.kind == Dataset.Kind.SELECTION:
        # Joined and not asked for one by one, so that a small selection is where the search starts.
        return reviews.filter(
            asked.place.repeated("selections__review_id"), selections__dataset=dataset
        )
    return reviews.filter(dataset=dataset)


def _by_split(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    if asked.value not in Review.Split.values:
        known = ", ".join(Review.Split.values)
        raise Invalid.of("split", f"There is no split {asked.value[:50]!r}; known: {known}.")
    return reviews.filter(split=asked.value)


def _by_min_length(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.alias(length=Length("text")).filter(length__gte=_number(asked, "min_length"))


def _by_max_length(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.alias(length=Length("text")).filter(length__lte=_number(asked, "max_length"))


def _by_control(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(is_control=boolean(asked.value, "control"))


def _by_product(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(product=normalise(asked.value))


def _by_author(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(author=normalise(asked.value))


def _from(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(reviewed_at__gte=_day(asked, "date_from"))


def _to(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(reviewed_at__lte=_day(asked, "date_to"))


def _by_metadata(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    if not asked.suffix:
        raise Invalid.of("meta.", "Name a column of the metadata: meta.COLUMN=value.")
    column = MetadataValue(F("metadata"), Value(asked.suffix))
    return reviews.filter(Exact(column, Value(asked.value)))


def _by_group(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    if asked.value == "any":
        return reviews.filter(group_key__isnull=False)
    return reviews.filter(group_key=_number(asked, "group"))


def boolean(value: str, name: str) -> bool:
    """Read the value of a yes-or-no filter; raise Invalid for anything else."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise Invalid.of(name, f"{name} is true or false, not {value[:50]!r}.")
    return known[value.lower()]


def _day(asked: Asked, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(asked.value)
    except ValueError:
        raise Invalid.of(
            name, f"{name} is a day such as 2026-03-31, not {asked.value[:50]!r}."
        ) from None


def _number(asked: Asked, name: str) -> int:
    # Databases hold ids in 63 bits; a longer number is no id of ours.
    if not (asked.value.isascii() and asked.value.isdigit() and len(asked.value) < 19):
        raise Invalid.of(name, f"{name} is a whole number, not {asked.value[:50]!r}.")
    return int(asked.value)


FILTERS: dict[str, Filter] = {
    "dataset": _by_dataset,
    "q": by_words,
    "split": _by_split,
    "min_length": _by_min_length,
    "max_length": _by_max_length,
    "control": _by_control,
    "product": _by_product,
    "author": _by_author,
    "date_from": _from,
    "date_to": _to,
    "meta.": _by_metadata,
    "group": _by_group,
}
