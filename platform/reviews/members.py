"""Which reviews a data set holds, whether it owns them or points to them."""

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from reviews.models import Dataset, Review, SelectedReview


def reviews_in(dataset: Dataset) -> QuerySet[Review]:
    """Return the reviews of one data set, in no order."""
    if dataset.kind != Dataset.Kind.SELECTION:
        return Review.objects.filter(dataset=dataset)
    chosen = SelectedReview.objects.filter(dataset=dataset, review=OuterRef("pk"))
    return Review.objects.filter(Exists(chosen), project=dataset.project_id)


def hold_shown(dataset_id: int) -> bool:
    """Keep a data set from being removed until the transaction ends; False when it has been.

    Any number may hold it at once: a removal changes the name, which alone conflicts with this.
    """
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM reviews_dataset WHERE id = %s AND is_ready{lock}",  # noqa: S608
            [dataset_id],
        )
        return cursor.fetchone() is not None
