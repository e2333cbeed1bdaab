"""Read what several people answered about the same reviews, in a handful of queries."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain, islice

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import User
from labelling.answers import Answers, AnswerValue
from labelling.models import Annotation
from labelling.snapshot import SchemaSnapshot
from labelling.spoken import answers_of
from projects.models import Project
from reviews.members import reviews_in
from reviews.models import Dataset

#: The newest reviews with several answers: more would tell no more.
MAX_REVIEWS = 50_000

#: Review to person to answer.
Answered = dict[int, dict[int, AnswerValue]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose answers count, about which reviews: empty means all."""

    dataset: Dataset | None = None
    people: frozenset[int] = frozenset()
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has answered, a member or a name in an imported file."""

    id: int
    name: str
    is_external: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """What was said about reviews that at least two of the people answered, newest first."""

    said: Mapping[int, Mapping[int, Answers]]
    #: Those with most such reviews first.
    people: tuple[Person, ...]
    #: Whether there are older reviews that were left out.
    is_cut: bool

    def answered(self, key: str) -> Answered:
        """Return the answers to one question, reviews without any left out."""
        found = {
            review_id: {who: answers[key] for who, answers in people.items() if key in answers}
            for review_id, people in self.said.items()
        }
        return {review_id: people for review_id, people in found.items() if people}


def shared_answers(
    project: Project,
    schema: SchemaSnapshot,
    chosen: Chosen,
    *,
    pair: Collection[int] = (),
    limit: int = MAX_REVIEWS,
) -> Shared:
    """Return the answers of people who answered the same reviews, as answers to `schema`.

    Quality checks and bulk actions are left out: the former are chosen for being hard or easy, the
    latter are no reading of a review. With `pair` only reviews that both answered are read.
    """
    counted = _counted(project, chosen)
    several = (
        counted.values("review_id")
        .annotate(people=Count("id"))
        .filter(people__gte=2)
        .order_by("-review_id")
        .values("review_id")[: limit + 1]
    )
    rows = counted.filter(review_id__in=several).order_by("-review_id", "id")
    by_review: dict[int, dict[int, int]] = {}
    versions: dict[int, int] = {}
    for number, review_id, who, schema_id in rows.values_list(
        "id", "review_id", "annotator_id", "schema_id"
    ):
        by_review.setdefault(review_id, {})[who] = number
        versions[number] = schema_id
    wanted = _wanted(by_review, limit, frozenset(pair))
    numbers = chain.from_iterable(people.values() for people in wanted.values())
    answers = answers_of({number: versions[number] for number in numbers}, schema)
    said = {
        review_id: {who: answers[number] for who, number in people.items()}
        for review_id, people in wanted.items()
    }
    return Shared(
        said,
        people_of(Counter(chain.from_iterable(said.values()))),
        is_cut=len(by_review) > limit,
    )


def annotators(project: Project) -> list[Person]:
    """Return everybody who has answered anything in a project, by name."""
    ids = Annotation.objects.filter(project=project).values("annotator_id").distinct()
    people = [_person(user) for user in User.objects.filter(pk__in=ids)]
    return sorted(people, key=lambda person: (person.is_external, person.name, person.id))


def _counted(project: Project, chosen: Chosen) -> "QuerySet[Annotation]":
    rows = Annotation.objects.filter(
        project=project, review__dataset__is_ready=True, is_check=False, bulk_action=None
    )
    if chosen.people:
        rows = rows.filter(annotator_id__in=chosen.people)
    if chosen.since:
        begin = datetime.combine(chosen.since, time.min, timezone.get_current_timezone())
        rows = rows.filter(updated_at__gte=begin)
    if chosen.dataset is not None:
        rows = rows.filter(review__in=reviews_in(chosen.dataset))
    return rows


def _wanted(
    by_review: Mapping[int, dict[int, int]], limit: int, pair: frozenset[int]
) -> dict[int, dict[int, int]]:
    """Return the newest reviews with whose annotation is which; of a pair those of both alone."""
    newest = islice(by_review.items(), limit)
    if not pair:
        return dict(newest)
    return {
        review_id: {who: people[who] for who in people if who in pair}
        for review_id, people in newest
        if pair <= people.keys()
    }


def people_of(shares: Counter[int]) -> tuple[Person, ...]:
    """Return people by id, those with most shared reviews first."""
    known = {user.pk: _person(user) for user in User.objects.filter(pk__in=list(shares))}
    return tuple(sorted(known.values(), key=lambda each: (-shares[each.id], each.name, each.id)))


def _person(user: User) -> Person:
    return Person(user.pk, user.shown_name, user.is_external)
