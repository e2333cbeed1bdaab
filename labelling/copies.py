"""Give copies of reviews the gold of their originals, and say by what samples can be drawn."""

from collections.abc import Iterator, Sequence

from django.db.models import F, OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Floor

from labelling.models import Gold, GoldSource, GoldSpan
from labelling.selectors import current_schema
from projects.models import Project
from reviews.classes import Classes
from reviews.label_copies import CopiedLabels, Copy

_KINDS = frozenset({"choice", "number"})


def copy_gold(project: Project, copies: Sequence[Copy]) -> CopiedLabels:
    """Copy the gold of reviews, as answers that came with the text, and move the spans.

    A span whose words are gone is left out and counted; two that have become one are one.
    """
    by_original = {copy.original_id: copy for copy in copies}
    gold = Gold.objects.filter(review_id__in=list(by_original))
    Gold.objects.bulk_create(
        Gold(
            project_id=project.pk,
            review_id=by_original[each.review_id].copy_id,
            question_id=each.question_id,
            slot=each.slot,
            option_id=each.option_id,
            number=each.number,
            source=GoldSource.IMPORTED,
        )
        for each in gold
    )
    return _copy_spans(project, by_original)


def _copy_spans(project: Project, by_original: dict[int, Copy]) -> CopiedLabels:
    spans = list(GoldSpan.objects.filter(review_id__in=list(by_original)).order_by("pk"))
    moved = list(_moved(project, spans, by_original))
    GoldSpan.objects.bulk_create(moved, ignore_conflicts=True)
    return CopiedLabels(moved_count=len(moved), lost_count=len(spans) - len(moved))


def _moved(
    project: Project, spans: Sequence[GoldSpan], by_original: dict[int, Copy]
) -> Iterator[GoldSpan]:
    offsets = {each: by_original[each].offsets() for each in {span.review_id for span in spans}}
    for span in spans:
        copy = by_original[span.review_id]
        place = offsets[span.review_id].move(span.start, span.end)
        if place is not None:
            yield GoldSpan(
                project_id=project.pk,
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
