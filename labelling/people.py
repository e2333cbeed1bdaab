"""Who labelled what and how fast. Never a ranking: people stand in the order of their names."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import User
from common import compiled
from common.errors import NotVisible
from labelling.models import Annotation, Assignment, Flag
from projects.models import Membership, Project, Role

#: How many days the tables by day go back.
DAYS = 28
#: A person's pace is that of their newest labels that were timed.
TIMED = 1000


@dataclass(frozen=True, slots=True)
class Pace:
    """The median time of some labels; None where none was timed."""

    seconds: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Person:
    """One person's work in a project."""

    user: User
    #: Empty for people who are no members (any more).
    role: str
    #: Given one by one: on the page, over REST, or by a person of an imported file.
    label_count: int
    today_count: int
    week_count: int
    #: Given to many reviews at once.
    bulk_count: int
    skip_count: int
    flag_count: int
    last_at: datetime | None
    pace: Pace


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on one day."""

    day: date
    label_count: int
    skip_count: int
    flag_count: int
    pace: Pace


def people(membership: Membership) -> list[Person]:
    """Return everybody's work for reviewers, by name; for annotators their own alone."""
    users = _users(membership)
    project = membership.project
    roles = {row.user_id: row.get_role_display() for row in project.memberships.all()}
    labels = {row["annotator"]: row for row in _labels(project, users)}
    skips = _counts(_skips(project).filter(annotator__in=users), "annotator")
    flags = _counts(Flag.objects.filter(project=project, person__in=users), "person")
    return [
        _person(project, user, roles, labels.get(user.pk, {}), skips, flags)
        for user in sorted(users, key=lambda user: (user.shown_name.casefold(), user.pk))
    ]


def person_of(membership: Membership, person_id: int) -> Person:
    """Return one person's work; raise NotVisible for somebody whose work this member may not see.

    Annotators see their own, reviewers everybody's.
    """
    found = next((each for each in people(membership) if each.user.pk == person_id), None)
    if found is None:
        raise NotVisible
    return found


def days(project: Project, person: User | None = None) -> list[Day]:
    """Return what was done on each of the last days, newest first: by all, or by one person."""
    today = timezone.localdate()
    since = _midnight(today - timedelta(days=DAYS - 1))
    skips = _skips(project).filter(ended_at__gte=since)
    flags = Flag.objects.filter(project=project, created_at__gte=since)
    if person is not None:
        skips = skips.filter(annotator=person)
        flags = flags.filter(person=person)
    until = today + timedelta(days=1)
    timed = _timed(project, [until - timedelta(days=back) for back in range(DAYS, -1, -1)], person)
    skipped, flagged = _per_day(skips, "ended_at"), _per_day(flags, "created_at")
    return [
        Day(
            day,
            len(timed.get(day, [])),
            skipped.get(day, 0),
            flagged.get(day, 0),
            _pace(timed.get(day, [])),
        )
        for day in (today - timedelta(days=back) for back in range(DAYS))
    ]


def labels_a_day(project: Project, *, until: date, back: int) -> dict[date, int]:
    """Return how many labels were given on each of the `back` days before `until`."""
    since = until - timedelta(days=back)
    if connection.vendor == "postgresql":  # SQLite would call Python for the date of every row
        rows = _by_hand(project.pk).filter(created_at__gte=_midnight(since))
        return _per_day(rows.filter(created_at__lt=_midnight(until)), "created_at")
    limits = [since + timedelta(days=number) for number in range(back + 1)]
    return {day: len(times) for day, times in _timed(project, limits).items()}


def _timed(
    project: Project, limits: Sequence[date], person: User | None = None
) -> dict[date, list[float | None]]:
    """Return the times of the labels given between the first and the last limit, by day.

    A hundred thousand moments are told apart by comparing them with midnights as the database gives
    them: to make a date of each takes several times as long.
    """
    midnights = [_midnight(day) for day in limits]
    ids = {"project": project.pk} | ({} if person is None else {"person": person.pk})
    rows = compiled.rows(_moments, **ids, start=midnights[0], end=midnights[-1])
    # SQLite gives moments in UTC without saying so.
    is_naive = connection.vendor == "sqlite"
    bounds = [timezone.make_naive(each, UTC) if is_naive else each for each in midnights]
    timed: dict[date, list[float | None]] = {}
    for moment, seconds in rows:
        timed.setdefault(limits[bisect_right(bounds, moment) - 1], []).append(seconds)
    return timed


def _moments(
    *, project: int, start: datetime, end: datetime, person: int | None = None
) -> "QuerySet[Annotation, Any]":
    labels = _by_hand(project).filter(created_at__gte=start, created_at__lt=end)
    labels = labels if person is None else labels.filter(annotator=person)
    return labels.order_by().values_list("created_at", "seconds")


def _users(membership: Membership) -> list[User]:
    """Return who has, or could have, work in the project; for annotators themselves alone."""
    if not membership.can_review:
        return [membership.user]
    project = membership.project
    labellers = Q(memberships__project=project, memberships__role__gte=Role.ANNOTATOR)
    at_work = Q(pk__in=Annotation.objects.filter(project=project).values("annotator"))
    return list(User.objects.filter(labellers | at_work).distinct())


def _person(
    project: Project,
    user: User,
    roles: dict[int, str],
    labels: Mapping[str, Any],
    skips: dict[int, int],
    flags: dict[int, int],
) -> Person:
    return Person(
        user=user,
        role=roles.get(user.pk, ""),
        label_count=labels.get("labels", 0),
        today_count=labels.get("today", 0),
        week_count=labels.get("week", 0),
        bulk_count=labels.get("bulk", 0),
        skip_count=skips.get(user.pk, 0),
        flag_count=flags.get(user.pk, 0),
        last_at=labels.get("last_at"),
        pace=_pace_of(project, user) if labels.get("labels") else Pace(None, 0),
    )


def _labels(project: Project, users: Sequence[User]) -> Iterable[Mapping[str, Any]]:
    today = timezone.localdate()
    is_bulk = Q(bulk_action__isnull=False)
    # What came with a file was said at a time that nobody knows.
    is_live = ~is_bulk & Q(import_job=None)
    week = _midnight(today - timedelta(days=6))
    return (
        Annotation.objects.filter(
            project=project, annotator__in=users, review__dataset__is_ready=True
        )
        .order_by()
        .values("annotator")
        .annotate(
            labels=Count("pk", filter=~is_bulk),
            bulk=Count("pk", filter=is_bulk),
            today=Count("pk", filter=is_live & Q(created_at__gte=_midnight(today))),
            week=Count("pk", filter=is_live & Q(created_at__gte=week)),
            last_at=Max("created_at", filter=is_live),
        )
    )


def _by_hand(project: int) -> QuerySet[Annotation]:
    """Return what people have answered in a project, one review at a time."""
    return Annotation.objects.filter(
        project=project, bulk_action=None, import_job=None, review__dataset__is_ready=True
    )


def _skips(project: Project) -> QuerySet[Assignment]:
    return Assignment.objects.filter(project=project, state=Assignment.State.SKIPPED)


def _counts(rows: "QuerySet[Any]", name: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(name).annotate(number=Count("pk")))


def _per_day(rows: "QuerySet[Any]", column: str) -> dict[date, int]:
    days = rows.order_by().annotate(day=TruncDate(column)).values_list("day")
    return dict(days.annotate(number=Count("pk")))


def _pace_of(project: Project, user: User) -> Pace:
    rows = _by_hand(project.pk).filter(annotator=user, seconds__isnull=False)
    return _pace(list(rows.order_by("-id").values_list("seconds", flat=True)[:TIMED]))


def _pace(given: Sequence[float | None]) -> Pace:
    timed = [seconds for seconds in given if seconds is not None]
    return Pace(median(timed) if timed else None, len(timed))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001
