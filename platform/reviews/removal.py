"""Remove the reviews of a data set with all that hangs on them, a slice at a time, in plain SQL.

What hangs on a review is asked of the models: whatever cascades goes, whatever may be null is set
so. Going through the objects one by one would take minutes for a million reviews.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.db import connection, models

from reviews.models import Dataset, Review, SelectedReview

SLICE = 10_000
_REVIEWS = "reviews_review"
_WHERE = "dataset_id = %s AND id BETWEEN %s AND %s"


def remove_slice(dataset: Dataset, *, size: int = SLICE) -> int:
    """Remove up to `size` reviews of a data set in the caller's transaction; return how many.

    Of a selection only the pointers go.
    """
    if dataset.kind == Dataset.Kind.SELECTION:
        chosen = SelectedReview.objects.filter(dataset=dataset).order_by("pk")
        some = list(chosen.values_list("pk", flat=True)[:size])
        return SelectedReview.objects.filter(pk__in=some).delete()[0] if some else 0
    edge = _edge(dataset, size)
    if edge is None:
        return 0
    with connection.cursor() as cursor:
        for statement in _statements():
            cursor.execute(statement, [dataset.pk, *edge])
        cursor.execute(f"DELETE FROM {_REVIEWS} WHERE {_WHERE}", [dataset.pk, *edge])  # noqa: S608
        count: int = cursor.rowcount
        return count


def let_go_of_copies(dataset: Dataset) -> None:
    """Have cleaned copies elsewhere forget which review they were made of."""
    copies = Dataset.objects.filter(project=dataset.project_id, kind=Dataset.Kind.CLEANED)
    ids = list(copies.exclude(pk=dataset.pk).values_list("pk", flat=True))
    originals = Review.objects.filter(dataset=dataset).values("pk")
    if ids:
        copied = Review.objects.filter(dataset__in=ids, derived_from__in=originals)
        copied.update(derived_from=None)


def _edge(dataset: Dataset, size: int) -> tuple[int, int] | None:
    """Return the first and the last id of the next slice."""
    ids = Review.objects.filter(dataset=dataset).order_by("pk").values_list("pk", flat=True)
    first = ids.first()
    if first is None:
        return None
    # The next id after the slice, if there is one: all before it go.
    after = list(ids[size : size + 1])
    last = after[0] - 1 if after else ids.order_by("-pk").first()
    return first, last if last is not None else first


@cache
def _statements() -> tuple[str, ...]:
    """Return what removes all that hangs on a slice of reviews, the farthest first."""
    return tuple(_below(Review, _WHERE))


def _below(model: type[models.Model], where: str) -> Iterator[str]:
    table = model._meta.db_table  # noqa: SLF001
    for relation in model._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one)):
            continue
        child: Any = relation.related_model
        on_delete: Any = getattr(relation, "on_delete", None)
        column = relation.field.column  # type: ignore[union-attr]  # a reverse relation has one
        target = relation.field.target_field.column  # type: ignore[union-attr]
        hanging = f"{column} IN (SELECT {target} FROM {table} WHERE {where})"  # noqa: S608
        name = child._meta.db_table  # noqa: SLF001
        if on_delete is models.CASCADE:
            yield from _below(child, hanging)
            yield f"DELETE FROM {name} WHERE {hanging}"  # noqa: S608
        elif on_delete is models.SET_NULL:
            yield f"UPDATE {name} SET {column} = NULL WHERE {hanging}"  # noqa: S608
