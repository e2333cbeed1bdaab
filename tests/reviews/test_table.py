"""The table of reviews: what its filters find, what its columns show, what its address keeps."""

import datetime as dt
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from labelling.models import Gold, GoldSource, GoldSpan, Option, Question
from projects.models import Membership, Project, Role
from reviews import filters, patience
from reviews.filters import apply_filters
from reviews.models import (
    BulkAction,
    BulkChange,
    Dataset,
    ImportJob,
    Review,
    SavedView,
    SelectedReview,
    Upload,
)
from reviews.selectors import visible_reviews
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
API = "/api/v1/projects/shop/"
FOREVER = {
    "postgresql": "SELECT pg_sleep(5)",
    "sqlite": (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    ),
}


@pytest.fixture
def visitor(owner: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(owner)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project, "Shoes")


def gold(review: Review, key: str, *, option: str = "", number: float | None = None) -> None:
    question = Question.objects.get(schema__project=review.project, key=key)
    Gold.objects.create(
        project=review.project,
        review=review,
        question=question,
        option=Option.objects.get(question=question, key=option) if option else None,
        number=number,
        source=GoldSource.IMPORTED,
    )


@pytest.fixture
def reviews(project: Project, dataset: Dataset) -> dict[str, Review]:
    """Three reviews that differ in everything that can be asked for."""
    made = {
        "coat": factories.review(
            project, "A warm coat.", dataset=dataset, product="Coat", author="ada",
            reviewed_at=dt.date(2026, 3, 1), is_labelled=True,
            metadata={"Age": "34", 'o"d.d$': "x", "2024": "y"},
        ),
        "shoe": factories.review(
            project, "Shoes that squeak with every step", dataset=dataset, product="Shoe",
            reviewed_at=dt.date(2026, 3, 31), split=Review.Split.TEST, is_control=True,
            metadata={"Age": "35"},
        ),
        "bare": factories.review(project, "Bare", dataset=dataset),
    }  # fmt: skip
    Review.objects.filter(product__in=["Coat", "Shoe"]).update(group_key=made["coat"].pk)
    gold(made["coat"], "sentiment", option="positive")
    gold(made["coat"], "rating", number=4.4)
    gold(made["shoe"], "rating", number=2)
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("max_length=12", {"coat", "bare"}, id="not longer"),
        pytest.param("min_length=5&max_length=12", {"coat"}, id="between"),
        pytest.param("author=ada", {"coat"}, id="author"),
        pytest.param("date_from=2026-03-02", {"shoe"}, id="from a day"),
        pytest.param("date_to=2026-03-31", {"coat", "shoe"}, id="a day is included"),
        pytest.param("meta.Age=34", {"coat"}, id="metadata"),
        pytest.param("meta.Age=3", set(), id="metadata is whole"),
        pytest.param("meta.2024=y", {"coat"}, id="a column that looks like a place"),
        pytest.param("meta.o%22d.d$=x", {"coat"}, id="a column that looks like a path"),
        pytest.param("meta.Age__gte=0", set(), id="a column that looks like a lookup"),
        pytest.param("group=any", {"coat", "shoe"}, id="near duplicates"),
        pytest.param("control=yes", {"shoe"}, id="control"),
        pytest.param("labelled=no", {"shoe", "bare"}, id="not labelled"),
        pytest.param("answer.sentiment=positive", {"coat"}, id="an answer"),
        pytest.param("answer.sentiment=none", {"shoe", "bare"}, id="no answer"),
        pytest.param("answer.rating=4", {"coat"}, id="a rounded number"),
        pytest.param("answer.rating.min=2.5", {"coat"}, id="at least"),
        pytest.param("answer.rating.max=2", {"shoe"}, id="at most"),
        pytest.param("answer.rating.min=1&answer.rating.max=5&split=test", {"shoe"}, id="range"),
        pytest.param("answer.rating=none", {"bare"}, id="no number"),
        pytest.param("product=&author=&date_from=", {"coat", "shoe", "bare"}, id="empty: any"),
    ],
)
def test_filters_narrow_the_table_and_the_api(
    visitor: Client,
    api: Callable[..., APIClient],
    owner: User,
    reviews: dict[str, Review],
    query: str,
    expected: set[str],
) -> None:
    wanted = {reviews[name].pk for name in expected}

    shown = visitor.get(f"{BASE}?{query}").context["table"].rows
    listed = api(owner).get(f"{API}reviews/?{query}").json()["results"]

    assert {row.pk for row in shown} == wanted
    assert {row["id"] for row in listed} == wanted


@pytest.mark.parametrize(
    "query",
    [
        "max_length=-1", "date_from=yesterday", "date_to=2026-02-30", "meta.=x", "group=x",
        "answer.rating.min=four", "answer.rating.middle=4", "answer.sentiment.min=1",
        "answer.rating.min=1e999", "answer.colour=red", "predicted.sentiment=positive",
        "dataset=x", "colour=red", "q=%25", "metadata__Age=34",
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_a_clear_error(
    visitor: Client,
    api: Callable[..., APIClient],
    owner: User,
    reviews: dict[str, Review],
    query: str,
) -> None:
    page = visitor.get(f"{BASE}?{query}")
    assert page.status_code == 400
    assert page.context["table"].problem in unescape(page.content.decode())
    assert api(owner).get(f"{API}reviews/?{query}").json()["errors"][0]["field"]


def test_few_and_many_answers_are_found_alike(
    project: Project, reviews: dict[str, Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> set[int]:
        asked = [("answer.rating.min", "1")]
        rows = apply_filters(visible_reviews(project), project, asked)
        return set(rows.values_list("pk", flat=True))

    few = found()
    monkeypatch.setattr(filters, "_FEW", 0)

    assert few == found() == {reviews["coat"].pk, reviews["shoe"].pk}


def test_a_selection_shows_what_it_points_to(
    visitor: Client, project: Project, reviews: dict[str, Review]
) -> None:
    selection = Dataset.objects.create(
        project=project, name="Picked", kind=Dataset.Kind.SELECTION, is_ready=True
    )
    SelectedReview.objects.create(dataset=selection, review=reviews["bare"])

    page = visitor.get(f"{BASE}?dataset={selection.pk}")

    assert [row.pk for row in page.context["table"].rows] == [reviews["bare"].pk]
    assert "Data set: Picked" in page.content.decode()
    assert not visitor.get(f"{BASE}?dataset=999999").context["table"].rows


def test_a_data_set_of_another_project_is_none(
    visitor: Client, project: Project, mallory: User
) -> None:
    factories.review(project)
    theirs = factories.review(Project.objects.get(slug="mallorys"))

    assert not visitor.get(f"{BASE}?dataset={theirs.dataset_id}").context["table"].rows


def test_every_active_filter_can_be_taken_away(visitor: Client, reviews: dict[str, Review]) -> None:
    page = visitor.get(f"{BASE}?q=coat&answer.sentiment=positive&columns=product&meta.Age=34")

    active = {each.words: each.without for each in page.context["table"].active}
    assert active["Words: coat"] == "?answer.sentiment=positive&columns=product&meta.Age=34"
    assert set(active) == {"Words: coat", "Sentiment: Positive", "Age: 34"}
    # The form has no field for metadata, and still does not lose it.
    assert '<input type="hidden" name="meta.Age" value="34">' in page.content.decode()


def test_columns_are_chosen_in_the_address(
    visitor: Client, project: Project, reviews: dict[str, Review], dataset: Dataset
) -> None:
    upload = Upload.objects.create(project=project, original_name="a.csv", file="a.csv")
    ImportJob.objects.create(dataset=dataset, upload=upload, mapping={"metadata": ["Age"]})

    page = visitor.get(f"{BASE}?columns=meta.Age&columns=answer.sentiment&columns=gone")

    table = page.context["table"]
    assert [column.name for column in table.columns] == ["Age", "Sentiment"]
    coat = next(row for row in table.rows if row.pk == reviews["coat"].pk)
    assert '<td data-name="Age">34</td>' in coat.cells
    assert 'class="chip option-' in coat.cells
    assert "Positive" in coat.cells
    assert 'value="columns=meta.Age&amp;columns=answer.sentiment' in page.content.decode()


def test_spans_and_numbers_are_shown_in_their_columns(
    visitor: Client, reviews: dict[str, Review], project: Project
) -> None:
    question = Question.objects.get(schema__project=project, kind="spans")
    option = question.options.all()[0]
    GoldSpan.objects.create(
        project=project, review=reviews["coat"], question=question, option=option,
        start=2, end=6, text="warm",
    )  # fmt: skip

    page = visitor.get(f"{BASE}?columns=answer.rating&columns=answer.{question.key}")

    cells = {row.pk: row.cells for row in page.context["table"].rows}
    assert "4.4" in cells[reviews["coat"].pk]
    assert f"{option.name}: warm" in cells[reviews["coat"].pk]
    detail = visitor.get(f"{BASE}{reviews['coat'].pk}/").content.decode()
    assert f'warm<span class="span-label">{option.name}</span>' in detail


def test_values_are_shown_and_never_run(visitor: Client, project: Project) -> None:
    factories.review(project, "a", product="<script>alert(1)</script>", author="<b>")

    page = visitor.get(f"{BASE}?columns=product&columns=author").content.decode()

    assert "<script>alert(1)" not in page
    assert '<td data-name="Author">&lt;b&gt;</td>' in page


def test_annotators_are_spared_what_others_said(
    signed_in: Callable[[User], Client], member: Callable[[Role], User], reviews: dict[str, Review]
) -> None:
    page = signed_in(member(Role.ANNOTATOR)).get(f"{BASE}?columns=answer.sentiment")

    assert list(page.context["table"].columns) == []
    assert 'name="review"' not in page.content.decode()


def test_a_page_takes_as_many_queries_for_fifty_reviews_as_for_one(
    visitor: Client, project: Project, dataset: Dataset
) -> None:
    def queries() -> int:
        visitor.get(BASE)  # what is kept in memory is there after this
        with CaptureQueriesContext(connection) as captured:
            assert visitor.get(BASE).status_code == 200
        return len(captured)

    factories.review(project, dataset=dataset)
    one = queries()
    for _ in range(60):
        factories.review(project, dataset=dataset)

    assert queries() == one


def test_an_import_under_way_is_neither_shown_nor_walked_over(
    visitor: Client, project: Project, reviews: dict[str, Review]
) -> None:
    coming = Dataset.objects.create(project=project, name="Coming", is_ready=False)
    factories.review(project, "not yet", dataset=coming)

    with CaptureQueriesContext(connection) as captured:
        page = visitor.get(BASE)

    assert [row.pk for row in page.context["table"].rows] == [
        reviews[name].pk for name in ("bare", "shoe", "coat")
    ]
    assert [q for q in captured if f'"reviews_review"."id" <= {reviews["bare"].pk}' in q["sql"]]


def test_a_page_reads_the_beginnings_of_texts(visitor: Client, project: Project) -> None:
    factories.review(project, "word " * 100_000)

    with CaptureQueriesContext(connection) as captured:
        page = visitor.get(BASE)

    assert page.context["table"].rows[0].excerpt.endswith("…")
    assert len(page.context["table"].rows[0].excerpt) < 230
    assert not [q for q in captured if ', "reviews_review"."text",' in q["sql"]]


def test_what_takes_too_long_is_given_up_in_words(
    visitor: Client,
    api: Callable[..., APIClient],
    owner: User,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = factories.dataset(project)
    Review.objects.bulk_create(
        Review(project=project, dataset=dataset, row_number=n, text="x " * 300, split="train")
        for n in range(4000)
    )
    monkeypatch.setattr(patience, "SECONDS", 0.0011)
    monkeypatch.setattr(patience, "_STEPS", 100)

    page = visitor.get(f"{BASE}?min_length=5000&meta.Age=none")
    listed = api(owner).get(f"{API}reviews/?min_length=5000&meta.Age=none")

    assert "Add a data set, words or an answer" in page.content.decode()
    assert listed.status_code == 400
    assert "given up" in listed.json()["detail"]


def test_patience_ends_with_its_question(project: Project) -> None:
    with (
        pytest.raises(patience.TooSlow),
        patience.patience(0.01),
        connection.cursor() as cursor,
    ):
        cursor.execute(FOREVER[connection.vendor])

    assert Review.objects.count() == 0  # a question after it has its own time


# --- One review -----------------------------------------------------------------------------------


def test_the_page_of_a_review_shows_where_it_came_from_and_what_befell_it(
    visitor: Client, project: Project, reviews: dict[str, Review], dataset: Dataset, owner: User
) -> None:
    upload = Upload.objects.create(project=project, original_name="shoes.csv", file="a.csv")
    work = ImportJob.objects.create(dataset=dataset, upload=upload)
    selection = Dataset.objects.create(
        project=project, name="Picked", kind=Dataset.Kind.SELECTION, is_ready=True
    )
    SelectedReview.objects.create(dataset=selection, review=reviews["shoe"])
    action = BulkAction.objects.create(project=project, kind="queue", created_by=owner)
    BulkChange.objects.create(action=action, review=reviews["shoe"])
    Review.objects.filter(pk=reviews["shoe"].pk).update(
        import_job=work, original_hash="ab12", derived_from=reviews["bare"].pk
    )

    page = visitor.get(f"{BASE}{reviews['shoe'].pk}/").content.decode()

    for expected in (
        "of shoes.csv", "ab12", "Picked", "A warm coat.", f"?group={reviews['coat'].pk}",
        f"review {reviews['bare'].pk}", "Sent to the front of the queue",
    ):  # fmt: skip
        assert expected in page, expected


# --- Views under a name ---------------------------------------------------------------------------


def test_a_view_is_saved_shown_renamed_and_deleted(
    visitor: Client, reviews: dict[str, Review]
) -> None:
    query = "q=coat&columns=product&after=7&split="

    saved = visitor.post(f"{BASE}views/", {"name": "Coats", "query": query}, follow=True)
    (view,) = SavedView.objects.all()
    assert (view.query, view.is_shared) == ("q=coat&columns=product", False)
    assert f'href="{BASE}?q=coat&amp;columns=product"' in saved.content.decode()
    assert [row.pk for row in saved.context["table"].rows] == [reviews["coat"].pk]
    twice = visitor.post(f"{BASE}views/", {"name": "Coats", "query": "q=shoe"}, follow=True)
    assert any("Coats" in str(message) for message in twice.context["messages"])
    assert twice.context["asked"] == {"q": "shoe"}
    visitor.post(f"{BASE}views/{view.pk}/", {"name": "Warm", "is_shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Warm", True)
    visitor.post(f"{BASE}views/{view.pk}/", {"delete": "1"})
    assert not SavedView.objects.exists()


def test_a_view_that_makes_no_sense_is_not_saved(visitor: Client, project: Project) -> None:
    for name, query in (("", ""), ("x", "colour=red"), ("y" * 101, ""), ("z", "q=" + "a" * 3000)):
        body = {"name": name, "query": query}
        assert visitor.post(f"{BASE}views/", body).status_code == 400

    assert not SavedView.objects.exists()


def test_others_see_a_view_only_when_it_is_shared(
    project: Project,
    owner: User,
    member: Callable[[Role], User],
    api: Callable[..., APIClient],
) -> None:
    mine, viewer = api(owner), api(member(Role.VIEWER))
    made = mine.post(f"{API}saved-views/", {"name": "Tests", "query": "split=test"}, format="json")
    url = f"{API}saved-views/{made.json()['id']}/"

    assert made.status_code == 201
    assert viewer.get(url).status_code == 404
    assert mine.patch(url, {"is_shared": True}, format="json").json()["is_shared"]
    assert viewer.get(f"{API}saved-views/").json()["results"][0]["name"] == "Tests"
    assert viewer.patch(url, {"name": "Ours"}, format="json").status_code == 403
    assert viewer.delete(url).status_code == 403
    assert mine.delete(url).status_code == 204


def test_the_list_of_data_sets_is_short_on_the_table_and_whole_on_its_page(
    visitor: Client, project: Project
) -> None:
    for number in range(8):
        factories.dataset(project, f"Set number {number}")

    page, every = visitor.get(BASE), visitor.get(f"{BASE}datasets/")

    def linked(answer: Any) -> int:
        return sum(f">Set number {n}</a>" in answer.content.decode() for n in range(8))

    assert linked(page) == 5
    assert "All data sets" in page.content.decode()
    assert linked(every) == 8


def test_the_table_is_for_members(
    signed_in: Callable[[User], Client], mallory: User, project: Project, owner: User
) -> None:
    view = SavedView.objects.create(project=project, created_by=owner, name="x")
    outsider = signed_in(mallory)

    for url in (f"{BASE}datasets/", f"{BASE}bulk/", f"{BASE}views/{view.pk}/"):
        assert outsider.get(url).status_code in {404, 405}
    assert outsider.post(f"{BASE}views/{view.pk}/", {"delete": "1"}).status_code == 404
    assert Membership.objects.filter(project=project).count() == 1
