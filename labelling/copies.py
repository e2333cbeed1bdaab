"""Give copies of reviews the gold of their originals, and say by what samples can be drawn."""

from collections.abc import Iterator, Sequence

from django.db import connection
from django.db.models import F, OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Floor

from labelling.models import Gold, GoldSource, GoldSpan
from labelling.selectors import current_schema
from projects.models import Project
from reviews.classes import Classes
from reviews.label_copies import CopiedLabels, Copy
from reviews.models import Dataset, Review

_KINDS = frozenset({"choice", "number"})
#: Ids of one batch lie close together, also where somebody else draws some in between.
_COPY = """
    INSERT INTO labelling_gold
        (project_id, review_id, question_id, slot, option_id, number, source)
    SELECT gold.project_id, copy.id, question_id, slot, option_id, number, %s
    FROM reviews_review copy JOIN labelling_gold gold ON gold.review_id = copy.derived_from_id
    WHERE copy.dataset_id = %s AND copy.id BETWEEN %s AND %s
"""


def copy_gold(dataset: Dataset, copies: Sequence[Copy]) -> CopiedLabels:
    """Copy the gold of reviews, as answers that came with the text, and move the spans.

    A span whose words are gone is left out and counted; two that have become one are one.
    """
    if not copies:
        return CopiedLabels()
    ids = [copy.copy_id for copy in copies]
    with connection.cursor() as cursor:
        cursor.execute(_COPY, [GoldSource.IMPORTED, dataset.pk, min(ids), max(ids)])
    written = Review.objects.filter(dataset=dataset, pk__range=(min(ids), max(ids)))
    spans = GoldSpan.objects.filter(review__in=written.values("derived_from")).order_by("pk")
    return _copy_spans(dataset.project_id, list(spans), {copy.original_id: copy for copy in copies})


def _copy_spans(
    project_id: int, spans: Sequence[GoldSpan], by_original: dict[int, Copy]
) -> CopiedLabels:
    moved = list(_moved(project_id, spans, by_original))
    GoldSpan.objects.bulk_create(moved, ignore_conflicts=True)
    return CopiedLabels(moved_count=len(moved), lost_count=len(spans) - len(moved))


def _moved(
    project_id: int, spans: Sequence[GoldSpan], by_original: dict[int, Copy]
) -> Iterator[GoldSpan]:
    offsets = {each: by_original[each].offsets() for each in {span.review_id for span in spans}}
    for span in spans:
        copy = by_original[span.review_id]
        place = offsets[span.review_id].move(span.start, span.end)
        if place is not None:
            yield GoldSpan(
                project_id=project_id,
                review_id=copy.copy_id,
                question_id=span.question_id,
                option_id=span.option_id,
                start=place[0],
                end=place[1],
                text=copy.text[slice(*place)],
                polarity=span.polarity,
            )


# --- Classes ------------------------------------------------------------------------------------


def class_of(project: Project, key: str) -> Combinable | None:
    """Return the gold answer to a question with one option, or a number rounded half up."""
    question = current_schema(project).question(key)
    if question is None or question.kind not in _KINDS:
        return None
    gold = Gold.objects.filter(question_id=question.id, review=OuterRef("pk"))
    if question.kind == "number":
        return Subquery(gold.values(rounded=Floor(F("number") + 0.5))[:1])
    return Subquery(gold.values("option_id")[:1])


def classes(project: Project) -> Iterator[Classes]:
    """Yield the questions whose answers are classes."""
    for question in current_schema(project).questions:
        if question.kind in _KINDS:
            yield Classes(f"answer.{question.key}", question.name)
