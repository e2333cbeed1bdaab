"""Django's view of the package."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        """Make the import and the filters of reviews known."""
        from jobs import kinds
        from reviews import (
            aftermath,
            bulk,
            bulk_kinds,
            filters,
            review_filters,
            search_index,
            snapshots,
            splitting,
        )

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
        kinds.register(
            kinds.Kind(
                name=search_index.KIND,
                label="Search index",
                queue="default",
                runner="reviews.search_index.run",
            )
        )
        kinds.register(
            kinds.Kind(
                name="export",
                label="Export",
                queue="default",
                runner="reviews.exports.run",
                on_end="reviews.exports.tidy",
                outcome="reviews.export_services.outcome_of_export",
            )
        )
        for name, label in ((bulk.KIND, "Bulk action"), (bulk.UNDO_KIND, "Undoing")):
            runner = "reviews.bulk.run" if name == bulk.KIND else "reviews.bulk.run_undo"
            kinds.register(kinds.Kind(name=name, label=label, queue="default", runner=runner))
        for kind, doer in bulk_kinds.DOERS.items():
            bulk.register(kind, doer)
        kinds.register(
            kinds.Kind(
                name=splitting.KIND,
                label="Draw of splits",
                queue="default",
                runner="reviews.drawing.run",
                outcome="reviews.splitting.outcome",
            )
        )
        kinds.register(
            kinds.Kind(
                name="derive",
                label="Data set made of others",
                queue="default",
                runner="reviews.derive.run",
                on_end="reviews.derive.tidy",
                outcome="reviews.deriving.outcome_of",
            )
        )
        kinds.register(
            kinds.Kind(
                name="check",
                label="Check of a file",
                queue="default",
                runner="reviews.checks.run",
                outcome="reviews.drafts.outcome_of_check",
            )
        )
        kinds.register(
            kinds.Kind(
                name="undo-import",
                label="Removal of a data set",
                queue="default",
                runner="reviews.undo.run",
                max_attempts=10,
            )
        )
        kinds.register(
            kinds.Kind(
                name=snapshots.KIND,
                label="Version of a data set",
                queue="default",
                runner="reviews.snapshotting.run",
                on_end="reviews.snapshotting.tidy",
                outcome="reviews.snapshots.outcome",
            )
        )
        aftermath.register(search_index.follow)
        aftermath.register(splitting.follow)
        for name, apply in review_filters.FILTERS.items():
            filters.register(name, apply)


def _make_triggers(using: str, **_: Any) -> None:
    from common.triggers import take_along
    from reviews import search_index

    take_along(using=using, parent="reviews_dataset", child="reviews_review", column="dataset_id")
    search_index.make_tables(using=using)
