"""Two versions of the answers to one review, in words and side by side: mine, and what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labelling import answers as answers_json
from labelling import gold, selectors
from labelling.models import Annotation
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot

NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Compared:
    """One question, answered twice."""

    question: str
    mine: str
    kept: str

    @property
    def differs(self) -> bool:
        """Tell whether the two say something else."""
        return self.mine != self.kept


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person wants kept beside what is kept now; `annotation` is None when nothing is."""

    rows: tuple[Compared, ...]
    annotation: Annotation | None = None
    changed_by: str = ""
    changed_at: datetime | None = None


def compare(
    schema: SchemaSnapshot, mine: Mapping[str, Any], note: str, annotation: Annotation | None
) -> Comparison:
    """Lay `mine` (in the API's shape, right or wrong) beside what `annotation` says now.

    What was said to older questions is read as answers to those of `schema`; what was said to
    newer ones is told in their words.
    """
    kept: Mapping[str, Any] = {}
    its = schema
    if annotation is not None:
        if annotation.schema.version > schema.version:
            its = selectors.schema_of(annotation)
        kept = answers_json.to_json(gold.read_answers(annotation, its), its)
    rows = [
        Compared(
            each.name,
            in_words(each, mine.get(each.key)),
            in_words(its.question(each.key) or each, kept.get(each.key)),
        )
        for each in schema.questions
    ]
    kept_note = annotation.note if annotation else ""
    if note or kept_note:
        rows.append(Compared("Note", note or NO_ANSWER, kept_note or NO_ANSWER))
    if annotation is None:
        return Comparison(tuple(rows))
    last = annotation.revisions.select_related("replaced_by").order_by("-number").first()
    changer = last.replaced_by if last else annotation.annotator
    return Comparison(
        tuple(rows), annotation, changer.shown_name if changer else "", annotation.updated_at
    )


def in_words(question: QuestionSnapshot, value: Any) -> str:
    """Return an answer in the API's shape as a person reads it."""
    if value is None:
        return NO_ANSWER
    if not isinstance(value, list):
        return _name(question, value)
    if not value:
        return "none"
    return ", ".join(_listed(question, each) for each in value)


def _listed(question: QuestionSnapshot, value: Any) -> str:
    if not isinstance(value, Mapping):
        return _name(question, value)
    polarity = f", {value['polarity']}" if value.get("polarity") else ""
    return f"“{value.get('text', '')}” {_name(question, value.get('option'))}{polarity}"


def _name(question: QuestionSnapshot, value: Any) -> str:
    option = question.option(value) if isinstance(value, str) else None
    return option.name if option else str(value)
