"""Maps of a data set, the reviews most like one, and how alike some are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from jobs.lease import JobFailed
from jobs.models import Job
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from ml import alike, mapping
from ml.groups import groups_of, likeness
from ml.models import EmbeddingMap, ModelVersion
from projects.models import Project
from reviews.models import Dataset, Review
from tests import factories
from tests.ml import encoded
from tests.ml.conftest import finish

MAP = "/projects/shop/models/map/"
API = "/api/v1/projects/shop/"

Browser = Callable[[User], Client]
Api = Callable[..., APIClient]

MOOD = QuestionSnapshot(
    "mood",
    "Mood",
    "choice",
    options=(OptionSnapshot("bad", "Bad", colour=4), OptionSnapshot("good", "Good", colour=2)),
)


@pytest.fixture
def version(
    project: Project, owner: User, labelled: list[Review], learned_encoder: Path
) -> ModelVersion:
    """The champion: it has an encoder."""
    return encoded.register(project, owner, learned_encoder)


@pytest.fixture
def drawn(version: ModelVersion, dataset: Dataset) -> EmbeddingMap:
    finish(mapping.start(version=version, dataset=dataset, actor=None))
    return EmbeddingMap.objects.get()


# --- The job --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_map_places_every_review_and_keeps_vectors_of_length_one(
    drawn: EmbeddingMap, labelled: list[Review]
) -> None:
    vectors = mapping.vectors_of(drawn).astype(float)

    assert {pk for pk, _, _ in drawn.points} == {review.pk for review in labelled}
    assert vectors.shape == (60, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    assert drawn.review_count == 60
    assert 0 < sum(drawn.shares) <= 1


@pytest.mark.django_db
def test_the_neighbours_of_a_point_are_those_of_the_whole_table(drawn: EmbeddingMap) -> None:
    vectors = mapping.vectors_of(drawn).astype(np.float32)
    table = vectors @ vectors.T
    np.fill_diagonal(table, -np.inf)

    near = mapping.neighbours_of(drawn)

    assert near.shape == (60, mapping.NEIGHBOURS)
    assert all(row not in near[row] for row in range(60))
    best = np.take_along_axis(table, near, axis=1)
    assert best == pytest.approx(-np.sort(-table, axis=1)[:, : mapping.NEIGHBOURS], abs=1e-5)


@pytest.mark.django_db
def test_a_sample_is_always_the_same_and_a_larger_one_holds_it(
    dataset: Dataset, labelled: list[Review]
) -> None:
    small, large = (mapping._sample(dataset, size) for size in (20, 40))

    assert large[:20] == small
    assert small != sorted(small)


@pytest.mark.django_db
def test_a_data_set_that_went_meanwhile_is_said_to_be_gone(
    version: ModelVersion, dataset: Dataset
) -> None:
    job = mapping.start(version=version, dataset=dataset, actor=None)
    Dataset.objects.filter(pk=dataset.pk).update(is_ready=False)

    with pytest.raises(JobFailed, match="not there any more"):
        finish(job)


@pytest.mark.django_db
def test_a_project_keeps_its_newest_maps(drawn: EmbeddingMap, version: ModelVersion) -> None:
    first = drawn.pk
    for _ in range(10):
        drawn.pk, drawn.job = None, None
        drawn.save(force_insert=True)

    finish(mapping.start(version=version, dataset=drawn.dataset, actor=None, method="tsne"))

    assert EmbeddingMap.objects.count() == 10
    assert not EmbeddingMap.objects.filter(pk=first).exists()


# --- Groups ---------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_options_and_none_at_the_end() -> None:
    groups = groups_of(MOOD, ["good", None, "bad", "good"])

    assert [(each.name, each.colour, each.rows) for each in groups] == [
        ("Bad", 4, (2,)),
        ("Good", 2, (0, 3)),
        ("no answer", 12, (1,)),
    ]


def test_several_options_at_once_are_one_group() -> None:
    question = QuestionSnapshot("moods", "Moods", "multichoice", options=MOOD.options)
    answers = [frozenset({"bad"}), frozenset({"bad", "good"}), frozenset[str](), ["good"]]

    groups = {each.name: each.rows for each in groups_of(question, answers)}

    assert groups == {"Bad": (0,), "Good": (3,), "several": (1,), "none of them": (2,)}


def test_steps_of_a_scale_are_groups_and_free_numbers_are_ranges() -> None:
    scale = QuestionSnapshot("stars", "Stars", "number", minimum=1, maximum=5, is_integer=True)
    free = QuestionSnapshot("age", "Age", "number")

    stars = groups_of(scale, [5.0, 1.0, 4.6])
    ages = groups_of(free, [float(age) for age in range(100)])

    assert [(each.name, each.rows) for each in stars] == [("1", (1,)), ("5", (0, 2))]
    assert [len(each.rows) for each in ages] == [20] * 5
    assert ages[0].name == "0 to 19.8"


def test_the_same_number_everywhere_is_one_range() -> None:
    groups = groups_of(QuestionSnapshot("age", "Age", "number"), [7.0, 7.0])

    assert [each.rows for each in groups] == [(0, 1)]


def test_rare_answers_share_a_colour() -> None:
    options = tuple(OptionSnapshot(f"o{n}", f"O{n}", colour=n % 12 + 1) for n in range(14))
    question = QuestionSnapshot("kind", "Kind", "choice", options=options)
    answers = [f"o{n}" for n in range(14)] + ["o13"]

    groups = groups_of(question, answers)

    assert len(groups) == 11
    assert "O13" in {each.name for each in groups}
    assert (groups[-1].name, len(groups[-1].rows)) == ("other answers", 4)


def test_likeness_is_counted_over_pairs_of_answered_neighbours() -> None:
    groups = groups_of(MOOD, ["good", "good", "bad", None])
    near = np.array([[1, 2], [0, 3], [0, 1], [0, 1]])

    found = likeness(groups, near)

    assert found is not None
    # Pairs: 0-1 same, 0-2 not, 1-0 same, 2-0 not, 2-1 not; 1-3 and 3's have no answer.
    assert found.found == pytest.approx(2 / 5)
    assert found.by_chance == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)
    assert found.count == 3


def test_nothing_is_said_of_one_answer_for_all() -> None:
    assert likeness(groups_of(MOOD, ["good", "good"]), np.array([[1], [0]])) is None


# --- Pages ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_map_is_asked_for_waited_for_and_shown(
    version: ModelVersion, dataset: Dataset, owner: User, signed_in: Browser, labelled: list[Review]
) -> None:
    browser = signed_in(owner)
    asked = {"dataset": dataset.pk, "method": "pca", "size": 200}

    waiting = browser.post(MAP, asked, follow=True).content.decode()
    finish(Job.objects.get(kind="map"))
    polled = browser.get(MAP, headers={"HX-Request": "true"})
    page = browser.get(MAP).content.decode()

    assert 'hx-trigger="every 1s"' in waiting
    assert (polled.status_code, polled["HX-Refresh"]) == (286, "true")
    assert "60 of the 60 reviews" in page
    assert "Do reviews that are alike have the same sentiment (gold)?" in page
    assert "positive (30)" in page.lower()
    assert f'href="/projects/shop/reviews/{labelled[0].pk}/"' in page
    assert "of the variance" in page
    assert "js/chart.js" in page
    assert 'hx-trigger="every' not in page.partition('id="main"')[2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?by=predicted", "sentiment (predicted)"),
        ("?question=rating", "rating (gold)"),
        ("?question=aspects", "aspects (gold)"),
        ("?question=-", "Which reviews are alike?"),
        ("?by=odd&question=sentiment", "sentiment (gold)"),
    ],
)
def test_a_map_is_coloured_by_what_is_asked_for(
    drawn: EmbeddingMap, owner: User, signed_in: Browser, query: str, told: str
) -> None:
    assert told in signed_in(owner).get(MAP + query).content.decode()


@pytest.mark.django_db
def test_reviews_that_are_gone_leave_the_map(
    drawn: EmbeddingMap, owner: User, signed_in: Browser, labelled: list[Review], api: Api
) -> None:
    Review.objects.filter(pk=labelled[0].pk).delete()

    page = signed_in(owner).get(MAP).content.decode()
    points = api(owner).get(f"{API}embedding-maps/{drawn.pk}/").json()["points"]

    assert "59 of the 60 reviews" in page
    assert f"/reviews/{labelled[0].pk}/" not in page
    assert len(points) == 59


@pytest.mark.django_db
@pytest.mark.parametrize(("query", "status"), [("?map=999", 404), ("?map=x", 400)])
def test_an_odd_map_in_the_address_is_told(
    drawn: EmbeddingMap, owner: User, signed_in: Browser, query: str, status: int
) -> None:
    assert signed_in(owner).get(MAP + query).status_code == status


@pytest.mark.django_db
def test_a_champion_of_words_draws_no_map_and_says_why(
    trained: Callable[..., ModelVersion],
    dataset: Dataset,
    owner: User,
    signed_in: Browser,
    api: Api,
    labelled: list[Review],
) -> None:
    trained()

    page = signed_in(owner).get(MAP).content.decode()
    answers = [
        api(owner).post(f"{API}embedding-maps/", {"dataset": dataset.pk}),
        api(owner).get(f"{API}reviews/{labelled[0].pk}/similar/"),
        api(owner).get(f"{API}similarity/?reviews={labelled[0].pk},{labelled[1].pk}"),
    ]

    assert "knows words and has no encoder" in page
    assert [each.status_code for each in answers] == [409] * 3
    assert not Job.objects.filter(kind="map").exists()


# --- Likeness -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_text_is_most_alike_and_nothing_is_like_itself(
    drawn: EmbeddingMap, project: Project, labelled: list[Review]
) -> None:
    twin = factories.review(project, labelled[7].text)

    of_twin = alike.alike(project, twin)
    of_itself = alike.alike(project, labelled[7])

    # The twin is not on the map: it is embedded on the spot.
    assert of_twin.reviews[0][0] == labelled[7]
    assert of_twin.reviews[0][1] == pytest.approx(1, abs=1e-3)
    assert labelled[7] not in [review for review, _ in of_itself.reviews]
    assert (of_twin.compared_count, of_itself.compared_count) == (60, 59)
    cosines = [cosine for _, cosine in of_itself.reviews]
    assert len(cosines) == alike.SHOWN
    assert cosines == sorted(cosines, reverse=True)


@pytest.mark.django_db
def test_the_page_of_a_review_asks_for_those_like_it(
    drawn: EmbeddingMap, owner: User, signed_in: Browser, labelled: list[Review]
) -> None:
    browser, address = signed_in(owner), f"/projects/shop/models/similar/{labelled[3].pk}/"

    page = browser.get(f"/projects/shop/reviews/{labelled[3].pk}/").content.decode()
    part = browser.get(address, headers={"HX-Request": "true"}).content.decode()

    assert f'hx-get="{address}"' in page
    assert "<html" not in part
    assert part.count('<th scope="row">') == alike.SHOWN
    assert f"/models/similarity/?reviews={labelled[3].pk}," in part


@pytest.mark.django_db
def test_without_a_map_the_reason_is_told(
    version: ModelVersion, owner: User, signed_in: Browser, labelled: list[Review]
) -> None:
    browser = signed_in(owner)

    page = browser.get(f"/projects/shop/reviews/{labelled[3].pk}/").content.decode()
    asked = browser.get(f"/projects/shop/models/similar/{labelled[3].pk}/").content.decode()

    assert "Reviews like this one" not in page
    assert "has none yet" in asked


@pytest.mark.django_db
def test_some_reviews_are_compared_with_one_another(
    version: ModelVersion, owner: User, signed_in: Browser, labelled: list[Review], api: Api
) -> None:
    ids = ",".join(str(review.pk) for review in labelled[:20])

    page = signed_in(owner).get(f"/projects/shop/models/similarity/?reviews={ids}")
    found = api(owner).get(f"{API}similarity/?reviews={ids}").json()

    assert page.status_code == 200
    assert f"#{labelled[19].pk}" in page.content.decode()
    table = np.array(found["cosines"])
    assert table.shape == (20, 20)
    assert np.diag(table) == pytest.approx(1)
    assert (table == table.T).all()


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", ["one", "many", "foreign", "odd"])
def test_what_cannot_be_compared_is_refused(
    version: ModelVersion,
    owner: User,
    mallory: User,
    signed_in: Browser,
    labelled: list[Review],
    wanted: str,
) -> None:
    foreign = factories.review(factories.project(owner=mallory, slug="other"), "A secret.")
    numbers = {
        "one": str(labelled[0].pk),
        "many": ",".join(str(review.pk) for review in labelled[:21]),
        "foreign": f"{labelled[0].pk} {foreign.pk}",
        "odd": "1; DROP",
    }

    answer = signed_in(owner).get("/projects/shop/models/similarity/", {"reviews": numbers[wanted]})

    assert answer.status_code == 400
    assert "secret" not in answer.content.decode()


# --- REST -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_map_over_rest(
    version: ModelVersion, dataset: Dataset, owner: User, api: Api, labelled: list[Review]
) -> None:
    client = api(owner)

    accepted = client.post(f"{API}embedding-maps/", {"dataset": dataset.pk, "size": 30})
    again = client.post(f"{API}embedding-maps/", {"dataset": dataset.pk})
    job = finish(Job.objects.get(kind="map"))
    listed: dict[str, Any] = client.get(f"{API}embedding-maps/").json()
    address = f"{API}embedding-maps/{job.result['map']}/"
    found = client.get(address + "?question=aspects").json()

    assert (accepted.status_code, again.status_code) == (202, 409)
    assert [each["id"] for each in listed["results"]] == [job.result["map"]]
    assert found["review_count"] == 60
    assert len(found["points"]) == 30
    assert {tuple(each["answer"]) for each in found["points"]} == {
        ("quality",),
        ("price", "quality"),
    }
    assert client.get(address + "?question=odd").status_code == 400
    assert client.get(address + "?by=odd").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"size": 5}, {"size": 50_000}, {"method": "umap"}])
def test_a_wish_that_is_none_is_refused(
    version: ModelVersion, dataset: Dataset, owner: User, api: Api, wrong: dict[str, Any]
) -> None:
    answer = api(owner).post(f"{API}embedding-maps/", {"dataset": dataset.pk} | wrong)

    assert answer.status_code == 400
