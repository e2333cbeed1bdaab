"""Open reviews again whose answers a change of the questions has left behind."""

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from labelling.affected import Said, fitting, gold_naming, gold_spans_naming
from labelling.changes import Applied
from labelling.models import Annotation, Assignment, Gold, GoldSpan, OpenReview
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.models import Review

_SLICE = 1000


def annotations_to_ask_again(
    project: Project, before: SchemaSnapshot, applied: Applied
) -> QuerySet[Annotation]:
    """Return the annotations whose authors may answer the changed questions again.

    Answers to quality checks measure people and are not asked for again.
    """
    rows = Annotation.objects.filter(project=project, is_check=False)
    if not applied.reopened:
        return rows.none()
    said = Said(project, before)
    wanted = [_wanted(said, before, applied, key) for key in _by_question(applied)]
    return rows.filter(reduce(or_, wanted))


def reviews_to_open(project: Project, before: SchemaSnapshot, applied: Applied) -> QuerySet[Review]:
    """Return the reviews that want answers again: of people, or where an import gave them."""
    if not applied.reopened:
        return Review.objects.none()
    asked = annotations_to_ask_again(project, before, applied).filter(review=OuterRef("pk"))
    nobody = ~Exists(Annotation.objects.filter(review=OuterRef("pk")))
    wanted = Q(Exists(asked))
    for question, options in _by_question(applied).items():
        old = before.question(question)
        if old is not None:
            for rows in _gold(old, options, applied):
                wanted |= Q(nobody, Exists(rows.filter(review=OuterRef("pk"))))
    return Review.objects.filter(wanted, project=project)


def _by_question(applied: Applied) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for question, option in sorted(applied.reopened):
        found.setdefault(question, []).append(option)
    return found


def _wanted(said: Said, before: SchemaSnapshot, applied: Applied, key: str) -> Q:
    old, path = before.question(key), applied.step.get(key)
    if old is None or path is None:  # A new question: nobody has answered it.
        return Q(pk__isnull=False)
    options = [option for option in _by_question(applied)[key] if option]
    wanted = Q(pk__in=said.annotations(key, options).values("pk")) if options else Q()
    if "" in _by_question(applied)[key]:
        wanted |= Q(pk__in=said.beyond(key, path.question).values("annotation_id"))
    return wanted


def _gold(
    old: QuestionSnapshot, options: Collection[str], applied: Applied
) -> list[QuerySet[Gold] | QuerySet[GoldSpan]]:
    found: list[QuerySet[Gold] | QuerySet[GoldSpan]] = [
        gold_naming(old, options),
        gold_spans_naming(old, options),
    ]
    path = applied.step.get(old.key)
    if "" in options and path is not None:
        numbers = Gold.objects.filter(question_id=old.id, number__isnull=False)
        found.append(numbers.exclude(fitting(path.question)))
    return found


def hold(project: Project, before: SchemaSnapshot, applied: Applied) -> set[int]:
    """Lock the reviews that will be opened and return their ids, in order of ids.

    To be called before the questions are held: whoever answers a review locks it first.
    """
    ids = reviews_to_open(project, before, applied).values("pk")
    rows = Review.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("id")
    return set(rows.values_list("pk", flat=True))


def reopen(project: Project, before: SchemaSnapshot, applied: Applied) -> tuple[int, int]:
    """Free the seats of those who are asked again and open their reviews; return how many."""
    ids = sorted(reviews_to_open(project, before, applied).values_list("pk", flat=True))
    again = annotations_to_ask_again(project, before, applied).filter(
        review=OuterRef("review_id"), annotator=OuterRef("annotator_id")
    )
    seats = Assignment.objects.filter(
        Exists(again), project=project, state=Assignment.State.SUBMITTED
    )
    withdrawn = seats.update(state=Assignment.State.WITHDRAWN, ended_at=timezone.now())
    # Nobody else who has answered the same reviews is asked again.
    annotations_to_ask_again(project, before, applied).update(is_asked_again=True)
    for start in range(0, len(ids), _SLICE):
        OpenReview.objects.bulk_create(
            [
                OpenReview(project=project, review_id=number, cause=OpenReview.Cause.AGAIN)
                for number in ids[start : start + _SLICE]
            ],
            update_conflicts=True,
            unique_fields=["review"],
            update_fields=["cause"],
        )
    return len(ids), withdrawn
