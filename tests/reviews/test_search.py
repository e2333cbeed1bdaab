"""The full-text search: its language, its index, and that databases agree with plain Python."""

import unicodedata
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from common.errors import Invalid
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project
from reviews import aftermath, paging, search, search_index, words
from reviews.filters import apply_filters
from reviews.models import Dataset, Review
from reviews.place import ANYWHERE
from reviews.selectors import visible_reviews
from tests import factories

pytestmark = pytest.mark.django_db

TEXTS = {
    "zip": "The ZIP broke after a week.",
    "zipper": "A zipper, not a button!",
    "café": "Lovely café near the Straße; crème brûlée.",
    "money": "Costs 100% too much (well-known).",
    "greek": "Πολύ καλό καφέ",
    "russian": "Очень мой хороший",
    "long": "the " * 30_000 + "end",
}


@pytest.fixture
def dataset(project: Project) -> Dataset:
    made = factories.dataset(project)
    for name, text in TEXTS.items():
        factories.review(project, text.strip(), dataset=made, product=name)
    return made


def index(dataset: Dataset) -> None:
    while search_index.index_batch(dataset.pk, rows=3):
        pass


def found(project: Project, query: str) -> set[str]:
    """Return what a page finds, having seen that the filter finds the same."""
    asked = [("q", query)]
    rows = paging.page_of(paging.wanted(project, asked), after=None, before=None).reviews
    narrowed = apply_filters(visible_reviews(project), project, asked)
    assert set(narrowed.values_list("pk", flat=True)) == {row.pk for row in rows}
    return {row.product for row in rows}


QUERIES = [
    pytest.param("zip", {"zip"}, id="a word is a whole word"),
    pytest.param("ZIP broke", {"zip"}, id="all words in any case"),
    pytest.param("zip*", {"zip", "zipper"}, id="a beginning"),
    pytest.param("zip* -button", {"zip"}, id="without a word"),
    pytest.param("a -zip", {"zipper"}, id="minus"),
    pytest.param("-the", {"zipper", "money", "greek", "russian"}, id="nothing but an exception"),
    pytest.param('"broke after"', {"zip"}, id="a phrase"),
    pytest.param('"after broke"', set(), id="a phrase in the wrong order"),
    pytest.param('"a wee*"', set(), id="a star inside quotes is nothing"),
    pytest.param('"a wee"*', {"zip"}, id="a phrase whose last word is begun"),
    pytest.param("cafe", {"café"}, id="without the accent"),
    pytest.param("CRÈME brulee", {"café"}, id="with another accent"),
    pytest.param("straße", {"café"}, id="sharp s"),
    pytest.param("100%", {"money"}, id="a number and its sign"),
    pytest.param("well-known", {"money"}, id="a hyphen makes a phrase"),
    pytest.param("known-well", set(), id="hyphen in the wrong order"),
    pytest.param("ΚΑΦΈ", {"greek"}, id="Greek in capitals"),
    pytest.param("МОЙ", {"russian"}, id="Russian in capitals"),
    pytest.param('zip "', {"zip"}, id="a lonely quote"),
    pytest.param("zip AND OR NOT NEAR(", set(), id="words of FTS5 are words"),
    pytest.param("zip:*", {"zip", "zipper"}, id="signs of PostgreSQL are none"),
    pytest.param("text:zip", set(), id="no columns"),
    pytest.param("nosuchword", set(), id="nothing"),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_the_index_finds_what_the_language_says(
    project: Project, dataset: Dataset, query: str, expected: set[str]
) -> None:
    index(dataset)

    assert not search_index.missing_in(project)
    assert found(project, query) == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_the_few_that_are_not_indexed_are_found_too(
    project: Project, dataset: Dataset, query: str, expected: set[str]
) -> None:
    search_index.index_batch(dataset.pk, rows=3)

    assert search_index.missing_in(project)
    assert found(project, query) == expected


WORDS = st.text(st.sampled_from("abéÀßñ zxΩйё日-'.,_12"), min_size=1, max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(WORDS, min_size=1, max_size=6), query=WORDS)
def test_the_databases_agree_with_python(project: Project, texts: list[str], query: str) -> None:
    """Whatever is written in these letters: what the index finds is what reading would find."""
    dataset = factories.dataset(project)
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    reviews = [factories.review(project, text, dataset=dataset) for text in texts]
    index(dataset)
    try:
        wanted = words.parse(query)
    except Invalid:
        return

    rows = apply_filters(Review.objects.filter(dataset=dataset), project, [("q", query)])

    assert set(rows.values_list("pk", flat=True)) == {
        review.pk for review in reviews if wanted.matches(review.text)
    }


@pytest.mark.parametrize("query", ["%", "!!!", '""', " * ", "- -"])
def test_a_query_without_a_word_says_so(project: Project, query: str) -> None:
    with pytest.raises(Invalid, match="no letter or digit"):
        found(project, query)


def test_too_many_words_are_refused(project: Project) -> None:
    with pytest.raises(Invalid, match="At most 20"):
        found(project, "a " * 21)


def test_pages_of_a_search_follow_each_other(project: Project) -> None:
    dataset = factories.dataset(project)
    pks = [factories.review(project, f"zip {n % 2}", dataset=dataset).pk for n in range(250)][::-1]
    index(dataset)
    wanted = paging.wanted(project, [("q", "zip")])

    first = paging.page_of(wanted, after=None, before=None)
    second = paging.page_of(wanted, after=first.after, before=None)
    back = paging.page_of(wanted, after=None, before=second.before)
    filtered = paging.wanted(project, [("q", "zip -1"), ("min_length", "5")])
    odd = paging.page_of(filtered, after=pks[100], before=None)

    assert [row.pk for row in first.reviews] == pks[:50]
    assert [row.pk for row in second.reviews] == pks[50:100]
    assert [row.pk for row in back.reviews] == pks[:50]
    assert [row.pk for row in odd.reviews] == [
        row.pk for row in Review.objects.filter(text="zip 0", pk__lt=pks[100]).order_by("-pk")[:50]
    ]
    assert wanted.count(limit=1000) == 250
    assert wanted.count(limit=20) >= 20


def test_reviews_that_go_leave_the_index(project: Project, dataset: Dataset) -> None:
    index(dataset)
    gone = Review.objects.get(product="zip")
    missed = factories.review(project, "never indexed", dataset=factories.dataset(project))

    missed.delete()
    gone.delete()

    with connection.cursor() as cursor:
        table = "reviews_search" if connection.vendor == "postgresql" else "reviews_search_docsize"
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        assert cursor.fetchone() == (len(TEXTS) - 1,)
        if connection.vendor == "sqlite":  # raises where the index and its texts have parted
            cursor.execute("INSERT INTO reviews_search(reviews_search) VALUES ('integrity-check')")
    assert found(project, "zip*") == {"zipper"}
    dataset.delete()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        assert cursor.fetchone() == (0,)


def test_a_small_data_set_is_indexed_when_it_is_shown(project: Project, dataset: Dataset) -> None:
    search_index.follow(dataset)

    assert not search_index.missing_in(project)
    assert not Job.objects.filter(kind=search_index.KIND).exists()
    assert search_index.follow in aftermath._follow_ups


def test_a_large_one_is_indexed_by_a_job_that_can_start_again(
    project: Project, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "FEW", 2)
    monkeypatch.setattr(search_index, "BATCH_ROWS", 3)
    search_index.follow(dataset)
    search_index.index_batch(dataset.pk, rows=3)

    assert search_index.ask(dataset, actor=None) is None  # one is waiting
    (job,) = Job.objects.filter(kind=search_index.KIND)
    (missing,) = search_index.missing_in(project)
    assert missing.percent == 42
    run_here(job)

    job.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED, job.reason
    assert not search_index.missing_in(project)
    assert found(project, "cafe") == {"café"}


def test_the_page_says_that_the_index_is_being_built(
    project: Project,
    dataset: Dataset,
    owner: User,
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search_index, "FEW", 2)
    search_index.index_batch(dataset.pk, rows=3)

    page = signed_in(owner).get("/projects/shop/reviews/?q=zip*").content.decode()

    assert f"The search index of {dataset.name} is being built (42 %)" in page
    assert "A zipper, not a button!" in page  # what it has is found


def test_rare_words_ask_the_index_first_on_postgresql(project: Project, dataset: Dataset) -> None:
    index(dataset)

    matches = search.matches_for(project, "zip")

    assert matches is not None
    assert [len(ids) for ids in matches.windows(ANYWHERE)] == [1]
