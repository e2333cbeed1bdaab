"""Django's view of the package."""

from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "labelling"

    def ready(self) -> None:
        """Give packages below their questions, their answers and their filters."""
        from labelling import filters
        from labelling.panels import labels
        from labelling.presets import PRESETS
        from labelling.sink import GoldSink
        from labelling.versions import apply_preset
        from projects import presets
        from reviews import answers, panels
        from reviews import filters as review_filters

        presets.register(
            [presets.Preset(each.key, each.name, each.description) for each in PRESETS.values()],
            apply_preset,
        )
        answers.register(GoldSink)
        review_filters.register("labelled", filters.labelled)
        review_filters.register("answer.", filters.answer)
        panels.register(labels)
