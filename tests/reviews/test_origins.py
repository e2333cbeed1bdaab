"""Filters by product and author: their index, and that a page finds what reading would find."""

import random
from collections.abc import Callable

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from labelling.models import Gold, GoldSource, Option
from projects.models import Project
from reviews import origin_index, origins, paging, search, search_index, words
from reviews.models import Dataset, Review
from reviews.place import Place
from tests import factories

pytestmark = pytest.mark.django_db

PRODUCTS = ["Coat", "Shoe", "Shoé", "a 'quoted' %s", ""]
AUTHORS = ["ada", "ben", ""]
TEXTS = ["warm coat", "coat warm", "a warm coat for ada", "shoes", "warm", "not warm, no coat"]
ANSWERS = ["positive", "negative", "none"]
QUERIES = ["", "warm", '"warm coat"', "warm -ada", "-warm", "sho*", "nowhere"]


def made_at_random(project: Project, rng: random.Random, *, count: int, name: str) -> Dataset:
    dataset = factories.dataset(project, name)
    for _ in range(count):
        made = factories.review(
            project,
            rng.choice(TEXTS),
            dataset=dataset,
            product=rng.choice(PRODUCTS),
            author=rng.choice(AUTHORS),
            split=rng.choice(Review.Split.values),
        )
        answer(made, rng.choice(ANSWERS))
    return dataset


def answer(review: Review, key: str) -> None:
    """Give the review a gold answer; the key "none" gives none."""
    for option in Option.objects.filter(
        question__schema__project=review.project, question__key="sentiment", key=key
    ):
        Gold.objects.create(
            project=review.project, review=review, question=option.question, option=option,
            slot=option.pk, source=GoldSource.IMPORTED,
        )  # fmt: skip


def answer_of(review: Review) -> str:
    gold = Gold.objects.filter(review=review).select_related("option").first()
    return gold.option.key if gold is not None and gold.option is not None else "none"


def index(dataset: Dataset) -> None:
    while search_index.index_batch(dataset.pk, rows=7):
        pass


def naive(project: Project, asked: list[tuple[str, str]]) -> list[int]:
    """Return what fits, by looking at every review of every data set that is shown."""
    rows = Review.objects.filter(project=project).order_by("-pk").select_related("dataset")
    return [row.pk for row in rows if row.dataset.is_ready and _fits(row, asked)]


def _fits(row: Review, asked: list[tuple[str, str]]) -> bool:
    return all(
        not value
        or (
            words.parse(value).matches(row.text)
            if name == "q"
            else value == (answer_of(row) if "." in name else getattr(row, name))
        )
        for name, value in asked
    )


def everything(project: Project, asked: list[tuple[str, str]], size: int = 4) -> list[int]:
    """Return what pages show, gone through to the end, having gone back from there as well."""
    shown: list[int] = []
    after: int | None = None
    while True:
        page = cut(project, asked, size, Place(after=after))
        shown += [row.pk for row in page.reviews]
        if page.after is None:
            break
        after = page.after
    back: list[int] = []
    before: int | None = 0
    while before is not None:
        page = cut(project, asked, size, Place(before=before))
        back = [row.pk for row in page.reviews] + back
        before = page.before
    assert back == shown
    return shown


def cut(project: Project, asked: list[tuple[str, str]], size: int, place: Place) -> paging.Page:
    wanted = paging.wanted(project, asked, place=place)
    return paging.page_of(wanted, after=place.after, before=place.before, size=size)


def asked_at_random(rng: random.Random) -> list[tuple[str, str]]:
    return [
        ("product", rng.choice(PRODUCTS)),
        ("author", rng.choice(AUTHORS)),
        ("q", rng.choice(QUERIES)),
        ("split", rng.choice(["", "train"])),
        ("answer.sentiment", rng.choice(["", "", *ANSWERS])),
    ]


@pytest.mark.parametrize("is_indexed", [True, False], ids=["indexed", "indexed in part"])
@pytest.mark.parametrize("few", [0, 2_000], ids=["search first", "origin first"])
def test_pages_show_what_reading_would_find(
    project: Project,
    mallory: User,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_indexed: bool,
    few: int,
) -> None:
    """Over random data: shown, hidden, changed and removed reviews, and those of others."""
    rng = random.Random(7)
    first = made_at_random(project, rng, count=60, name="First")
    other = made_at_random(Project.objects.get(slug="mallorys"), rng, count=20, name="Theirs")
    hidden = made_at_random(project, rng, count=20, name="Hidden")
    last = made_at_random(project, rng, count=30, name="Last")
    for dataset in (first, other, hidden, last)[: None if is_indexed else 3]:
        index(dataset)
    Dataset.objects.filter(pk=hidden.pk).update(is_ready=False)
    for review in rng.sample(list(Review.objects.all()), 30):
        review.product, review.author = rng.choice(PRODUCTS), rng.choice(AUTHORS)
        review.save(update_fields=["product", "author"])
    Review.objects.filter(pk__in=rng.sample([r.pk for r in Review.objects.all()], 15)).delete()
    monkeypatch.setattr(origins, "_FEW", few)
    monkeypatch.setattr(origins, "_FIRST_WINDOW", 3)
    monkeypatch.setattr(origins, "_FIRST_FILTERED", 4)
    monkeypatch.setattr(search, "_RARE_PHRASE", 0)

    for _ in range(40):
        asked = asked_at_random(rng)
        assert everything(project, asked) == naive(project, asked), asked


def test_rest_pages_show_the_same(
    project: Project, owner: User, api: Callable[..., APIClient]
) -> None:
    rng = random.Random(3)
    index(made_at_random(project, rng, count=40, name="Some"))

    for asked in ([("product", "Coat")], [("product", "Coat"), ("q", "warm")]):
        found, url = [], "/api/v1/projects/shop/reviews/"
        answer = api(owner).get(url, {**dict(asked), "page_size": "3"}).json()
        found += [row["id"] for row in answer["results"]]
        while answer["next"]:
            answer = api(owner).get(answer["next"]).json()
            found += [row["id"] for row in answer["results"]]
        assert found == naive(project, asked)


def entries(field: str) -> set[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT value, review_id FROM reviews_by_{field}")  # noqa: S608
        return set(cursor.fetchall())


def test_the_index_follows_reviews_that_change_and_go(project: Project) -> None:
    dataset = made_at_random(project, random.Random(1), count=30, name="Some")
    index(dataset)
    Review.objects.filter(dataset=dataset, product="Coat").update(product="")
    Review.objects.filter(dataset=dataset, product="").update(product="Hat", author="chloe")
    Review.objects.filter(dataset=dataset, product="Shoe").delete()

    for field in origin_index.FIELDS:
        rows = Review.objects.exclude(**{field: ""}).values_list(field, "pk")
        assert entries(field) == set(rows)
    dataset.delete()
    assert entries("product") == entries("author") == set()


def test_indexing_again_changes_nothing(project: Project) -> None:
    dataset = made_at_random(project, random.Random(2), count=20, name="Some")
    index(dataset)
    before = entries("product"), entries("author")
    Dataset.objects.update(searched_to=0)
    index(dataset)

    assert (entries("product"), entries("author")) == before
    assert everything(project, [("q", "warm")]) == naive(project, [("q", "warm")])


def test_an_index_that_names_too_many_does_no_harm(project: Project) -> None:
    """Two transactions that miss each other may leave an entry that is true no longer."""
    review = factories.review(project, "warm", product="Coat")
    index(review.dataset)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reviews_by_product (project_id, value, review_id) VALUES (%s, 'Hat', %s)",
            [project.pk, review.pk],
        )

    assert everything(project, [("product", "Hat")]) == []


@pytest.mark.parametrize("query", ['"warm coat"', '-ada "warm coat"', '"warm co"*'])
def test_a_phrase_is_found_across_stretches_of_ids(
    project: Project, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """With gaps between the ids, as other projects leave them."""
    dataset = factories.dataset(project)
    start = factories.review(project, "first", dataset=dataset).pk
    for gap in (1, 2, 4_095, 4_096, 4_097, 70_000, 70_001, 900_000):
        Review.objects.create(
            pk=start + gap, project=project, dataset=dataset, row_number=gap, split="train",
            text="a warm coat" if gap % 2 else "coat warm",
        )  # fmt: skip
    index(dataset)
    monkeypatch.setattr(search, "_RARE_PHRASE", 0)

    asked = [("q", query)]
    assert everything(project, asked, size=1) == naive(project, asked)
    assert paging.wanted(project, asked).count(limit=100) == len(naive(project, asked))
