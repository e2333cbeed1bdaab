"""Keep gold and `Review.is_labelled` in step with what people said about a review."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from labelling import consensus
from labelling.answers import Answers, AnswerValue
from labelling.models import Annotation, Answer, Gold, GoldSource, GoldSpan, Span
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue
from reviews.models import Review

Columns = dict[str, int | float | None]


# --- Values to rows and back --------------------------------------------------------------------


def answer_columns(question: QuestionSnapshot, value: AnswerValue) -> list[Columns]:
    """Return the columns of an answer's rows; spans get one empty row that says "answered"."""
    if isinstance(value, float):
        return [{"question_id": question.id, "option_id": None, "number": value}]
    keys = [value] if isinstance(value, str) else value if isinstance(value, frozenset) else ()
    options = [option for option in question.options if option.key in keys]
    rows: list[Columns] = [
        {"question_id": question.id, "option_id": option.id, "number": None} for option in options
    ]
    return rows or [{"question_id": question.id, "option_id": None, "number": None}]


def span_columns(question: QuestionSnapshot, value: AnswerValue) -> list[dict[str, int | str]]:
    """Return the columns of an answer's spans."""
    if not isinstance(value, tuple):
        return []
    ids = {option.key: option.id for option in question.options}
    return [
        {
            "question_id": question.id,
            "option_id": ids[span.option],
            "start": span.start,
            "end": span.end,
            "text": span.text,
            "polarity": span.polarity,
        }
        for span in value
    ]


def clear_answers(annotation: Annotation) -> None:
    """Take an annotation's answers away, to write others."""
    annotation.answers.all().delete()
    annotation.spans.all().delete()


def write_answers(annotation: Annotation, schema: SchemaSnapshot, answers: Answers) -> None:
    """Write the rows of an annotation that has none."""
    given = _given(schema, answers)
    Answer.objects.bulk_create(
        Answer(annotation=annotation, **columns)
        for question, value in given
        for columns in answer_columns(question, value)
    )
    Span.objects.bulk_create(
        Span(annotation=annotation, **columns)
        for question, value in given
        for columns in span_columns(question, value)
    )


def _given(
    schema: SchemaSnapshot, answers: Mapping[str, AnswerValue]
) -> list[tuple[QuestionSnapshot, AnswerValue]]:
    return [(each, answers[each.key]) for each in schema.questions if each.key in answers]


def read_answers(annotation: Annotation, schema: SchemaSnapshot) -> Answers:
    """Return an annotation's answers to the questions of `schema`, matched by key.

    `answers` and `spans` should be prefetched with their question and option. Answers that
    `schema` does not allow any more are left out.
    """
    answers: Answers = {}
    for row in annotation.answers.all():
        question = schema.question(row.question.key)
        if question is not None and question.kind == row.question.kind:
            _fold(answers, question, row.option.key if row.option else None, row.number)
    for span in annotation.spans.all():
        question = schema.question(span.question.key)
        if question is not None and question.option(span.option.key):
            _fold_span(answers, question, span)
    return answers


def _fold(
    answers: Answers, question: QuestionSnapshot, option: str | None, number: float | None
) -> None:
    if option is not None and question.option(option) is None:
        return
    if question.kind == "choice" and option is not None:
        answers[question.key] = option
    elif question.kind == "number" and number is not None:
        answers[question.key] = number
    elif question.kind == "multichoice":
        before = answers.get(question.key, frozenset())
        assert isinstance(before, frozenset)  # noqa: S101
        answers[question.key] = before | ({option} if option is not None else set())
    elif question.kind == "spans":
        answers.setdefault(question.key, ())


def _fold_span(answers: Answers, question: QuestionSnapshot, span: Span | GoldSpan) -> None:
    before = answers.get(question.key, ())
    assert isinstance(before, tuple)  # noqa: S101
    value = SpanValue(span.start, span.end, span.option.key, span.polarity, span.text)
    answers[question.key] = tuple(sorted((*before, value)))


# --- Consensus ----------------------------------------------------------------------------------


def recompute(review: Review, schema: SchemaSnapshot, spoken: Sequence[Answers]) -> None:
    """Set a review's gold to the consensus of `spoken`, one element an annotation, oldest first.

    A question that nobody answered keeps its imported gold; one that people answered takes their
    word over the import's, since they were shown it and could have left it.
    """
    settled = {
        question.key: value
        for question in schema.questions
        if (value := consensus.of_question(question, _votes(spoken, question.key))) is not None
    }
    _replace(review, schema, settled)
    if spoken and not review.is_labelled:
        Review.objects.filter(pk=review.pk).update(is_labelled=True)
        review.is_labelled = True


def spoken_about(review: Review, schema: SchemaSnapshot) -> list[Answers]:
    """Return what people said about a review, oldest first, as answers to `schema`."""
    return [read_answers(annotation, schema) for annotation in annotations_of([review.pk])]


def annotations_of(review_ids: Iterable[int]) -> Iterable[Annotation]:
    """Return annotations of reviews in the order in which people answered, answers loaded."""
    return (
        Annotation.objects.filter(review_id__in=list(review_ids))
        .order_by("id")
        .select_related("annotator", "schema")
        .prefetch_related(
            "answers__question", "answers__option", "spans__question", "spans__option"
        )
    )


def _votes(spoken: Iterable[Answers], key: str) -> list[AnswerValue]:
    return [answers[key] for answers in spoken if key in answers]


def _replace(review: Review, schema: SchemaSnapshot, settled: Answers) -> None:
    ids = [question.id for question in schema.questions]
    answered = [question.id for question in schema.questions if question.key in settled]
    # What an earlier consensus said and nobody says any more goes too; imported gold stays.
    said = Q(question_id__in=answered) | Q(question_id__in=ids, source=GoldSource.CONSENSUS)
    review.gold.filter(said).delete()
    review.gold_spans.filter(question_id__in=ids).delete()
    given = _given(schema, settled)
    Gold.objects.bulk_create(
        Gold(
            project_id=review.project_id,
            review=review,
            slot=columns["option_id"] or 0,
            source=GoldSource.CONSENSUS,
            **columns,
        )
        for question, value in given
        for columns in answer_columns(question, value)
    )
    GoldSpan.objects.bulk_create(
        GoldSpan(project_id=review.project_id, review=review, **columns)
        for question, value in given
        for columns in span_columns(question, value)
    )
