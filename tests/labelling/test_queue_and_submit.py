"""Leases, submissions and what becomes of them."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid, NotReady, NotVisible
from labelling import queue, services
from labelling.models import Annotation, Assignment, Gold, LabelSchema
from labelling.selectors import current_schema
from labelling.waiting import Waiting
from projects.models import Project, Role
from reviews.models import Dataset, Review
from tests import factories

Member = Callable[[Role], User]

GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 5, "aspects": ["price"]}
RANKED, CONTROL = 0.99, 0.0


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project)


@pytest.fixture
def anna(member: Member) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def ben(member: Member) -> User:
    return member(Role.ANNOTATOR)


def take(project: Project, who: User, roll: float = RANKED) -> Assignment:
    assignment = services.next_assignment(project=project, annotator=who, roll=roll)
    assert assignment is not None
    return assignment


def give(assignment: Assignment, who: User, version: int = 1, **answers: Any) -> Annotation:
    return services.submit(
        assignment=assignment, annotator=who, schema_version=version, answers=GOOD | answers
    )


def expire(assignment: Assignment) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Assignment.objects.filter(pk=assignment.pk).update(lease_until=past)


@pytest.mark.parametrize(
    ("roll", "share", "first"),
    [
        (0.0, 0.15, queue.Part.CONTROL),
        (0.149, 0.15, queue.Part.CONTROL),
        (0.15, 0.15, queue.Part.RANKED),
        (0.0, 0.0, queue.Part.RANKED),
        (0.999, 1.0, queue.Part.CONTROL),
    ],
    ids=["lowest roll", "just below", "at the share", "no control", "only control"],
)
def test_the_roll_decides_which_part_comes_first(
    roll: float, share: float, first: queue.Part
) -> None:
    parts = queue.parts(roll=roll, control_share=share)

    assert parts[0] is first
    assert set(parts) == set(queue.Part)


def test_the_highest_priority_comes_first(project: Project, dataset: Dataset, anna: User) -> None:
    factories.review(project, dataset=dataset, priority=0.2)
    urgent = factories.review(project, dataset=dataset, priority=0.9, ranked_by=3)

    assignment = take(project, anna)

    assert assignment.review_id == urgent.pk
    assert (assignment.source, assignment.ranked_by) == ("ranked", 3)


def test_a_review_that_no_model_ranked_says_so(project: Project, anna: User) -> None:
    factories.review(project, priority=0.4)

    assert take(project, anna).source == "unranked"


def test_the_control_slice_is_served_by_its_share(project: Project, anna: User) -> None:
    factories.review(project, priority=0.9, ranked_by=1)
    control = factories.review(project, is_control=True, ranked_by=1)

    assignment = take(project, anna, CONTROL)

    assert (assignment.review_id, assignment.source) == (control.pk, "control")
    assert assignment.ranked_by is None


def test_the_test_split_is_served_only_as_control(project: Project, anna: User) -> None:
    factories.review(project, split="test", priority=9.0)

    assert services.next_assignment(project=project, annotator=anna, roll=RANKED) is None

    factories.review(project, split="test", is_control=True)
    assert take(project, anna).source == "control"


def test_reviews_of_an_unfinished_import_are_not_served(project: Project, anna: User) -> None:
    unready = Dataset.objects.create(project=project, name="half", is_ready=False)
    factories.review(project, dataset=unready)

    assert services.next_assignment(project=project, annotator=anna) is None


def test_asking_again_gives_the_same_lease_renewed(
    project: Project, dataset: Dataset, anna: User
) -> None:
    for _ in range(3):
        factories.review(project, dataset=dataset)
    first = take(project, anna)
    expire(first)

    again = take(project, anna)

    assert again.pk == first.pk
    assert again.lease_until > timezone.now() + timedelta(minutes=9)


def test_two_people_get_different_reviews(
    project: Project, dataset: Dataset, anna: User, ben: User
) -> None:
    for _ in range(2):
        factories.review(project, dataset=dataset)

    assert take(project, anna).review_id != take(project, ben).review_id


def test_a_lease_that_ran_out_goes_to_the_next_person(
    project: Project, anna: User, ben: User
) -> None:
    factories.review(project)
    old = take(project, anna)
    assert services.next_assignment(project=project, annotator=ben) is None
    expire(old)

    assert take(project, ben).review_id == old.review_id
    old.refresh_from_db()
    assert old.state == "expired"


def test_a_skipped_review_is_not_served_to_that_person_again(
    project: Project, anna: User, ben: User
) -> None:
    factories.review(project)
    assignment = take(project, anna)

    services.skip(assignment=assignment, annotator=anna, reason="not English")

    assert services.next_assignment(project=project, annotator=anna) is None
    assert take(project, ben).review_id == assignment.review_id
    assert AuditEvent.objects.filter(action="review.skipped").count() == 1


def test_submitting_writes_annotation_gold_and_audit(project: Project, anna: User) -> None:
    review = factories.review(project, "Great price!")
    assignment = take(project, anna)

    annotation = give(
        assignment,
        anna,
        aspect_spans=[
            {"start": 6, "end": 11, "text": "price", "option": "price", "polarity": "positive"}
        ],
    )

    review.refresh_from_db()
    assignment.refresh_from_db()
    assert review.is_labelled
    assert assignment.state == "submitted"
    assert annotation.seconds is not None
    assert Gold.objects.filter(review=review, source="consensus").count() == 4
    assert review.gold_spans.get().text == "price"
    assert LabelSchema.objects.get(project=project).frozen_at is not None
    assert AuditEvent.objects.filter(action="annotation.submitted").count() == 1
    assert services.next_assignment(project=project, annotator=anna) is None


def test_submitting_the_same_again_changes_nothing(project: Project, anna: User) -> None:
    factories.review(project)
    assignment = take(project, anna)

    first, second = give(assignment, anna), give(assignment, anna)

    assert first.pk == second.pk
    assert AuditEvent.objects.filter(action="annotation.submitted").count() == 1


def test_submitting_something_else_afterwards_is_a_conflict(project: Project, anna: User) -> None:
    factories.review(project)
    assignment = take(project, anna)
    give(assignment, anna)

    with pytest.raises(Conflict, match="Edit that annotation"):
        give(assignment, anna, rating=1)


def test_a_late_submission_counts_while_nobody_else_has_the_review(
    project: Project, anna: User
) -> None:
    factories.review(project)
    assignment = take(project, anna)
    expire(assignment)

    assert give(assignment, anna).pk


def test_a_late_submission_is_refused_when_somebody_else_is_at_it(
    project: Project, anna: User, ben: User
) -> None:
    factories.review(project)
    old = take(project, anna)
    expire(old)
    take(project, ben)

    with pytest.raises(Conflict, match="somebody else is at it"):
        give(old, anna)
    assert not Annotation.objects.exists()


def test_a_late_submission_is_refused_when_somebody_else_labelled_it(
    project: Project, anna: User, ben: User
) -> None:
    factories.review(project)
    old = take(project, anna)
    expire(old)
    give(take(project, ben), ben)

    with pytest.raises(Conflict, match="somebody else has labelled it"):
        give(old, anna)


def test_another_version_of_the_questions_is_a_conflict(project: Project, anna: User) -> None:
    factories.review(project)

    with pytest.raises(Conflict, match="version 1 is current"):
        give(take(project, anna), anna, version=7)


def test_somebody_elses_assignment_is_not_visible(project: Project, anna: User, ben: User) -> None:
    factories.review(project)
    assignment = take(project, anna)

    with pytest.raises(NotVisible):
        give(assignment, ben)


def test_wrong_answers_keep_the_lease_and_write_nothing(project: Project, anna: User) -> None:
    factories.review(project)
    assignment = take(project, anna)

    with pytest.raises(Invalid) as caught:
        give(assignment, anna, rating=9, sentiment="so-so")

    assert {error.field for error in caught.value.errors} == {"answers.rating", "answers.sentiment"}
    assignment.refresh_from_db()
    assert assignment.state == "leased"
    assert not Annotation.objects.exists()


def test_a_heartbeat_renews_and_revives(project: Project, anna: User, ben: User) -> None:
    factories.review(project)
    assignment = take(project, anna)
    Assignment.objects.filter(pk=assignment.pk).update(state="expired")

    assert services.heartbeat(assignment=assignment, annotator=anna).state == "leased"

    Assignment.objects.filter(pk=assignment.pk).update(state="expired")
    take(project, ben)
    with pytest.raises(Conflict, match="somebody else"):
        services.heartbeat(assignment=assignment, annotator=anna)


def test_a_heartbeat_takes_a_review_back_whose_next_holder_fell_silent_too(
    project: Project, anna: User, ben: User
) -> None:
    factories.review(project)
    annas = take(project, anna)
    expire(annas)
    bens = take(project, ben)
    expire(bens)

    assert services.heartbeat(assignment=annas, annotator=anna).state == "leased"

    bens.refresh_from_db()
    assert bens.state == "expired"


def test_notes_and_reasons_lose_what_a_database_cannot_keep(project: Project, anna: User) -> None:
    factories.review(project)
    factories.review(project)
    first = take(project, anna)
    annotation = services.submit(
        assignment=first, annotator=anna, schema_version=1, answers=GOOD, note="a\x00b"
    )
    second = take(project, anna)

    services.skip(assignment=second, annotator=anna, reason="c\x00d")

    second.refresh_from_db()
    assert (annotation.note, second.reason) == ("ab", "cd")


def test_editing_changes_the_gold(project: Project, anna: User, ben: User) -> None:
    review = factories.review(project)
    annotation = give(take(project, anna), anna)

    services.edit(
        annotation=annotation,
        annotator=anna,
        schema_version=1,
        answers=GOOD | {"sentiment": "negative", "aspects": []},
    )

    golds = Gold.objects.filter(review=review)
    assert golds.get(question__key="sentiment").option.key == "negative"  # type: ignore[union-attr]
    assert golds.get(question__key="aspects").option is None
    with pytest.raises(NotVisible):
        services.edit(annotation=annotation, annotator=ben, schema_version=1, answers=GOOD)


def test_second_opinions_move_the_gold_by_majority(
    project: Project, anna: User, ben: User, member: Member
) -> None:
    review = factories.review(project)
    give(take(project, anna), anna, sentiment="neutral")

    for person in (ben, member(Role.REVIEWER)):
        services.record_annotation(review=review, annotator=person, answers=GOOD)

    gold = Gold.objects.get(review=review, question__key="sentiment")
    assert gold.option is not None
    assert gold.option.key == "positive"


def test_a_project_without_questions_says_what_to_do(owner: User) -> None:
    project = factories.project(owner=owner, slug="empty", preset="blank")

    with pytest.raises(NotReady, match="asks nothing yet"):
        services.next_assignment(project=project, annotator=owner)


def test_reviews_with_open_questions_after_an_import_come_last(
    project: Project, dataset: Dataset, anna: User
) -> None:
    imported = factories.review(project, dataset=dataset, is_labelled=True)
    rating = current_schema(project).question("rating")
    assert rating is not None
    Gold.objects.create(
        project=project, review=imported, question_id=rating.id, number=4, source="imported"
    )
    fresh = factories.review(project, dataset=dataset)

    first = take(project, anna)
    give(first, anna)

    assert first.review_id == fresh.pk
    assert take(project, anna).review_id == imported.pk


@pytest.mark.django_db(transaction=True)
def test_eight_people_at_once_never_hold_the_same_review(project: Project) -> None:
    dataset = factories.dataset(project)
    for number in range(50):
        factories.review(project, dataset=dataset, priority=number / 50, is_control=not number % 5)
    people = [factories.member(project, Role.ANNOTATOR) for _ in range(8)]
    served: list[int] = []
    failures: list[BaseException] = []

    def work(person: User) -> None:
        try:
            while assignment := services.next_assignment(project=project, annotator=person):
                served.append(assignment.review_id)
                give(assignment, person)
        except BaseException as error:  # noqa: BLE001  (told to the main thread)
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert Counter(served) == Counter(Review.objects.values_list("pk", flat=True))
    assert Annotation.objects.count() == 50


@pytest.mark.django_db(transaction=True)
def test_no_gold_is_left_behind_when_questions_change_meanwhile(project: Project) -> None:
    """Submit from several threads while an owner makes versions: every gold row moves along."""
    dataset = factories.dataset(project)
    for _ in range(24):
        factories.review(project, dataset=dataset)
    people = [factories.member(project, Role.ANNOTATOR) for _ in range(4)]
    failures: list[BaseException] = []

    def label(person: User) -> None:
        try:
            while assignment := services.next_assignment(project=project, annotator=person):
                for _ in range(50):
                    try:
                        give(assignment, person, version=current_schema(project).version)
                        break
                    except Conflict:
                        continue
        except BaseException as error:  # noqa: BLE001  (told to the main thread)
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=label, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for number in range(10):
        questions = current_schema(project).questions
        services.create_version(
            project=project, questions=questions, guidelines=f"Note {number}", actor=None
        )
    for thread in threads:
        thread.join()

    assert failures == []
    assert Annotation.objects.count() == 24
    current = current_schema(project)
    assert set(Gold.objects.values_list("question__schema_id", flat=True)) == {current.id}


@pytest.mark.django_db(transaction=True)
def test_one_person_in_two_tabs_holds_one_lease(project: Project, owner: User) -> None:
    dataset = factories.dataset(project)
    for _ in range(10):
        factories.review(project, dataset=dataset)
    got: list[int] = []

    def ask() -> None:
        try:
            assignment = services.next_assignment(project=project, annotator=owner)
            assert assignment is not None
            got.append(assignment.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 6
    assert len(set(got)) == 1


def test_the_queue_walks_its_index(project: Project, anna: User) -> None:
    dataset = factories.dataset(project)
    Review.objects.bulk_create(
        [
            Review(
                project=project,
                dataset=dataset,
                row_number=number,
                text=f"text {number}",
                text_key=number,
                split="train",
                priority=(number * 7919 % 20_000) / 20_000,
                is_control=number % 7 == 0,
                is_labelled=number % 3 == 0,
            )
            for number in range(20_000)
        ],
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    schema = current_schema(project)

    def plan(part: queue.Part) -> str:
        return Waiting(project, anna, schema).of_part(part)[:1].explain()

    assert "review_queue" in plan(queue.Part.RANKED)
    assert "TEMP B-TREE" not in plan(queue.Part.RANKED)
    assert "review_control_queue" in plan(queue.Part.CONTROL)
