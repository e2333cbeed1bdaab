"""Django's view of the package."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        """Make the import and the filters of reviews known."""
        from jobs import kinds
        from reviews import filters, selectors

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
