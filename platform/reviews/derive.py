"""Make a derived data set: choose reviews, then point to them or copy them with a cleaned text.

What is chosen is written down first, as pointers, and copies are made of those in order, each
batch in one transaction with the counts that say how far we are. A worker that dies leaves whole
batches behind, and whoever takes over goes on; a choice that was not finished is made again.
"""

import json
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import Count

from common import bulk
from common.errors import GlossError
from jobs.lease import JobFailed, Lease
from reviews import aftermath, cleaning, deriving, fingerprints, recipes
from reviews.copying import Made, Original, made_of, write_copies
from reviews.label_copies import Copy, copy_labels
from reviews.members import reviews_in
from reviews.models import Dataset, Review, SelectedReview
from reviews.offsets import Offsets, resized
from reviews.recipes import TEXT, Recipe

log = structlog.get_logger("jobs.derive")

POINTERS = 20_000
COPIES = 2_000
_SLICE = 2_000
_SELECTED = "reviews_selectedreview"


def run(lease: Lease) -> dict[str, Any]:
    """Make the job's data set and return what became of the reviews."""
    begun = time.monotonic()
    dataset = Dataset.objects.select_related("project").get(job=lease.job)
    try:
        recipe = recipes.from_json(dataset.recipe)
        if "selected" not in _outcome(dataset):
            _select(lease, dataset, recipe)
        if dataset.kind == Dataset.Kind.CLEANED:
            _copy(lease, dataset, recipe)
    except GlossError as error:
        raise JobFailed(error.detail) from error
    if not dataset.is_ready:
        _show(lease, dataset)
    counts = {key: value for key, value in _outcome(dataset).items() if key != "last"}
    return {"dataset": dataset.pk, **counts, "seconds": round(time.monotonic() - begun, 3)}


def _outcome(dataset: Dataset) -> dict[str, int]:
    outcome: dict[str, int] = dataset.recipe.get("outcome", {})
    return outcome


def _note(dataset: Dataset, **counts: int) -> None:
    """Write down how far we are, in the caller's transaction."""
    dataset.recipe = dataset.recipe | {"outcome": _outcome(dataset) | counts}
    Dataset.objects.filter(pk=dataset.pk).update(recipe=dataset.recipe)


# --- Choosing -----------------------------------------------------------------------------------


def _select(lease: Lease, dataset: Dataset, recipe: Recipe) -> None:
    lease.progress(done=0, message="Choosing reviews")
    chosen = deriving.chosen_by(dataset.project, recipe).order_by()
    ids = array("q", chosen.values_list("pk", flat=True).iterator(chunk_size=POINTERS))
    if not ids:
        raise JobFailed("No review fits this recipe. Take a filter away or choose other data sets.")
    ids = array("q", sorted(ids))
    with lease.effect(total_count=len(ids), message="Writing down what was chosen"):
        SelectedReview.objects.filter(dataset=dataset).delete()
    for start in range(0, len(ids), POINTERS):
        lease.check()
        some = ids[start : start + POINTERS].tolist()
        done = start + len(some)
        is_last = done == len(ids)
        with lease.effect(done_count=0 if recipe.makes_copies else done):
            _point(dataset, some)
            if is_last:
                _note(dataset, selected=len(ids))
    _look_at_pointers()
    log.info("reviews_chosen", count=len(ids))


def _look_at_pointers() -> None:
    """Tell PostgreSQL how many pointers there are: it would sort them all for every batch."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {_SELECTED}")


def _point(dataset: Dataset, ids: Sequence[int]) -> None:
    """Point to those of the reviews that are still shown, and keep them so until the commit."""
    value: Any
    lock = ""
    if connection.vendor == "postgresql":
        among, value = "= ANY(%s)", list(ids)
        lock = " FOR KEY SHARE"
    else:
        among, value = "IN (SELECT value FROM json_each(%s))", json.dumps(list(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH shown AS (
                SELECT id FROM reviews_dataset WHERE project_id = %s AND is_ready ORDER BY id{lock}
            )
            INSERT INTO {_SELECTED} (dataset_id, review_id)
            SELECT %s, id FROM reviews_review WHERE project_id = %s AND id {among}
            AND dataset_id IN (SELECT id FROM shown)
            """,  # noqa: S608  (our own names)
            [dataset.project_id, dataset.pk, dataset.project_id, value],
        )


# --- Copying ------------------------------------------------------------------------------------


def _copy(lease: Lease, dataset: Dataset, recipe: Recipe) -> None:
    known = fingerprints.known_of([dataset.pk])
    while originals := _next(dataset):
        lease.check()
        counts = Counter(_outcome(dataset))
        made = [made_of(each, deriving.text_of(each, recipe)) for each in originals]
        done = counts["copied"] + counts["duplicates"] + counts["empty"] + len(made)
        with lease.effect(done_count=done, message="Copying reviews"):
            _hold(originals)
            usable = [each for each in made if each.text]
            written = write_copies(dataset, usable, known, first=counts["copied"] + 1)
            counts["copied"] += len(written)
            counts["empty"] += sum(not each.text for each in made)
            counts["duplicates"] = done - counts["copied"] - counts["empty"]
            counts.update(_copy_labels(dataset, recipe, written))
            counts["last"] = originals[-1].pk
            _note(dataset, **counts)


def _hold(originals: Sequence[Original]) -> None:
    """Keep the originals' data sets from being removed until this batch is written.

    A removal lets go of copies once: one that came later would point to a review that has gone.
    """
    reviews = Review.objects.filter(pk__in=[each.pk for each in originals])
    owners = Dataset.objects.filter(pk__in=reviews.order_by().values("dataset"))
    held = list(owners.order_by("pk").select_for_update(no_key=True))
    is_whole = reviews.count() == len(originals)
    if not is_whole or not all(each.is_ready for each in held):
        raise JobFailed("A data set that this one is made of was removed meanwhile. Choose others.")


def _next(dataset: Dataset) -> list[Original]:
    """Return the originals that come next."""
    last = _outcome(dataset).get("last", 0)
    rows = Review.objects.filter(selections__dataset=dataset, selections__review__gt=last)
    ordered = rows.order_by("selections__review_id").values_list(*Original._fields)
    return [Original._make(row) for row in ordered[:COPIES]]


def _copy_labels(
    dataset: Dataset, recipe: Recipe, written: Sequence[tuple[Made, int]]
) -> Counter[str]:
    copies = [
        Copy(made.original.pk, copy_id, made.text, _offsets_of(made.original, recipe))
        for made, copy_id in written
    ]
    labels = copy_labels(dataset, copies)
    return Counter(spans_moved=labels.moved_count, spans_lost=labels.lost_count)


def _offsets_of(original: Original, recipe: Recipe) -> Callable[[], Offsets]:
    def offsets() -> Offsets:
        if TEXT not in recipe.parts:  # all of it went
            return resized([(0, len(original.text), 0)])
        cells = deriving.cells_of(original, recipe)
        _, moved = cleaning.joined_with_offsets(cells, recipe.separator, recipe.cleaning)
        return moved[recipe.parts.index(TEXT)]

    return offsets


# --- Showing ------------------------------------------------------------------------------------


def _show(lease: Lease, dataset: Dataset) -> None:
    """Show the data set; doing it twice gives the same."""
    is_copied = dataset.kind == Dataset.Kind.CLEANED
    if is_copied and not _outcome(dataset).get("copied"):
        raise JobFailed("Nothing is left of any text. Take a cleaning step away.")
    count = reviews_in(dataset).count()
    bulk.learn_growth()
    with lease.effect(done_count=count, total_count=count, message=""):
        if is_copied:
            SelectedReview.objects.filter(dataset=dataset).delete()
        Dataset.objects.filter(pk=dataset.pk).update(
            is_ready=True, review_count=count, split_counts=_split_counts(dataset)
        )
        dataset.refresh_from_db()
        aftermath.follow(dataset)


def _split_counts(dataset: Dataset) -> dict[str, int]:
    counts: Counter[str] = Counter()
    rows = reviews_in(dataset).order_by().values_list("split", "is_control")
    for split, is_control, number in rows.annotate(number=Count("pk")):
        counts[split] += number
        counts["control"] += number if is_control else 0
    return dict(counts)


def tidy(job_id: UUID) -> None:
    """Remove what a failed or cancelled job left; the name is free again.

    A job may be called lost between showing the data set and saying so: then all is well.
    """
    dataset = Dataset.objects.filter(job=job_id, is_ready=False).first()
    if dataset is None:
        return
    reviews = Review.objects.filter(dataset=dataset)
    while ids := list(reviews.values_list("pk", flat=True)[:_SLICE]):
        Review.objects.filter(pk__in=ids).delete()
    dataset.delete()
