"""Who labelled what and how fast, how answers are distributed, and when it may be done."""

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from scipy import stats

from accounts.models import User
from common.errors import NotVisible
from labelling import bulk, chi_square, distribution, outlook, people, services
from labelling.forecast import forecast, student
from labelling.models import Annotation, Assignment, Flag, OpenReview
from projects.models import Membership, Project, Role
from reviews.models import BulkAction, Dataset
from tests import factories

PAGE = "/projects/shop/label/"
ANSWERS = {"sentiment": "positive", "rating": 4, "aspects": ["price"], "aspect_spans": []}
TODAY = date(2026, 3, 2)


def join(project: Project, role: Role, name: str) -> Membership:
    return Membership.objects.get(project=project, user=factories.member(project, role, name))


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project)


@pytest.fixture
def anna(project: Project) -> Membership:
    return join(project, Role.ANNOTATOR, "anna")


@pytest.fixture
def rita(project: Project) -> Membership:
    return join(project, Role.REVIEWER, "Rita")


def label(
    dataset: Dataset,
    person: User,
    *,
    days_ago: int = 0,
    seconds: float | None = None,
    **answers: object,
) -> Annotation:
    at = timezone.now() - timedelta(days=days_ago)
    return services.record_annotation(
        review=factories.review(dataset.project, dataset=dataset),
        annotator=person,
        answers=ANSWERS | answers,
        seconds=seconds,
        created_at=at,
    )


# --- Who and how fast -----------------------------------------------------------------------------


def test_reviewers_see_everybody_by_name_and_annotators_themselves(
    project: Project, owner: User, anna: Membership, rita: Membership
) -> None:
    join(project, Role.VIEWER, "vera")

    assert [each.user.username for each in people.people(rita)] == ["anna", "olga-owner", "Rita"]
    assert [each.user.username for each in people.people(anna)] == ["anna"]
    with pytest.raises(NotVisible):
        people.person_of(anna, owner.pk)
    assert people.person_of(rita, anna.user_id).user == anna.user


def test_a_persons_work_is_counted(
    project: Project, dataset: Dataset, anna: Membership, rita: Membership
) -> None:
    for days_ago, seconds in ((0, 2.0), (0, None), (3, 10.0), (30, 4.0)):
        label(dataset, anna.user, days_ago=days_ago, seconds=seconds)
    action = BulkAction.objects.create(project=project, created_by=anna.user, kind="label")
    bulk.label_reviews(
        project=project,
        actor=anna.user,
        action=action,
        review_ids=[factories.review(project, dataset=dataset).pk],
        answers={"rating": 1},
    )
    other = factories.review(project, dataset=dataset)
    now = timezone.now()
    Assignment.objects.create(
        project=project,
        review=other,
        annotator=anna.user,
        state=Assignment.State.SKIPPED,
        lease_until=now,
        ended_at=now,
    )
    Flag.objects.create(project=project, review=other, person=anna.user, note="?")

    found = people.person_of(rita, anna.user_id)

    assert (found.label_count, found.today_count, found.week_count) == (4, 2, 3)
    assert (found.bulk_count, found.skip_count, found.flag_count) == (1, 1, 1)
    assert (found.pace.seconds, found.pace.n) == (4.0, 3)
    today, *_, older = people.days(project, anna.user)[:4]
    assert (today.label_count, today.skip_count, today.flag_count) == (2, 1, 1)
    assert (today.pace.seconds, today.pace.n) == (2.0, 1)
    assert (older.label_count, older.pace.seconds) == (1, 10.0)
    assert people.days(project, rita.user)[0].label_count == 0


def test_another_projects_labels_do_not_count(
    project: Project, rita: Membership, mallory: User
) -> None:
    theirs = factories.dataset(Project.objects.get(slug="mallorys"))
    label(theirs, rita.user)

    assert people.person_of(rita, rita.user_id).label_count == 0
    assert "mallory" not in {each.user.username for each in people.people(rita)}


# --- Distributions --------------------------------------------------------------------------------


def test_answers_are_counted_for_all_and_for_each(
    project: Project, dataset: Dataset, anna: Membership, rita: Membership
) -> None:
    for _ in range(3):
        label(dataset, anna.user)
    label(dataset, rita.user, sentiment="negative", aspects=["price", "quality"])

    by_key = {each.question.key: each for each in distribution.distributions(project)}

    mood, parts = by_key["sentiment"], by_key["aspects"]
    assert [user.username for user in mood.people] == ["anna", "Rita"]
    assert (mood.n, mood.n_by_person) == (4, (3, 1))
    row = next(row for row in mood.rows if row.name == "Positive")
    assert (row.overall.percent, [cell.percent for cell in row.cells]) == (75.0, [100.0, 0.0])
    assert next(row for row in parts.rows if row.name == "Price").overall.count == 4
    assert "Too few" in mood.finding


def test_people_who_differ_beyond_chance_are_told_apart(
    project: Project, dataset: Dataset, anna: Membership, rita: Membership
) -> None:
    for index in range(24):
        label(dataset, anna.user, sentiment="negative" if index < 4 else "positive")
        label(dataset, rita.user, sentiment="negative" if index < 20 else "positive")

    mood = distribution.distributions(project)[0]

    assert mood.finding.startswith("People differ beyond chance (chi-square 21.3, 1 degrees")
    negative = next(row for row in mood.rows if row.name == "Negative")
    assert [cell.stands_out for cell in negative.cells] == [-1, 1]


def test_people_who_answer_alike_are_not_told_apart(
    project: Project, dataset: Dataset, anna: Membership, rita: Membership
) -> None:
    for index in range(24):
        for person in (anna, rita):
            label(dataset, person.user, sentiment="negative" if index % 2 else "positive")

    mood = distribution.distributions(project)[0]

    assert mood.finding.startswith("People do not differ")
    assert not any(cell.stands_out for row in mood.rows for cell in row.cells)


def test_numbers_without_steps_are_counted_in_quarters() -> None:
    limits = distribution._quarters([(1, float(number), 1) for number in range(1, 101)])

    assert limits == [25.75, 50.5, 75.25]
    assert distribution._in_words(limits)[0] == "up to 25.75"


def test_the_test_agrees_with_scipy() -> None:
    rng = random.Random(5)
    for _ in range(200):
        table = [[rng.randint(20, 90) for _ in range(3)] for _ in range(4)]
        ours = chi_square.compare(table)
        theirs = stats.chi2_contingency(table, correction=False)
        assert ours is not None
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p == pytest.approx(theirs.pvalue, abs=1e-12)
        x, freedom = rng.uniform(0, 200), rng.randint(1, 80)
        assert chi_square.tail(x, freedom) == pytest.approx(
            float(stats.chi2.sf(x, freedom)), abs=1e-12
        )


@pytest.mark.parametrize(
    "table",
    [[], [[1, 2]], [[3, 0], [4, 0]], [[1, 2], [2, 1]], [[0, 0], [0, 0]]],
    ids=["empty", "one person", "one answer", "few", "none"],
)
def test_too_little_to_test_is_said(table: list[list[int]]) -> None:
    assert chi_square.compare(table) is None
    assert not any(mark for row in chi_square.stands_out(table) for mark in row)


# --- Forecast -------------------------------------------------------------------------------------


def test_students_t_is_within_one_percent_of_scipys() -> None:
    for freedom in range(1, 60):
        assert student(freedom) == pytest.approx(float(stats.t.ppf(0.975, freedom)), rel=0.01)


def test_an_even_pace_leads_to_one_day() -> None:
    found = forecast(counts=[10] * 7, left_count=100, today=TODAY)

    assert found.day == found.early == found.late == date(2026, 3, 12)


def test_uneven_days_widen_the_range_and_few_days_widen_it_more() -> None:
    many = forecast(counts=[5, 15] * 14, left_count=400, today=TODAY)
    few = forecast(counts=[5, 15, 5, 15], left_count=400, today=TODAY)

    assert many.day == few.day == date(2026, 4, 11)
    assert many.early
    assert many.late
    assert few.early
    assert many.day
    assert many.early < many.day < many.late
    assert few.early < many.early
    assert few.late is None or few.late > many.late


def test_the_range_holds_the_day_about_as_often_as_it_says() -> None:
    rng, inside, tries = random.Random(3), 0, 400
    for _ in range(tries):
        found = forecast(
            counts=[rng.randint(0, 20) for _ in range(28)], left_count=300, today=TODAY
        )
        left, days = 300, 0
        while left > 0:
            left -= rng.randint(0, 20)
            days += 1
        assert found.early
        assert found.late
        inside += found.early <= TODAY + timedelta(days=days) <= found.late

    assert 0.9 <= inside / tries <= 0.99


@pytest.mark.parametrize(
    ("counts", "left", "says"),
    [
        ([9, 9], 5, "Too little to say"),
        ([9, 0, 0, 0, 9], 5, "Too little to say"),
        ([], 5, "Too little to say"),
        ([9, 9, 9], 0, "Nothing is left"),
        ([1, 1, 1], 9_000, "not done within three years"),
    ],
    ids=["two days", "two of five", "no day", "done", "never"],
)
def test_what_cannot_be_said_is_not_said(counts: list[int], left: int, says: str) -> None:
    found = forecast(counts=counts, left_count=left, today=TODAY)

    assert found.day is None
    assert says in found.words


def test_the_slow_end_may_have_no_day() -> None:
    found = forecast(counts=[0, 1, 40, 0, 0, 1], left_count=900, today=TODAY)

    assert found.day is not None
    assert found.late is None


def test_what_is_left_counts_each_answer_that_is_wanted(
    project: Project, dataset: Dataset, anna: Membership
) -> None:
    cache.clear()
    begun = label(dataset, anna.user).review
    OpenReview.objects.create(review=begun, project=project, cause="overlap")
    for split in ("train", "train", "test"):
        factories.review(project, dataset=dataset, split=split)
    project.overlap_count, project.overlap_share = 3, 0.5

    assert outlook.left_labels(project) == 2 * 2 + 1


def test_the_pace_is_of_whole_days_since_the_first_label(
    project: Project, dataset: Dataset, anna: Membership
) -> None:
    cache.clear()
    for days_ago in (0, 1, 2, 2, 4):
        label(dataset, anna.user, days_ago=days_ago)
    factories.review(project, dataset=dataset)

    found = outlook.outlook(project)

    assert (found.day_count, found.month_rate, found.left_count) == (4, 1.0, 1)
    assert found.forecast.day is not None


# --- Pages ----------------------------------------------------------------------------------------


def test_the_pages_show_what_they_should(
    dataset: Dataset,
    anna: Membership,
    rita: Membership,
    signed_in: Callable[[User], Client],
) -> None:
    label(dataset, anna.user, seconds=3.5)
    factories.review(dataset.project, dataset=dataset)
    visitor = signed_in(rita.user)

    everybody = visitor.get(f"{PAGE}people/").content.decode()
    one = visitor.get(f"{PAGE}people/{anna.user_id}/").content.decode()
    answers = visitor.get(f"{PAGE}answers/").content.decode()
    home = visitor.get(PAGE).content.decode()

    places = [everybody.index(f"/people/{each.user_id}/") for each in (anna, rita)]
    assert places == sorted(places)
    assert "3.5 seconds" in everybody
    assert "n 1, too few" in everybody
    assert "Too little to say" in everybody
    assert "Day by day" in one
    assert "Fewer than two people have answered it" in answers
    assert "Done at this pace" in home


def test_annotators_see_their_own_days_only(
    dataset: Dataset, anna: Membership, rita: Membership, signed_in: Callable[[User], Client]
) -> None:
    label(dataset, rita.user)
    visitor = signed_in(anna.user)

    mine = visitor.get(f"{PAGE}people/").content.decode()

    assert "My days" in mine
    assert "Rita" not in mine
    assert visitor.get(f"{PAGE}people/{rita.user_id}/").status_code == 404
    assert visitor.get(f"{PAGE}people/{anna.user_id}/").status_code == 200
    assert visitor.get(f"{PAGE}answers/").status_code == 403
    assert "Done at this pace" not in visitor.get(PAGE).content.decode()


def test_mallory_sees_nobody(
    anna: Membership, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    visitor = signed_in(mallory)

    for path in ("people/", f"people/{anna.user_id}/", "answers/", "flags/", "mentions/"):
        assert visitor.get(PAGE + path).status_code == 404
    assert visitor.get(f"/projects/mallorys/label/people/{anna.user_id}/").status_code == 404
