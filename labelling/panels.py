"""What labels add to the page of one review: what people said and what is held for true."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelling import answers as answers_json
from labelling import comments, gold, open_flags, selectors
from labelling.answers import Answers
from labelling.models import Gold, GoldSpan
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.spans import Piece, SpanValue, pieces
from projects.models import Membership, Project
from reviews.models import Review
from reviews.panels import Panel, TextPiece


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as chips: (words, colour or 0)."""

    question: str
    chips: tuple[tuple[str, int], ...]


def labels(project: Project, review: Review, membership: Membership) -> Panel | None:
    """Return the panel: everything that was said for reviewers, their own for annotators.

    What is held for true is mostly what somebody else has said, so annotators do not see it.
    """
    if not membership.can_label:
        return None
    schema = selectors.current_schema(project)
    annotations = [
        annotation
        for annotation in gold.annotations_of([review.pk])
        if membership.can_review or annotation.annotator_id == membership.user_id
    ]
    context = {
        "review": review,
        "has_gold": membership.can_review,
        "gold": _gold(project, review, schema.questions) if membership.can_review else [],
        "annotations": [
            (annotation, _said(selectors.schema_of(annotation).questions, answers))
            for annotation in annotations
            if (answers := gold.read_answers(annotation, selectors.schema_of(annotation)))
        ],
        "mine": next((a for a in annotations if a.annotator_id == membership.user_id), None),
    }
    return Panel("Labels", "labelling/_panel.html", context)


def talk(project: Project, review: Review, membership: Membership) -> Panel | None:  # noqa: ARG001
    """Return the panel of comments, as far as this member may read them."""
    if not membership.can_label:
        return None
    rows = list(comments.comments_for(membership, review))
    context = {
        "review": review,
        "comments": [(row, comments.pieces_of(row)) for row in rows],
        "is_private": membership.project.is_blind and not membership.can_review,
    }
    return Panel("Comments", "labelling/_comments.html", context)


def flagged(project: Project, review: Review, membership: Membership) -> Panel | None:  # noqa: ARG001
    """Return the panel of open flags: everybody's for reviewers, else one's own."""
    if not membership.can_label:
        return None
    rows = list(open_flags.flags_for(membership, is_open=True).filter(review=review))
    mine = next((row for row in rows if row.person_id == membership.user_id), None)
    return Panel("Flags", "labelling/_flags.html", {"review": review, "flags": rows, "mine": mine})


def marks(project: Project, review: Review, membership: Membership) -> list[TextPiece] | None:
    """Return the text with the spans that are held for true, for those who see gold."""
    if membership.can_label and not membership.can_review:
        return None
    by_id = {
        option.id: option
        for question in selectors.current_schema(project).questions
        if question.kind == "spans"
        for option in question.options
    }
    rows = GoldSpan.objects.filter(review=review, project=project, option__in=by_id)
    spans = [
        SpanValue(row.start, row.end, str(row.option_id), row.polarity)
        for row in rows.order_by("start", "end")
    ]
    return [_text_piece(piece, by_id) for piece in pieces(review.text, spans)] if spans else None


def _text_piece(piece: Piece, options: Mapping[int, OptionSnapshot]) -> TextPiece:
    colour = options[int(piece.spans[-1].option)].colour if piece.spans else 0
    names = tuple(
        options[int(span.option)].name + (f", {span.polarity}" if span.polarity else "")
        for span in piece.ending
    )
    return TextPiece(piece.text, colour, names)


def _gold(
    project: Project, review: Review, questions: tuple[QuestionSnapshot, ...]
) -> list[tuple[Said, str]]:
    found = selectors.gold_answers(project, questions=questions, review_ids=[review.pk])
    values: Answers = {}
    for key, value in found.get(review.pk, {}).items():
        if isinstance(value, tuple):
            values[key] = tuple(
                SpanValue(
                    span.start,
                    span.end,
                    span.option,
                    span.polarity,
                    review.text[span.start : span.end],
                )
                for span in value
            )
        else:
            values[key] = value
    sources = dict(
        Gold.objects.filter(review=review).values_list("question__key", "source").distinct()
    )
    by_name = {question.name: question.key for question in questions}
    return [(said, sources.get(by_name[said.question], "")) for said in _said(questions, values)]


def said(schema: SchemaSnapshot | None, raw: Mapping[str, Any], text: str) -> list[Said]:
    """Return answers in the API's shape as chips; what the questions do not allow is left out."""
    answers: Answers = {}
    for question in schema.questions if schema else ():
        try:
            value = answers_json.parse_one(question, raw.get(question.key), text)
        except answers_json.Fault:
            continue
        if value is not None:
            answers[question.key] = value
    return _said(schema.questions if schema else (), answers)


def _said(questions: tuple[QuestionSnapshot, ...], answers: Answers) -> list[Said]:
    return [
        Said(question.name, _chips(question, answers))
        for question in questions
        if question.key in answers
    ]


def _chips(question: QuestionSnapshot, answers: Answers) -> tuple[tuple[str, int], ...]:
    value = answers[question.key]
    if isinstance(value, float):
        return ((f"{value:g}", 0),)
    by_key = {option.key: option for option in question.options}
    if isinstance(value, tuple):
        chips = tuple(
            (_span_words(span, by_key[span.option].name), by_key[span.option].colour)
            for span in value
        )
    else:
        keys = {value} if isinstance(value, str) else value
        chips = tuple((each.name, each.colour) for each in question.options if each.key in keys)
    return chips or (("none", 0),)


def _span_words(span: SpanValue, name: str) -> str:
    polarity = f", {span.polarity}" if span.polarity else ""
    return f"{name}{polarity}: {span.text}"
