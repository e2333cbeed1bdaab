"""The bulk actions on reviews themselves: into a data set, to the front of the queue."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from common.errors import Conflict, Invalid
from common.text import normalise
from projects.models import Project, Role
from reviews import members
from reviews.bulk import Doer, Field
from reviews.models import BulkAction, BulkChange, Dataset, Review, SelectedReview
from reviews.services import MAX_DATASET_NAME

#: Above every priority that a model gives.
SENT = 1e9
_AT_A_TIME = 500
_OFFERED = 200


# --- Into a data set -----------------------------------------------------------------------------


def _selections(project: Project) -> Any:
    return Dataset.objects.filter(project=project, kind=Dataset.Kind.SELECTION, is_ready=True)


def _dataset_fields(project: Project) -> list[Field]:
    rows = _selections(project).order_by("-pk").values_list("pk", "name")[:_OFFERED]
    options = tuple((str(pk), name) for pk, name in rows)
    new = Field("name", "New data set", "text", hint="It points to the reviews; nothing is copied.")
    return [*([Field("dataset", "Data set", "choice", options)] if options else []), new]


def _read_dataset(project: Project, given: Mapping[str, Any] | QueryDict) -> dict[str, Any]:
    name, number = normalise(str(given.get("name") or "")), str(given.get("dataset") or "")
    if bool(name) == bool(number):
        raise Invalid.of("dataset", "Choose a data set, or name a new one.")
    if not number:
        return {"dataset": _new_dataset(project, name).pk, "is_new": True}
    known = number.isascii() and number.isdigit() and len(number) < 19
    if not known or not _selections(project).filter(pk=int(number)).exists():
        raise Invalid.of(
            "dataset",
            "Reviews can be added only to a data set that was selected from others; "
            f"{number[:20]!r} is none.",
        )
    return {"dataset": int(number), "is_new": False}


def _new_dataset(project: Project, name: str) -> Dataset:
    if len(name) > MAX_DATASET_NAME:
        raise Invalid.of("name", f"A name has at most {MAX_DATASET_NAME} characters.")
    try:
        with transaction.atomic():
            return Dataset.objects.create(
                project=project,
                name=name,
                kind=Dataset.Kind.SELECTION,
                is_ready=True,
                recipe={"by": "selection of single reviews"},
            )
    except IntegrityError:
        raise Invalid.of("name", f"There is a data set called {name!r} already.") from None


def _add(action: BulkAction, ids: Sequence[int]) -> tuple[int, int]:
    held = Dataset.objects.filter(pk=action.params["dataset"], removed_at=None)
    dataset = held.select_for_update(no_key=True).first()
    if dataset is None:
        raise Conflict("The data set that reviews were to be added to was removed.")
    if action.params["is_new"] and dataset.created_by_id is None:
        Dataset.objects.filter(pk=dataset.pk).update(created_by=action.created_by)
    there = SelectedReview.objects.filter(dataset=dataset, review__in=ids)
    known = set(there.values_list("review_id", flat=True))
    fresh = [pk for pk in ids if pk not in known]
    SelectedReview.objects.bulk_create(
        [SelectedReview(dataset=dataset, review_id=pk) for pk in fresh]
    )
    BulkChange.objects.bulk_create([BulkChange(action=action, review_id=pk) for pk in fresh])
    _recount(dataset)
    return len(fresh), len(known)


def _hide(action: BulkAction) -> None:
    """Have nobody see a new data set before all that was chosen is in it."""
    if action.params["is_new"]:
        made = Dataset.objects.filter(pk=action.params["dataset"])
        made.update(is_ready=False, job=action.job, created_by=action.created_by)


def _show(action: BulkAction) -> None:
    if action.params["is_new"]:
        made = Dataset.objects.filter(pk=action.params["dataset"], removed_at=None)
        made.update(is_ready=True)


def _is_of_use(action: BulkAction) -> bool:
    """Tell whether a part may stay: not of a new data set, which is whole or not there."""
    made = Dataset.objects.filter(pk=action.params["dataset"])
    return not action.params["is_new"] or made.filter(is_ready=True).exists()


def _take_out(action: BulkAction) -> None:
    dataset = Dataset.objects.filter(pk=action.params["dataset"]).first()
    if dataset is None:
        return
    SelectedReview.objects.filter(
        dataset=dataset, review__in=action.changes.values("review")
    ).delete()
    if action.params["is_new"] and not dataset.selected_reviews.exists():
        dataset.delete()
    else:
        _recount(dataset)


def _recount(dataset: Dataset) -> None:
    reviews = members.reviews_in(dataset)
    counts = reviews.aggregate(
        total=Count("pk"),
        control=Count("pk", filter=Q(is_control=True)),
        **{split: Count("pk", filter=Q(split=split)) for split in Review.Split.values},
    )
    total = counts.pop("total")
    Dataset.objects.filter(pk=dataset.pk).update(review_count=total, split_counts=counts)


def _dataset_words(action: BulkAction) -> str:
    name = Dataset.objects.filter(pk=action.params["dataset"]).values_list("name", flat=True)
    return f"added to {name.first() or 'a data set that is gone'}"


# --- To the queue --------------------------------------------------------------------------------


def _send(action: BulkAction, ids: Sequence[int]) -> tuple[int, int]:
    waiting = Review.objects.filter(pk__in=ids, is_labelled=False).exclude(split=Review.Split.TEST)
    rows = waiting.exclude(ranked_by=0).select_for_update()
    before = list(rows.values_list("pk", "priority", "ranked_by", "ranked_at"))
    BulkChange.objects.bulk_create(
        [
            BulkChange(action=action, review_id=pk, before=_place(priority, ranked_by, at))
            for pk, priority, ranked_by, at in before
        ]
    )
    Review.objects.filter(pk__in=[pk for pk, *_ in before]).update(
        priority=SENT, ranked_by=0, ranked_at=timezone.now()
    )
    return len(before), len(ids) - len(before)


def _place(priority: float, ranked_by: int | None, ranked_at: Any) -> dict[str, Any]:
    at = ranked_at.isoformat() if ranked_at else None
    return {"priority": priority, "ranked_by": ranked_by, "ranked_at": at}


def _call_back(action: BulkAction) -> None:
    """Put reviews back where they were, save those that a person or a model has moved since."""
    changes = action.changes.filter(review__ranked_by=0, review__is_labelled=False)
    for change in changes.iterator(chunk_size=_AT_A_TIME):
        at = change.before["ranked_at"]
        Review.objects.filter(pk=change.review_id).update(
            **{**change.before, "ranked_at": parse_datetime(at) if at else None}
        )


DOERS = {
    BulkAction.Kind.DATASET: Doer(
        name="Add to a data set",
        button="Add",
        at_least=Role.ANALYST,
        fields=_dataset_fields,
        read=_read_dataset,
        do=_add,
        undo=_take_out,
        words=_dataset_words,
        skips="in it already",
        begin=_hide,
        end=_show,
        keeps_part=_is_of_use,
    ),
    BulkAction.Kind.QUEUE: Doer(
        name="Send to the queue",
        button="Send to the queue",
        at_least=Role.ANALYST,
        fields=lambda _: [],
        read=lambda *_: {},
        do=_send,
        undo=_call_back,
        words=lambda _: "sent to the front of the queue",
        skips="labelled, of the test split, or sent before",
    ),
}
