"""What a change of questions would do to everything stored, counted before it is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count

from labelling import affected, reopening
from labelling.affected import Loss, Said, options_named, proposed_now
from labelling.change_words import words
from labelling.changes import Applied, Change
from labelling.models import Annotation, Gold, GoldSpan, Suggestion
from labelling.reading import Step
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project


class Fate(StrEnum):
    """What becomes of an answer."""

    CARRIED = "carried"
    AGAIN = "again"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of each kind."""

    annotations: int = 0
    spans: int = 0
    gold: int = 0
    gold_spans: int = 0
    suggestions: int = 0

    def __bool__(self) -> bool:
        return any((self.annotations, self.spans, self.gold, self.gold_spans, self.suggestions))


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to the answers that name one option, or to those to a whole question."""

    question: str
    question_name: str
    option: str
    option_name: str
    fate: Fate
    #: In words: what the answers read as, or why they do not.
    because: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Preview:
    """All that a change would do."""

    version: int
    words: tuple[str, ...]
    effects: tuple[Effect, ...]
    #: Model versions whose heads answer a question as it was: question's name to versions.
    heads: tuple[tuple[str, tuple[int, ...]], ...]
    opened: int
    is_large: bool


def preview(
    project: Project,
    before: SchemaSnapshot,
    changes: Sequence[Change],
    applied: Applied,
    *,
    is_large: bool,
) -> Preview:
    """Count what `changes`, which make `applied` of the questions `before`, would touch."""
    losses = [Loss(each, applied.step.get(each.key)) for each in before.questions]
    counter = _Counter(project, before, applied.step, losses)
    effects = [effect for loss in losses for effect in counter.effects(loss)]
    effects += _fresh(project, applied)
    touched = {effect.question: effect.question_name for effect in effects}
    return Preview(
        version=before.version,
        words=tuple(words(before.questions, changes)),
        effects=tuple(effects),
        heads=tuple(
            (name, versions)
            for key, name in touched.items()
            if (versions := counter.versions.get(key, ()))
        ),
        opened=reopening.reviews_to_open(project, before, applied).count(),
        is_large=is_large,
    )


def _fresh(project: Project, applied: Applied) -> Iterator[Effect]:
    """Yield what a new question means for the reviews that were answered without it."""
    fresh = [each for each in applied.questions if each.key not in applied.step]
    if not fresh:
        return
    count = Annotation.objects.filter(project=project, is_check=False).count()
    for question in fresh:
        again = (question.key, "") in applied.reopened
        yield Effect(
            question=question.key,
            question_name=question.name,
            option="",
            option_name="",
            fate=Fate.AGAIN if again else Fate.STAYS,
            because="They do not answer it yet" if again else "They were never asked it",
            counts=Counts(annotations=count),
        )


class _Counter:
    """Counts what stored rows name: in one query a table, for all that is touched."""

    def __init__(
        self, project: Project, before: SchemaSnapshot, step: Step, losses: Sequence[Loss]
    ) -> None:
        self._said = Said(project, before)
        self._step = step
        touched = [loss.question for loss in losses if _options(loss) or _is_whole(loss)]
        ids = [question.id for question in touched]
        self._gold = _by_option(Gold, ids, "review_id")
        self._gold_spans = _by_option(GoldSpan, ids, "pk")
        self._gold_marked = _by_option(GoldSpan, ids, "review_id")
        self._proposed: dict[tuple[str, str], int] = {}
        self._lost_proposals: dict[str, int] = {}
        self.versions: dict[str, tuple[int, ...]] = {}
        for each in affected.suggestions(project, [question.key for question in touched]):
            self._note(each)

    def _note(self, each: Suggestion) -> None:
        for option in options_named(each.value):
            place = (each.question_key, option)
            self._proposed[place] = self._proposed.get(place, 0) + 1
        if proposed_now(self._step, each) is None:
            lost = self._lost_proposals
            lost[each.question_key] = lost.get(each.question_key, 0) + 1
        known = self.versions.get(each.question_key, ())
        self.versions[each.question_key] = tuple(sorted({*known, each.model_version}))

    def effects(self, loss: Loss) -> Iterator[Effect]:
        """Yield what happens to the answers to one question."""
        question = loss.question
        if loss.path is None:
            yield self._effect(question, "", Fate.STAYS, "It is asked no more", self._all(question))
            return
        for now, keys in loss.merged.items():
            name = next(each.name for each in loss.path.question.options if each.key == now)
            names = {each.key: each.name for each in question.options}
            for key in keys:
                others = ", ".join(f"“{names[each]}”" for each in keys if each != key)
                is_same = names[key] == name
                because = f"Stays as it is, {others} with it" if is_same else f"Reads as “{name}”"
                yield self._effect(question, key, Fate.CARRIED, because)
        for key in loss.options:
            yield self._effect(question, key, Fate.AGAIN, "Not offered any more")
        if _has_narrower_bounds(loss):
            counts = self._beyond(question, loss.path.question)
            yield self._effect(question, "", Fate.AGAIN, "Out of the new bounds", counts)

    def _effect(
        self,
        question: QuestionSnapshot,
        option: str,
        fate: Fate,
        because: str,
        counts: Counts | None = None,
    ) -> Effect:
        found = question.option(option)
        return Effect(
            question=question.key,
            question_name=question.name,
            option=option,
            option_name=found.name if found else "",
            fate=fate,
            because=because,
            counts=counts or self._naming(question, option),
        )

    def _naming(self, question: QuestionSnapshot, option: str) -> Counts:
        place = next((each.id for each in question.options if each.key == option), 0)
        at = (question.id, place)
        is_spans = question.kind == "spans"
        return Counts(
            annotations=self._said.annotations(question.key, [option]).count(),
            spans=self._said.spans(question.key, [option]).count() if is_spans else 0,
            gold=self._gold_marked.get(at, 0) if is_spans else self._gold.get(at, 0),
            gold_spans=self._gold_spans.get(at, 0),
            suggestions=self._proposed.get((question.key, option), 0),
        )

    def _all(self, question: QuestionSnapshot) -> Counts:
        said = self._said.all_answers(question.key)
        options = [option.key for option in question.options]
        is_spans = question.kind == "spans"
        return Counts(
            annotations=said.values("annotation_id").distinct().count(),
            spans=self._said.spans(question.key, options).count() if is_spans else 0,
            gold=_reviews_with_gold(question),
            gold_spans=sum(n for (key, _), n in self._gold_spans.items() if key == question.id),
            suggestions=self._lost_proposals.get(question.key, 0),
        )

    def _beyond(self, question: QuestionSnapshot, now: QuestionSnapshot) -> Counts:
        gold = Gold.objects.filter(question_id=question.id, number__isnull=False)
        return Counts(
            annotations=self._said.beyond(question.key, now).count(),
            gold=gold.exclude(affected.fitting(now)).count(),
            suggestions=self._lost_proposals.get(question.key, 0),
        )


def _options(loss: Loss) -> bool:
    return bool(loss.options or loss.merged)


def _is_whole(loss: Loss) -> bool:
    return loss.path is None or _has_narrower_bounds(loss)


def _has_narrower_bounds(loss: Loss) -> bool:
    """Tell whether numbers that were answers may not be any more."""
    if loss.path is None or loss.question.kind != "number":
        return False
    old, new = loss.question, loss.path.question
    same = (old.minimum, old.maximum, old.is_integer) == (new.minimum, new.maximum, new.is_integer)
    return not same


def _by_option(model: Any, question_ids: Sequence[int], counted: str) -> dict[tuple[int, int], int]:
    """Count rows (or distinct values of one column) by question and option, along one index."""
    rows = model.objects.filter(question_id__in=question_ids, option__isnull=False)
    grouped = rows.order_by().values_list("question_id", "option_id")
    is_distinct = model is GoldSpan and counted == "review_id"
    return {
        (question_id, option_id): count
        for question_id, option_id, count in grouped.annotate(
            count=Count(counted, distinct=is_distinct)
        )
    }


def _reviews_with_gold(question: QuestionSnapshot) -> int:
    """Count reviews: of most kinds every one has one row."""
    rows = Gold.objects.filter(question_id=question.id)
    if question.kind == "multichoice":
        return rows.aggregate(count=Count("review_id", distinct=True))["count"] or 0
    return rows.count()


def as_json(preview: Preview) -> dict[str, Any]:
    """Return a preview as the API writes it."""
    return {
        "version": preview.version,
        "changes": list(preview.words),
        "effects": [
            {
                "question": effect.question,
                "option": effect.option or None,
                "fate": str(effect.fate),
                "because": effect.because,
                "annotations": effect.counts.annotations,
                "spans": effect.counts.spans,
                "gold": effect.counts.gold,
                "gold_spans": effect.counts.gold_spans,
                "suggestions": effect.counts.suggestions,
            }
            for effect in preview.effects
        ],
        "heads": {name: list(versions) for name, versions in preview.heads},
        "reviews_opened": preview.opened,
        "is_large": preview.is_large,
    }
