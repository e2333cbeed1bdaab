"""Draw the splits of a data set: grouped, stratified, and never again once they are frozen.

The job looks for near duplicates in the whole project and draws anew what an import drew from
hashes, so that groups stay together and strata have their shares. All splits of a data set change
in one transaction, so nobody sees half a draw, and a job that dies is simply run again.
"""

from contextlib import suppress
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from jobs.lease import Lease
from projects.models import Project
from reviews import split_rows, strata
from reviews.grouping import Grouping, look_for_groups
from reviews.members import hold_shown
from reviews.models import Dataset
from reviews.split_plan import Plan, drawn_plan, inherited_plan
from reviews.splitting import Wishes


class _Outrun(Exception):
    """The splits that this draw was to follow have changed meanwhile."""


def run(lease: Lease) -> dict[str, Any]:
    """Find near duplicates and draw the splits of the job's data set; safe to run again."""
    if lease.job.result:  # a worker that died had done all but say so
        return dict(lease.job.result)
    wishes = Wishes.from_json(lease.params)
    shown = Dataset.objects.select_related("project").filter(is_ready=True)
    while True:
        dataset = shown.filter(pk=lease.params["dataset"]).first()
        if dataset is None:
            return {"dataset": lease.params["dataset"], "note": "The data set has gone meanwhile."}
        with suppress(_Outrun):
            return _draw(lease, dataset, wishes)
        lease.log("Other splits have changed meanwhile; starting again.")


def _draw(lease: Lease, dataset: Dataset, wishes: Wishes) -> dict[str, Any]:
    if dataset.kind == Dataset.Kind.CLEANED:
        return _inherit(lease, dataset)
    stamp = _stamp(dataset)
    found = look_for_groups(lease, dataset)
    plan = drawn_plan(
        dataset,
        found,
        question=_question(dataset, wishes),
        by_product=wishes.by_product,
        shares=wishes.shares,
        seed=wishes.seed,
    )
    _store_groups(lease, found)
    result = {"dataset": dataset.pk, "changed": plan.changed_count, **plan.as_json()["counts"]}
    with lease.effect(message="Writing splits", result=result):
        Project.objects.select_for_update(no_key=True).get(pk=dataset.project_id)
        if not hold_shown(dataset.pk) or _stamp(dataset) != stamp:
            raise _Outrun
        dataset.refresh_from_db()
        if dataset.splits_frozen_at is None:
            split_rows.set_splits(plan.changes)
        _note(dataset, found, plan)
    return result


def _question(dataset: Dataset, wishes: Wishes) -> strata.Stratifier | None:
    known = strata.questions(dataset)
    if wishes.question is None:
        return next(iter(known), None)
    return next((each for each in known if each.key == wishes.question), None)


def _stamp(dataset: Dataset) -> list[Any]:
    """Return what tells whether other data sets were drawn, or this one frozen, meanwhile."""
    others = Dataset.objects.filter(project=dataset.project_id).exclude(split_plan={})
    fields = ("pk", "is_ready", "splits_frozen_at", "split_plan__at")
    return list(others.order_by("pk").values_list(*fields))


def _store_groups(lease: Lease, found: Grouping) -> None:
    for some in found.group_changes():
        with lease.effect(message="Writing groups"):
            split_rows.set_groups(some)


def _note(dataset: Dataset, found: Grouping, plan: Plan) -> None:
    """Write down what was done, and pass it on to copies."""
    now = timezone.now()
    if dataset.splits_frozen_at is None:
        dataset.split_plan = {**plan.as_json(), "at": now.isoformat()}
    dataset.compared_at = now
    dataset.near_duplicate_count = found.near_duplicate_count
    dataset.split_counts = split_rows.split_counts(dataset)
    dataset.save(
        update_fields=["split_plan", "compared_at", "near_duplicate_count", "split_counts"]
    )
    for copies in _copies(dataset.project):
        split_rows.inherit(copies)
        _note_copies(copies)


def _copies(project: Project) -> QuerySet[Dataset]:
    # Copies of copies come after what they are copies of.
    return project.datasets.filter(kind=Dataset.Kind.CLEANED, is_ready=True).order_by("pk")


def _inherit(lease: Lease, dataset: Dataset) -> dict[str, Any]:
    with lease.effect(message="Taking the splits of the originals"):
        if not hold_shown(dataset.pk):
            raise _Outrun
        split_rows.inherit(dataset)
        _note_copies(dataset)
    return {"dataset": dataset.pk, "changed": 0, **dataset.split_plan["counts"]}


def _note_copies(dataset: Dataset) -> None:
    now = timezone.now()
    dataset.split_counts = split_rows.split_counts(dataset)
    dataset.split_plan = {**inherited_plan(dataset), "at": now.isoformat()}
    dataset.compared_at = now
    dataset.near_duplicate_count = split_rows.grouped_count(dataset)
    dataset.save(
        update_fields=["split_plan", "compared_at", "near_duplicate_count", "split_counts"]
    )
