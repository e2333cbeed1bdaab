"""Django's view of the package."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        """Make the import and the filters of reviews known."""
        from jobs import kinds
        from reviews import filters, selectors

        post_migrate.connect(_make_triggers, sender=self)
        kinds.register(
            kinds.Kind(
                name="import",
                label="Import",
                queue="default",
                runner="reviews.imports.run",
                on_end="reviews.imports.tidy",
                outcome="reviews.selectors.outcome_of_import",
            )
        )
        for name, apply in selectors.FILTERS.items():
            filters.register(name, apply)


def _make_triggers(using: str, **_: Any) -> None:
    from common.triggers import take_along

    take_along(using=using, parent="reviews_dataset", child="reviews_review", column="dataset_id")
