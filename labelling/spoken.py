"""What people said about many reviews, read in a handful of queries."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from django.db.models import Q

from labelling.answers import Answers, AnswerValue
from labelling.lineage import readings
from labelling.models import Annotation, Answer, LabelSchema, Span
from labelling.selectors import snapshot_of
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue

#: Annotations whose answers are asked for at a time.
_SLICE = 5000
#: Ids that fill so much of their range are asked for as a range: a list of thousands takes longer
#: to write down than the rows take to read.
_DENSE = 0.25


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
    answers = answers_of({number: said.schema_id for number, said in by_id.items()}, schema)
    for number, said in by_id.items():
        said.answers = answers[number]
    return by_review


def answers_of(versions: Mapping[int, int], schema: SchemaSnapshot) -> dict[int, Answers]:
    """Return what annotations say, as answers to `schema`; `versions` has ids and their schemas'.

    Whoever calls has found the annotations in a project.
    """
    found: dict[int, Answers] = {number: {} for number in versions}
    if not found:
        return found
    asked = _Asked(schema)
    for ids in _slices(sorted(versions)):
        _add_answers(found, ids, asked)
        _add_spans(found, ids, asked)
    ways = readings(set(versions.values()), schema)
    return {number: ways[versions[number]].carry(answers) for number, answers in found.items()}


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
def _among(ids: Sequence[int]) -> Q:
    """Find rows of annotations, and maybe of others between them; `ids` grow."""
    if len(ids) > 1 and len(ids) > _DENSE * (ids[-1] - ids[0]):
        return Q(annotation_id__gte=ids[0], annotation_id__lte=ids[-1])
    return Q(annotation_id__in=ids)


def _add_answers(found: dict[int, Answers], ids: Sequence[int], asked: _Asked) -> None:
    read = Answer.objects.filter(_among(ids)).values_list(
        "annotation_id", "question_id", "option_id", "number"
    )
    rows = [row for row in read if row[0] in found]
    asked.learn(row[1] for row in rows)
    for annotation_id, question_id, option_id, number in rows:
        fold(found[annotation_id], asked.question(question_id), asked.option(option_id), number)


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


def _add_spans(found: dict[int, Answers], ids: Sequence[int], asked: _Asked) -> None:
    read = Span.objects.filter(_among(ids)).values_list(
        "annotation_id", "question_id", "option_id", "start", "end", "polarity", "text"
    )
    rows = [row for row in read if row[0] in found]
    asked.learn(row[1] for row in rows)
    marked: dict[tuple[int, str], list[SpanValue]] = {}
    for annotation_id, question_id, option_id, start, end, polarity, text in rows:
        option = asked.option(option_id)
        assert option is not None  # noqa: S101  (a span has one, by the database)
        span = SpanValue(start, end, option, polarity, text)
        marked.setdefault((annotation_id, asked.question(question_id).key), []).append(span)
    for (annotation_id, key), spans in marked.items():
        value: AnswerValue = tuple(sorted(spans, key=_READING_ORDER))
        found[annotation_id][key] = value
