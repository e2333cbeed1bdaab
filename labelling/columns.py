"""What labels add to the table of reviews: a column and a filter for every question."""

from collections.abc import Iterator, Sequence
from functools import partial

from labelling.filters import NO_ANSWER
from labelling.models import Gold, GoldSpan
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from projects.models import Membership, Project
from reviews.filters import ChoiceFilter
from reviews.models import Review
from reviews.table_columns import Cell, Chip, Column

#: A review may have hundreds of spans; a cell shows the first ones.
_SHOWN_SPANS = 4
_SHOWN_CHARS = 40


def columns(project: Project, membership: Membership) -> Iterator[Column]:
    """Yield a column of gold for every question; annotators are kept from what others said."""
    if membership.can_label and not membership.can_review:
        return
    for question in current_schema(project).questions:
        load = _spans if question.kind == "spans" else _answers
        yield Column(
            f"answer.{question.key}",
            question.name,
            partial(load, question),
            group="Answers",
            options=_options(question),
        )


def choices(project: Project) -> Iterator[ChoiceFilter]:
    """Yield a filter for every question whose answers are few and known."""
    for question in current_schema(project).questions:
        if options := _options(question):
            yield ChoiceFilter(f"answer.{question.key}", question.name, options, "Answers")


def _options(question: QuestionSnapshot) -> tuple[tuple[str, str], ...]:
    options = tuple((option.key, option.name) for option in question.options) or tuple(
        (str(step), str(step)) for step in question.steps
    )
    return (*options, (NO_ANSWER, "No answer")) if options else ()


def _answers(
    question: QuestionSnapshot, project: Project, reviews: Sequence[Review]
) -> dict[int, Cell]:
    rows = Gold.objects.filter(
        project=project, question_id=question.id, review__in=[review.pk for review in reviews]
    ).values_list("review_id", "option_id", "number")
    options = {option.id: Chip(option.name, option.colour) for option in question.options}
    cells: dict[int, Cell] = {}
    for review_id, option_id, number in rows.order_by("review_id", "slot"):
        if number is not None:
            chip = Chip(f"{number:g}")
        else:
            chip = options.get(option_id or 0, Chip("none"))
        cells[review_id] = (*cells.get(review_id, ()), chip)
    return cells


def _spans(
    question: QuestionSnapshot, project: Project, reviews: Sequence[Review]
) -> dict[int, Cell]:
    rows = GoldSpan.objects.filter(
        project=project, question_id=question.id, review__in=[review.pk for review in reviews]
    ).values_list("review_id", "option_id", "text")
    options = {option.id: option for option in question.options}
    found: dict[int, list[Chip]] = {}
    for review_id, option_id, text in rows.order_by("review_id", "start"):
        option = options.get(option_id)
        if option is not None:
            words = f"{option.name}: {_cut(text)}"
            found.setdefault(review_id, []).append(Chip(words, option.colour))
    return {pk: _first(chips) for pk, chips in found.items()}


def _first(chips: list[Chip]) -> tuple[Chip, ...]:
    more = len(chips) - _SHOWN_SPANS
    return (*chips[:_SHOWN_SPANS], *([Chip(f"{more} more")] if more > 0 else []))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
