"""Django's view of the package."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        """Make jobs, bulk actions, filters and what follows an import known."""
        from jobs import kinds
        from reviews import (
            aftermath,
            bulk,
            bulk_kinds,
            filters,
            job_kinds,
            review_filters,
            search_index,
            splitting,
        )

        post_migrate.connect(_make_triggers, sender=self)
        for kind in job_kinds.KINDS:
            kinds.register(kind)
        for name, doer in bulk_kinds.DOERS.items():
            bulk.register(name, doer)
        aftermath.register(search_index.follow)
        aftermath.register(splitting.follow)
        for filter_name, apply in review_filters.FILTERS.items():
            filters.register(filter_name, apply)


def _make_triggers(using: str, **_: Any) -> None:
    from common.triggers import take_along
    from reviews import origin_index, search_index

    take_along(using=using, parent="reviews_dataset", child="reviews_review", column="dataset_id")
    search_index.make_tables(using=using)
    origin_index.make_tables(using=using)
