"""The pages about reviews."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Membership, Project, Role
from reviews import panels, services
from reviews.models import Dataset, Review, Upload
from reviews.panels import Panel
from tests import factories

pytestmark = pytest.mark.usefixtures("sink")

BASE = "/projects/shop/reviews/"
CSV = """Title,Review Text,Rating,Age
Nice,It fits me very well indeed.,4,34
Bad,The zip broke at once.,1,
"""


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], owner: User, project: Project) -> Client:
    return signed_in(owner)


def test_a_project_without_reviews_offers_the_upload(visitor: Client) -> None:
    page = visitor.get(BASE).content.decode()

    assert "No reviews yet" in page
    assert f"{BASE}upload/" in page


def test_a_viewer_is_not_offered_what_only_analysts_may_do(
    signed_in: Callable[[User], Client], member: Callable[[Role], User]
) -> None:
    page = signed_in(member(Role.VIEWER)).get(BASE)

    assert page.status_code == 200
    assert "upload/" not in page.content.decode()


def imported(project: Project, owner: User, data: str = CSV) -> Dataset:
    """Import a file through the services, as the pages of the upload do."""
    file = ContentFile(data.encode(), name="coats.csv")
    upload = services.receive_upload(project=project, file=file, actor=owner)
    started = services.start_import(
        project=project, dataset_name="coats", upload=upload, actor=owner
    )
    run_here(started.job)
    return started.dataset


def test_a_data_set_says_where_it_came_from_and_why_rows_were_refused(
    visitor: Client, project: Project, owner: User
) -> None:
    imported(project, owner, CSV + "Odd,The sleeves are uneven.,uneven,\n")
    dataset = Dataset.objects.get()

    page = visitor.get(f"{BASE}datasets/{dataset.pk}/").content.decode()
    rejects = visitor.get(f"{BASE}datasets/{dataset.pk}/rejects.csv")

    assert "coats.csv" in page
    assert Upload.objects.get().sha256 in page
    assert "&quot;uneven&quot; is not a number from 1 to 5" in page
    assert b"The sleeves are uneven." in b"".join(rejects.streaming_content)  # type: ignore[attr-defined]


def test_texts_are_shown_and_never_run(visitor: Client, project: Project) -> None:
    review = factories.review(project, "<script>alert(1)</script>", metadata={"<b>": "<i>"})

    for url in (BASE, f"{BASE}{review.pk}/"):
        page = visitor.get(url).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_the_table_pages_by_keyset_in_both_directions(visitor: Client, project: Project) -> None:
    dataset = factories.dataset(project)
    ids = [factories.review(project, dataset=dataset).pk for _ in range(120)][::-1]

    first = visitor.get(BASE)
    second = visitor.get(f"{BASE}?after={ids[49]}")
    third = visitor.get(f"{BASE}?after={ids[99]}")
    back = visitor.get(f"{BASE}?before={ids[100]}")

    def shown(page: Any) -> list[int]:
        return [review.pk for review in page.context["page"].reviews]

    assert shown(first) == ids[:50]
    assert shown(second) == shown(back) == ids[50:100]
    assert shown(third) == ids[100:]
    assert 'rel="prev"' not in first.content.decode()
    assert f"?after={ids[49]}" in first.content.decode()
    assert f"before={ids[100]}" in third.content.decode()
    assert 'rel="next"' not in third.content.decode()


def test_filters_are_in_the_address_and_survive_paging(visitor: Client, project: Project) -> None:
    dataset = factories.dataset(project)
    for number in range(60):
        factories.review(project, f"zip {number}", dataset=dataset)
    factories.review(project, "button")

    page = visitor.get(f"{BASE}?q=zip&dataset={dataset.pk}")

    text = page.content.decode()
    assert len(page.context["page"].reviews) == 50
    assert "button" not in [review.text for review in page.context["page"].reviews]
    assert f"?q=zip&amp;dataset={dataset.pk}&amp;after=" in text


def test_filters_that_find_nothing_say_so(visitor: Client, project: Project) -> None:
    factories.review(project, "button")

    assert "No review fits" in visitor.get(f"{BASE}?q=zip").content.decode()


@pytest.mark.parametrize("query", ["colour=red", "after=x", "split=dev", "dataset__id=1"])
def test_an_address_that_makes_no_sense_is_a_clear_error(
    visitor: Client, project: Project, query: str
) -> None:
    assert visitor.get(f"{BASE}?{query}").status_code == 400


def test_the_page_of_a_review_shows_it_with_what_others_registered(
    visitor: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = factories.review(project, "The zip broke.", metadata={"Age": "34"}, product="Coat")

    def make(project: Project, review: Review, membership: Membership) -> Panel | None:
        return Panel("What people said", "components/empty.html", {"role": membership.role})

    monkeypatch.setattr(panels, "_makers", [make, lambda *_: None])
    page = visitor.get(f"{BASE}{review.pk}/").content.decode()

    for expected in ("The zip broke.", "Age", "34", "Coat", "What people said"):
        assert expected in page


PAGES = [
    "", "upload/", "uploads/{upload}/", "datasets/{dataset}/", "datasets/{dataset}/rejects.csv",
    "{review}/",
]  # fmt: skip


@pytest.fixture
def things(project: Project, owner: User) -> dict[str, int]:
    """One of each thing that has a page."""
    made = Upload.objects.create(project=project, original_name="a.csv", file="uploads/a.csv")
    review = factories.review(project)
    return {"upload": made.pk, "dataset": review.dataset_id, "review": review.pk}


@pytest.mark.parametrize("page", PAGES)
def test_outsiders_find_no_page(
    signed_in: Callable[[User], Client], mallory: User, things: dict[str, int], page: str
) -> None:
    assert signed_in(mallory).get(BASE + page.format(**things)).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_sent_to_sign_in(things: dict[str, int], page: str) -> None:
    answer = Client().get(BASE + page.format(**things))

    assert answer.status_code == 302
    assert "/accounts/login/" in answer.headers["Location"]


@pytest.mark.parametrize("page", PAGES)
def test_members_below_analyst_read_and_do_not_upload(
    signed_in: Callable[[User], Client],
    member: Callable[[Role], User],
    things: dict[str, int],
    page: str,
) -> None:
    status = signed_in(member(Role.VIEWER)).get(BASE + page.format(**things)).status_code

    assert status == (403 if page.startswith("upload") else 200)


def test_another_project_s_upload_is_not_found_under_mine(visitor: Client, mallory: User) -> None:
    other = Project.objects.get(slug="mallorys")
    theirs = Upload.objects.create(project=other, original_name="a.csv", file="uploads/a.csv")

    assert visitor.get(f"{BASE}uploads/{theirs.pk}/").status_code == 404


def test_the_page_of_a_finished_import_leads_to_its_data_set(
    visitor: Client, project: Project, owner: User
) -> None:
    dataset = imported(project, owner)
    job = Job.objects.get(kind="import")

    page = visitor.get(f"/projects/shop/jobs/{job.pk}/").content.decode()

    assert f'href="{BASE}datasets/{dataset.pk}/"' in page


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_the_page_of_an_import_that_came_to_nothing_says_so_and_leads_to_the_file(
    visitor: Client, project: Project, state: str
) -> None:
    job = Job.objects.create(
        project=project, kind="import", state=state, result={"read": 2000, "parts": [1]}
    )

    page = visitor.get(f"/projects/shop/jobs/{job.pk}/").content.decode()

    assert "Nothing was imported. The file is kept" in page
    assert f'href="{BASE}upload/"' in page
    assert "<dd>2,000</dd>" in page
    assert "Parts" not in page
