"""How far each annotator can be relied on: beside the others, a reviewer's decisions and checks.

Of the newest reviews, so that a page costs the same in a large project. Nobody is ranked: people
stand in the order of their names, and an annotator sees only their own figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Required, TypeAlias, TypedDict

from accounts.models import User
from common.errors import Invalid
from labelling import consensus, gold
from labelling.answers import AnswerValue
from labelling.disagreements import shared_reviews
from labelling.models import Adjudication, GoldSource, QualityCheck
from labelling.selectors import current_schema
from labelling.shares import NOTHING, Share, wilson
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.spoken import Statement, statements
from projects.models import Project

if TYPE_CHECKING:
    from labelling.reliability_draws import Drawn

#: How people may err in the estimate: one number a person, or a table of what they say where.
MODELS: Final = {"one-coin": "One number a person", "dawid-skene": "A table a person"}

#: The newest decisions and quality checks that are looked at.
MAX_REVIEWS = 1000

Spoken: TypeAlias = Mapping[int, Sequence[Statement]]
Truth: TypeAlias = Mapping[int, Mapping[str, AnswerValue]]


@dataclass(frozen=True, slots=True)
class Figures:
    """How one person's answers to one question stand."""

    question: QuestionSnapshot
    #: Equal to what the others who answered come to; to what a reviewer decided; to the known
    #: answers of quality checks.
    others: Share
    decided: Share
    checks: Share
    #: How often they are right by the one-coin model of Dawid and Skene; for one option only.
    one_coin: Share
    #: The same by their full model, and what they say where it is true; where it was asked for.
    dawid_skene: Share = NOTHING
    says: tuple["Says", ...] = ()

    @property
    def estimated(self) -> Share:
        """Return the estimate by the model that was asked for."""
        return self.dawid_skene if self.dawid_skene.n else self.one_coin


@dataclass(frozen=True, slots=True)
class Says:
    """What somebody says where an option is true: how often each option, which add up to 1."""

    true: OptionSnapshot
    shares: tuple[tuple[OptionSnapshot, float], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """One annotator."""

    user: User
    figures: tuple[Figures, ...]


@dataclass(slots=True)
class _Tally:
    """Hits and tries by person and question key."""

    hits: dict[tuple[int, str], int] = field(default_factory=dict)
    tries: dict[tuple[int, str], int] = field(default_factory=dict)

    def add(self, person: int, key: str, *, is_hit: bool) -> None:
        self.tries[person, key] = self.tries.get((person, key), 0) + 1
        self.hits[person, key] = self.hits.get((person, key), 0) + is_hit

    def share(self, person: int, key: str) -> Share:
        return wilson(self.hits.get((person, key), 0), self.tries.get((person, key), 0))


def people(project: Project, *, only: User | None = None, model: str = "one-coin") -> list[Person]:
    """Return everybody of whom there are figures, by name; `only` that person.

    `model` is a key of MODELS; the one-coin figures are there in any case. Raises Invalid for
    another one.
    """
    if model not in MODELS:
        raise Invalid.of("model", f"There is no model {model[:30]!r}. Known: {', '.join(MODELS)}.")
    schema = current_schema(project)
    shared = statements(shared_reviews(project), schema)
    others = _beside_others(schema, shared)
    decided = _beside_truth(schema, *_decided(project, schema), is_check=False)
    checks = _beside_truth(schema, *_checked(project, schema), is_check=True)
    estimated = {
        q.key: _estimated(q, shared, model) for q in schema.questions if q.kind == "choice"
    }
    known = {person for tally in (others, decided, checks) for person, _ in tally.tries}
    if only is not None:
        known &= {only.pk}
    rows = User.objects.filter(pk__in=known)
    return [
        Person(
            user,
            tuple(
                Figures(
                    question=question,
                    others=others.share(user.pk, question.key),
                    decided=decided.share(user.pk, question.key),
                    checks=checks.share(user.pk, question.key),
                    **estimated.get(question.key, {}).get(user.pk, _NO_ESTIMATE),
                )
                for question in schema.questions
            ),
        )
        for user in sorted(rows, key=lambda user: (user.shown_name.casefold(), user.pk))
    ]


def _counted(said: Sequence[Statement], key: str) -> list[tuple[int, AnswerValue]]:
    return [
        (each.annotator_id, each.answers[key])
        for each in said
        if not each.is_check and key in each.answers
    ]


def _beside_others(schema: SchemaSnapshot, spoken: Spoken) -> _Tally:
    """Compare everybody with what all the others come to: nobody's own word counts for them."""
    tally = _Tally()
    for said in spoken.values():
        for question in schema.questions:
            given = _counted(said, question.key)
            for at, (person, value) in enumerate(given):
                rest = [other for place, (_, other) in enumerate(given) if place != at]
                if rest:
                    held = consensus.of_question(question, rest)
                    tally.add(person, question.key, is_hit=value == held)
    return tally


def _decided(project: Project, schema: SchemaSnapshot) -> tuple[Spoken, Truth]:
    """Return what people said about the newest decided reviews, and what was decided."""
    rows = Adjudication.objects.filter(project=project, ended_at=None).order_by("-pk")
    ids = list(rows.values_list("review", flat=True)[:MAX_REVIEWS])
    truth = gold.held(project, schema, ids, source=GoldSource.ADJUDICATED) if ids else {}
    return statements(ids, schema), truth


def _checked(project: Project, schema: SchemaSnapshot) -> tuple[Spoken, Truth]:
    """Return what people said about the newest quality checks, and the known answers."""
    rows = QualityCheck.objects.filter(project=project).order_by("-pk")
    ids = list(rows.values_list("review", flat=True)[:MAX_REVIEWS])
    truth = gold.held(project, schema, ids, source=GoldSource.ADJUDICATED) if ids else {}
    return statements(ids, schema), truth


def _beside_truth(
    schema: SchemaSnapshot, spoken: Spoken, truth: Truth, *, is_check: bool
) -> _Tally:
    tally = _Tally()
    keys = [question.key for question in schema.questions]
    for each, held in _with_truth(spoken, truth):
        if each.is_check == is_check:
            for key in keys:
                if key in held and key in each.answers:
                    tally.add(each.annotator_id, key, is_hit=each.answers[key] == held[key])
    return tally


def _with_truth(
    spoken: Spoken, truth: Truth
) -> Iterator[tuple[Statement, Mapping[str, AnswerValue]]]:
    for review_id, said in spoken.items():
        for each in said:
            yield each, truth.get(review_id, {})


class _Estimate(TypedDict, total=False):
    one_coin: Required[Share]
    dawid_skene: Share
    says: tuple[Says, ...]


_NO_ESTIMATE: Final[_Estimate] = {"one_coin": NOTHING}


def _estimated(question: QuestionSnapshot, spoken: Spoken, model: str) -> dict[int, _Estimate]:
    """Return for each person how often they are right, as far as the models can tell."""
    # NumPy is loaded where it is used: most requests do without.
    from labelling.reliability_draws import drawn
    from labelling.votes import votes_of

    given = {number: _counted(said, question.key) for number, said in spoken.items()}
    votes, persons = votes_of([option.key for option in question.options], given)
    if not votes.items.size:
        return {}
    counts = [int((votes.people == at).sum()) for at in range(len(persons))]
    coin = drawn(votes, "one-coin")
    full = drawn(votes, "full") if model == "dawid-skene" else None
    return {
        person: _estimate(question, coin, full, at, counts[at]) for at, person in enumerate(persons)
    }


def _estimate(
    question: QuestionSnapshot, coin: "Drawn", full: "Drawn | None", at: int, n: int
) -> _Estimate:
    found: _Estimate = {"one_coin": _share(coin, at, n)}
    if full is not None:
        found["dawid_skene"] = _share(full, at, n)
        found["says"] = tuple(
            Says(true, tuple(zip(question.options, map(float, row), strict=True)))
            for true, row in zip(question.options, full.confusion[at], strict=True)
        )
    return found


def _share(drawn: "Drawn", at: int, n: int) -> Share:
    return Share(float(drawn.accuracy[at]), float(drawn.low[at]), float(drawn.high[at]), n)
