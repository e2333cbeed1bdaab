"""Keep gold and `Review.is_labelled` in step with what people said about a review."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django.db.models import Q

from labelling import consensus, writing
from labelling.answers import Answers, AnswerValue
from labelling.lineage import reading
from labelling.models import Annotation, Answer, Gold, GoldSource, GoldSpan, Span
from labelling.selectors import schema_of
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue
from labelling.spoken import fold, statements
from projects.models import Project
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
    """Return an annotation's answers as answers to the questions of `schema`.

    Its `schema` should be loaded, and `answers` and `spans` prefetched with their question and
    option. Answers that do not stand any more are left out: see labelling.reading.
    """
    answered = schema_of(annotation)
    by_key = {question.key: question for question in answered.questions}
    answers: Answers = {}
    for row in annotation.answers.all():
        question = by_key[row.question.key]
        fold(answers, question, row.option.key if row.option else None, row.number)
    for span in annotation.spans.all():
        _fold_span(answers, by_key[span.question.key], span)
    return reading(annotation.schema, schema).carry(answers)


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
    _replace(review, schema, _settled(schema, spoken))
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


def _settled(schema: SchemaSnapshot, spoken: Sequence[Answers]) -> Answers:
    return {
        question.key: value
        for question in schema.questions
        if (value := consensus.of_question(question, _votes(spoken, question.key))) is not None
    }


def _votes(spoken: Iterable[Answers], key: str) -> list[AnswerValue]:
    return [answers[key] for answers in spoken if key in answers]


def _replace(review: Review, schema: SchemaSnapshot, settled: Answers) -> None:
    ids = [question.id for question in schema.questions]
    answered = [question.id for question in schema.questions if question.key in settled]
    # What an earlier consensus said and nobody says any more goes too; imported gold stays.
    said = Q(question_id__in=answered) | Q(question_id__in=ids, source=GoldSource.CONSENSUS)
    gone = set(review.gold.filter(said).values_list("question_id", flat=True)) | set(answered)
    review.gold.filter(question_id__in=gone).delete()
    review.gold_spans.filter(question_id__in=gone).delete()
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


# --- Consensus of many reviews --------------------------------------------------------------------

#: How many reviews are read, decided and written at a time.
SLICE = 1000

_GOLD = ("project_id", "review_id", "question_id", "slot", "option_id", "number", "source")
_GOLD_SPANS = (
    "project_id", "review_id", "question_id", "option_id", "start", "end", "text", "polarity",
)  # fmt: skip


def hold_reviews(project: Project, review_ids: Collection[int]) -> dict[int, str]:
    """Lock reviews of a project until the transaction ends; return their texts by id.

    Everything about one review happens one after the other. Always in the order of ids, and before
    the questions are held, so that two who hold many never wait for each other.
    """
    rows = (
        Review.objects.select_for_update(of=("self",))
        .filter(project=project, pk__in=review_ids)
        .order_by("id")
    )
    return dict(rows.values_list("id", "text"))


def recompute_many(
    project: Project,
    schema: SchemaSnapshot,
    review_ids: Collection[int],
    *,
    is_removal: bool = False,
) -> None:
    """Set the gold of reviews as `recompute` does one by one, in the caller's transaction.

    A review becomes labelled as soon as somebody has answered it by hand, or imported and bulk
    answers leave no required question open. With `is_removal` those that are not any more go back
    to the queue.
    """
    for ids in _slices(sorted(set(review_ids))):
        spoken = statements(ids, schema)
        settled = {
            review_id: _settled(schema, [each.answers for each in said])
            for review_id, said in spoken.items()
        }
        _clear_slice(schema, ids, settled)
        _write_slice(project, schema, settled)
        mark_labelled(project, schema, ids, is_removal=is_removal)


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


def _clear_slice(
    schema: SchemaSnapshot, ids: Sequence[int], settled: Mapping[int, Answers]
) -> None:
    """Take away what the consensus replaces, and what an earlier one said; imported gold stays."""
    asked = [question.id for question in schema.questions]
    before = Gold.objects.filter(review_id__in=ids, question_id__in=asked)
    agreed: dict[int, set[int]] = {}
    for review_id, question_id in before.filter(source=GoldSource.CONSENSUS).values_list(
        "review_id", "question_id"
    ):
        agreed.setdefault(question_id, set()).add(review_id)
    for question in schema.questions:
        answered = {number for number, answers in settled.items() if question.key in answers}
        gone = answered | agreed.get(question.id, set())
        if gone:
            Gold.objects.filter(review_id__in=gone, question_id=question.id).delete()
            if question.kind == "spans":
                GoldSpan.objects.filter(review_id__in=gone, question_id=question.id).delete()


def _write_slice(project: Project, schema: SchemaSnapshot, settled: Mapping[int, Answers]) -> None:
    given = [
        (review_id, question, value)
        for review_id, answers in settled.items()
        for question, value in _given(schema, answers)
    ]
    write_gold(project, given, source=GoldSource.CONSENSUS)


def write_gold(
    project: Project,
    given: Iterable[tuple[int, QuestionSnapshot, AnswerValue]],
    *,
    source: GoldSource,
) -> None:
    """Insert gold of reviews (by id) that have none for the question, spans included."""
    known = list(given)
    writing.insert(
        Gold,
        _GOLD,
        (
            (project.pk, review_id, row["question_id"], row["option_id"] or 0, row["option_id"],
             row["number"], source.value)
            for review_id, question, value in known
            for row in answer_columns(question, value)
        ),
    )  # fmt: skip
    write_spans(project, known)


def write_spans(
    project: Project, given: Iterable[tuple[int, QuestionSnapshot, AnswerValue]]
) -> int:
    """Insert the spans among gold of reviews (by id); return how many."""
    return writing.insert(
        GoldSpan,
        _GOLD_SPANS,
        (
            (project.pk, review_id, *(row[name] for name in _GOLD_SPANS[2:]))
            for review_id, question, value in given
            for row in span_columns(question, value)
        ),
    )


def mark_labelled(
    project: Project, schema: SchemaSnapshot, ids: Sequence[int], *, is_removal: bool = False
) -> None:
    """Set `is_labelled` of reviews as `recompute_many` says it."""
    required = {question.id for question in schema.questions if question.is_required}
    answered: dict[int, set[int]] = {}
    for review_id, question_id in Gold.objects.filter(
        review_id__in=ids, question_id__in=[question.id for question in schema.questions]
    ).values_list("review_id", "question_id"):
        answered.setdefault(review_id, set()).add(question_id)
    labelled = {number for number, given in answered.items() if required <= given}
    by_hand = Annotation.objects.filter(review_id__in=ids, import_job=None, bulk_action=None)
    labelled |= set(by_hand.values_list("review_id", flat=True))
    reviews = Review.objects.filter(project=project)
    reviews.filter(pk__in=labelled, is_labelled=False).update(is_labelled=True)
    if is_removal:
        reviews.filter(pk__in=set(ids) - labelled, is_labelled=True).update(is_labelled=False)


# --- Gold of many reviews, as values --------------------------------------------------------------


def held(
    project: Project,
    schema: SchemaSnapshot,
    review_ids: Collection[int],
    *,
    source: GoldSource | None = None,
) -> dict[int, Answers]:
    """Return the gold of reviews as answers to `schema`, in two queries; one source's if given."""
    by_id = {question.id: question for question in schema.questions}
    options = {option.id: option.key for each in schema.questions for option in each.options}
    found: dict[int, Answers] = {}
    wanted = frozenset(review_ids)
    rows = Gold.objects.filter(_about(wanted), project=project)
    if source is not None:
        rows = rows.filter(source=source)
    for review_id, question_id, option_id, number in rows.values_list(
        "review_id", "question_id", "option_id", "number"
    ):
        question = by_id.get(question_id)
        if question is not None and review_id in wanted:
            answers = found.setdefault(review_id, {})
            fold(answers, question, options.get(option_id), number)
    _add_held_spans(found, project, schema)
    return found


def _about(review_ids: Collection[int]) -> Q:
    """Match rows about reviews, and perhaps about some between them.

    To hand over thousands of ids takes longer than to fetch the range that most of them fill. Of
    the key of gold no other column is named: SQLite would look for the rows by that one instead.
    """
    if len(review_ids) > 100 and max(review_ids) - min(review_ids) < 2 * len(review_ids):
        return Q(review_id__gte=min(review_ids), review_id__lte=max(review_ids))
    return Q(review_id__in=review_ids)


def _add_held_spans(
    found: dict[int, Answers],
    project: Project,
    schema: SchemaSnapshot,
) -> None:
    asked = {each.id: each for each in schema.questions if each.kind == "spans"}
    keys = {each.key for each in asked.values()}
    # The empty row of gold beside the spans says whose they are.
    review_ids = [number for number, answers in found.items() if not keys.isdisjoint(answers)]
    if not review_ids:
        return
    options = {option.id: option.key for each in asked.values() for option in each.options}
    rows = GoldSpan.objects.filter(
        project=project, review_id__in=review_ids, question_id__in=asked
    ).values_list("review_id", "question_id", "option_id", "start", "end", "polarity", "text")
    spans: dict[tuple[int, str], list[SpanValue]] = {}
    for review_id, question_id, option_id, start, end, polarity, text in rows:
        span = SpanValue(start, end, options[option_id], polarity, text)
        spans.setdefault((review_id, asked[question_id].key), []).append(span)
    for (review_id, key), marked in spans.items():
        if key in found.get(review_id, {}):
            found[review_id][key] = tuple(sorted(marked))
