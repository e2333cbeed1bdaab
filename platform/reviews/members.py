"""Which reviews a data set holds, whether it owns them or points to them."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from projects.models import Project
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


def hold_shown_review(review_id: int) -> bool:
    """Lock a review until the transaction ends, and keep its data set as `hold_shown` does."""
    locks = " FOR UPDATE OF r FOR KEY SHARE OF d" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.is_ready FROM reviews_review r JOIN reviews_dataset d "  # noqa: S608
            f"ON d.id = r.dataset_id WHERE r.id = %s{locks}",
            [review_id],
        )
        found = cursor.fetchone()
    return found is not None and bool(found[0])


def still_shown(project: Project, ids: Sequence[int]) -> list[int]:
    """Return those of the reviews that are shown, in their order; they stay until the commit."""
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM reviews_dataset WHERE project_id = %s AND is_ready ORDER BY id{lock}",  # noqa: S608
            [project.pk],
        )
        shown = [pk for (pk,) in cursor.fetchall()]
    there = Review.objects.filter(pk__in=ids, dataset__in=shown).order_by()
    found = set(there.values_list("pk", flat=True))
    return [pk for pk in ids if pk in found]
