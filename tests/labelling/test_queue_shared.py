"""Work that several people share: overlap, checks, reservations, quotas, leases fetched ahead."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict, Invalid
from jobs.models import Job
from jobs.worker import run_here
from labelling import checks, leases, policies, queue, reservations, seats, services
from labelling.adjudication import adjudicate, take_back
from labelling.changes import SetBounds
from labelling.models import (
    Adjudication,
    Annotation,
    AnnotationRevision,
    Assignment,
    Gold,
    OpenReview,
    QualityCheck,
    Suggestion,
)
from labelling.selectors import current_schema, imported_answers, suggestions_for
from labelling.versions import change_questions
from projects.models import Project, Role
from projects.services import remove_member
from reviews.models import Dataset, Review
from tests import factories

Member = Callable[[Role], User]

GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 5, "aspects": ["price"]}


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project)


@pytest.fixture
def anna(member: Member) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def ben(member: Member) -> User:
    return member(Role.ANNOTATOR)


@pytest.fixture
def cora(member: Member) -> User:
    return member(Role.ANNOTATOR)


def set_to(project: Project, **values: Any) -> None:
    Project.objects.filter(pk=project.pk).update(**values)
    project.refresh_from_db()


def ask(project: Project, who: User) -> Assignment | None:
    return services.next_assignment(project=project, annotator=who, roll=0.99)


def take(project: Project, who: User) -> Assignment:
    assignment = ask(project, who)
    assert assignment is not None
    return assignment


def give(assignment: Assignment, who: User, version: int = 1, **answers: Any) -> Annotation:
    return services.submit(
        assignment=assignment, annotator=who, schema_version=version, answers=GOOD | answers
    )


def expire(*assignments: Assignment) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Assignment.objects.filter(pk__in=[each.pk for each in assignments]).update(lease_until=past)


def decide(project: Project, review: Review, reviewer: User, sentiment: str = "positive") -> None:
    """Adjudicate one question about a review."""
    schema = current_schema(project)
    question = schema.question("sentiment")
    assert question is not None
    option = question.option(sentiment)
    assert option is not None
    Adjudication.objects.create(
        project=project,
        review=review,
        schema_id=schema.id,
        reviewer=reviewer,
        answers={"sentiment": sentiment},
    )
    Gold.objects.create(
        project=project,
        review=review,
        question_id=question.id,
        option_id=option.id,
        source="adjudicated",
    )
    Review.objects.filter(pk=review.pk).update(is_labelled=True)


# --- Pure decisions -------------------------------------------------------------------------------


def test_the_share_that_several_answer_is_drawn_at_random_and_always_the_same() -> None:
    def drawn() -> list[int]:
        return [queue.wanted_seats(n, overlap_count=3, overlap_share=0.2) for n in range(10_000)]

    assert drawn() == drawn()
    assert set(drawn()) == {1, 3}
    assert 1850 < drawn().count(3) < 2150
    # Neighbours are no more alike than others.
    pairs = sum(a == b == 3 for a, b in zip(drawn(), drawn()[1:], strict=False))
    assert 320 < pairs < 480


@pytest.mark.parametrize(
    ("count", "weights", "expected"),
    [
        (10, {"a": 1, "b": 1}, {"a": 5, "b": 5}),
        (10, {"a": 2, "b": 1}, {"a": 7, "b": 3}),
        (1, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 0, "c": 0}),
        (100, {"a": 33, "b": 33, "c": 34}, {"a": 33, "b": 33, "c": 34}),
        (0, {"a": 1}, {"a": 0}),
    ],
    ids=["even", "uneven", "one for three", "exact", "nothing"],
)
def test_shares_add_up(count: int, weights: dict[str, int], expected: dict[str, int]) -> None:
    assert queue.shares(count, weights) == expected


def test_the_interval_is_wilsons() -> None:
    from statsmodels.stats.proportion import (  # has no types
        proportion_confint,
    )

    for hits, count in ((0, 10), (7, 10), (10, 10), (180, 200)):
        expected = proportion_confint(hits, count, method="wilson")

        assert checks.Outcome("ada", hits, count).interval == pytest.approx(expected)


# --- Overlap --------------------------------------------------------------------------------------


def test_so_many_people_answer_a_review_as_should_and_no_more(
    project: Project, anna: User, ben: User, cora: User
) -> None:
    set_to(project, overlap_count=2)
    review = factories.review(project)
    give(take(project, anna), anna)

    assert OpenReview.objects.get().cause == "overlap"
    assert ask(project, anna) is None
    second = take(project, ben)
    assert (second.review_id, second.source, second.seat) == (review.pk, "opinion", 1)
    assert ask(project, cora) is None
    give(second, ben)

    assert not OpenReview.objects.exists()
    assert ask(project, cora) is None
    assert Annotation.objects.filter(review=review).count() == 2


def test_what_was_begun_is_finished_before_something_fresh(
    project: Project, dataset: Dataset, anna: User, ben: User
) -> None:
    set_to(project, overlap_count=2)
    for _ in range(5):
        factories.review(project, dataset=dataset)
    first = give(take(project, anna), anna)

    assert take(project, ben).review_id == first.review_id


def test_who_has_nothing_else_joins_a_review_that_another_person_is_at(
    project: Project, anna: User, ben: User, cora: User
) -> None:
    set_to(project, overlap_count=2)
    factories.review(project)
    annas = take(project, anna)

    bens = take(project, ben)

    assert bens.review_id == annas.review_id
    assert {annas.seat, bens.seat} == {0, 1}
    assert ask(project, cora) is None


def test_a_late_submission_takes_a_free_seat(
    project: Project, anna: User, ben: User, cora: User
) -> None:
    set_to(project, overlap_count=2)
    factories.review(project)
    annas = take(project, anna)
    expire(annas)
    give(take(project, ben), ben)

    assert give(annas, anna).pk

    assert Assignment.objects.get(pk=annas.pk).seat == 1
    assert ask(project, cora) is None


def test_a_late_submission_finds_no_seat_when_as_many_as_should_have_answered(
    project: Project, anna: User, ben: User, cora: User
) -> None:
    set_to(project, overlap_count=2)
    factories.review(project)
    annas = take(project, anna)
    expire(annas)
    give(take(project, ben), ben)
    give(take(project, cora), cora)

    with pytest.raises(Conflict, match="somebody else has labelled it"):
        give(annas, anna)


def test_the_second_person_does_not_start_from_the_first_ones_answers(
    project: Project, anna: User, ben: User
) -> None:
    set_to(project, overlap_count=2)
    factories.review(project)
    give(take(project, anna), anna)

    bens = take(project, ben)

    assert imported_answers(project, current_schema(project), bens.review) == {}


def test_when_fewer_are_wanted_than_before_open_reviews_close(
    project: Project, anna: User, ben: User
) -> None:
    set_to(project, overlap_count=2)
    factories.review(project)
    give(take(project, anna), anna)
    set_to(project, overlap_count=1)

    assert ask(project, ben) is None


# --- Questions that have changed ------------------------------------------------------------------


def test_when_more_are_wanted_than_before_answered_reviews_open_to_others(
    project: Project, anna: User, ben: User, owner: User
) -> None:
    one, decided = factories.review(project), factories.review(project)
    while (mine := ask(project, anna)) is not None:
        give(mine, anna)
    Adjudication.objects.create(
        project=project, review=decided, reviewer=owner, schema_id=current_schema(project).id,
        answers=GOOD,
    )  # fmt: skip
    assert ask(project, ben) is None

    policies.set_policies(project=project, actor=owner, overlap_count=2, overlap_share=1.0)
    project.refresh_from_db()
    job = run_here(Job.objects.get(kind="overlap"))

    assert job.state == Job.State.SUCCEEDED
    assert OpenReview.objects.get().review == one
    assert ask(project, anna) is None
    give(take(project, ben), ben)
    assert set(one.annotations.values_list("annotator", flat=True)) == {anna.pk, ben.pk}
    assert not OpenReview.objects.exists()
    policies.set_policies(project=project, actor=owner, overlap_count=1)
    assert Job.objects.filter(kind="overlap").count() == 1


def test_a_review_is_answered_again_by_the_same_person(
    project: Project, anna: User, ben: User
) -> None:
    review = factories.review(project)
    first = give(take(project, anna), anna)
    schema = services.create_version(
        project=project, questions=current_schema(project).questions, guidelines="new", actor=None
    )
    OpenReview.objects.create(project=project, review=review, cause="again")
    Annotation.objects.update(is_asked_again=True)

    assert ask(project, ben) is None
    again = take(project, anna)
    assert (again.review_id, again.source) == (review.pk, "again")
    second = give(again, anna, version=schema.version, sentiment="negative")

    assert (second.pk, second.revision) == (first.pk, 2)
    assert AnnotationRevision.objects.get().answers["sentiment"] == "positive"
    assert not OpenReview.objects.exists()
    assert give(again, anna, version=schema.version, sentiment="negative").pk == first.pk
    assert ask(project, anna) is None


def test_reviews_that_others_are_asked_again_about_do_not_hide_what_is_open_to_me(
    project: Project, dataset: Dataset, owner: User, anna: User, ben: User
) -> None:
    set_to(project, overlap_count=2, overlap_share=0.5)
    made = [factories.review(project, dataset=dataset) for _ in range(80)]
    full = [each for each in made if seats.wanted(project, each.pk) == 1][:12]
    wanted = [
        each for each in made if seats.wanted(project, each.pk) == 2 and each.pk > full[-1].pk
    ]
    Review.objects.exclude(pk__in=[each.pk for each in [*full, wanted[0]]]).delete()
    for review in full:
        services.record_annotation(review=review, annotator=anna, answers=GOOD | {"rating": 1})
    services.record_annotation(review=wanted[0], annotator=owner, answers=GOOD)
    bounds = SetBounds(question="rating", minimum=2, maximum=5, is_integer=True, reopen=True)
    change_questions(project=project, changes=[bounds], actor=owner)
    assert OpenReview.objects.filter(cause="again").count() == len(full) == 12

    assert take(project, ben).review_id == wanted[0].pk
    assert take(project, anna).source == "again"


def test_what_is_held_ahead_stays_when_a_model_ranks_anew(
    project: Project, dataset: Dataset, anna: User
) -> None:
    """At most five are of the ranking before, and each says which ranking it came by."""
    made = [factories.review(project, dataset=dataset).pk for _ in range(9)]
    services.rank_reviews(project=project, scores=[(pk, pk) for pk in made], version=1)
    held = services.fetch_ahead(project=project, annotator=anna)
    assert [each.review_id for each in held] == made[:2:-1]

    services.rank_reviews(project=project, scores=[(pk, -pk) for pk in made], version=2)

    again = services.fetch_ahead(project=project, annotator=anna)
    assert [each.pk for each in again] == [each.pk for each in held]
    assert {each.ranked_by for each in again} == {1}
    give(again[0], anna)
    fresh = services.fetch_ahead(project=project, annotator=anna)[-1]
    assert (fresh.review_id, fresh.ranked_by) == (made[0], 2)


# --- Fetched ahead --------------------------------------------------------------------------------


def test_six_reviews_in_all_are_fetched_ahead_and_come_to_the_front_in_turn(
    project: Project, dataset: Dataset, anna: User
) -> None:
    for _ in range(9):
        factories.review(project, dataset=dataset)

    held = services.fetch_ahead(project=project, annotator=anna)
    give(held[0], anna)
    more = services.fetch_ahead(project=project, annotator=anna)

    assert len({each.review_id for each in held}) == 6
    assert [each.pk for each in more[:5]] == [each.pk for each in held[1:]]
    assert len(more) == 6
    assert sorted(each.place == 0 for each in more) == [False] * 5 + [True]
    assert take(project, anna).pk == held[1].pk


def test_what_was_fetched_ahead_is_submitted_in_any_order(
    project: Project, dataset: Dataset, anna: User
) -> None:
    for _ in range(6):
        factories.review(project, dataset=dataset)
    held = services.fetch_ahead(project=project, annotator=anna)

    for assignment in (held[3], held[0], held[5], held[1], held[2], held[4]):
        give(assignment, anna)

    assert Annotation.objects.count() == 6


def test_a_heartbeat_renews_everything_that_a_person_holds(
    project: Project, dataset: Dataset, anna: User
) -> None:
    for _ in range(6):
        factories.review(project, dataset=dataset)
    held = services.fetch_ahead(project=project, annotator=anna)
    expire(*held)

    services.heartbeat(assignment=held[0], annotator=anna)

    assert not Assignment.objects.filter(lease_until__lt=timezone.now()).exists()


def test_signing_out_gives_reviews_back_and_a_late_answer_still_counts(
    project: Project, dataset: Dataset, anna: User, signed_in: Callable[[User], Client]
) -> None:
    for _ in range(3):
        factories.review(project, dataset=dataset)
    client = signed_in(anna)
    held = services.fetch_ahead(project=project, annotator=anna)

    client.post("/accounts/logout/")

    assert set(Assignment.objects.values_list("state", "reason")) == {("expired", "signed out")}
    assert give(held[1], anna).pk


# --- Reservations, weights, quotas ----------------------------------------------------------------


def test_a_reserved_review_comes_first_and_to_nobody_else(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    reviews = [factories.review(project, dataset=dataset) for _ in range(3)]
    done = reservations.reserve(
        project=project, username=anna.username, review_ids=[reviews[1].pk], actor=owner
    )

    assert (done.reserved_count, done.left_out_count) == (1, 0)
    bens = {give(take(project, ben), ben).review_id for _ in range(2)}
    assert bens == {reviews[0].pk, reviews[2].pk}
    assert ask(project, ben) is None
    annas = take(project, anna)
    assert (annas.review_id, annas.source, annas.reserved_by) == (
        reviews[1].pk, "reserved", owner,
    )  # fmt: skip


def test_a_reservation_outlives_its_lease_until_it_is_taken_back(
    project: Project, anna: User, ben: User, owner: User
) -> None:
    review = factories.review(project)
    reservations.reserve(
        project=project, username=anna.username, review_ids=[review.pk], actor=owner
    )
    expire(take(project, anna))

    assert ask(project, ben) is None
    assert Assignment.objects.get().state == "reserved"
    assert reservations.take_back(project=project, username=anna.username, actor=owner) == 1
    assert take(project, ben).review_id == review.pk


def test_what_others_have_answered_since_waits_no_more(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    reviews = [factories.review(project, dataset=dataset) for _ in range(2)]
    ids = [each.pk for each in reviews]
    reservations.reserve(project=project, username=anna.username, review_ids=ids, actor=owner)
    services.record_annotation(review=reviews[0], annotator=ben, answers=GOOD)

    assert take(project, anna).review_id == reviews[1].pk
    assert Assignment.objects.get(review=reviews[0]).state == "expired"


def test_what_cannot_be_reserved_is_counted(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User, mallory: User
) -> None:
    answered, held, free = (factories.review(project, dataset=dataset) for _ in range(3))
    services.record_annotation(review=answered, annotator=ben, answers=GOOD)
    Assignment.objects.create(
        project=project,
        review=held,
        annotator=ben,
        lease_until=timezone.now() + timedelta(minutes=5),
    )
    theirs = factories.review(Project.objects.exclude(pk=project.pk).get())
    chosen = [answered.pk, held.pk, free.pk, theirs.pk]

    done = reservations.reserve(
        project=project, username=anna.username, review_ids=chosen, actor=owner
    )

    assert (done.reserved_count, done.left_out_count) == (1, 3)
    with pytest.raises(Invalid, match="no member"):
        reservations.reserve(
            project=project, username=mallory.username, review_ids=chosen, actor=owner
        )


def test_fresh_reviews_are_distributed_by_weights(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    for _ in range(12):
        factories.review(project, dataset=dataset)
    factories.review(project, dataset=dataset, split="test")

    done = reservations.distribute(
        project=project, count=9, weights={anna.username: 2, ben.username: 1}, actor=owner
    )

    assert {name: each.reserved_count for name, each in done.items()} == {
        anna.username: 6,
        ben.username: 3,
    }
    assert len(set(Assignment.objects.values_list("review", flat=True))) == 9


def test_nobody_gets_more_in_a_day_than_the_quota(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    for _ in range(9):
        factories.review(project, dataset=dataset)
    reservations.set_quota(project=project, username=anna.username, quota=3, actor=owner)

    held = services.fetch_ahead(project=project, annotator=anna)
    for each in held:
        give(each, anna)

    assert len(held) == 3
    assert ask(project, anna) is None
    assert ask(project, ben) is not None
    yesterday = timezone.now() - timedelta(days=1)
    Annotation.objects.filter(annotator=anna).update(created_at=yesterday)
    assert ask(project, anna) is not None


def test_who_leaves_the_project_leaves_every_seat(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    reviews = [factories.review(project, dataset=dataset) for _ in range(2)]
    reservations.reserve(
        project=project, username=anna.username, review_ids=[reviews[0].pk], actor=owner
    )
    services.fetch_ahead(project=project, annotator=anna)

    remove_member(project=project, username=anna.username, actor=owner)

    assert len(services.fetch_ahead(project=project, annotator=ben)) == 2


# --- Quality checks -------------------------------------------------------------------------------


def test_a_check_measures_the_person_and_makes_no_gold(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    set_to(project, check_share=1.0)
    review = factories.review(project, dataset=dataset)
    decide(project, review, owner)
    before = list(Gold.objects.values_list("question", "option", "source"))
    assert checks.add_checks(project=project, actor=owner, review_ids=[review.pk]) == 1

    for person, said in ((anna, "negative"), (ben, "positive")):
        assignment = take(project, person)
        assert (assignment.review_id, assignment.source) == (review.pk, "check")
        assert assignment.seat == seats.check_seat(person)
        assert imported_answers(project, current_schema(project), review) == {}
        assert give(assignment, person, sentiment=said).is_check
        assert ask(project, person) is None

    assert list(Gold.objects.values_list("question", "option", "source")) == before
    found = {each.username: each for each in checks.outcomes(project)}
    assert (found[anna.username].right_count, found[anna.username].count) == (0, 1)
    assert (found[ben.username].right_count, found[ben.username].is_few) == (1, True)


def test_a_check_whose_decision_is_taken_back_is_a_review_as_others_are(
    project: Project, dataset: Dataset, anna: User, ben: User, owner: User
) -> None:
    set_to(project, check_share=1.0, overlap_count=2)
    answered, fresh = (factories.review(project, dataset=dataset) for _ in range(2))
    services.record_annotation(review=answered, annotator=owner, answers=GOOD)
    for review in (answered, fresh):
        adjudicate(review=review, reviewer=owner, schema_version=1, answers={"rating": 4})
    checks.add_checks(project=project, actor=owner, review_ids=[answered.pk, fresh.pk])
    assert not OpenReview.objects.exists()

    for review in (answered, fresh):
        take_back(review=review, reviewer=owner)

    assert list(OpenReview.objects.values_list("review", flat=True)) == [answered.pk]
    for _ in range(2):
        given = take(project, anna)
        assert given.source != "check"
        assert not give(given, anna).is_check
    assert ask(project, anna) is None
    assert set(Gold.objects.values_list("review", flat=True)) == {answered.pk, fresh.pk}
    assert take(project, ben).review_id == fresh.pk  # the other has its two answers


def test_an_edited_check_still_makes_no_gold(project: Project, anna: User, owner: User) -> None:
    set_to(project, check_share=1.0)
    review = factories.review(project)
    decide(project, review, owner)
    checks.add_checks(project=project, actor=owner, review_ids=[review.pk])
    said = give(take(project, anna), anna)

    services.edit(
        annotation=said, annotator=anna, schema_version=1, answers=GOOD | {"sentiment": "negative"}
    )

    assert set(Gold.objects.values_list("source", flat=True)) == {"adjudicated"}


def test_only_what_was_adjudicated_becomes_a_check(
    project: Project, dataset: Dataset, owner: User
) -> None:
    plain, decided = (factories.review(project, dataset=dataset) for _ in range(2))
    decide(project, decided, owner)

    with pytest.raises(Invalid, match=f"Nobody has adjudicated {plain.pk}"):
        checks.add_checks(project=project, actor=owner, review_ids=[plain.pk, decided.pk])
    assert checks.draw_checks(project=project, actor=owner, count=5) == 1
    assert checks.draw_checks(project=project, actor=owner, count=5) == 0
    assert checks.remove_check(project=project, actor=owner, review_id=decided.pk)
    assert not QualityCheck.objects.exists()


# --- Blind ----------------------------------------------------------------------------------------


def test_a_blind_project_shows_annotators_no_proposals_anywhere(
    project: Project, anna: User, owner: User
) -> None:
    review = factories.review(project)
    Suggestion.objects.create(
        review=review, question_key="sentiment", value="positive", model_version=1
    )
    assignment = take(project, anna)
    assert suggestions_for(assignment).values
    set_to(project, is_blind=True)
    client = APIClient()
    client.force_login(anna)

    assert not suggestions_for(take(project, anna)).values
    answer = client.post("/api/v1/projects/shop/queue/next/").json()
    assert answer["suggestions"] == {}
    table = client.get("/api/v1/projects/shop/reviews/", {"predicted.sentiment": "positive"})
    assert table.status_code == 403
    client.force_login(owner)
    table = client.get("/api/v1/projects/shop/reviews/", {"predicted.sentiment": "positive"})
    assert table.status_code == 400  # no model yet


def test_a_control_review_shows_no_proposals_however_it_is_served(
    project: Project, anna: User
) -> None:
    review = factories.review(project, is_control=True)
    Suggestion.objects.create(
        review=review, question_key="sentiment", value="positive", model_version=1
    )
    assignment = take(project, anna)
    assignment.source = Assignment.Source.OPINION

    assert not suggestions_for(assignment).values


# --- Pages and REST -------------------------------------------------------------------------------


def test_policies_are_changed_on_their_page_and_over_rest(
    project: Project, owner: User, signed_in: Callable[[User], Client]
) -> None:
    browser, client = signed_in(owner), APIClient()
    client.force_login(owner)
    path = "/projects/shop/settings/policies/"
    form = {
        "overlap_count": 3, "overlap_share": 20, "check_share": 5, "control_share": 10,
        "is_blind": "on", "gold_policy": "majority", "lease_minutes": 15,
    }  # fmt: skip

    assert b"in %" in browser.get(path).content
    assert browser.post(path, form).status_code == 302
    assert browser.post(path, form | {"overlap_count": 0}).status_code == 400

    expected = {
        "overlap_count": 3, "overlap_share": 0.2, "check_share": 0.05, "control_share": 0.1,
        "is_blind": True, "gold_policy": "majority", "lease_minutes": 15,
    }  # fmt: skip
    rest = "/api/v1/projects/shop/queue/policies/"
    assert client.get(rest).json() == expected
    answer = client.patch(rest, {"is_blind": False}, format="json")
    assert answer.json() == expected | {"is_blind": False}
    assert client.patch(rest, {"check_share": 2}, format="json").status_code == 400
    with pytest.raises(Invalid, match="A share goes from 0 to 1"):
        policies.set_policies(project=project, actor=owner, control_share=1.5)


def test_work_is_assigned_on_its_page_and_over_rest(
    project: Project,
    dataset: Dataset,
    anna: User,
    owner: User,
    signed_in: Callable[[User], Client],
) -> None:
    reviews = [factories.review(project, dataset=dataset) for _ in range(8)]
    browser, client = signed_in(owner), APIClient()
    client.force_login(owner)
    page, rest = "/projects/shop/label/assign/", "/api/v1/projects/shop/queue/reservations/"

    assert anna.username in browser.get(page).content.decode()
    assert browser.post(page, {"count": 2, f"weight.{anna.username}": 1}).status_code == 302
    assert browser.post(page, {"count": 2}).status_code == 400
    chosen = {"username": anna.username, "reviews": f"{reviews[0].pk}, x"}
    assert browser.post(f"{page}reserve/", chosen).status_code == 400
    quota = {"username": anna.username, "daily_quota": 7}
    assert browser.post(f"{page}quota/", quota).status_code == 302
    made = client.post(
        rest, {"username": anna.username, "reviews": [each.pk for each in reviews]}, format="json"
    )
    assert made.json()["results"][0] == {
        "username": anna.username, "reserved_count": 6, "left_out_count": 2,
    }  # fmt: skip
    desks = {each["username"]: each for each in client.get(rest).json()["results"]}
    assert (desks[anna.username]["reserved_count"], desks[anna.username]["daily_quota"]) == (8, 7)
    changed = client.patch(
        "/api/v1/projects/shop/queue/members/",
        {"username": anna.username, "daily_quota": None, "take_back": True},
        format="json",
    )
    assert (changed.json()["reserved_count"], changed.json()["daily_quota"]) == (0, None)


def test_reviews_are_reserved_for_a_member_chosen_from_a_list(
    project: Project,
    dataset: Dataset,
    anna: User,
    owner: User,
    signed_in: Callable[[User], Client],
) -> None:
    review = factories.review(project, dataset=dataset)
    outsider = factories.user("mallory")
    browser, page = signed_in(owner), "/projects/shop/label/assign/"

    listed = browser.get(page).content.decode()
    refused = [
        browser.post(f"{page}reserve/", {"username": name, "reviews": review.pk})
        for name in ("", outsider.username)
    ]
    done = browser.post(f"{page}reserve/", {"username": anna.username, "reviews": review.pk})

    assert f'<option value="{anna.username}">' in listed
    assert outsider.username not in listed
    assert [answer.status_code for answer in refused] == [400, 400]
    assert done.status_code == 302
    assert Assignment.objects.get().annotator == anna


def test_reviews_are_fetched_ahead_over_rest(
    project: Project, dataset: Dataset, anna: User
) -> None:
    for _ in range(3):
        factories.review(project, dataset=dataset)
    client = APIClient()
    client.force_login(anna)

    results = client.post("/api/v1/projects/shop/queue/ahead/").json()["results"]

    first = client.post("/api/v1/projects/shop/queue/next/").json()
    assert len(results) == 3
    assert results[0]["assignment"]["id"] == first["assignment"]["id"]


def test_checks_are_drawn_and_shown_on_their_page_and_over_rest(
    project: Project, dataset: Dataset, anna: User, owner: User, signed_in: Callable[[User], Client]
) -> None:
    for _ in range(2):
        decide(project, factories.review(project, dataset=dataset), owner)
    set_to(project, check_share=1.0)
    browser, client = signed_in(owner), APIClient()
    client.force_login(owner)
    page, rest = "/projects/shop/label/checks/", "/api/v1/projects/shop/queue/checks/"

    assert browser.post(page, {"count": 1}).status_code == 302
    assert client.post(rest, {"count": 5}, format="json").json() == {"added_count": 1}
    give(take(project, anna), anna)

    assert "too few" in browser.get(page).content.decode()
    (outcome,) = client.get(rest).json()["results"]
    assert (outcome["username"], outcome["right_count"], outcome["count"]) == (anna.username, 1, 1)
    gone = QualityCheck.objects.first()
    assert gone is not None
    assert browser.post(f"{page}{gone.review_id}/remove/").status_code == 302
    assert QualityCheck.objects.count() == 1


# --- As long among many as among few --------------------------------------------------------------


def _many(project: Project, dataset: Dataset, count: int, **fields: Any) -> list[Review]:
    return Review.objects.bulk_create(
        [
            Review(
                project=project,
                dataset=dataset,
                row_number=number,
                text=f"text {number}",
                text_key=number,
                **({"split": "train"} | fields),
            )
            for number in range(count)
        ],
        batch_size=1000,
    )


def test_who_has_answered_every_open_review_gets_what_is_fresh_at_once(
    project: Project, dataset: Dataset, anna: User
) -> None:
    """Look at windows only, not at all of the open ones, and find what lies between in the end."""
    set_to(project, overlap_count=2)
    reviews = _many(project, dataset, 3000, is_labelled=True)
    OpenReview.objects.bulk_create(
        [OpenReview(project=project, review=each, cause="overlap") for each in reviews]
    )
    schema_id = current_schema(project).id
    Annotation.objects.bulk_create(
        [
            Annotation(project=project, review=each, annotator=anna, schema_id=schema_id)
            for each in reviews
            if each.pk != reviews[2500].pk
        ]
    )
    fresh = [factories.review(project, dataset=dataset) for _ in range(12)]

    served = []
    with CaptureQueriesContext(connection) as queries:
        served.append(give(take(project, anna), anna).review_id)
    served += [give(take(project, anna), anna).review_id for _ in range(9)]

    assert served[0] in {each.pk for each in fresh}
    assert reviews[2500].pk in served
    assert len(queries) < 60


def test_a_lone_review_is_found_behind_thousands_that_the_queue_never_serves(
    project: Project, dataset: Dataset, anna: User
) -> None:
    _many(project, dataset, 1500, split="test")
    lone = factories.review(project, dataset=dataset)
    _many(project, dataset, 1500, split="test")

    assert take(project, anna).review_id == lone.pk


def test_a_long_vain_look_is_not_repeated_at_once(
    project: Project, dataset: Dataset, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelling.waiting.MANY", 3)
    _many(project, dataset, 4, split="test")

    assert ask(project, anna) is None

    assert cache.get(f"labelling.nothing.{project.pk}.{anna.pk}")
    factories.review(project)
    assert ask(project, anna) is not None  # what windows find is found all the same


def test_the_quota_says_how_many_are_left() -> None:
    assert leases.Quota(None, 7).left() is None
    assert leases.Quota(5, 3).left(held_count=1) == 1
    assert leases.Quota(5, 7).left() == 0
