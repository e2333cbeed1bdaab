"""Undo an import: hidden at once, gone soon, nothing else touched, whatever happens meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict, Invalid
from jobs.lease import LeaseLost, claim_one
from jobs.models import Job
from jobs.worker import run_here, worker_name
from labelling.models import Annotation, Gold, LabelSchema
from projects.models import Project, Role
from reviews import removal, selectors, services, undo
from reviews.mapping import ColumnMapping, from_json
from reviews.models import (
    Dataset,
    ImportJob,
    RejectedRow,
    Review,
    ReviewChange,
    SelectedReview,
    Upload,
)
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
RATED = ColumnMapping(text=("text",), answers={"stars": "rating"}, metadata=("colour",))
ROWS = "text,stars,colour\nIt fits well.,4,red\nThe zip broke.,1,blue\nNo idea.,many,red\n"

Import = Callable[..., Dataset]


@pytest.fixture
def imported(project: Project, owner: User) -> Import:
    """Return a maker of data sets, imported from a file."""

    def make(data: str = ROWS, name: str = "coats", **changes: Any) -> Dataset:
        file = ContentFile(data.encode(), name="coats.csv")
        upload = services.receive_upload(project=project, file=file, actor=owner)
        values = {**RATED.as_json(), **changes}
        started = services.start_import(
            project=project,
            dataset_name=name,
            upload=upload,
            mapping=from_json(values),
            actor=owner,
        )
        assert run_here(started.job).state == "succeeded"
        return Dataset.objects.get(pk=started.dataset.pk)

    return make


def undone(project: Project, dataset: Dataset, typed_name: str = "") -> Job:
    job = undo.start_undo(project=project, dataset=dataset, actor=None, typed_name=typed_name)
    run_here(job)
    assert job.state == "succeeded", job.reason
    return job


def test_an_import_is_hidden_at_once_and_gone_after_the_job(
    project: Project, imported: Import
) -> None:
    dataset = imported()
    file = Path(Upload.objects.get().file.path)

    job = undo.start_undo(project=project, dataset=dataset, actor=None)

    assert not selectors.visible_reviews(project).exists()
    assert not selectors.datasets_of(project).exists()
    assert Review.objects.count() == 2
    result = run_here(job).result
    assert (result["removed"], result["restored"]) == (2, 0)
    for model in (Review, Gold, RejectedRow, ImportJob, Upload, Dataset):
        assert not model._default_manager.exists(), model
    assert not file.exists()


def test_the_name_and_the_texts_are_free_again_at_once(project: Project, imported: Import) -> None:
    undo.start_undo(project=project, dataset=imported(), actor=None)

    again = imported()

    assert again.name == "coats"
    assert again.review_count == 2


def test_what_others_have_is_left_alone(project: Project, imported: Import) -> None:
    kept = imported("text,stars,colour\nQuite another text.,3,green\n", name="kept")
    dataset = imported()

    undone(project, dataset)

    assert list(Dataset.objects.all()) == [kept]
    assert Review.objects.get().text == "Quite another text."
    assert Gold.objects.filter(review=Review.objects.get()).exists()
    assert Upload.objects.count() == 1


def test_a_file_that_another_data_set_needs_stays(
    project: Project, imported: Import, owner: User
) -> None:
    dataset = imported()
    upload = Upload.objects.get()
    other = services.start_import(
        project=project, dataset_name="same file", upload=upload, mapping=RATED, actor=owner
    )

    undone(project, dataset)

    assert other.import_job.upload == Upload.objects.get()
    assert Path(upload.file.path).exists()


def test_reviews_that_it_renewed_become_as_they_were(project: Project, imported: Import) -> None:
    imported()
    renewed = ROWS.replace("4,red", "2,green")
    dataset = imported(renewed, name="newer", on_duplicate="update")
    review = Review.objects.get(text="It fits well.")
    assert review.metadata == {"colour": "green"}
    assert Gold.objects.get(review=review, question__key="rating").number == 2
    assert undo.loss_of(dataset).restored_count == ReviewChange.objects.count() > 0

    undone(project, dataset)

    review.refresh_from_db()
    assert review.metadata == {"colour": "red"}
    assert Gold.objects.get(review=review, question__key="rating").number == 4
    assert Review.objects.count() == 2


def test_what_its_annotators_said_about_others_goes_and_they_are_forgotten(
    project: Project, imported: Import
) -> None:
    imported("text,stars,colour\nIt fits well.,,red\n", name="first")
    said = "text,stars,who\nIt fits well.,4,ann\nThe zip broke.,1,ann\nIt fits well.,2,ben\n"
    dataset = imported(said, name="said", annotator="who", metadata=None, on_duplicate="update")
    assert Annotation.objects.count() == 3

    undone(project, dataset)

    assert not Annotation.objects.exists()
    assert not User.objects.filter(is_external=True).exists()
    assert Review.objects.get().is_labelled is False


def test_people_s_work_is_counted_and_only_goes_when_the_name_is_typed(
    project: Project, imported: Import, owner: User
) -> None:
    dataset = imported()
    _annotation(project, owner, Review.objects.order_by("pk").first())

    loss = undo.loss_of(dataset)

    assert (loss.annotation_count, loss.annotator_count) == (1, 1)
    for typed in ("", "coat"):
        with pytest.raises(Invalid, match="Type the data set's name, coats"):
            undo.start_undo(project=project, dataset=dataset, actor=owner, typed_name=typed)
    undone(project, dataset, typed_name="coats")
    assert not Annotation.objects.exists()


def _annotation(project: Project, person: User, review: Review | None) -> None:
    assert review is not None
    schema = LabelSchema.objects.filter(project=project).latest("pk")
    Annotation.objects.create(project=project, review=review, annotator=person, schema=schema)


def test_a_selection_goes_and_its_reviews_stay(project: Project, imported: Import) -> None:
    imported()
    chosen = factories.dataset(project, "chosen")
    Dataset.objects.filter(pk=chosen.pk).update(kind=Dataset.Kind.SELECTION, review_count=2)
    chosen.refresh_from_db()
    for review in Review.objects.all():
        SelectedReview.objects.create(dataset=chosen, review=review)

    undone(project, chosen)

    assert Review.objects.count() == 2
    assert not SelectedReview.objects.exists()
    assert Dataset.objects.get().name == "coats"


def test_a_selection_that_points_to_it_becomes_smaller(project: Project, imported: Import) -> None:
    dataset = imported()
    chosen = factories.dataset(project, "chosen")
    Dataset.objects.filter(pk=chosen.pk).update(kind=Dataset.Kind.SELECTION)
    for review in Review.objects.all():
        SelectedReview.objects.create(dataset=chosen, review=review)
    assert undo.loss_of(dataset).selection_count == 1

    undone(project, dataset)

    assert not SelectedReview.objects.exists()
    assert Dataset.objects.get() == chosen


def test_a_copy_forgets_the_review_that_it_was_made_of(project: Project, imported: Import) -> None:
    dataset = imported()
    copies = factories.dataset(project, "copies")
    Dataset.objects.filter(pk=copies.pk).update(kind=Dataset.Kind.CLEANED)
    original = Review.objects.order_by("pk").first()
    copy = factories.review(project, "it fits well", dataset=copies, derived_from=original)

    undone(project, dataset)

    copy.refresh_from_db()
    assert copy.derived_from_id is None


def test_a_killed_undo_goes_on_where_it_stopped(project: Project, imported: Import) -> None:
    lines = "".join(f"Text number {n} is fine.,{n % 5 + 1},red\n" for n in range(40))
    dataset = imported(f"text,stars,colour\n{lines}")
    job = undo.start_undo(project=project, dataset=dataset, actor=None)
    lease = claim_one(job_id=job.pk, worker=worker_name())
    assert lease is not None
    with lease.effect(done_count=10):
        assert removal.remove_slice(dataset, size=10) == 10
    Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED, fence=99)

    with pytest.raises(LeaseLost):
        undo.run(lease)
    assert Review.objects.count() == 30
    run_here(job)

    assert job.state == "succeeded"
    assert not Review.objects.exists()
    assert not Gold.objects.exists()


def test_a_data_set_is_removed_once(project: Project, imported: Import) -> None:
    dataset = imported()
    undo.start_undo(project=project, dataset=dataset, actor=None)

    with pytest.raises(Conflict, match="somebody has removed it"):
        undo.start_undo(project=project, dataset=dataset, actor=None)


def test_the_page_says_what_would_be_lost_and_asks_for_the_name(
    project: Project, imported: Import, owner: User, signed_in: Callable[[User], Client]
) -> None:
    dataset = imported()
    _annotation(project, owner, Review.objects.order_by("pk").first())
    url = f"{BASE}datasets/{dataset.pk}/undo/"
    visitor = signed_in(owner)

    page = visitor.get(url).content.decode()
    refused = visitor.post(url, {"name": "other"})
    started = visitor.post(url, {"name": "coats"})

    assert "1 by 1 person" in page
    assert refused.status_code == 400
    assert f"/jobs/{Job.objects.get(kind='undo-import').pk}/" in started.headers["Location"]


def test_programs_delete_a_data_set(
    imported: Import, owner: User, api: Callable[..., APIClient]
) -> None:
    dataset = imported()
    url = f"/api/v1/projects/shop/datasets/{dataset.pk}/"
    client = api(owner)

    answer = client.delete(url)

    assert answer.status_code == 202
    assert answer.json()["job"]["id"] == str(Job.objects.get(kind="undo-import").pk)
    assert client.get(url).status_code == 404
    assert client.delete(url).status_code == 404


def test_programs_name_the_data_set_when_work_would_be_lost(
    project: Project, imported: Import, owner: User, api: Callable[..., APIClient]
) -> None:
    dataset = imported()
    _annotation(project, owner, Review.objects.order_by("pk").first())
    url = f"/api/v1/projects/shop/datasets/{dataset.pk}/"

    refused = api(owner).delete(url)
    taken = api(owner).delete(f"{url}?name=coats")

    assert (refused.status_code, taken.status_code) == (400, 202)
    assert refused.json()["errors"][0]["field"] == "name"


def test_those_below_analyst_do_not_remove(
    imported: Import, member: Callable[[Role], User], api: Callable[..., APIClient]
) -> None:
    url = f"/api/v1/projects/shop/datasets/{imported().pk}/"

    assert api(member(Role.REVIEWER)).delete(url).status_code == 403
