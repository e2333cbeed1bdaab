"""Django's view of the package."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_migrate


class LabellingConfig(AppConfig):
    name = "labelling"

    def ready(self) -> None:
        """Give packages below their questions, their answers and their filters."""
        from jobs import kinds
        from labelling import accept_kind, bulk_kind, change_job, copies, filters, label_sources
        from labelling import columns as label_columns
        from labelling.gold_policy import KIND as GOLD_KIND
        from labelling.overlap_job import KIND as OVERLAP_KIND
        from labelling.panels import flagged, labels, marks, talk
        from labelling.presets import PRESETS
        from labelling.proposals import Questions
        from labelling.sink import GoldSink
        from labelling.strata import GoldStrata
        from labelling.versions import apply_preset
        from projects import departures, presets
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
        # There are several ways out (allauth's page, the admin's); Django tells of each of them.
        user_logged_out.connect(_release, dispatch_uid="labelling.release")
        departures.register(_leave)
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
        kinds.register(GOLD_KIND)
        kinds.register(OVERLAP_KIND)
        answers.register(GoldSink)
        label_copies.register(copies.copy_gold)
        classes.register("answer.", copies.class_of, copies.classes)
        review_filters.register("labelled", filters.labelled)
        review_filters.register("answer.", filters.answer)
        review_filters.register_choices(label_columns.choices)
        table_columns.register(label_columns.columns)
        bulk.register("label", bulk_kind.DOER)
        bulk.register(accept_kind.KIND, accept_kind.DOER)
        for panel in (labels, flagged, talk):
            panels.register(panel)
        panels.register_marks(marks)
        strata.register(GoldStrata())
        proposals.register(Questions())
        label_sources.register()


def _make_triggers(using: str, **_: Any) -> None:
    from common.triggers import take_along

    take_along(using=using, parent="reviews_review", child="labelling_gold", column="review_id")


def _release(user: Any, **_: Any) -> None:
    from labelling.leases import release

    if user is not None:
        release(annotator=user, reason="signed out")


def _leave(project: Any, person: Any) -> None:
    from labelling.leases import leave

    leave(project=project, annotator=person)
