"""Spans that may not overlap do not: whichever way they come, and however many write at once."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict, Invalid
from labelling import imported, services
from labelling.models import Annotation, GoldSpan, Span
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from projects.models import Project, Role
from reviews.answers import ImportedSpan
from reviews.models import Review
from tests import factories

TEXT = "Great price 👍🏽, bad box"
GREAT_PRICE, PRICE, BOX = (0, 11), (6, 11), (20, 23)
GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 5, "aspects": []}


def answers(*ranges: tuple[int, int]) -> dict[str, Any]:
    spans = [
        {"start": start, "end": end, "text": TEXT[start:end], "option": "price"}
        for start, end in ranges
    ]
    return GOOD | {"aspect_spans": spans}


def forbid_overlap(project: Project) -> None:
    questions = [
        replace(each, allows_overlap=each.kind != "spans")
        for each in current_schema(project).questions
    ]
    services.create_version(project=project, questions=questions, actor=None)


def asked(project: Project) -> QuestionSnapshot:
    question = current_schema(project).question("aspect_spans")
    assert question is not None
    return question


@pytest.fixture
def apart(project: Project) -> Project:
    """The project, its spans kept from overlapping."""
    forbid_overlap(project)
    return project


@pytest.fixture
def review(apart: Project) -> Review:
    return factories.review(apart, TEXT)


def stored(review: Review) -> list[tuple[int, int]]:
    return sorted(Span.objects.filter(annotation__review=review).values_list("start", "end"))


def test_a_submitted_overlap_is_refused_and_touching_is_kept(review: Review, owner: User) -> None:
    with pytest.raises(Invalid, match=r"0 to 11 \(price\) and 6 to 11 \(price\) overlap"):
        services.record_annotation(
            review=review, annotator=owner, answers=answers(GREAT_PRICE, PRICE)
        )

    services.record_annotation(review=review, annotator=owner, answers=answers((0, 6), PRICE))

    assert stored(review) == [(0, 6), PRICE]


def test_an_edit_that_would_overlap_is_refused_and_changes_nothing(
    review: Review, owner: User
) -> None:
    annotation = services.record_annotation(
        review=review, annotator=owner, answers=answers(GREAT_PRICE)
    )

    with pytest.raises(Invalid, match="overlap"):
        services.edit(
            annotation=annotation,
            annotator=owner,
            schema_version=2,
            answers=answers(PRICE, GREAT_PRICE),
        )

    assert stored(review) == [GREAT_PRICE]


def test_the_api_names_the_field(
    apart: Project, review: Review, owner: User, api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    lease = client.post(f"/api/v1/projects/{apart.slug}/queue/next/").json()

    response = client.post(
        f"/api/v1/assignments/{lease['assignment']['id']}/submit/",
        {"schema_version": 2, "answers": answers(GREAT_PRICE, PRICE)},
        format="json",
    )

    assert response.status_code == 400
    assert "overlap" in json.dumps(response.json())
    assert stored(review) == []


def test_a_cell_with_overlapping_spans_is_refused(apart: Project) -> None:
    cell = json.dumps([[0, 11, "price"], [6, 11, "quality"]])

    with pytest.raises(ValueError, match=r"0 to 11 \(price\) and 6 to 11 \(quality\) overlap"):
        imported.parse_spans(asked(apart), cell)
    assert len(imported.parse_spans(replace(asked(apart), allows_overlap=True), cell)) == 2


def test_imported_spans_that_may_not_overlap_any_more_are_left_out(
    apart: Project, review: Review
) -> None:
    given = {"aspect_spans": (ImportedSpan(0, 11, "price"), ImportedSpan(6, 11, "quality"))}

    imported.store_gold_spans(
        project=apart, schema=current_schema(apart), rows=[(review.pk, given)]
    )

    assert not GoldSpan.objects.exists()


def test_an_owner_forbids_overlap_in_the_form(
    project: Project, owner: User, signed_in: Callable[[User], Client]
) -> None:
    url = f"/projects/{project.slug}/label/questions/aspect_spans/"
    client = signed_in(owner)
    page = client.get(url)
    forms = [page.context["form"], *page.context["options"].rows, page.context["options"].more]
    values = {field.html_name: field.value() for form in forms for field in form if field.value()}

    client.post(url, {key: value for key, value in values.items() if key != "allows_overlap"})

    assert values["allows_overlap"] is True
    assert asked(project).allows_overlap is False
    assert asked(project).has_polarity is True


def test_programs_forbid_overlap_for_spans_only(
    project: Project, owner: User, api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    url = f"/api/v1/projects/{project.slug}/schema/"
    questions = client.get(url).json()["questions"]
    kinds = [each["kind"] for each in questions]
    apart = [each | {"allows_overlap": each["kind"] != "spans"} for each in questions]

    made = client.post(url, {"questions": apart}, format="json")
    refused = client.post(
        url, {"questions": [each | {"allows_overlap": False} for each in questions]}, format="json"
    )

    assert [each["allows_overlap"] for each in made.json()["questions"]] == [
        kind != "spans" for kind in kinds
    ]
    assert refused.status_code == 400
    assert "Only spans can be kept from overlapping" in json.dumps(refused.json())


# --- At once --------------------------------------------------------------------------------------

ROUNDS = 12
#: Each set is good by itself; any two of them put together would overlap.
SETS: Sequence[tuple[tuple[int, int], ...]] = (
    (GREAT_PRICE, BOX), (PRICE,), ((0, 8), (8, 11)), ((4, 7), (16, 23)),
)  # fmt: skip


def at_once(works: Sequence[Callable[[], object]]) -> list[BaseException]:
    """Start everything at one moment, each in a thread and connection of its own."""
    barrier = threading.Barrier(len(works))
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            work()
        except BaseException as error:  # noqa: BLE001  (told to the main thread)
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.django_db(transaction=True)
def test_edits_at_once_leave_the_spans_of_one_of_them(project: Project, owner: User) -> None:
    forbid_overlap(project)
    review = factories.review(project, TEXT)
    annotation = services.record_annotation(review=review, annotator=owner, answers=answers())

    def editor(ranges: tuple[tuple[int, int], ...]) -> Callable[[], object]:
        return lambda: services.edit(
            annotation=Annotation.objects.get(pk=annotation.pk),
            annotator=owner,
            schema_version=2,
            answers=answers(*ranges),
        )

    for _ in range(ROUNDS):
        failures = at_once([editor(ranges) for ranges in SETS])

        assert all(isinstance(each, Conflict) for each in failures), failures
        assert len(failures) < len(SETS)
        assert tuple(stored(review)) in SETS


@pytest.mark.django_db(transaction=True)
def test_answers_given_at_once_in_two_tabs_leave_the_spans_of_one(
    project: Project, owner: User
) -> None:
    forbid_overlap(project)
    dataset = factories.dataset(project)

    def teller(review: Review, ranges: tuple[tuple[int, int], ...]) -> Callable[[], object]:
        return lambda: services.record_annotation(
            review=review, annotator=owner, answers=answers(*ranges)
        )

    for _ in range(ROUNDS):
        review = factories.review(project, TEXT, dataset=dataset)

        failures = at_once([teller(review, ranges) for ranges in SETS])

        assert [type(each) for each in failures] == [Conflict] * (len(SETS) - 1)
        assert tuple(stored(review)) in SETS


@pytest.mark.django_db(transaction=True)
def test_overlap_forbidden_meanwhile_holds_for_who_answers_then(
    project: Project, member: Callable[[Role], User]
) -> None:
    """Answers are for the questions that are current when they are kept, or are refused."""
    reviews = [factories.review(project, TEXT) for _ in range(3)]
    people = [member(Role.ANNOTATOR) for _ in reviews]
    is_forbidden, may_end = threading.Event(), threading.Event()

    def changer() -> None:
        with transaction.atomic():
            forbid_overlap(project)
            is_forbidden.set()
            assert may_end.wait(20)

    def teller(review: Review, person: User) -> Callable[[], object]:
        def tell() -> None:
            assert is_forbidden.wait(20)
            services.record_annotation(
                review=review, annotator=person, answers=answers(GREAT_PRICE, PRICE)
            )

        return tell

    def ender() -> None:
        # All of them have read the questions as they were and stand at the last check by now.
        assert is_forbidden.wait(20)
        await_waiting(len(reviews))
        may_end.set()

    failures = at_once([changer, *map(teller, reviews, people), ender])

    assert len(failures) == len(reviews)
    assert all(isinstance(each, Conflict | Invalid) for each in failures), failures
    assert not Annotation.objects.exists()


def await_waiting(count: int) -> None:
    """Wait until so many connections wait for a lock; SQLite lets them wait from the beginning."""
    if connection.vendor != "postgresql":
        return
    until = time.monotonic() + 20
    waiting = 0
    while waiting < count and time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            (waiting,) = cursor.fetchone()
        time.sleep(0.01)
    assert waiting >= count
