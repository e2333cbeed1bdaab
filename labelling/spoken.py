"""What people said about many reviews, read in a handful of queries."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from labelling.answers import Answers, AnswerValue
from labelling.lineage import readings
from labelling.models import Annotation, Answer, LabelSchema, Span
from labelling.selectors import snapshot_of
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

    Answers to older versions are carried over as gold.read_answers does it for one annotation.
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
        ways = readings({said.schema_id for said in by_id.values()}, schema)
        for said in by_id.values():
            said.answers = ways[said.schema_id].carry(said.answers)
    return by_review


def _slices(annotation_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(annotation_ids), _SLICE):
        yield annotation_ids[start : start + _SLICE]


class _Asked:
    """Finds the question and the option behind the ids of any version."""

    def __init__(self, schema: SchemaSnapshot) -> None:
        self._questions: dict[int, QuestionSnapshot] = {}
        self._options: dict[int, str] = {}
        self._add(schema)

    def _add(self, schema: SchemaSnapshot) -> None:
        self._questions |= {question.id: question for question in schema.questions}
        self._options |= {o.id: o.key for question in schema.questions for o in question.options}

    def learn(self, question_ids: Iterable[int]) -> None:
        """Load the versions that asked these questions."""
        unknown = set(question_ids) - set(self._questions)
        if unknown:
            for row in LabelSchema.objects.filter(questions__in=unknown).distinct():
                self._add(snapshot_of(row))

    def question(self, number: int) -> QuestionSnapshot:
        """Return the question as it was asked."""
        return self._questions[number]

    def option(self, number: int | None) -> str | None:
        """Return the key of an option."""
        return self._options[number] if number is not None else None


# By the ids of annotations and not by a join: PostgreSQL, which knows nothing yet of rows that an
# import is just writing, would read the whole table for it.
def _add_answers(by_id: dict[int, Statement], ids: Sequence[int], asked: _Asked) -> None:
    rows = list(
        Answer.objects.filter(annotation_id__in=ids).values_list(
            "annotation_id", "question_id", "option_id", "number"
        )
    )
    asked.learn(row[1] for row in rows)
    for annotation_id, question_id, option_id, number in rows:
        answers = by_id[annotation_id].answers
        fold(answers, asked.question(question_id), asked.option(option_id), number)


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
    asked.learn(row[1] for row in rows)
    found: dict[tuple[int, str], list[SpanValue]] = {}
    for annotation_id, question_id, option_id, start, end, polarity, text in rows:
        option = asked.option(option_id)
        assert option is not None  # noqa: S101  (a span has one, by the database)
        span = SpanValue(start, end, option, polarity, text)
        found.setdefault((annotation_id, asked.question(question_id).key), []).append(span)
    for (annotation_id, key), spans in found.items():
        value: AnswerValue = tuple(sorted(spans, key=_READING_ORDER))
        by_id[annotation_id].answers[key] = value
