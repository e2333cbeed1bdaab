"""Keep gold and `Review.is_labelled` in step with what people said about a review."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from django.db.models import Q, QuerySet

from common import compiled
from labelling import consensus, writing
from labelling.answers import Answers, AnswerValue
from labelling.consensus import Policy
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


def recompute(
    review: Review,
    schema: SchemaSnapshot,
    spoken: Sequence[Answers],
    *,
    policy: Policy | None = None,
    has_gold: bool = True,
) -> None:
    """Set a review's gold to the consensus of `spoken`, one element an annotation, oldest first.

    What becomes gold follows the project's policy; what a reviewer has decided stays. A question
    that nobody answered, or about which the policy waits for a reviewer, keeps its imported gold;
    else people's word goes over the import's, since they were shown it and could have left it.
    `policy` is looked up unless given; without `has_gold` there is nothing to replace.
    """
    policy = policy or policy_of(review.project_id)
    _replace(review, schema, _settled(schema, spoken, policy), has_gold=has_gold)
    if spoken and not review.is_labelled:
        Review.objects.filter(pk=review.pk).update(is_labelled=True)
        review.is_labelled = True


def policy_of(project_id: int) -> Policy:
    """Return the project's policy as it is now: whoever changes it holds the questions' version."""
    ((policy,),) = compiled.rows(_policy, project=project_id)
    return cast("Policy", policy)


def _policy(*, project: int) -> "QuerySet[Project, Any]":
    return Project.objects.filter(pk=project).values_list("gold_policy")


def spoken_about(review: Review, schema: SchemaSnapshot) -> list[Answers]:
    """Return what people said about a review, oldest first, as answers to `schema`.

    Answers to a quality check are left out: they measure the annotator and make no gold.
    """
    return _spoken([review.pk], schema).get(review.pk, [])


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


def _settled(schema: SchemaSnapshot, spoken: Sequence[Answers], policy: Policy) -> Answers:
    settled: Answers = {}
    for question in schema.questions:
        votes = _votes(spoken, question.key)
        value = consensus.of_question(question, votes, policy=policy)
        if value is not None:
            settled[question.key] = value
    return settled


def _votes(spoken: Iterable[Answers], key: str) -> list[AnswerValue]:
    return [answers[key] for answers in spoken if key in answers]


def _replace(review: Review, schema: SchemaSnapshot, settled: Answers, *, has_gold: bool) -> None:
    ids = tuple(question.id for question in schema.questions)
    before = dict(compiled.rows(_before, ids, review=review.pk)) if ids and has_gold else {}
    decided = {number for number in before if before[number] == GoldSource.ADJUDICATED}
    given = [each for each in _given(schema, settled) if each[0].id not in decided]
    # What an earlier consensus said and nobody says any more goes too; imported gold stays.
    gone = {number for number in before if before[number] == GoldSource.CONSENSUS}
    gone |= {question.id for question, _ in given} & set(before)
    if gone:
        review.gold.filter(question_id__in=gone).delete()
        review.gold_spans.filter(question_id__in=gone).delete()
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


def _before(question_ids: tuple[int, ...], *, review: int) -> "QuerySet[Gold, Any]":
    rows = Gold.objects.filter(review=review, question_id__in=question_ids)
    return rows.values_list("question_id", "source")


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
    policy = policy_of(project.pk)
    for ids in _slices(sorted(set(review_ids))):
        spoken = _spoken(ids, schema)
        sources = _said_before(schema, ids)
        settled = {
            review_id: {
                key: value
                for key, value in _settled(schema, said, policy).items()
                if sources.get((review_id, key)) != GoldSource.ADJUDICATED
            }
            for review_id, said in spoken.items()
        }
        _clear_slice(schema, sources, settled)
        _write_slice(project, schema, settled)
        mark_labelled(project, schema, ids, is_removal=is_removal, spoken=spoken)


def _spoken(review_ids: Collection[int], schema: SchemaSnapshot) -> dict[int, list[Answers]]:
    """Return answers by review, oldest first, without those to quality checks."""
    return {
        review_id: [each.answers for each in said if not each.is_check]
        for review_id, said in statements(review_ids, schema).items()
    }


def _said_before(schema: SchemaSnapshot, ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """Return whose word gold is, by review and question, where it is not an import's."""
    keys = {question.id: question.key for question in schema.questions}
    rows = (
        Gold.objects.filter(review_id__in=ids, question_id__in=keys)
        .exclude(source=GoldSource.IMPORTED)
        .values_list("review_id", "question_id", "source")
    )
    return {(review_id, keys[question_id]): source for review_id, question_id, source in rows}


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


def _clear_slice(
    schema: SchemaSnapshot,
    sources: Mapping[tuple[int, str], str],
    settled: Mapping[int, Answers],
) -> None:
    """Take away what the consensus replaces, and what an earlier one said; imported gold stays."""
    for question in schema.questions:
        gone = {number for number, answers in settled.items() if question.key in answers}
        gone |= {
            review_id
            for (review_id, key), source in sources.items()
            if key == question.key and source == GoldSource.CONSENSUS
        }
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
    project: Project,
    schema: SchemaSnapshot,
    ids: Sequence[int],
    *,
    is_removal: bool = False,
    spoken: Mapping[int, Sequence[Answers]] | None = None,
) -> None:
    """Set `is_labelled` of reviews as `recompute_many` says it.

    `spoken` has answers that leave a question closed although the policy makes no gold of them.
    """
    required = {question.key for question in schema.questions if question.is_required}
    keys = {question.id: question.key for question in schema.questions}
    answered: dict[int, set[str]] = {}
    for review_id, question_id in Gold.objects.filter(
        review_id__in=ids, question_id__in=keys
    ).values_list("review_id", "question_id"):
        answered.setdefault(review_id, set()).add(keys[question_id])
    for review_id, said in (spoken or {}).items():
        for answers in said:
            answered.setdefault(review_id, set()).update(answers)
    labelled = {number for number, given in answered.items() if required <= given}
    by_hand = Annotation.objects.filter(
        review_id__in=ids, import_job=None, bulk_action=None, is_check=False
    )
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
