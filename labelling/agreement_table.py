"""How far a project's people agree: the answers of reviews that several people answered."""

from collections.abc import Hashable
from dataclasses import dataclass

from django.db.models import Count

from labelling import agreement, gold
from labelling.agreement import Agreement
from labelling.answers import Answers
from labelling.models import Annotation
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from projects.models import Project

#: The newest reviews with several answers; enough for an alpha to two digits.
MAX_REVIEWS = 2000

Answer = tuple[int, int, Answers]


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One question's agreement; `kappa` only where exactly two people answered."""

    name: str
    measure: str
    percent: Agreement
    alpha: Agreement
    kappa: Agreement | None


def rows(project: Project) -> list[AgreementRow]:
    """Return agreement per question over reviews that at least two people answered."""
    schema = current_schema(project)
    shared = list(
        Annotation.objects.filter(project=project)
        .values("review_id")
        .annotate(people=Count("id"))
        .filter(people__gte=2)
        .order_by("-review_id")
        .values_list("review_id", flat=True)[:MAX_REVIEWS]
    )
    said = [
        (annotation.annotator_id, annotation.review_id, gold.read_answers(annotation, schema))
        for annotation in gold.annotations_of(shared)
    ]
    return [_row(question, said) for question in schema.questions]


def _row(question: QuestionSnapshot, said: list[Answer]) -> AgreementRow:
    table = _table(question, said)
    people = [row for row in table if any(answer is not None for answer in row)]
    distance, measure = agreement.nominal, "alpha, nominal"
    if question.kind == "number":
        distance, measure = agreement.interval, "alpha, interval"
    elif question.kind in {"multichoice", "spans"}:
        distance, measure = agreement.masi, "alpha, MASI distance of sets"
    is_pair = len(people) == 2 and question.kind == "choice"
    return AgreementRow(
        name=question.name,
        measure=measure,
        percent=agreement.percent(table),
        alpha=agreement.krippendorff_alpha(table, distance),
        kappa=agreement.cohen_kappa(people[0], people[1]) if is_pair else None,
    )


def _table(question: QuestionSnapshot, said: list[Answer]) -> list[list[Hashable]]:
    """Return one row a person, one column a review; None where the question has no answer."""
    people = sorted({person for person, _, _ in said})
    reviews = sorted({review for _, review, _ in said})
    cells = {
        (person, review): _cell(answers[question.key])
        for person, review, answers in said
        if question.key in answers
    }
    return [[cells.get((person, review)) for review in reviews] for person in people]


def _cell(value: object) -> Hashable:
    """Return an answer as something to compare: spans as the set of their ranges and options."""
    if isinstance(value, tuple):
        return frozenset((span.start, span.end, span.option) for span in value)
    assert isinstance(value, Hashable)  # noqa: S101
    return value
