"""Django's view of the package."""

from datetime import timedelta

from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "ml"

    def ready(self) -> None:
        from django.conf import settings

        from jobs import kinds, machine
        from ml import columns as model_columns
        from ml import filters, label_sources, panels
        from ml.core.hardware import visible_gpu
        from ml.foreseen import told
        from reviews import filters as review_filters
        from reviews import table_columns
        from reviews.panels import register

        kinds.register(
            kinds.Kind(
                "train",
                "Training",
                "train",
                "ml.runner.train",
                deadline=timedelta(hours=24),
                on_end="ml.runner.tidy",
                outcome="ml.selectors.outcome_of_training",
            )
        )
        kinds.register(
            kinds.Kind("score", "Ranking", "predict", "ml.scoring.score", on_end="ml.scoring.tidy")
        )
        kinds.register(
            kinds.Kind(
                "predict",
                "Prediction",
                "predict",
                "ml.bulk.predict",
                on_end="ml.bulk.tidy",
                outcome="ml.selectors.outcome_of_prediction",
            )
        )
        kinds.register(
            kinds.Kind(
                "search",
                "Search of settings",
                "train",
                "ml.searching.run",
                on_end="ml.runner.tidy",
                outcome="ml.selectors.outcome_of_search",
            )
        )
        kinds.register(kinds.Kind("explain", "Explanation", "predict", "ml.explaining.run"))
        kinds.register(
            kinds.Kind("map", "Map", "predict", "ml.mapping.run", outcome="ml.mapping.outcome")
        )
        machine.register_gpu(lambda: told(settings.GLOSS_DEVICE, visible_gpu()))
        filters.register()
        label_sources.register()
        register(panels.panel_of)
        register(panels.alike_panel_of)
        review_filters.register_choices(model_columns.choices)
        table_columns.register(model_columns.columns)
