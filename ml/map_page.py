"""A map made ready for its page: points in groups, their reviews, and what it shows in words."""

from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Left
from django.urls import reverse

from common.charts import Axis, Chart, Series
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from ml.groups import Group, Likeness, answers_for, groups_of, likeness
from ml.mapping import neighbours_of
from ml.models import EmbeddingMap
from projects.models import Project
from reviews.selectors import visible_reviews

#: So much of a review is told on its point.
_TOLD = 70


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """What the page shows of one map."""

    chart: Chart
    likeness: Likeness | None
    shown_count: int
    groups: list[Group]


def questions_to_colour(project: Project) -> list[QuestionSnapshot]:
    """Return the questions whose answers are one thing a review: all but spans."""
    return [each for each in current_schema(project).questions if each.kind != "spans"]


def drawn_map(drawn: EmbeddingMap, question: QuestionSnapshot | None, by: str) -> DrawnMap:
    """Return a map coloured by the answers to a question; reviews that are gone are left out."""
    project = drawn.project
    ids = [pk for pk, _, _ in drawn.points]
    shown = visible_reviews(project).filter(pk__in=ids)
    texts = dict(shown.annotate(told=Left("text", _TOLD)).values_list("pk", "told"))
    if question is None:
        groups = [Group("reviews", 1, tuple(range(len(ids))))]
        alike = None
    else:
        answers = answers_for(project, drawn.model_version, question, by, ids)
        groups = groups_of(question, answers)
        alike = likeness(groups, neighbours_of(drawn))
    there = [_there(group, ids, texts) for group in groups]
    kept = [group for group in there if group.rows]
    series = [_series(drawn, group, texts) for group in kept]
    return DrawnMap(_chart(drawn, question, by, series), alike, len(texts), kept)


def _there(group: Group, ids: list[int], texts: dict[int, str]) -> Group:
    rows = tuple(row for row in group.rows if ids[row] in texts)
    return Group(group.name, group.colour, rows, is_answer=group.is_answer)


def _series(drawn: EmbeddingMap, group: Group, texts: dict[int, str]) -> Series:
    points = [drawn.points[row] for row in group.rows]
    slug = drawn.project.slug
    return Series(
        f"{group.name} ({len(points):,})",
        [y for _, _, y in points],
        at=[x for _, x, _ in points],
        names=[" ".join(texts[pk].split()) or f"Review {pk}" for pk, _, _ in points],
        urls=[reverse("reviews:detail", args=[slug, pk]) for pk, _, _ in points],
        option=group.colour,
    )


def _chart(
    drawn: EmbeddingMap, question: QuestionSnapshot | None, by: str, series: list[Series]
) -> Chart:
    title = "Which reviews are alike?"
    if question is not None:
        title = f"Do reviews that are alike have the same {question.name.lower()} ({by})?"
    return Chart(
        id=f"map-{drawn.pk}",
        title=title,
        kind="scatter",
        labels=[],
        series=series,
        x=Axis(_axis(drawn, 0)),
        y=Axis(_axis(drawn, 1)),
        note="Every point is a review and opens it; near each other lies what the encoder reads "
        "as alike.",
        each="Review",
    )


def _axis(drawn: EmbeddingMap, number: int) -> str:
    name = ("First", "Second")[number]
    shares: list[Any] = drawn.shares
    if number < len(shares):
        return f"{name} principal axis, {shares[number]:.0%} of the variance"
    return f"{name} axis of t-SNE, without unit"
