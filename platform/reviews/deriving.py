"""Ask for a data set made of others: check the recipe, say what it gives, start the job."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid
from common.text import normalise
from jobs.models import Job
from jobs.services import enqueue, once
from projects.models import Project
from reviews import classes, cleaning, recipes, selectors
from reviews.copying import Original
from reviews.filters import apply_filters
from reviews.models import Dataset, ImportJob, Review, SelectedReview
from reviews.patience import patience
from reviews.recipes import META, TEXT, Recipe
from reviews.table import filters_in_words

KIND = "derive"
MAX_NAME = 100
#: A preview counts no further, and looks at so many reviews for examples that change.
COUNT_LIMIT = 10_000
_LOOKED_AT = 200
_EXAMPLES = 5
_PATIENCE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Derived:
    """A data set that is being made; `is_new` is False when an earlier request had started it."""

    dataset: Dataset
    job: Job
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """A text before and after, equal where nothing changes it."""

    review_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a recipe would give."""

    #: How many reviews fit before a sample is drawn; COUNT_LIMIT stands for that many or more.
    count: int
    examples: list[Example]

    @property
    def is_bounded(self) -> bool:
        """Tell whether there are more than were counted."""
        return self.count >= COUNT_LIMIT


# --- Which reviews ------------------------------------------------------------------------------


def sources_of(project: Project, recipe: Recipe) -> list[Dataset]:
    """Return the data sets that the recipe names; raise Invalid for one that is not there."""
    found = Dataset.objects.filter(project=project, is_ready=True, pk__in=recipe.datasets)
    by_id = {dataset.pk: dataset for dataset in found}
    for number in recipe.datasets:
        if number not in by_id:
            raise Invalid.of("datasets", f"The project shows no data set {number}.")
    return [by_id[number] for number in recipe.datasets]


def reviews_for(project: Project, recipe: Recipe) -> QuerySet[Review]:
    """Return the reviews that fit, before a sample is drawn; raise Invalid as filters do."""
    reviews = selectors.visible_reviews(project)
    sources = sources_of(project, recipe)
    if sources:
        reviews = reviews.filter(_in_any(sources))
    return apply_filters(reviews, project, recipe.filters)


def _in_any(sources: Sequence[Dataset]) -> Q:
    owning = [each.pk for each in sources if each.kind != Dataset.Kind.SELECTION]
    selections = [each.pk for each in sources if each.kind == Dataset.Kind.SELECTION]
    within = Q(dataset__in=owning)
    if selections:
        pointed = SelectedReview.objects.filter(dataset__in=selections, review=OuterRef("pk"))
        within |= Q(Exists(pointed))
    return within


def chosen_by(project: Project, recipe: Recipe) -> QuerySet[Review]:
    """Return the reviews that the recipe takes, in no order."""
    reviews = reviews_for(project, recipe)
    return classes.sampled(reviews, project, recipe.sample) if recipe.sample else reviews


def preview(project: Project, recipe: Recipe) -> Preview:
    """Count what fits and show what becomes of some texts; raise TooSlow when it takes long."""
    if recipe.sample is not None and recipe.sample.by:
        classes.expression_of(project, recipe.sample.by)  # which raises when there are no such
    with patience(_PATIENCE_SECONDS):
        reviews = reviews_for(project, recipe).order_by()
        count = reviews[:COUNT_LIMIT].count()
        first = reviews.order_by("pk") if count < COUNT_LIMIT else reviews
        looked_at = list(first[:_LOOKED_AT])
    examples = [Example(each.pk, each.text, text_of(each, recipe)) for each in looked_at]
    # Those that change first; both kinds in the order of the reviews.
    examples.sort(key=lambda each: each.before == each.after)
    return Preview(count, examples[:_EXAMPLES])


# --- What becomes of a text ---------------------------------------------------------------------


def cells_of(review: Review | Original, recipe: Recipe) -> list[str]:
    """Return the parts that the new text is made of, in the recipe's order."""
    return [_cell(review, part) for part in recipe.parts]


def _cell(review: Review | Original, part: str) -> str:
    if part in {TEXT, "product", "author"}:
        value: str = getattr(review, part)
        return value
    found = review.metadata.get(part.removeprefix(META), "")
    return found if isinstance(found, str) else str(found)


def text_of(review: Review | Original, recipe: Recipe) -> str:
    """Return what the review's text becomes."""
    return cleaning.joined(cells_of(review, recipe), recipe.separator, recipe.cleaning)


def metadata_columns(project: Project) -> list[str]:
    """Return the columns that the project's latest imports have kept as metadata."""
    mappings = (
        ImportJob.objects.filter(dataset__project=project, dataset__is_ready=True)
        .order_by("-pk")
        .values_list("mapping", flat=True)[:_LOOKED_AT]
    )
    names = dict.fromkeys(name for each in mappings for name in each.get("metadata") or ())
    return list(names)[:_LOOKED_AT]


# --- Starting -----------------------------------------------------------------------------------


def derived_before(*, project: Project, actor: User | None, key: str | None) -> Derived | None:
    """Return what the same person started with the same idempotency key."""
    if not key:
        return None
    job = Job.objects.filter(created_by=actor, idempotency_key=key).first()
    if job is None:
        return None
    dataset = Dataset.objects.filter(project=project, job=job).first()
    if dataset is None:
        raise Conflict("This Idempotency-Key was used for something else. Choose another.")
    return Derived(dataset, job, is_new=False)


def derive(
    *,
    project: Project,
    name: str,
    recipe: Recipe,
    actor: User | None,
    idempotency_key: str | None = None,
) -> Derived:
    """Make a data set that is not shown yet and the job that will fill it.

    Raises Invalid when the recipe does not fit the project, Conflict when the name is taken.
    """

    def start() -> Derived:
        wanted = normalise(name)
        if not 1 <= len(wanted) <= MAX_NAME:
            raise Invalid.of("name", f"A data set's name has 1 to {MAX_NAME} characters.")
        chosen_by(project, recipe)  # which raises for whatever is not there
        sources = sources_of(project, recipe)
        return _record(project, wanted, recipe, sources, actor=actor, key=idempotency_key)

    return once(
        before=lambda: derived_before(project=project, actor=actor, key=idempotency_key),
        start=start,
    )


@transaction.atomic
def _record(
    project: Project,
    name: str,
    recipe: Recipe,
    sources: Sequence[Dataset],
    *,
    actor: User | None,
    key: str | None,
) -> Derived:
    job = enqueue(
        project=project,
        kind=KIND,
        actor=actor,
        params={"dataset": name, "recipe": recipe.as_json()},
        idempotency_key=key,
    )
    said = say(project, recipe, sources)
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                project=project,
                name=name,
                created_by=actor,
                kind=Dataset.Kind.CLEANED if recipe.makes_copies else Dataset.Kind.SELECTION,
                parent=sources[0] if len(sources) == 1 else None,
                recipe=recipe.as_json() | {"said": [[each.title, each.detail] for each in said]},
                job=job,
            )
    except IntegrityError:
        raise Conflict(
            f"The project has a data set called {name!r} already. Choose another name."
        ) from None
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="dataset.derived",
        subject=name,
        job=str(job.pk),
        recipe=recipe.as_json(),
    )
    return Derived(dataset, job)


def say(project: Project, recipe: Recipe, sources: Sequence[Dataset]) -> list[recipes.Said]:
    """Say what a recipe does in the names of today, which may change later."""
    return recipes.in_words(
        recipe,
        sources=[each.name for each in sources],
        filters=filters_in_words(project, recipe.filters),
        by=classes.name_of(project, recipe.sample.by) if recipe.sample else "",
    )


def outcome_of(job: Job) -> tuple[str, str] | None:
    """Return where a derived data set is, for the page of its job; None until it is shown."""
    dataset = Dataset.objects.select_related("project").filter(job=job, is_ready=True).first()
    if dataset is None:
        return None
    return "See the data set", reverse("reviews:dataset", args=[dataset.project.slug, dataset.pk])
