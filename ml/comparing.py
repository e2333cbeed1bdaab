"""Two versions of a project on the same rows: test reviews with gold that both have answered.

Gold is that of now, for both alike, so that a correction made since helps neither.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from labelling.selectors import GoldSpanValue, GoldValue, current_schema, gold_answers
from labelling.snapshot import QuestionSnapshot
from ml.core.answers import to_answer
from ml.core.comparison import Comparison, compare, is_right, plain
from ml.core.config import HeadConfig
from ml.core.data import Answer, SpanAnswer
from ml.core.errors import ConfigError
from ml.gate import Gate, Pair, judge
from ml.models import ModelVersion, Prediction
from ml.planning import head_of
from ml.shapes import ANSWER_IN
from projects.models import Project
from reviews.models import Review
from reviews.selectors import visible_reviews

#: Test reviews that are compared at most: the first ones by id. A page has to wait for them.
MOST_ROWS = 20_000
_CHUNK = 2000
#: What can become of a review: right before and wrong now, the other way, or answered otherwise.
FLIPS = ("lost", "won", "changed")


@dataclass(frozen=True, slots=True)
class Row:
    """One test review: gold and what either version answers."""

    review_id: int
    gold: Answer
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class Compared:
    """One question with the rows behind its comparison."""

    question: QuestionSnapshot
    head: HeadConfig
    rows: tuple[Row, ...]
    comparison: Comparison

    def flips(self, kind: str) -> list[Row]:
        """Return the rows that were lost, won, or are answered otherwise (changed)."""
        return [row for row in self.rows if kind in flips_of(self.head, row)]

    def moved(self, first: str, second: str) -> list[Row]:
        """Return the rows that went from one answer to another."""
        return [
            row
            for row in self.rows
            if str(plain(self.head, row.before)) == first
            and str(plain(self.head, row.after)) == second
        ]


@dataclass(frozen=True, slots=True)
class Together:
    """Two versions compared at every question that either answers."""

    before: ModelVersion
    after: ModelVersion
    questions: tuple[Compared, ...]
    gate: Gate


def flips_of(head: HeadConfig, row: Row) -> frozenset[str]:
    """Return how a row changed: changed, and lost or won where there is right and wrong."""
    if plain(head, row.before) == plain(head, row.after):
        return frozenset()
    was, is_now = (is_right(head, row.gold, answer) for answer in (row.before, row.after))
    if was == is_now:
        return frozenset({"changed"})
    return frozenset({"changed", "lost" if was else "won"})


def together(
    project: Project,
    before: ModelVersion,
    after: ModelVersion,
    *,
    only: str | None = None,
) -> Together:
    """Compare two versions of the project, at one question only if asked for."""
    asked = {
        each.key: each for each in current_schema(project).questions if only in {None, each.key}
    }
    answered = [_answered_by(version) & set(asked) for version in (before, after)]
    shared = [asked[key] for key in asked if key in answered[0] & answered[1]]
    compared = {each.question.key: each for each in _compared(project, before, after, shared)}
    pairs = [
        Pair(
            key=key,
            name=question.name,
            is_before=key in answered[0],
            is_after=key in answered[1],
            comparison=compared[key].comparison if key in compared else None,
        )
        for key, question in asked.items()
        if key in answered[0] | answered[1]
    ]
    is_trusted = before.state == ModelVersion.State.READY
    gate = judge(pairs, is_champion_trusted=is_trusted)
    return Together(before, after, tuple(compared.values()), gate)


def _answered_by(version: ModelVersion) -> set[str]:
    """Return the questions that had training answers: the version answers no others."""
    counts = version.training_run.counts.get("questions", {})
    return {key for key, splits in counts.items() if splits.get("train")}


def _compared(
    project: Project,
    before: ModelVersion,
    after: ModelVersion,
    questions: list[QuestionSnapshot],
) -> Iterator[Compared]:
    heads: dict[str, HeadConfig] = {}
    for question in questions:
        try:
            heads[question.key] = head_of(question)
        except ConfigError:  # it has lost its options since: nothing to be right about
            continue
    rows: dict[str, list[Row]] = {key: [] for key in heads}
    kept = [question for question in questions if question.key in heads]
    tested = _test_ids(project, after)
    for start in range(0, len(tested), _CHUNK):
        ids = tested[start : start + _CHUNK]
        gold = gold_answers(project, questions=kept, review_ids=ids)
        given = [_answers(version, heads, ids) for version in (before, after)]
        for review_id in ids:
            for key, value in gold.get(review_id, {}).items():
                ends = [each.get((review_id, key)) for each in given]
                if ends[0] is not None and ends[1] is not None:
                    rows[key].append(Row(review_id, answer_of(value), ends[0], ends[1]))
    for question in kept:
        head, own = heads[question.key], rows[question.key]
        found = compare(head, *([getattr(r, n) for r in own] for n in ("gold", "before", "after")))
        yield Compared(question, head, tuple(own), found)


def _test_ids(project: Project, version: ModelVersion) -> list[int]:
    tested = visible_reviews(project).filter(
        split=Review.Split.TEST,
        is_labelled=True,
        pk__in=Prediction.objects.filter(model_version=version).values("review_id"),
    )
    return list(tested.order_by("pk").values_list("pk", flat=True)[:MOST_ROWS])


def _answers(
    version: ModelVersion, heads: Mapping[str, HeadConfig], ids: list[int]
) -> dict[tuple[int, str], Answer]:
    rows = Prediction.objects.filter(
        model_version=version, review_id__in=ids, question_key__in=heads
    ).values_list("review_id", "question_key", "value")
    return {
        (review_id, key): to_answer(heads[key], value)
        for review_id, key, value in rows
        if _fits(heads[key], value)
    }


def _fits(head: HeadConfig, value: object) -> bool:
    """Tell whether a prediction is of the kind that the question has now: kinds may change."""
    if isinstance(value, list):
        return head.kind == "spans"
    return isinstance(value, dict) and ANSWER_IN.get(head.kind) in value


def answer_of(value: GoldValue) -> Answer:
    """Return gold as the learning core writes it."""
    if isinstance(value, tuple):
        return tuple(_span(span) for span in value)
    return cast("Answer", value)


def _span(span: GoldSpanValue) -> SpanAnswer:
    return SpanAnswer(span.start, span.end, span.option, span.polarity)
