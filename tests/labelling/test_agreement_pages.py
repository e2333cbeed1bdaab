"""The page of agreement, the reviews behind its figures, its file and its API."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from labelling import agreement_table as table
from labelling.agreement_kept import Agreement
from labelling.agreement_report import OF_PAIRS
from labelling.agreement_rows import Chosen, shared_answers
from labelling.models import Annotation
from labelling.selectors import current_schema
from labelling.services import edit, record_annotation
from projects.models import Project, Role
from reviews.models import Dataset, Review
from tests import factories

TEXT = "The price is fine."
API = "/api/v1/projects/shop/agreement/"


def url(name: str, **query: object) -> str:
    return reverse(f"labelling:{name}", args=["shop"], query=query)


def answers(sentiment: str, rating: int, *aspects: str, end: int = 9) -> dict[str, Any]:
    polarity = "positive" if sentiment == "neutral" else "negative"
    mark = {"start": 4, "end": end, "text": TEXT[4:end], "option": "price", "polarity": polarity}
    return {
        "sentiment": sentiment, "rating": rating, "aspects": list(aspects), "aspect_spans": [mark]
    }  # fmt: skip


@pytest.fixture
def people(project: Project) -> list[User]:
    return [factories.member(project, Role.ANNOTATOR, name) for name in ("ada", "ben", "chloe")]


@pytest.fixture
def reviews(project: Project, people: list[User]) -> list[Review]:
    """Eight reviews: ada and ben answered all and differ on two, chloe answered the first four."""
    dataset = factories.dataset(project)
    rows = [factories.review(project, text=TEXT, dataset=dataset) for _ in range(8)]
    ada, ben, chloe = people
    for place, review in enumerate(rows):
        mood = "positive" if place % 2 else "negative"
        said = answers(mood, 1 + place % 5, "price")
        other = answers("neutral", 5, "price", "quality", end=12) if place in {2, 6} else said
        record_annotation(review=review, annotator=ada, answers=said)
        record_annotation(review=review, annotator=ben, answers=other)
        if place < 4:
            record_annotation(review=review, annotator=chloe, answers=said)
    return rows


@pytest.fixture
def visitor(member: Callable[[Role], User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(member(Role.REVIEWER))


def test_the_figures_are_those_of_the_answers(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    page = visitor.get(url("agreement"))
    figures = {
        (row.question.key, named.key): named.figure
        for row, _ in page.context["rows"]
        for named in row.figures
    }

    # Two of eight pairs of ada and ben differ; of chloe's eight pairs the one with ben.
    assert figures["sentiment", "percent"].value == pytest.approx(13 / 16)
    assert figures["sentiment", "percent"].item_count == 8
    assert figures["aspect_spans", "f1_exact"].value == pytest.approx(13 / 16)
    assert figures["aspect_spans", "f1_polarity"].value == pytest.approx(13 / 16)
    assert figures["aspect_spans", "f1_overlapping"].value == 1.0
    assert figures["aspects", "alpha_masi"].value is not None
    assert all(figure.value is not None for figure in figures.values())
    assert "± " in page.content.decode()
    assert "n 8, too few" in page.content.decode()


def test_every_cell_leads_to_just_the_reviews_that_it_counts(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    for key in ("sentiment", "rating", "aspects", "aspect_spans"):
        page = visitor.get(url("agreement", question=key))
        cells = [
            (cell.figure.item_count, cell.query)
            for _, row in page.context["matrix"]
            for cell in row
            if cell.figure
        ]
        cells += [
            (row.figures[0].figure.item_count, query)
            for row, query in page.context["options"]
            if row.figures[0].figure.value is not None
        ]

        assert len(cells) > 6
        for count, query in cells:
            behind = visitor.get(url("agreement_reviews") + query).context["behind"]
            assert behind.count == len(behind.rows) == count


def test_the_reviews_behind_a_cell_show_both_answers(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    ada, ben, _ = people
    pair = {"question": "sentiment", "one": ada.pk, "other": ben.pk}

    different = visitor.get(url("agreement_reviews", show="different", **pair))
    equal = visitor.get(url("agreement_reviews", show="equal", **pair))

    rows = different.context["behind"].rows
    assert [row.review_id for row in rows] == [reviews[6].pk, reviews[2].pk]
    assert [(said.person.name, said.words[0].lower()) for said in rows[0].said] == [
        ("ada", "negative"),
        ("ben", "neutral"),
    ]
    assert equal.context["behind"].count == 6
    assert "neutral" in different.content.decode().lower()


def test_spans_are_shown_with_their_words(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    page = visitor.get(url("agreement_reviews", question="aspect_spans", show="different"))

    assert page.context["behind"].count == 2
    assert "“price” (4–9)" in page.content.decode()
    assert "“price is” (4–12)" in page.content.decode()


def test_pages_of_reviews_follow_each_other(
    visitor: Client, reviews: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PAGE_SIZE", 5)
    first = visitor.get(url("agreement_reviews", question="rating")).context["behind"]
    second = visitor.get(url("agreement_reviews", question="rating", after=first.after))

    seen = [row.review_id for row in (*first.rows, *second.context["behind"].rows)]
    assert seen == sorted((review.pk for review in reviews), reverse=True)
    assert second.context["behind"].after is None


def test_filters_narrow_what_counts(
    project: Project, visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    ada, _, chloe = people
    elsewhere = factories.dataset(project)
    Annotation.objects.filter(review__in=reviews[:3]).update(
        updated_at=timezone.now() - timedelta(days=40)
    )
    since = (timezone.localdate() - timedelta(days=1)).isoformat()

    def count(**query: object) -> int:
        return int(visitor.get(url("agreement", **query)).context["shared"].review_count)

    assert count() == 8
    assert count(person=[ada.pk, chloe.pk]) == 4
    assert count(person=ada.pk) == 0
    assert count(since=since) == 5
    assert count(dataset=reviews[0].dataset_id) == 8
    assert count(dataset=elsewhere.pk) == 0


def test_checks_and_bulk_labels_do_not_count(
    project: Project, reviews: list[Review], people: list[User]
) -> None:
    Annotation.objects.filter(review=reviews[0], annotator=people[0]).update(is_check=True)
    schema = current_schema(project)

    shared = shared_answers(project, schema, Chosen())

    assert people[0].pk not in shared.said[reviews[0].pk]
    assert len(shared.said) == 8


def test_only_the_newest_reviews_count_where_there_are_too_many(
    project: Project, reviews: list[Review]
) -> None:
    shared = shared_answers(project, current_schema(project), Chosen(), limit=3)

    assert shared.is_cut
    assert list(shared.said) == [review.pk for review in reviews[:-4:-1]]


def test_more_reviews_take_no_more_queries(
    project: Project, reviews: list[Review], people: list[User], visitor: Client
) -> None:
    with CaptureQueriesContext(connection) as before:
        visitor.get(url("agreement"))
    for _ in range(8):
        review = factories.review(project, text=TEXT)
        for person in people:
            record_annotation(review=review, annotator=person, answers=answers("neutral", 3))
    with CaptureQueriesContext(connection) as after:
        page = visitor.get(url("agreement"))

    assert page.context["shared"].review_count == 16
    assert len(after) == len(before)


def test_the_api_gives_the_figures_of_the_page(
    visitor: Client, reviews: list[Review], people: list[User], owner: User,
    api: Callable[..., APIClient],
) -> None:  # fmt: skip
    page = visitor.get(url("agreement", question="sentiment"))

    answer = api(owner).get(API, {"question": "sentiment"}).json()

    assert answer["review_count"] == 8
    assert [person["name"] for person in answer["people"]] == ["ada", "ben", "chloe"]
    (question,) = answer["questions"]
    shown = page.context["rows"][0][0].figures
    assert [each["value"] for each in question["figures"]] == [each.figure.value for each in shown]
    assert [each["measure"] for each in question["figures"]] == [each.key for each in shown]
    assert {each["measure"] for each in question["pairs"]} == {"kappa"}
    assert [each["n"] for each in question["pairs"]] == [8, 4, 4]
    assert {each["option"] for each in question["options"]} == {"positive", "neutral", "negative"}


def test_the_file_has_a_row_for_each_two_people(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    User.objects.filter(pk=people[0].pk).update(username="=cmd")

    answer = visitor.get(url("agreement_pairs", question="rating", measure="percent"))

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert tuple(rows[0]) == table.CSV_COLUMNS
    assert [(row["annotator"], row["other_annotator"]) for row in rows] == [
        ("'=cmd", "ben"), ("'=cmd", "chloe"), ("ben", "chloe"),
    ]  # fmt: skip
    assert [row["value"] for row in rows] == ["0.75", "1", "0.75"]
    assert {row["measure"] for row in rows} == {"percent"}
    assert rows[0]["review_count"] == "8"


@pytest.mark.parametrize("kind", OF_PAIRS)
def test_every_measure_fits_its_kind_of_question(
    visitor: Client, reviews: list[Review], kind: str
) -> None:
    key = {
        "choice": "sentiment", "number": "rating", "multichoice": "aspects",
        "spans": "aspect_spans",
    }[kind]  # fmt: skip
    for measure in OF_PAIRS[kind]:
        page = visitor.get(url("agreement", question=key, measure=measure))

        assert page.context["measure"] == measure
        assert page.context["matrix"][0][1][1].figure.item_count == 8


def test_an_undefined_cell_says_why(project: Project, visitor: Client, people: list[User]) -> None:
    review = factories.review(project, text=TEXT)
    for person in people[:2]:
        record_annotation(review=review, annotator=person, answers=answers("neutral", 3))

    shown = visitor.get(url("agreement")).content.decode()

    assert "not defined</span>" in shown
    assert "chance explains everything" in shown
    assert ">nan" not in shown.lower()


def test_without_shared_reviews_the_page_says_what_to_do(
    visitor: Client, project: Project, people: list[User]
) -> None:
    review = factories.review(project, text=TEXT)
    record_annotation(review=review, annotator=people[0], answers=answers("neutral", 3))

    page = visitor.get(url("agreement"))

    assert "No review with two answers" in page.content.decode()
    assert visitor.get(url("agreement_reviews")).context["behind"].count == 0
    assert len(visitor.get(url("agreement_pairs")).content.decode().splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"question": "nothing"}, "has no question"),
        ({"measure": "magic"}, "There is no measure"),
        ({"dataset": "x"}, "dataset is a number"),
        ({"dataset": "99999"}, "has no data set 99999"),
        ({"person": "-1"}, "person is a number"),
        ({"since": "yesterday"}, "no date such as"),
    ],
    ids=["question", "measure", "dataset", "unknown dataset", "person", "since"],
)
def test_filters_that_make_no_sense_are_refused(
    visitor: Client, reviews: list[Review], owner: User, api: Callable[..., APIClient],
    query: dict[str, str], says: str,
) -> None:  # fmt: skip
    answer = api(owner).get(API, query)

    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert visitor.get(url("agreement", **query)).status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"one": "1"}, 400),
        ({"option": "none such"}, 400),
        ({"show": "some"}, 400),
        ({"after": "x"}, 400),
        ({"one": "999998", "other": "999999"}, 200),
    ],
)
def test_cells_that_are_none_are_refused(
    visitor: Client, reviews: list[Review], query: dict[str, str], status: int
) -> None:
    answer = visitor.get(url("agreement_reviews", **query))

    assert answer.status_code == status
    if status == 200:
        assert answer.context["behind"].count == 0


def test_the_api_refuses_filters_that_nobody_knows(
    owner: User, project: Project, api: Callable[..., APIClient]
) -> None:
    assert api(owner).get(API, {"persons": "1"}).status_code == 400


def test_a_data_set_of_another_project_is_none(
    mallory: User, visitor: Client, reviews: list[Review]
) -> None:
    other = Project.objects.get(slug="mallorys")
    hidden: Dataset = factories.dataset(other)

    assert visitor.get(url("agreement", dataset=hidden.pk)).status_code == 400


def test_people_of_another_project_have_no_names_here(
    mallory: User, visitor: Client, reviews: list[Review]
) -> None:
    page = visitor.get(url("agreement", person=mallory.pk))

    assert "mallory" not in page.content.decode()


# --- Kept figures ---------------------------------------------------------------------------------


def _percent(visitor: Client) -> tuple[Any, int]:
    page = visitor.get(url("agreement", question="sentiment"))
    shown = page.context["rows"][0][0].figures[0].figure
    return shown.value, shown.item_count


def test_the_same_again_is_not_read_again(visitor: Client, reviews: list[Review]) -> None:
    with CaptureQueriesContext(connection) as first:
        before = visitor.get(url("agreement"))
    with CaptureQueriesContext(connection) as second:
        after = visitor.get(url("agreement"))

    assert any('"labelling_answer"' in query["sql"] for query in first)
    assert not any('"labelling_answer"' in query["sql"] for query in second)
    assert after.context["rows"] == before.context["rows"]
    assert after.context["matrix"] == before.context["matrix"]
    assert after.context["options"] == before.context["options"]


def test_a_new_answer_gives_a_new_figure(
    visitor: Client, project: Project, reviews: list[Review], people: list[User]
) -> None:
    assert _percent(visitor) == (pytest.approx(13 / 16), 8)

    record_annotation(review=reviews[6], annotator=people[2], answers=answers("neutral", 5))

    # Three pairs about the seventh review instead of one, of which one agrees instead of none.
    assert _percent(visitor) == (pytest.approx(14 / 18), 8)


def test_a_changed_answer_gives_a_new_figure(
    visitor: Client, project: Project, reviews: list[Review], people: list[User]
) -> None:
    assert _percent(visitor)[0] == pytest.approx(13 / 16)
    theirs = Annotation.objects.get(review=reviews[6], annotator=people[1])

    edit(
        annotation=theirs,
        annotator=people[1],
        schema_version=current_schema(project).version,
        answers=answers("negative", 5),
    )

    assert _percent(visitor)[0] == pytest.approx(14 / 16)


@pytest.mark.parametrize("taken", ["annotation", "check", "data set"])
def test_what_counts_no_more_leaves_the_figure(
    visitor: Client, project: Project, reviews: list[Review], people: list[User], taken: str
) -> None:
    assert _percent(visitor)[1] == 8
    theirs = Annotation.objects.filter(review=reviews[6], annotator=people[1])

    if taken == "annotation":
        theirs.delete()
    elif taken == "check":
        theirs.update(is_check=True)
    else:
        Dataset.objects.filter(pk=reviews[6].dataset_id).update(is_ready=False)

    assert _percent(visitor) == ((None, 0) if taken == "data set" else (pytest.approx(13 / 15), 7))


def test_an_answer_that_came_before_the_rest_was_read_does_not_stay_when_it_goes(
    visitor: Client, project: Project, reviews: list[Review], people: list[User]
) -> None:
    schema = current_schema(project)
    found = Agreement(project, schema, Chosen())
    late = record_annotation(review=reviews[6], annotator=people[2], answers=answers("neutral", 5))
    assert found.rows(schema.questions)[0].figures[0].figure.value == pytest.approx(14 / 18)
    late.delete()

    assert _percent(visitor)[0] == pytest.approx(13 / 16)


def test_a_new_name_is_shown_at_once(
    visitor: Client, reviews: list[Review], people: list[User]
) -> None:
    visitor.get(url("agreement"))

    User.objects.filter(pk=people[0].pk).update(username="adele")

    assert "adele" in {person.name for person in visitor.get(url("agreement")).context["people"]}
