"""The page of a data set says how it was drawn, and analysts may have it drawn anew."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project, Role
from reviews import services, splitting
from reviews.models import Dataset, Upload
from tests import factories

pytestmark = pytest.mark.django_db

CSV = "text,rating,shop\n" + "".join(
    f"Kettle number {number} boils water in {number % 9} minutes,{number % 5 + 1},s{number % 4}\n"
    for number in range(100)
)


@pytest.fixture
def dataset(project: Project, owner: User, upload: Callable[..., Upload]) -> Dataset:
    """A data set that came in and was drawn, as everybody's."""
    file = upload(CSV + ",3,s1\n" + "Kettle number 1 boils water in 1 minutes,2,s1\n")
    started = services.start_import(
        project=project, dataset_name="Kettles", upload=file, actor=owner
    )
    assert run_here(started.job).state == Job.State.SUCCEEDED
    run_here(Job.objects.get(kind="split"))
    return Dataset.objects.get(pk=started.dataset.pk)


@pytest.fixture
def page(dataset: Dataset) -> str:
    return f"/projects/shop/reviews/datasets/{dataset.pk}/"


FORM = {
    "question": "rating",
    "by_product": "on",
    "train": "60",
    "validation": "20",
    "test": "20",
    "seed": "4",
}


def test_an_import_is_drawn_by_its_first_answered_question(dataset: Dataset) -> None:
    assert dataset.split_plan["question"] == "rating"
    assert {row["name"]: (row["train"], row["validation"], row["test"])
            for row in dataset.split_plan["counts"]["strata"]} == {
        str(number): (14, 3, 3) for number in range(1, 6)
    }  # fmt: skip


def test_the_page_tells_the_whole_story(
    dataset: Dataset, page: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    shown = signed_in(owner).get(page).content.decode()

    work = dataset.imports.get()
    assert "102 read = 100 accepted + 1 refused + 1 duplicate" in " ".join(shown.split())
    assert work.upload.sha256 in shown
    assert "every answer to Rating has its share" in shown
    assert "70.0 %" in shown
    assert "Delimited text" in shown
    assert "Draw the splits anew" in shown


def test_analysts_draw_anew(
    dataset: Dataset,
    page: str,
    member: Callable[[Role], User],
    signed_in: Callable[[User], Client],
) -> None:
    answer = signed_in(member(Role.ANALYST)).post(f"{page}splits/", FORM)

    job = Job.objects.exclude(state=Job.State.SUCCEEDED).get(kind="split")
    assert answer.headers["Location"].endswith(f"/jobs/{job.pk}/")
    run_here(job)
    dataset.refresh_from_db()
    counts = {key: dataset.split_counts[key] for key in ("train", "validation", "test")}
    assert counts == {"train": 60, "validation": 20, "test": 20}
    assert dataset.split_plan["by_product"]


def test_shares_that_are_not_the_whole_are_refused_in_words(
    page: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    answer = signed_in(owner).post(f"{page}splits/", FORM | {"train": "70"})

    assert answer.status_code == 400
    assert "100 percent together" in answer.content.decode()


def test_frozen_splits_offer_no_form_and_say_why(
    project: Project, page: str, owner: User, signed_in: Callable[[User], Client]
) -> None:
    splitting.freeze(project)
    client = signed_in(owner)

    shown = client.get(page).content.decode()
    refused = client.post(f"{page}splits/", FORM)

    assert "Draw the splits anew" not in shown
    assert "were frozen on" in shown
    assert refused.status_code == 400
    assert "were frozen on" in refused.content.decode()
    assert not Job.objects.filter(kind="split").exclude(state=Job.State.SUCCEEDED).exists()


def test_viewers_see_the_splits_and_no_form(
    page: str, member: Callable[[Role], User], signed_in: Callable[[User], Client]
) -> None:
    shown = signed_in(member(Role.VIEWER)).get(page).content.decode()

    assert "every answer to Rating has its share" in shown
    assert "Draw the splits anew" not in shown
    assert "Make a version" not in shown


def test_programs_draw_anew_and_are_told_when_they_may_not(
    project: Project, dataset: Dataset, owner: User, api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    path = f"/api/v1/projects/shop/datasets/{dataset.pk}/splits/"

    asked = client.post(
        path, {"question": "", "shares": [0.5, 0.25, 0.25], "seed": 1}, format="json"
    )
    bad = client.post(path, {"question": "colour"}, format="json")
    run_here(Job.objects.exclude(state=Job.State.SUCCEEDED).get(kind="split"))
    plan = client.get(path).json()["split_plan"]
    splitting.freeze(project)
    refused = client.post(path, {}, format="json")

    assert asked.status_code == 202
    assert bad.status_code == 400
    assert "rating" in bad.json()["errors"][0]["message"]
    assert (plan["shares"], plan["method"]) == ([0.5, 0.25, 0.25], "random")
    assert refused.status_code == 409
    assert "frozen" in refused.json()["detail"]


def test_outsiders_find_nothing(
    page: str, mallory: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(mallory)

    assert client.get(page).status_code == 404
    assert client.post(f"{page}splits/", FORM).status_code == 404
    assert client.post(f"{page}versions/").status_code == 404


def test_a_data_set_made_of_others_says_how(
    project: Project, dataset: Dataset, owner: User, signed_in: Callable[[User], Client]
) -> None:
    selection = factories.dataset(project, "Some of them")
    Dataset.objects.filter(pk=selection.pk).update(
        kind=Dataset.Kind.SELECTION,
        parent=dataset,
        recipe={"datasets": [dataset.pk], "said": [["Sampled", "10 % of all"]]},
    )
    client = signed_in(owner)

    own = client.get(f"/projects/shop/reviews/datasets/{selection.pk}/").content.decode()
    parent = client.get(f"/projects/shop/reviews/datasets/{dataset.pk}/").content.decode()

    assert "10 % of all" in own
    assert "Kettles" in own
    assert "have their splits there" in own
    assert "Some of them" in parent
