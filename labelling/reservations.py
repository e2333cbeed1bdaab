"""Reserve reviews for members: chosen ones for one, or so many among several by weights."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Invalid
from labelling import gold, queue, seats
from labelling.models import CHECK_SEATS, Annotation, Assignment
from projects.models import Membership, Project, Role
from reviews.models import Review

#: Reviews that are reserved at once, and locked together.
MOST = 10_000
SLICE = 500
MAX_WEIGHT = 1000
_State = Assignment.State


@dataclass(frozen=True, slots=True)
class Reserved:
    """What came of it: reviews that wait for somebody, and those that could not."""

    reserved_count: int
    left_out_count: int


@transaction.atomic
def reserve(
    *, project: Project, username: str, review_ids: Collection[int], actor: User
) -> Reserved:
    """Reserve reviews for a member who labels; they come before everything else.

    Left out are reviews without a free seat, and those that the member has answered, skipped or
    holds. Raises Invalid for somebody who does not label here and for too many reviews.
    """
    ids = sorted(set(review_ids))
    if not 1 <= len(ids) <= MOST:
        raise Invalid.of("reviews", f"Choose 1 to {MOST:,} reviews, not {len(ids):,}.")
    person = _labeller(project, username)
    made = sum(_reserve_slice(project, person, part, actor) for part in _slices(ids))
    _audit(project, actor, person.username, made)
    return Reserved(made, len(ids) - made)


@transaction.atomic
def distribute(
    *, project: Project, count: int, weights: Mapping[str, int], actor: User
) -> dict[str, Reserved]:
    """Reserve `count` fresh reviews among members by weights; return what each of them got.

    Ranked reviews come first and then random ones, dealt out so that nobody gets the easier end.
    Raises Invalid for a bad count or weight, or somebody who does not label here.
    """
    given = {name: weight for name, weight in weights.items() if weight}
    if not 1 <= count <= MOST:
        raise Invalid.of("count", f"Distribute 1 to {MOST:,} reviews, not {count:,}.")
    if not given or any(not 0 < weight <= MAX_WEIGHT for weight in given.values()):
        raise Invalid.of("weights", f"Give at least one member a weight from 1 to {MAX_WEIGHT}.")
    people = {name: _labeller(project, name) for name in given}
    ids = _fresh(project, count)
    random.shuffle(ids)
    result: dict[str, Reserved] = {}
    for name, share in queue.shares(len(ids), given).items():
        part, ids = sorted(ids[:share]), ids[share:]
        made = sum(_reserve_slice(project, people[name], each, actor) for each in _slices(part))
        _audit(project, actor, name, made)
        result[name] = Reserved(made, share - made)
    return result


@transaction.atomic
def take_back(*, project: Project, username: str, actor: User) -> int:
    """Give what waits for a member back to everybody; return how many reviews."""
    waiting = Assignment.objects.filter(
        project=project, annotator__username=username, state=_State.RESERVED
    )
    ids = list(waiting.select_for_update(of=("self",)).values_list("pk", flat=True))
    count = Assignment.objects.filter(pk__in=ids, state=_State.RESERVED).update(
        state=_State.EXPIRED, ended_at=timezone.now(), reason="taken back"
    )
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="reviews.taken_back",
        subject=username,
        count=count,
    )
    return count


@transaction.atomic
def set_quota(*, project: Project, username: str, quota: int | None, actor: User) -> Membership:
    """Say how many reviews a member may label in a day; None: as many as they like.

    Raises Invalid for a bad number or somebody who is not a member.
    """
    if quota is not None and not 0 <= quota <= 100_000:
        raise Invalid.of("daily_quota", f"A quota is a number from 0 to 100,000, not {quota}.")
    membership = _membership(project, username)
    membership.daily_quota = quota
    membership.save(update_fields=["daily_quota"])
    audit.record(
        actor=actor, project_id=project.pk, action="member.quota", subject=username, quota=quota
    )
    return membership


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies before one member: the quota, what waits for them and what they hold."""

    username: str
    daily_quota: int | None
    reserved_count: int
    held_count: int


def desks(project: Project) -> list[Desk]:
    """Return the members who label, by name."""
    counts: dict[tuple[int, str], int] = {}
    rows = Assignment.objects.filter(
        project=project, state__in=[_State.RESERVED, _State.LEASED]
    ).values_list("annotator_id", "state")
    for key in rows:
        counts[key] = counts.get(key, 0) + 1
    return [
        Desk(
            each.user.username,
            each.daily_quota,
            counts.get((each.user_id, _State.RESERVED), 0),
            counts.get((each.user_id, _State.LEASED), 0),
        )
        for each in _labellers(project).order_by("user__username")
    ]


# --- Helpers --------------------------------------------------------------------------------------


def _labellers(project: Project) -> QuerySet[Membership]:
    return Membership.objects.select_related("user").filter(
        project=project, role__gte=Role.ANNOTATOR, user__is_active=True
    )


def _membership(project: Project, username: str) -> Membership:
    # No database takes half a letter, and PostgreSQL no NUL.
    wanted = username.encode(errors="ignore").decode().replace("\x00", "")[:150]
    membership = _labellers(project).filter(user__username=wanted).first()
    if membership is None:
        raise Invalid.of("username", f"{wanted!r} is no member of this project who labels.")
    return membership


def _labeller(project: Project, username: str) -> User:
    return _membership(project, username).user


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


def _fresh(project: Project, count: int) -> list[int]:
    """Return reviews that nobody has answered or is at: the ranked, then some at random."""
    seated = Assignment.objects.filter(
        review=OuterRef("pk"), state__in=[_State.RESERVED, _State.LEASED]
    )
    waiting = Review.objects.filter(
        ~Exists(seated),
        project=project,
        is_labelled=False,
        is_control=False,
        dataset__in=project.datasets.filter(is_ready=True),
    ).exclude(split=Review.Split.TEST)
    ranked = waiting.filter(ranked_by__isnull=False).order_by("-priority", "id")
    found = list(ranked.values_list("pk", flat=True)[:count])
    if len(found) < count:
        rest = waiting.filter(ranked_by=None).order_by("id").values_list("pk", flat=True)
        # From among ten times as many, so that it need not read them all.
        some = list(rest[: 10 * count])
        found += random.sample(some, min(count - len(found), len(some)))
    return found


def _reserve_slice(project: Project, person: User, ids: Sequence[int], actor: User) -> int:
    held = gold.hold_reviews(project, ids)
    now = timezone.now()
    mine = Assignment.objects.filter(
        review__in=held,
        annotator=person,
        state__in=[_State.RESERVED, _State.LEASED, _State.SUBMITTED, _State.SKIPPED],
    )
    answered = Annotation.objects.filter(review__in=held, annotator=person)
    left_out = set(mine.values_list("review_id", flat=True))
    left_out |= set(answered.values_list("review_id", flat=True))
    free = _free_seats(project, [each for each in held if each not in left_out])
    Assignment.objects.bulk_create(
        Assignment(
            project=project,
            review_id=review_id,
            annotator=person,
            state=_State.RESERVED,
            source=Assignment.Source.RESERVED,
            seat=seat,
            reserved_by=actor,
            created_at=now,
            lease_until=now,
        )
        for review_id, seat in free.items()
    )
    return len(free)


def _free_seats(project: Project, review_ids: Collection[int]) -> dict[int, int]:
    """Return the lowest free seat of those (locked) reviews of ready data sets that have one."""
    shown = Review.objects.filter(pk__in=review_ids, dataset__is_ready=True).order_by("pk")
    people: dict[int, set[int]] = {each: set() for each in shown.values_list("pk", flat=True)}
    taken: dict[int, set[int]] = {each: set() for each in people}
    labelled = shown.filter(is_labelled=True).values_list("pk", flat=True)
    people |= seats.answered(list(labelled))
    seated = Assignment.objects.filter(
        review__in=people, state__in=seats.SEATED, seat__lt=CHECK_SEATS
    ).values_list("review_id", "annotator_id", "seat")
    for review_id, annotator_id, seat in seated:
        people[review_id].add(annotator_id)
        taken[review_id].add(seat)
    return {
        review_id: next(seat for seat in range(len(sat_on) + 1) if seat not in sat_on)
        for review_id, sat_on in taken.items()
        if len(people[review_id]) < seats.wanted(project, review_id)
    }


def _audit(project: Project, actor: User, username: str, count: int) -> None:
    audit.record(
        actor=actor, project_id=project.pk, action="reviews.reserved", subject=username, count=count
    )
