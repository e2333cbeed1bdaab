"""Which reviews a data set holds, whether it owns them or points to them."""

from django.db.models import Exists, OuterRef, QuerySet

from reviews.models import Dataset, Review, SelectedReview


def reviews_in(dataset: Dataset) -> QuerySet[Review]:
    """Return the reviews of one data set, in no order."""
    if dataset.kind != Dataset.Kind.SELECTION:
        return Review.objects.filter(dataset=dataset)
    chosen = SelectedReview.objects.filter(dataset=dataset, review=OuterRef("pk"))
    return Review.objects.filter(Exists(chosen), project=dataset.project_id)
