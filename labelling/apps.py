"""Django's view of the package."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LabellingConfig(AppConfig):
    name = "labelling"

    def ready(self) -> None:
        """Give packages below their questions, their answers and their filters."""
        from jobs import kinds
        from labelling import bulk_kind, change_job, copies, filters, label_sources
        from labelling import columns as label_columns
        from labelling.panels import labels, marks
        from labelling.presets import PRESETS
        from labelling.proposals import Questions
        from labelling.sink import GoldSink
        from labelling.strata import GoldStrata
        from labelling.versions import apply_preset
        from projects import presets
        from reviews import (
            answers,
            bulk,
            classes,
            label_copies,
            panels,
            proposals,
            strata,
            table_columns,
        )
        from reviews import filters as review_filters

        post_migrate.connect(_make_triggers, sender=self)
        kinds.register(
            kinds.Kind(
                name=change_job.KIND,
                label="Change of the questions",
                queue="default",
                runner="labelling.change_job.run",
                outcome="labelling.change_job.outcome",
                remains="Nothing was changed.",
            )
        )
        presets.register(
            [presets.Preset(each.key, each.name, each.description) for each in PRESETS.values()],
            apply_preset,
        )
        answers.register(GoldSink)
        label_copies.register(copies.copy_gold)
        classes.register("answer.", copies.class_of, copies.classes)
        review_filters.register("labelled", filters.labelled)
        review_filters.register("answer.", filters.answer)
        review_filters.register_choices(label_columns.choices)
        table_columns.register(label_columns.columns)
        bulk.register("label", bulk_kind.DOER)
        panels.register(labels)
        panels.register_marks(marks)
        strata.register(GoldStrata())
        proposals.register(Questions())
        label_sources.register()


def _make_triggers(using: str, **_: Any) -> None:
    from common.triggers import take_along

    take_along(using=using, parent="reviews_review", child="labelling_gold", column="review_id")
