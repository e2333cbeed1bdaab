"""Which stored answers, gold and proposals a change of questions touches."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Floor

from labelling.lineage import ancestors
from labelling.models import Annotation, Answer, Gold, GoldSpan, Span, Suggestion
from labelling.reading import Path, Step, fits
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project


def fitting(question: QuestionSnapshot) -> Q:
    """Match the rows whose number answers a question, and those without a number."""
    fits_in = Q()
    if question.minimum is not None:
        fits_in &= Q(number__gte=question.minimum)
    if question.maximum is not None:
        fits_in &= Q(number__lte=question.maximum)
    if question.is_integer:
        fits_in &= Q(number=Floor(F("number")))
    return fits_in | Q(number=None) if fits_in else Q()


@dataclass(frozen=True, slots=True)
class Loss:
    """What of a question's answers a step leaves behind, in terms of the questions before."""

    question: QuestionSnapshot
    #: None: it is asked no more.
    path: Path | None

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options that lead nowhere."""
        options = (option.key for option in self.question.options)
        return tuple(key for key in options if self.path is None or self.path.options[key] is None)

    @property
    def merged(self) -> Mapping[str, tuple[str, ...]]:
        """Return the options that several have become: the one to the several."""
        found: dict[str, tuple[str, ...]] = {}
        for key, now in (self.path.options if self.path else {}).items():
            if now is not None:
                found[now] = (*found.get(now, ()), key)
        return {now: keys for now, keys in found.items() if len(keys) > 1}


# --- What people said, in any version -----------------------------------------------------------


@dataclass(slots=True)
class _Ids:
    """The rows of all versions that stand for one question of today."""

    questions: list[int] = field(default_factory=list)
    #: Option of today to the options of all versions that read as it.
    options: dict[str, list[int]] = field(default_factory=dict)
    #: Options whose answers are not read any more.
    dead: list[int] = field(default_factory=list)
    #: The narrowest bounds since, by question.
    numbers: list[tuple[int, list[QuestionSnapshot]]] = field(default_factory=list)


class Said:
    """Finds what people said, in whatever version, that reads as an answer to `schema`."""

    def __init__(self, project: Project, schema: SchemaSnapshot) -> None:
        self._project = project
        self._ids = {question.key: _Ids() for question in schema.questions}
        for version, reading in ancestors(project, schema):
            for question in version.questions:
                if not reading.asks(question.key):
                    continue
                ids = self._ids[question.key]
                ids.questions.append(question.id)
                bounds = [step[question.key].question for step in reading.steps]
                ids.numbers.append((question.id, [question, *bounds]))
                for option in question.options:
                    now = reading.option(question.key, option.key)
                    place = ids.dead if now is None else ids.options.setdefault(now, [])
                    place.append(option.id)

    def answers(self, question: str, options: Collection[str]) -> QuerySet[Answer]:
        """Return the answers that name one of these options of a question."""
        rows = Answer.objects.filter(option_id__in=self._options(question, options))
        dead = self._ids[question].dead
        return rows.exclude(Exists(_of_one(Answer.objects.all(), dead))) if dead else rows

    def spans(self, question: str, options: Collection[str]) -> QuerySet[Span]:
        """Return the spans that are marked with one of these options of a question."""
        rows = Span.objects.filter(option_id__in=self._options(question, options))
        dead = self._ids[question].dead
        return rows.exclude(Exists(_of_one(Span.objects.all(), dead))) if dead else rows

    def all_answers(self, question: str) -> QuerySet[Answer]:
        """Return every answer to a question that still stands; of spans the row beside them."""
        dead = self._ids[question].dead
        rows = Answer.objects.filter(question_id__in=self._ids[question].questions)
        rows = rows.filter(self._in_bounds(question))
        if dead:
            rows = rows.exclude(Exists(_of_one(Answer.objects.all(), dead)))
            rows = rows.exclude(Exists(_of_one(Span.objects.all(), dead)))
        return rows

    def beyond(self, question: str, now: QuestionSnapshot) -> QuerySet[Answer]:
        """Return the answers with a number that stands until now and does not under `now`."""
        return self.all_answers(question).filter(number__isnull=False).exclude(fitting(now))

    def annotations(self, question: str, options: Collection[str]) -> QuerySet[Annotation]:
        """Return the annotations that name one of these options of a question."""
        named = Exists(self.answers(question, options).filter(annotation=OuterRef("pk")))
        marked = Exists(self.spans(question, options).filter(annotation=OuterRef("pk")))
        return Annotation.objects.filter(named | marked, project=self._project)

    def _options(self, question: str, options: Collection[str]) -> list[int]:
        ids = self._ids[question].options
        return [number for option in options for number in ids.get(option, ())]

    def _in_bounds(self, question: str) -> Q:
        """Match numbers that were within the bounds of every version since they were given."""
        found = Q(number=None)
        for number, bounds in self._ids[question].numbers:
            inside = Q(question_id=number)
            for each in bounds:
                inside &= fitting(each)
            found |= inside
        return found


def _of_one(rows: QuerySet[Any], option_ids: list[int]) -> QuerySet[Any]:
    return rows.filter(annotation=OuterRef("annotation_id"), option_id__in=option_ids)


# --- Gold, which is all of the current version --------------------------------------------------


def gold_naming(question: QuestionSnapshot, options: Iterable[str]) -> QuerySet[Gold]:
    """Return the gold that names one of these options."""
    return Gold.objects.filter(question_id=question.id, option_id__in=_ids(question, options))


def gold_spans_naming(question: QuestionSnapshot, options: Iterable[str]) -> QuerySet[GoldSpan]:
    """Return the gold spans with one of these options."""
    return GoldSpan.objects.filter(question_id=question.id, option_id__in=_ids(question, options))


def _ids(question: QuestionSnapshot, options: Iterable[str]) -> list[int]:
    wanted = set(options)
    return [option.id for option in question.options if option.key in wanted]


# --- What models propose --------------------------------------------------------------------------


def suggestions(project: Project, questions: Collection[str]) -> Iterator[Suggestion]:
    """Return what models propose for some questions: a few thousand, for the first in line."""
    rows = Suggestion.objects.filter(review__project=project, question_key__in=questions)
    return rows.order_by("id").iterator(chunk_size=2000)


def proposed_now(step: Step, suggestion: Suggestion) -> Any:
    """Return what a proposal has become, in the API's shape; None when it goes."""
    path = step.get(suggestion.question_key)
    return _carried(path, suggestion.value) if path is not None else None


def _carried(path: Path, value: Any) -> Any:
    if isinstance(value, str):
        return path.options.get(value)
    if isinstance(value, list):
        carried = [_carried_one(path, each) for each in value]
        return None if None in carried else list({str(each): each for each in carried}.values())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and fits(path.question, float(value)) else None


def _carried_one(path: Path, value: Any) -> Any:
    if not isinstance(value, dict):
        return path.options.get(value)
    option = path.options.get(value.get("option", ""))
    return None if option is None else value | {"option": option}


def options_named(value: Any) -> set[str]:
    """Return the options that a proposal names."""
    if isinstance(value, str):
        return {value}
    values = value if isinstance(value, list) else []
    return {each.get("option", "") if isinstance(each, dict) else str(each) for each in values}
