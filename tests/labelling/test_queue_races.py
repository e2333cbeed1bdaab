"""People who ask and answer at one moment, in threads and in processes of their own."""

import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from common.errors import Conflict
from labelling import reservations, services
from labelling.models import Annotation, Assignment, OpenReview
from labelling.selectors import current_schema, gold_counts
from projects.models import Project, Role
from reviews.models import Review
from tests import factories
from tests.faults.together import together
from tests.stack import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 5, "aspects": ["price"]}


def prepare(project: Project, *, reviews: int, overlap: int) -> None:
    Project.objects.filter(pk=project.pk).update(overlap_count=overlap)
    project.refresh_from_db()
    dataset = factories.dataset(project)
    for number in range(reviews):
        factories.review(project, dataset=dataset, is_control=number % 4 == 0)


def give(assignment: Assignment, who: User) -> Annotation:
    return services.submit(assignment=assignment, annotator=who, schema_version=1, answers=GOOD)


def people_of(project: Project, count: int) -> list[User]:
    return [factories.member(project, Role.ANNOTATOR) for _ in range(count)]


def test_eight_people_answer_each_review_as_often_as_they_should(project: Project) -> None:
    prepare(project, reviews=8, overlap=3)

    def work(person: User) -> int:
        count = 0
        while held := services.fetch_ahead(project=project, annotator=person, count=3):
            for each in held:
                give(each, person)
                count += 1
        return count

    done = together(*(lambda who=who: work(who) for who in people_of(project, 8)))

    assert sum(done) == 24
    said = list(Annotation.objects.values_list("review_id", "annotator_id"))
    assert len(set(said)) == len(said)
    assert set(Counter(review for review, _ in said).values()) == {3}
    assert not OpenReview.objects.exists()


def test_of_many_late_answers_at_once_as_many_count_as_there_are_seats(project: Project) -> None:
    prepare(project, reviews=1, overlap=2)
    review = Review.objects.get()
    people = people_of(project, 6)
    past = timezone.now() - timedelta(minutes=1)
    late = [
        Assignment.objects.create(
            project=project, review=review, annotator=each, state="expired", lease_until=past
        )
        for each in people
    ]

    gave = together(
        *(lambda a=a, who=who: give(a, who) for a, who in zip(late, people, strict=True))
    )

    assert [type(each) for each in gave if not isinstance(each, Annotation)] == [Conflict] * 4
    assert Annotation.objects.count() == 2
    assert set(Assignment.objects.filter(state="submitted").values_list("seat", flat=True)) == {
        0,
        1,
    }


def test_the_same_answer_sent_six_times_at_once_is_kept_once(project: Project, owner: User) -> None:
    prepare(project, reviews=1, overlap=1)
    assignment = services.next_assignment(project=project, annotator=owner)
    assert assignment is not None

    gave = together(*(lambda: give(assignment, owner) for _ in range(6)))

    assert len({each.pk for each in gave}) == 1
    assert Annotation.objects.count() == 1


def test_a_person_in_four_tabs_holds_six_reviews(project: Project, owner: User) -> None:
    prepare(project, reviews=30, overlap=2)

    gave = together(
        *(lambda: services.fetch_ahead(project=project, annotator=owner) for _ in range(4))
    )

    assert [each for each in gave if isinstance(each, BaseException)] == []
    held = Assignment.objects.filter(state="leased")
    assert held.count() == 6
    assert len(set(held.values_list("review", flat=True))) == 6


def test_reserving_and_asking_at_once_give_no_seat_twice(project: Project, owner: User) -> None:
    prepare(project, reviews=6, overlap=1)
    first, *others = people_of(project, 4)
    ids = list(Review.objects.values_list("pk", flat=True))

    gave = together(
        lambda: reservations.reserve(
            project=project, username=first.username, review_ids=ids, actor=owner
        ),
        *(
            lambda who=who: services.next_assignment(project=project, annotator=who)
            for who in others
        ),
    )

    assert [each for each in gave if isinstance(each, BaseException)] == []
    sitting = Assignment.objects.filter(state__in=["reserved", "leased"])
    assert max(Counter(sitting.values_list("review", flat=True)).values()) == 1
    assert sitting.count() == 6


def test_who_answers_at_once_waits_for_nobody_but_a_change_of_the_questions_waits_for_them(
    project: Project, owner: User
) -> None:
    # SQLite lets one person write at a time.
    writers = 2 if connection.features.has_select_for_update else 1
    prepare(project, reviews=writers + 1, overlap=1)
    first, *people = people_of(project, writers + 1)
    earlier = services.next_assignment(project=project, annotator=first)
    assert earlier is not None
    give(earlier, first)  # the first answer to these questions is written alone
    held = [services.next_assignment(project=project, annotator=each) for each in people]
    schema = current_schema(project)
    all_have_answered = threading.Barrier(writers + 2)
    may_end, is_changed = threading.Event(), threading.Event()

    def answer(number: int) -> Annotation:
        assignment = held[number]
        assert assignment is not None
        with transaction.atomic():
            said = give(assignment, people[number])
            all_have_answered.wait(timeout=20)  # nobody has committed
            may_end.wait(timeout=20)
        return said

    def change() -> None:
        all_have_answered.wait(timeout=20)
        asked = [*schema.questions, replace(schema.questions[0], key="again", id=0)]
        services.create_version(project=project, questions=asked, actor=owner)
        is_changed.set()

    def watch() -> bool:
        all_have_answered.wait(timeout=20)
        has_waited = not is_changed.wait(timeout=2)
        may_end.set()
        return has_waited

    answers = [lambda number=number: answer(number) for number in range(writers)]
    *said, failure, has_waited = together(*answers, change, watch)

    assert [type(each) for each in said] == [Annotation] * writers, said
    assert failure is None
    assert has_waited
    assert (
        gold_counts(project)["sentiment"]["train"] == writers + 1
    )  # what was being written came along


_LABELLER = """
import sys, django
django.setup()
from django.db import connection
from accounts.models import User
from labelling import services
from projects.models import Project
connection.settings_dict["NAME"] = sys.argv[1]
person = User.objects.get(pk=int(sys.argv[2]))
project = Project.objects.get()
print("ready", flush=True)
sys.stdin.readline()
while held := services.next_assignment(project=project, annotator=person):
    said = services.submit(assignment=held, annotator=person, schema_version=1, answers={
        "sentiment": "positive", "rating": 5, "aspects": []})
    print(said.pk, flush=True)
"""


def test_processes_side_by_side_lose_and_double_nothing(project: Project) -> None:
    prepare(project, reviews=10, overlap=2)
    name = str(connection.settings_dict["NAME"])
    path = str(ROOT / "platform")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _LABELLER, name, str(each.pk)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": path},
            cwd=ROOT,
            text=True,
        )
        for each in people_of(project, 3)
    ]
    for each in processes:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()

    acknowledged = [int(word) for each in processes for word in each.communicate()[0].split()]

    assert [each.returncode for each in processes] == [0, 0, 0]
    assert sorted(acknowledged) == sorted(Annotation.objects.values_list("pk", flat=True))
    said = Annotation.objects.values_list("review_id", flat=True)
    assert Counter(Counter(said).values()) == {2: 10}
