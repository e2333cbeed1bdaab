"""What people said about many reviews, read in a handful of queries."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from labelling.answers import Answers, AnswerValue
from labelling.models import Annotation, Answer, Option, Question, Span
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue

#: Annotations whose answers are asked for at a time.
_SLICE = 5000


@dataclass(slots=True)
class Statement:
    """One annotation: who said it, and the answers that the questions asked for still allow."""

    annotation_id: int
    annotator_id: int
    schema_id: int
    #: Neither imported nor from a bulk action: somebody answered all that was required.
    is_by_hand: bool
    #: Answers to a quality check measure the annotator and make no gold.
    is_check: bool = False
    answers: Answers = field(default_factory=dict)


def statements(review_ids: Collection[int], schema: SchemaSnapshot) -> dict[int, list[Statement]]:
    """Return what people said about reviews, oldest first, as answers to `schema`.

    Answers to older versions are matched by key, as gold.read_answers does it for one annotation.
    Pass a few thousand reviews at most.
    """
    by_review: dict[int, list[Statement]] = {}
    by_id: dict[int, Statement] = {}
    rows = (
        Annotation.objects.filter(review_id__in=review_ids)
        .order_by("id")
        .values_list(
            "id", "review_id", "annotator_id", "schema_id", "import_job_id", "bulk_action_id",
            "is_check",
        )
    )  # fmt: skip
    for number, review_id, annotator_id, schema_id, import_job_id, bulk_action_id, is_check in rows:
        by_hand = not (import_job_id or bulk_action_id)
        said = by_id[number] = Statement(number, annotator_id, schema_id, by_hand, is_check)
        by_review.setdefault(review_id, []).append(said)
    if by_id:
        asked = _Asked(schema)
        for ids in _slices(list(by_id)):
            _add_answers(by_id, ids, asked)
            _add_spans(by_id, ids, asked)
    return by_review


def _slices(annotation_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(annotation_ids), _SLICE):
        yield annotation_ids[start : start + _SLICE]


class _Asked:
    """Finds the question and the option of `schema` behind the ids of any of its versions."""

    def __init__(self, schema: SchemaSnapshot) -> None:
        self._schema = schema
        self._questions: dict[int, QuestionSnapshot | None] = {q.id: q for q in schema.questions}
        self._options = {o.id: o.key for q in schema.questions for o in q.options}
        #: Options of each question by its id, so that a key is looked for once.
        self._keys = {q.id: {o.key for o in q.options} for q in schema.questions}

    def learn(self, question_ids: Iterable[int], option_ids: Iterable[int | None]) -> None:
        """Load what the ids of older versions stand for."""
        unknown = set(question_ids) - set(self._questions)
        if unknown:
            for number, key, kind in Question.objects.filter(pk__in=unknown).values_list(
                "id", "key", "kind"
            ):
                same = self._schema.question(key)
                self._questions[number] = same if same and same.kind == kind else None
        missing = {each for each in option_ids if each is not None} - set(self._options)
        if missing:
            self._options |= dict(Option.objects.filter(pk__in=missing).values_list("id", "key"))

    def question(self, number: int) -> QuestionSnapshot | None:
        """Return the question as it is asked now; None when it is not asked any more."""
        return self._questions[number]

    def option(self, question: QuestionSnapshot, number: int | None) -> str | None:
        """Return the key of an option that the question still has."""
        key = self._options[number] if number is not None else None
        return key if key in self._keys[question.id] else None


# By the ids of annotations and not by a join: PostgreSQL, which knows nothing yet of rows that an
# import is just writing, would read the whole table for it.
def _add_answers(by_id: dict[int, Statement], ids: Sequence[int], asked: _Asked) -> None:
    rows = list(
        Answer.objects.filter(annotation_id__in=ids).values_list(
            "annotation_id", "question_id", "option_id", "number"
        )
    )
    asked.learn((row[1] for row in rows), (row[2] for row in rows))
    for annotation_id, question_id, option_id, number in rows:
        said, question = by_id[annotation_id], asked.question(question_id)
        if question is None:
            continue
        option = asked.option(question, option_id)
        if option is not None or option_id is None:
            fold(said.answers, question, option, number)


def fold(
    answers: Answers, question: QuestionSnapshot, option: str | None, number: float | None
) -> None:
    """Add one row of an answer (or of gold) to the answers that it is part of."""
    if question.kind == "choice":
        if option is not None:
            answers[question.key] = option
    elif question.kind == "number":
        if number is not None:
            answers[question.key] = number
    elif question.kind == "multichoice":
        before = answers.get(question.key, frozenset())
        assert isinstance(before, frozenset)  # noqa: S101
        answers[question.key] = before | {option} if option is not None else before
    else:
        answers.setdefault(question.key, ())


_READING_ORDER = attrgetter("start", "end", "option", "polarity", "text")


def _add_spans(by_id: dict[int, Statement], ids: Sequence[int], asked: _Asked) -> None:
    rows = list(
        Span.objects.filter(annotation_id__in=ids).values_list(
            "annotation_id", "question_id", "option_id", "start", "end", "polarity", "text"
        )
    )
    asked.learn((row[1] for row in rows), (row[2] for row in rows))
    found: dict[tuple[int, str], list[SpanValue]] = {}
    for annotation_id, question_id, option_id, start, end, polarity, text in rows:
        question = asked.question(question_id)
        option = asked.option(question, option_id) if question else None
        if question is not None and option is not None:
            span = SpanValue(start, end, option, polarity, text)
            found.setdefault((annotation_id, question.key), []).append(span)
    for (annotation_id, key), spans in found.items():
        value: AnswerValue = tuple(sorted(spans, key=_READING_ORDER))
        by_id[annotation_id].answers[key] = value
