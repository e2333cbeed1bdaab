"""What models add to the table of reviews: the champion's answers, as columns and as filters."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from ml.models import ModelVersion, Prediction
from projects.models import Membership, Project
from reviews.filters import ChoiceFilter
from reviews.models import Review
from reviews.table_columns import Cell, Chip, Column


def columns(project: Project, membership: Membership) -> Iterator[Column]:
    """Yield a column for every question that the champion answers.

    Annotators are spared them: what a model thinks must not lean on what they are about to say.
    """
    if membership.can_label and not membership.can_review:
        return
    for version, question in _answered(project):
        name = f"{question.name}, predicted"
        load = partial(_predictions, version, question)
        yield Column(
            f"predicted.{question.key}",
            name,
            load,
            group="Predictions",
            options=_options(question),
        )


def choices(project: Project) -> Iterator[ChoiceFilter]:
    """Yield a filter for every question to which the champion's answers are few and known."""
    for _, question in _answered(project):
        if options := _options(question):
            name = f"{question.name}, predicted"
            yield ChoiceFilter(f"predicted.{question.key}", name, options, "Predictions")


def _options(question: QuestionSnapshot) -> tuple[tuple[str, str], ...]:
    if question.kind == "spans":
        return ()
    return tuple((option.key, option.name) for option in question.options) or tuple(
        (str(step), str(step)) for step in question.steps
    )


def _answered(project: Project) -> Iterator[tuple[ModelVersion, QuestionSnapshot]]:
    champion = ModelVersion.objects.filter(project=project, is_champion=True).first()
    if champion is None:
        return
    keys = set(champion.evaluations.values_list("question_key", flat=True))
    for question in current_schema(project).questions:
        if question.key in keys:
            yield champion, question


def _predictions(
    version: ModelVersion, question: QuestionSnapshot, _: Project, reviews: Sequence[Review]
) -> dict[int, Cell]:
    rows = Prediction.objects.filter(
        model_version=version,
        question_key=question.key,
        review__in=[review.pk for review in reviews],
    )
    return {
        review_id: _chips(question, value)
        for review_id, value in rows.values_list("review_id", "value")
    }


def _chips(question: QuestionSnapshot, value: Any) -> tuple[Chip, ...]:
    if question.kind == "number":
        return (Chip(f"{value['value']:.1f}", is_suggested=True),)
    if question.kind == "spans":
        return tuple(_option(question, span["option"]) for span in value[:4])
    keys = [value["option"]] if question.kind == "choice" else value["selected"]
    return tuple(_option(question, key) for key in keys) or (Chip("none", is_suggested=True),)


def _option(question: QuestionSnapshot, key: str) -> Chip:
    option = question.option(key)
    return Chip(option.name, option.colour, is_suggested=True) if option else Chip(key)
