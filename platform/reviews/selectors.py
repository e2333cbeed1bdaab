"""Read data sets and reviews: only what a project shows."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Length
from django.urls import reverse

from common.errors import Invalid, NotVisible
from common.text import normalise
from jobs.models import Job
from projects.models import Project
from reviews.filters import Asked, Filter
from reviews.models import Dataset, ImportJob, RejectedRow, Review, Upload

#: Imports in these states have left nothing that anybody should see.
ENDED_BADLY = (Job.State.FAILED, Job.State.CANCELLED)


def visible_reviews(project: Project) -> QuerySet[Review]:
    """Return the reviews of the project's data sets that are ready: what everything else uses."""
    return Review.objects.filter(project=project, dataset__is_ready=True)


def review_of(project: Project, review_id: int) -> Review:
    """Return one visible review with its data set; raise NotVisible when there is none."""
    reviews = visible_reviews(project).select_related("dataset")
    review = reviews.filter(pk=review_id).first()
    if review is None:
        raise NotVisible
    return review


def datasets_of(project: Project) -> QuerySet[Dataset]:
    """Return the project's data sets, newest first, with who made them and their imports.

    Those whose import is under way are among them, those whose import failed are not.
    """
    ended = ImportJob.objects.filter(dataset=OuterRef("pk"), job__state__in=ENDED_BADLY)
    return (
        Dataset.objects.filter(Q(is_ready=True) | ~Exists(ended), project=project)
        .select_related("created_by")
        .prefetch_related("imports__upload", "imports__job")
        .order_by("-id")
    )


def dataset_of(project: Project, dataset_id: int) -> Dataset:
    """Return one data set of the project, ready or not; raise NotVisible when there is none."""
    dataset = datasets_of(project).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotVisible
    return dataset


def import_of(dataset: Dataset) -> ImportJob | None:
    """Return the import that made the data set, from what datasets_of has loaded."""
    return next(iter(dataset.imports.all()), None)


def upload_of(project: Project, upload_id: int) -> Upload:
    """Return one upload of the project; raise NotVisible when there is none."""
    upload = Upload.objects.filter(project=project, pk=upload_id).first()
    if upload is None:
        raise NotVisible
    return upload


def rejected_of(dataset: Dataset) -> QuerySet[RejectedRow]:
    """Return the rows that the data set's imports refused, in the order of the file."""
    return RejectedRow.objects.filter(import_job__dataset=dataset).order_by("row_number")


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rows that were refused for the same reason."""

    column: str
    reason: str
    count: int


def reject_groups(dataset: Dataset, *, limit: int = 20) -> list[RejectGroup]:
    """Return the commonest reasons for refusing rows of the data set."""
    groups = (
        rejected_of(dataset)
        .order_by()
        .values_list("column", "reason")
        .annotate(number=Count("id"))
        .order_by("-number", "column", "reason")[:limit]
    )
    return [RejectGroup(*group) for group in groups]


# --- Pages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Some reviews, newest first, and where the pages before and after begin (None: nowhere)."""

    reviews: list[Review]
    before: int | None
    after: int | None


def page_of(
    reviews: QuerySet[Review], *, after: int | None, before: int | None, size: int = 50
) -> Page:
    """Cut a page by keyset: below the id `after`, or the ones just above the id `before`."""
    rows = reviews.select_related("dataset")
    if before is not None:
        found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
        has_more, shown = len(found) > size, found[:size][::-1]
        return Page(shown, shown[0].pk if shown and has_more else None, _last(shown))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: size + 1])
    shown = found[:size]
    first = shown[0].pk if shown and after is not None else None
    return Page(shown, first, _last(shown) if len(found) > size else None)


def _last(shown: list[Review]) -> int | None:
    return shown[-1].pk if shown else None


def outcome_of_import(job: Job) -> tuple[str, str] | None:
    """Return where an import's reviews are, for the page of its job; None until they are shown."""
    work = ImportJob.objects.select_related("dataset__project").filter(job=job).first()
    if work is None or not work.dataset.is_ready:
        return None
    project = work.dataset.project
    return "See the data set", reverse("reviews:dataset", args=[project.slug, work.dataset_id])


# --- Filters ----------------------------------------------------------------------------------


def _by_dataset(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(dataset=_number(asked, "dataset"))


def _by_text(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(text__icontains=normalise(asked.value))


def _by_split(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    if asked.value not in Review.Split.values:
        known = ", ".join(Review.Split.values)
        raise Invalid.of("split", f"There is no split {asked.value[:50]!r}; known: {known}.")
    return reviews.filter(split=asked.value)


def _by_length(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.alias(length=Length("text")).filter(length__gte=_number(asked, "min_length"))


def _by_control(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(is_control=boolean(asked.value, "control"))


def _by_product(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    return reviews.filter(product=normalise(asked.value))


def boolean(value: str, name: str) -> bool:
    """Read the value of a yes-or-no filter; raise Invalid for anything else."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise Invalid.of(name, f"{name} is true or false, not {value[:50]!r}.")
    return known[value.lower()]


def _number(asked: Asked, name: str) -> int:
    # Databases hold ids in 63 bits; a longer number is no id of ours.
    if not (asked.value.isascii() and asked.value.isdigit() and len(asked.value) < 19):
        raise Invalid.of(name, f"{name} is a whole number, not {asked.value[:50]!r}.")
    return int(asked.value)


FILTERS: dict[str, Filter] = {
    "dataset": _by_dataset,
    "q": _by_text,
    "split": _by_split,
    "min_length": _by_length,
    "control": _by_control,
    "product": _by_product,
}
