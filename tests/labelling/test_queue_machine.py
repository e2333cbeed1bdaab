"""The queue as a state machine: whatever happens in whatever order, no label is lost or doubled."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from common.errors import Conflict, Invalid, NotVisible
from labelling import answers as answers_json
from labelling import checks, gold, reservations, seats, services
from labelling.adjudication import adjudicate
from labelling.changes import SetBounds
from labelling.models import Annotation, Assignment, OpenReview, QualityCheck
from labelling.selectors import schema_of
from labelling.versions import change_questions
from projects.models import Membership, Project, Role
from projects.services import remove_member
from reviews.models import Dataset, Review
from tests import factories

TEXT = "Great price 👍🏽, bad box"
SEATED = [str(each) for each in seats.SEATED]
people = st.integers(0, 3)
#: Ones often: those are the answers that a change of the questions takes away.
ratings = st.sampled_from([1, 1, 3, 5])


def _answers(rating: float) -> dict[str, Any]:
    """Return what somebody says who gives a rating, to every question: all of it is to be kept."""
    word = TEXT[: int(rating) + 3]
    return {
        "sentiment": "positive" if rating > 3 else "neutral",
        "rating": rating,
        "aspects": ["price"] if rating > 1 else [],
        "aspect_spans": [
            {"start": 0, "end": len(word), "text": word, "option": "price", "polarity": "positive"}
        ],
    }


class Queue(RuleBasedStateMachine):
    """Four people, up to a dozen reviews, an overlap from 1 to 3."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        # A transaction around each run, rolled back in its end: runs do not see each other.
        self._around = transaction.atomic()
        self._around.__enter__()
        cache.clear()
        #: What was taken, by review and person.
        self.acknowledged: dict[tuple[int, int], float] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._around.__exit__(None, None, None)

    @initialize(count=st.integers(1, 3), share=st.sampled_from([1.0, 0.5]))
    def begin(self, count: int, share: float) -> None:
        self.owner = factories.user()
        self.project = factories.project(owner=self.owner, preset="product-reviews")
        Project.objects.filter(pk=self.project.pk).update(overlap_count=count, overlap_share=share)
        self.project.refresh_from_db()
        self.dataset: Dataset = factories.dataset(self.project)
        self.people: list[User] = [factories.member(self.project, Role.ANNOTATOR) for _ in range(4)]
        self.version = 1
        #: The lowest number that the questions take at the moment.
        self.lowest = 1
        self.measured: dict[tuple[int, int], float] = {}
        #: Whose answers a change has taken away and who has not answered again since.
        self.asked: set[tuple[int, int]] = set()

    # --- What happens -----------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), is_control=st.booleans())
    def import_reviews(self, count: int, is_control: bool) -> None:
        for _ in range(count):
            factories.review(self.project, TEXT, dataset=self.dataset, is_control=is_control)

    @rule(target=held, who=people, roll=st.sampled_from([0.0, 0.99]))
    def next(self, who: int, roll: float) -> Any:
        person = self._person(who)
        if person is None:
            return multiple()
        found = services.next_assignment(project=self.project, annotator=person, roll=roll)
        if found is None:
            # Whoever has nothing else to do is asked for what is wanted again.
            mine = {key for key in self.asked if key[1] == person.pk}
            assert all(map(self._has_passed, mine))
            return multiple()
        return found.pk

    @rule(target=held, who=people)
    def fetch_ahead(self, who: int) -> Any:
        person = self._person(who)
        if person is None:
            return multiple()
        found = services.fetch_ahead(project=self.project, annotator=person)
        assert len(found) <= 6
        return multiple(*(each.pk for each in found))

    @rule(which=held, rating=ratings)
    def submit(self, which: int, rating: int) -> None:
        assignment = self._of(which)
        rating = max(rating, self.lowest)
        key = (assignment.review_id, assignment.annotator_id)
        try:
            said = self._say(assignment, rating)
        except Conflict:
            return
        answers = self.measured if said.is_check else self.acknowledged
        if key in self.asked and assignment.source == "again":
            answers[key] = rating
            self.asked.remove(key)
        assert answers.setdefault(key, rating) == rating
        assert (said.review_id, said.annotator_id) == key

    @rule(which=held, rating=ratings)
    def submit_and_crash(self, which: int, rating: int) -> None:
        """Die before the commit: nothing is acknowledged and nothing kept."""
        assignment = self._of(which)
        try:
            with transaction.atomic():
                self._say(assignment, max(rating, self.lowest))
                transaction.set_rollback(True)
        except Conflict:
            pass

    @rule(who=people, roll=st.sampled_from([0.0, 0.99]))
    def next_and_crash(self, who: int, roll: float) -> None:
        """Die between the lease and its commit: nobody holds what nobody was told of."""
        person = self._person(who)
        if person is not None:
            with transaction.atomic():
                services.next_assignment(project=self.project, annotator=person, roll=roll)
                transaction.set_rollback(True)

    @rule()
    def ask_again(self) -> None:
        """Take ones away, put the question again to those who gave them; the next time allow them.

        An answer that fell does not come back with the number.
        """
        self.version += 1
        self.lowest = 2 if self.version % 2 == 0 else 1
        change = SetBounds(question="rating", minimum=self.lowest, maximum=5, reopen=True)
        change_questions(project=self.project, changes=[change], actor=self.owner)
        fallen = {key for key, rating in self.acknowledged.items() if rating < self.lowest}
        self.asked |= fallen

    @precondition(lambda self: self.acknowledged)
    @rule(which=st.integers(0, 99), rating=st.integers(2, 5))
    def make_a_check(self, which: int, rating: int) -> None:
        """Decide a review and serve it to measure people."""
        keys = sorted(self.acknowledged)
        review = Review.objects.get(pk=keys[which % len(keys)][0])
        if QualityCheck.objects.filter(review=review).exists():
            return
        adjudicate(
            review=review,
            reviewer=self.owner,
            schema_version=self.version,
            answers={"rating": rating},
        )
        checks.add_checks(project=self.project, actor=self.owner, review_ids=[review.pk])
        Project.objects.filter(pk=self.project.pk).update(check_share=1.0)
        self.project.refresh_from_db()

    @precondition(lambda self: self.acknowledged)
    @rule(which=held)
    def resubmit(self, which: int) -> None:
        assignment = self._of(which)
        key = (assignment.review_id, assignment.annotator_id)
        if key not in self.acknowledged:
            return
        before = Annotation.objects.get(review=key[0], annotator=key[1])
        if before.schema.version == self.version and key not in self.asked:
            assert self._say(assignment, self.acknowledged[key]).pk == before.pk

    @rule(which=held)
    def skip(self, which: int) -> None:
        assignment = self._of(which)
        try:
            services.skip(assignment=assignment, annotator=assignment.annotator, reason="odd")
        except Conflict:
            key = (assignment.review_id, assignment.annotator_id)
            assert key in self.acknowledged or key in self.measured

    @rule(which=held)
    def undo_skip(self, which: int) -> None:
        assignment = self._of(which)
        was_skipped = assignment.state == "skipped"
        try:
            services.take_up_again(assignment=assignment, annotator=assignment.annotator)
        except Conflict:
            return
        assert was_skipped
        assert self._of(which).place == 0

    @rule(which=held)
    def heartbeat(self, which: int) -> None:
        assignment = self._of(which)
        try:
            services.heartbeat(assignment=assignment, annotator=assignment.annotator)
        except Conflict:
            return
        assert self._of(which).lease_until > timezone.now()

    @rule(which=held)
    def run_out(self, which: int) -> None:
        past = timezone.now() - timedelta(seconds=1)
        Assignment.objects.filter(pk=which, state="leased").update(lease_until=past)

    @rule(who=people)
    def sign_out(self, who: int) -> None:
        services.release(annotator=self.people[who], reason="signed out")

    @rule(who=people)
    def reserve(self, who: int) -> None:
        ids = list(Review.objects.filter(project=self.project).values_list("pk", flat=True))
        person = self._person(who)
        if ids and person is not None:
            reservations.reserve(
                project=self.project,
                username=person.username,
                review_ids=ids[: len(ids) // 2 + 1],
                actor=self.owner,
            )

    @rule(who=people)
    def remove_annotator(self, who: int) -> None:
        person = self._person(who)
        if person is not None and self._member_count() > 1:
            remove_member(project=self.project, username=person.username, actor=self.owner)

    # --- What always holds ------------------------------------------------------------------------

    @invariant()
    def nothing_acknowledged_is_lost_and_nothing_doubled(self) -> None:
        stored = {(each.review_id, each.annotator_id): each.pk for each in Annotation.objects.all()}
        said = self.acknowledged | self.measured
        assert stored.keys() == said.keys()
        assert Annotation.objects.count() == len(stored)
        assert not self.acknowledged.keys() & self.measured.keys()
        for each in gold.annotations_of({review_id for review_id, _ in said}):
            schema = schema_of(each)
            kept = answers_json.to_json(gold.read_answers(each, schema), schema)
            assert kept == _answers(said[each.review_id, each.annotator_id])

    @invariant()
    def never_more_people_hold_a_review_than_should_answer_it(self) -> None:
        sitting: dict[int, set[int]] = {}
        rows = Assignment.objects.filter(state__in=SEATED).exclude(source="check")
        for review_id, annotator_id in rows.values_list("review_id", "annotator_id"):
            sitting.setdefault(review_id, set()).add(annotator_id)
        for review_id, annotator_id in self._standing():
            sitting.setdefault(review_id, set()).add(annotator_id)
        for review_id, who in sitting.items():
            assert len(who) <= seats.wanted(self.project, review_id)

    @invariant()
    def what_is_open_wants_more_and_what_wants_more_is_open(self) -> None:
        answered = dict.fromkeys((review_id for review_id, _ in self.acknowledged), 0)
        for review_id, _ in self._standing():
            answered[review_id] += 1
        wanting = {
            review_id
            for review_id, count in answered.items()
            if count < seats.wanted(self.project, review_id)
        }
        opened = OpenReview.objects.filter(cause="overlap")
        checked = set(QualityCheck.objects.values_list("review_id", flat=True))
        again = set(OpenReview.objects.filter(cause="again").values_list("review_id", flat=True))
        found = set(opened.values_list("review_id", flat=True))
        assert found - checked == wanting - checked - again

    @invariant()
    def just_those_are_asked_again_whose_answer_fell(self) -> None:
        """What others said about the same review stands, and they are left in peace."""
        flagged = Annotation.objects.filter(is_asked_again=True)
        assert set(flagged.values_list("review_id", "annotator_id")) == self.asked
        held = Assignment.objects.filter(source="again", state="leased")
        assert set(held.values_list("review_id", "annotator_id")) <= self.asked

    # --- Helpers ----------------------------------------------------------------------------------

    def _person(self, who: int) -> User | None:
        """Return a person who is still a member."""
        person = self.people[who]
        is_member = Membership.objects.filter(project=self.project, user=person).exists()
        return person if is_member else None

    def _member_count(self) -> int:
        return Membership.objects.filter(project=self.project, user__in=self.people).count()

    def _has_passed(self, key: tuple[int, int]) -> bool:
        """Tell whether somebody who was asked again has skipped the review or left."""
        mine = Assignment.objects.filter(review=key[0], annotator=key[1])
        is_member = Membership.objects.filter(project=self.project, user=key[1]).exists()
        return not is_member or mine.filter(state="skipped").exists()

    def _standing(self) -> set[tuple[int, int]]:
        """Return the answers in whose place nobody else may come."""
        gone = {key for key in self.asked if self._has_passed(key)}
        return self.acknowledged.keys() - gone

    def _of(self, which: int) -> Assignment:
        return Assignment.objects.select_related("annotator", "project").get(pk=which)

    def _say(self, assignment: Assignment, rating: float) -> Annotation:
        try:
            return services.submit(
                assignment=assignment,
                annotator=assignment.annotator,
                schema_version=self.version,
                answers=_answers(rating),
            )
        except (Invalid, NotVisible) as error:
            raise AssertionError(error) from error


@pytest.fixture
def _cleared() -> Iterator[None]:
    yield
    cache.clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("_cleared")
def test_the_queue_loses_and_doubles_nothing() -> None:
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _check(queue: Queue) -> None:
    """Check all that always holds."""
    queue.nothing_acknowledged_is_lost_and_nothing_doubled()
    queue.never_more_people_hold_a_review_than_should_answer_it()
    queue.what_is_open_wants_more_and_what_wants_more_is_open()
    queue.just_those_are_asked_again_whose_answer_fell()


@pytest.fixture
def queue(_cleared: None) -> Iterator[Queue]:
    """Return the machine with one review that three of four people are to answer."""
    machine = Queue()
    machine.begin(count=3, share=1.0)
    machine.import_reviews(count=1, is_control=False)
    yield machine
    machine.teardown()


def _next(queue: Queue, who: int) -> int | None:
    """Return the id of what somebody is given; None for nothing."""
    found = queue.next(who=who, roll=0.99)
    return found if isinstance(found, int) else None


def _given(queue: Queue, who: int) -> int:
    found = _next(queue, who)
    assert found is not None
    return found


def _answer(queue: Queue, *numbers: int) -> None:
    """Let as many people take a review, then answer each in turn."""
    held = [_given(queue, who) for who in range(len(numbers))]
    for which, rating in zip(held, numbers, strict=True):
        queue.submit(which=which, rating=rating)
        _check(queue)


@pytest.mark.django_db
def test_of_three_who_answered_the_one_whose_answer_fell_is_asked_again(queue: Queue) -> None:
    _answer(queue, 1, 3, 5)

    queue.ask_again()

    _check(queue)
    assert len(queue.asked) == 1
    again = _given(queue, 0)
    assert queue._of(again).source == "again"
    assert _next(queue, 1) is None
    assert _next(queue, 3) is None
    queue.submit(which=again, rating=4)
    _check(queue)
    assert not queue.asked
    assert not OpenReview.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["skips", "leaves", "lets it run out and leaves"])
def test_in_the_place_of_who_will_not_answer_again_somebody_else_does(
    queue: Queue, way: str
) -> None:
    _answer(queue, 1, 3, 5)
    queue.ask_again()
    again = _given(queue, 0)
    assert _next(queue, 3) is None

    if way == "skips":
        queue.skip(which=again)
    else:
        if way != "leaves":
            queue.run_out(which=again)
            queue.next(who=1, roll=0.99)
        queue.remove_annotator(who=0)
    _check(queue)

    assert _next(queue, 0) is None
    instead = _given(queue, 3)
    assert queue._of(instead).source == "opinion"
    queue.submit(which=instead, rating=4)
    _check(queue)
    assert not OpenReview.objects.exists()
    # The first one comes too late: as many as should have answered.
    queue.submit(which=again, rating=2)
    _check(queue)
    assert len(queue.acknowledged) == 4


@pytest.mark.django_db
def test_a_skip_that_is_undone_brings_the_review_to_the_front(queue: Queue) -> None:
    queue.import_reviews(count=2, is_control=False)
    first = _given(queue, 0)
    queue.skip(which=first)
    second = _given(queue, 0)

    queue.undo_skip(which=first)

    _check(queue)
    assert queue._of(first).state == "leased"
    assert _next(queue, 0) == first
    queue.submit(which=first, rating=3)
    assert _next(queue, 0) == second


@pytest.mark.django_db
def test_who_undoes_a_skip_of_what_is_asked_again_is_asked_again(queue: Queue) -> None:
    _answer(queue, 1, 3, 5)
    queue.ask_again()
    again = _given(queue, 0)
    queue.skip(which=again)
    _check(queue)

    queue.undo_skip(which=again)
    _check(queue)
    queue.run_out(which=again)
    assert _next(queue, 3) is None
    _check(queue)

    assert _next(queue, 0) == again
