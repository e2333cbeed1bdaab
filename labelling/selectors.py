"""Reads: the questions, what is held for true, what people said, what comes next."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from common import compiled
from common.errors import NotReady
from labelling.answers import Answers
from labelling.form_page import NO_SUGGESTIONS, Suggestions
from labelling.models import (
    Annotation,
    Assignment,
    Gold,
    GoldSource,
    GoldSpan,
    LabelSchema,
    Question,
    Suggestion,
)
from labelling.snapshot import Kind, OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.models import Review

CHUNK = 1000


# --- The questions ----------------------------------------------------------------------------


def current_schema(project: Project) -> SchemaSnapshot:
    """Return the newest version of the project's questions (version 0 without any)."""
    latest = compiled.rows(_newest_schema, project=project.pk)
    if not latest:
        return SchemaSnapshot(version=0)
    number, version, made_at, frozen_at = latest[0]
    return _snapshot(number, version, made_at, is_frozen=frozen_at is not None)


def _newest_schema(*, project: int) -> "QuerySet[LabelSchema, Any]":
    versions = LabelSchema.objects.filter(project=project).order_by("-version")
    return versions.values_list("id", "version", "created_at", "frozen_at")[:1]


def schema_version(project: Project, version: int) -> SchemaSnapshot | None:
    """Return one version of the project's questions."""
    found = [row for row in compiled.rows(_schemas, project=project.pk) if row[1] == version]
    return _snapshot(*found[0]) if found else None


def _schemas(*, project: int) -> "QuerySet[LabelSchema, Any]":
    rows = LabelSchema.objects.filter(project=project)
    return rows.values_list("id", "version", "created_at")


def schema_of(annotation: Annotation) -> SchemaSnapshot:
    """Return the questions that an annotation answered; its `schema` should be loaded."""
    return snapshot_of(annotation.schema)


def snapshot_of(schema: LabelSchema) -> SchemaSnapshot:
    """Return a version of the questions as values."""
    return _snapshot(schema.pk, schema.version, schema.created_at)


def schema_to_answer(project: Project) -> SchemaSnapshot:
    """Return the newest questions; raise NotReady while there are none."""
    schema = current_schema(project)
    if not schema.questions:
        raise NotReady(
            "This project asks nothing yet. An owner adds questions under Label, Questions."
        )
    return schema


# The rows of a version never change once written, so its content may be kept. The time of making
# is part of the key because a database that rolled back gives the same id again.
@lru_cache(maxsize=256)
def _snapshot(
    schema_id: int,
    version: int,
    made_at: datetime | str,  # noqa: ARG001  (as the database gives it; a part of the key)
    *,
    is_frozen: bool = False,
) -> SchemaSnapshot:
    schema = LabelSchema.objects.prefetch_related("questions__options").get(pk=schema_id)
    return SchemaSnapshot(
        version=version,
        questions=tuple(_question(row) for row in schema.questions.all()),
        guidelines=schema.guidelines,
        id=schema_id,
        made_at=schema.created_at,
        is_frozen=is_frozen,
    )


def _question(row: Question) -> QuestionSnapshot:
    return QuestionSnapshot(
        key=row.key,
        name=row.name,
        kind=cast("Kind", row.kind),
        options=tuple(
            OptionSnapshot(
                key=option.key,
                name=option.name,
                colour=option.colour,
                hot_key=option.hot_key,
                id=option.pk,
            )
            for option in row.options.all()
        ),
        instructions=row.instructions,
        is_required=row.is_required,
        minimum=row.minimum,
        maximum=row.maximum,
        is_integer=row.is_integer,
        has_polarity=row.has_polarity,
        allows_overlap=row.allows_overlap,
        id=row.pk,
    )


# --- Gold: what training reads ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoldSpanValue:
    """A span that is held for true; `polarity` is "" where none is asked."""

    start: int
    end: int
    option: str
    polarity: str = ""


GoldValue = str | float | frozenset[str] | tuple[GoldSpanValue, ...]


@dataclass(frozen=True, slots=True)
class GoldExample:
    """A review with every answer that is held for true; questions without one are absent.

    A choice is an option's key, a number a float, a multichoice a (maybe empty) frozenset of
    keys, spans a (maybe empty) tuple ordered by start.
    """

    review_id: int
    text: str
    split: str
    answers: dict[str, GoldValue]
    product: str = ""


def gold_examples(
    project: Project, question_keys: Collection[str] | None = None
) -> Iterator[GoldExample]:
    """Stream the reviews that have gold for the current questions, ordered by review id.

    Only reviews of ready data sets with frozen splits count: what an import adds meanwhile may
    still be drawn into the test split. Memory stays flat in their number. No query stays open
    between two reviews: on SQLite its snapshot would make a write beside it fail as "locked".
    """
    questions = _asked(current_schema(project), question_keys)
    for chunk in _chunks(_gold_review_ids(project, questions)):
        reviews = Review.objects.filter(pk__in=chunk).values_list("id", "text", "split", "product")
        answers = gold_answers(project, questions=questions.values(), review_ids=chunk)
        for review_id, text, split, product in reviews.order_by("id"):
            yield GoldExample(review_id, text, split, answers.get(review_id, {}), product)


def gold_answers(
    project: Project,
    *,
    questions: Collection[QuestionSnapshot],
    review_ids: Collection[int],
    source: GoldSource | None = None,
) -> dict[int, dict[str, GoldValue]]:
    """Return the gold of some reviews: review id to question key to value; one source's if given.

    Spans do not say where they come from and are left out for one source's.
    """
    by_id = {question.id: question for question in questions}
    answers: dict[int, dict[str, GoldValue]] = {}
    rows = Gold.objects.filter(
        project=project, review_id__in=review_ids, question_id__in=by_id
    ).values_list("review_id", "question_id", "option__key", "number")
    if source is not None:
        rows = rows.filter(source=source)
    for review_id, question_id, option, number in rows:
        _add(answers.setdefault(review_id, {}), by_id[question_id], option, number)
    if source is None:
        _add_spans(answers, project, by_id, review_ids)
    return answers


def gold_counts(project: Project) -> dict[str, dict[str, int]]:
    """Return how many reviews have gold: question key to split to count (0 where none)."""
    schema = current_schema(project)
    counts = {question.key: dict.fromkeys(Review.Split.values, 0) for question in schema.questions}
    rows = (
        Gold.objects.filter(
            project=project,
            question_id__in=[question.id for question in schema.questions],
            review__dataset__is_ready=True,
        )
        .values_list("question__key", "review__split")
        .annotate(review_count=Count("review_id", distinct=True))
    )
    for key, split, review_count in rows:
        counts[key][split] = review_count
    return counts


def gold_class_counts(project: Project) -> dict[str, dict[str, dict[str, int]]]:
    """Return how often gold has each answer: question key to option or whole number to split.

    Of spans every one counts; a multichoice without any option and numbers that are not whole are
    left out.
    """
    schema = current_schema(project)
    ids = [question.id for question in schema.questions]
    mine = {"project": project, "question_id__in": ids, "review__dataset__is_ready": True}
    counts: dict[str, dict[str, dict[str, int]]] = {each.key: {} for each in schema.questions}
    options = Gold.objects.filter(option__isnull=False, **mine)
    spans = GoldSpan.objects.filter(**mine)
    for rows in (options, spans):
        found = rows.values_list("question__key", "option__key", "review__split")
        for key, option, split, number in found.annotate(row_count=Count("review_id")):
            counts[key].setdefault(option, {})[split] = number
    numbers = Gold.objects.filter(number__isnull=False, **mine)
    scored = numbers.values_list("question__key", "number", "review__split")
    for key, value, split, number in scored.annotate(row_count=Count("review_id")):
        if value == int(value):
            counts[key].setdefault(str(int(value)), {})[split] = number
    return counts


def _asked(
    schema: SchemaSnapshot, question_keys: Collection[str] | None
) -> dict[int, QuestionSnapshot]:
    return {
        question.id: question
        for question in schema.questions
        if question_keys is None or question.key in question_keys
    }


def _gold_review_ids(
    project: Project, questions: dict[int, QuestionSnapshot]
) -> "QuerySet[Gold, int]":
    return (
        Gold.objects.filter(
            project=project,
            question_id__in=questions,
            review__dataset__is_ready=True,
            review__dataset__splits_frozen_at__isnull=False,
        )
        .order_by("review_id")
        .values_list("review_id", flat=True)
        .distinct()
    )


def _chunks(ids: "QuerySet[Gold, int]") -> Iterator[list[int]]:
    last = 0
    while chunk := list(ids.filter(review_id__gt=last)[:CHUNK]):
        yield chunk
        last = chunk[-1]


def _add(
    answers: dict[str, GoldValue],
    question: QuestionSnapshot,
    option: str | None,
    number: float | None,
) -> None:
    """Fold one row of gold into the answers of its review."""
    if question.kind == "choice" and option is not None:
        answers[question.key] = option
    elif question.kind == "number" and number is not None:
        answers[question.key] = number
    elif question.kind == "multichoice":
        before = cast("frozenset[str]", answers.get(question.key, frozenset()))
        answers[question.key] = before | ({option} if option is not None else set())
    elif question.kind == "spans":
        answers.setdefault(question.key, ())


def _add_spans(
    answers: dict[int, dict[str, GoldValue]],
    project: Project,
    by_id: dict[int, QuestionSnapshot],
    review_ids: Collection[int],
) -> None:
    rows = (
        GoldSpan.objects.filter(project=project, review_id__in=review_ids, question_id__in=by_id)
        .order_by("review_id", "start", "end", "option_id")
        .values_list("review_id", "question_id", "start", "end", "option__key", "polarity")
    )
    for review_id, question_id, start, end, option, polarity in rows:
        of_review = answers.setdefault(review_id, {})
        key = by_id[question_id].key
        before = cast("tuple[GoldSpanValue, ...]", of_review.get(key, ()))
        of_review[key] = (*before, GoldSpanValue(start, end, option, polarity))


# --- What people said ---------------------------------------------------------------------------


def annotations(project: Project, *, by: User | None = None) -> "QuerySet[Annotation]":
    """Return annotations with everything that is shown of them loaded; `by` one person only."""
    rows = Annotation.objects.filter(project=project, review__dataset__is_ready=True)
    if by is not None:
        rows = rows.filter(annotator=by)
    return rows.select_related("annotator", "schema", "review").prefetch_related(
        "answers__question", "answers__option", "spans__question", "spans__option"
    )


def imported_answers(project: Project, schema: SchemaSnapshot, review: Review) -> Answers:
    """Return what an import has answered about a review: the form starts from it.

    Never what people here have said: whoever comes second must not start from the first one's word.
    Nothing in a blind project, nor where a reviewer has decided (it may be a quality check).
    """
    if (
        project.is_blind
        or Gold.objects.filter(review=review, source=GoldSource.ADJUDICATED).exists()
    ):
        return {}
    found = gold_answers(
        project,
        questions=schema.questions,
        review_ids=[review.pk],
        source=GoldSource.IMPORTED,
    )
    values = found.get(review.pk, {})
    return {key: value for key, value in values.items() if not isinstance(value, tuple)}


def own_assignment(person_id: int, assignment_id: int) -> Assignment | None:
    """Return an assignment of a person, project loaded; None when it is not theirs."""
    return compiled.first(_own, related=("project",), person=person_id, assignment=assignment_id)


def _own(*, person: int, assignment: int) -> QuerySet[Assignment]:
    return Assignment.objects.filter(pk=assignment, annotator=person)


def suggestions_for(assignment: Assignment) -> Suggestions:
    """Return what a model proposes about an assignment's review.

    Nothing in a blind project, and nothing on control items and quality checks: they measure people
    and model apart, so the person must not see it.
    """
    measured = {Assignment.Source.CONTROL, Assignment.Source.CHECK}
    is_measured = assignment.source in measured or assignment.review.is_control
    if assignment.project.is_blind or is_measured:
        return NO_SUGGESTIONS
    if not compiled.rows(_suggested, review=assignment.review_id):
        return NO_SUGGESTIONS
    rows = list(Suggestion.objects.filter(review_id=assignment.review_id))
    return Suggestions(
        model_version=max((row.model_version for row in rows), default=None),
        values={row.question_key: (row.value, row.confidence) for row in rows},
    )


def shown_source(assignment: Assignment) -> str:
    """Return why a review was served, as whoever labels it is told.

    A quality check passes for one of the control slice, or for one in random order where there is
    no control slice: both come without proposals, as it does.
    """
    if assignment.source != Assignment.Source.CHECK:
        return assignment.source
    has_control = assignment.project.control_share > 0
    return str(Assignment.Source.CONTROL if has_control else Assignment.Source.UNRANKED)


def _suggested(*, review: int) -> "QuerySet[Suggestion, Any]":
    return Suggestion.objects.filter(review=review).values_list("id")[:1]


# --- How far the work is ------------------------------------------------------------------------

PROGRESS_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """Labelled reviews of a project, and of them one person's."""

    labelled_count: int
    review_count: int
    mine_count: int
    mine_today_count: int


def progress(project: Project, user: User) -> Progress:
    """Return how far a project is; the project's own figures may be some seconds old."""
    labelled, total = _project_progress(project)
    mine = Annotation.objects.filter(project=project, annotator=user)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = mine.aggregate(
        every=Count("pk"), today=Count("pk", filter=Q(created_at__gte=midnight))
    )
    return Progress(labelled, total, counts["every"], counts["today"])


def _project_progress(project: Project) -> tuple[int, int]:
    key = f"labelling.progress.{project.pk}"
    known: tuple[int, int] | None = cache.get(key)
    if known is not None:
        return known
    ready = project.datasets.filter(is_ready=True)
    total = ready.aggregate(total=Sum("review_count"))["total"] or 0
    # What is left is counted on the queue's own index; what is done would read the table.
    left = Review.objects.filter(project=project, is_labelled=False).count()
    counted = (max(0, total - left), total)
    cache.set(key, counted, PROGRESS_SECONDS)
    return counted


def count_labelled(project: Project) -> None:
    """Add one to the figure that is kept for some seconds, so that people see theirs count."""
    key = f"labelling.progress.{project.pk}"
    known: tuple[int, int] | None = cache.get(key)
    if known is not None:
        cache.set(key, (known[0] + 1, known[1]), PROGRESS_SECONDS)


def queue_preview(project: Project, limit: int = 20) -> list[Review]:
    """Return what would be served next, whoever asks: the ranked, then some of the unranked."""
    leased = Assignment.objects.filter(review=OuterRef("pk"), state=Assignment.State.LEASED)
    waiting = Review.objects.filter(
        ~Exists(leased),
        project=project,
        is_labelled=False,
        is_control=False,
        dataset__in=project.datasets.filter(is_ready=True),
    ).exclude(split=Review.Split.TEST)
    ranked = list(waiting.filter(ranked_by__isnull=False).order_by("-priority", "id")[:limit])
    unranked = waiting.filter(ranked_by=None).order_by("id")[: limit - len(ranked)]
    return [*ranked, *unranked]
