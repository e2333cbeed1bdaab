"""Versions never change, their hash names the content, and two of them can be compared."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pyarrow import parquet
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict
from jobs.lease import Lease, LeaseLost, claim_one
from jobs.models import Job
from jobs.worker import run_here
from labelling.models import Gold
from labelling.selectors import current_schema
from projects.models import Project, Role
from reviews import canonical, snapshots, snapshotting, splitting
from reviews.files import path_of
from reviews.members import reviews_in
from reviews.models import Dataset, DatasetVersion, Review, SelectedReview
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(project: Project) -> Dataset:
    made = factories.dataset(project, "Café reviews")
    for number in range(5):
        factories.review(
            project, f"Tasse numéro {number} ☕", dataset=made, metadata={"b": 1, "a": [number]}
        )
    rating = current_schema(project).question("rating")
    assert rating is not None
    first = made.reviews.order_by("pk")[0]
    Gold.objects.create(
        project=project, review=first, question_id=rating.id, number=4.0, source="imported"
    )
    return made


def _version(dataset: Dataset, note: str = "") -> DatasetVersion:
    version = snapshots.request_version(dataset=dataset, note=note, actor=None)
    assert version.job is not None
    job = run_here(version.job)
    assert job.state == Job.State.SUCCEEDED, job.reason
    version.refresh_from_db()
    return version


def _path(version: DatasetVersion) -> Path:
    return path_of(version.file)


def test_a_version_holds_every_review_with_what_is_known_about_it(dataset: Dataset) -> None:
    version = _version(dataset, "before round two")

    rows = parquet.read_table(_path(version)).to_pylist()

    reviews = list(dataset.reviews.order_by("pk"))
    assert [row["id"] for row in rows] == [review.pk for review in reviews]
    assert [row["text"] for row in rows] == [review.text for review in reviews]
    assert json.loads(rows[2]["metadata"]) == {"a": [2], "b": 1}
    assert [row["split"] for row in rows] == ["train"] * 5
    assert [json.loads(row["gold"]) for row in rows] == [{"rating": 4.0}, {}, {}, {}, {}]
    assert (version.number, version.note, version.review_count) == (1, "before round two", 5)
    assert version.byte_count == _path(version).stat().st_size
    assert version.file_sha256 == hashlib.sha256(_path(version).read_bytes()).hexdigest()


def test_the_hash_is_that_of_the_content_and_not_of_the_file(dataset: Dataset) -> None:
    version = _version(dataset)

    content = canonical.snapshot_hash(dataset)

    assert version.sha256 == content != version.file_sha256


def test_nothing_changed_gives_the_same_hash_and_says_so(dataset: Dataset) -> None:
    first, second = _version(dataset), _version(dataset)

    assert first.sha256 == second.sha256
    assert second.job is not None
    assert second.job.result["same_as"] == 1
    assert "Nothing has changed" in second.job.log_lines.latest("pk").text
    assert snapshots.compare(first, second) == snapshots.Changes(0, 0, 0)


@pytest.mark.parametrize("what", ["split", "metadata", "product", "group_key", "is_control"])
def test_whatever_changes_changes_the_hash(dataset: Dataset, what: str) -> None:
    before = canonical.snapshot_hash(dataset)
    values = {"split": "test", "metadata": {}, "product": "x", "group_key": 7, "is_control": True}

    Review.objects.filter(pk=dataset.reviews.earliest("pk").pk).update(**{what: values[what]})

    assert canonical.snapshot_hash(dataset) != before


def test_versions_are_compared_review_by_review(project: Project, dataset: Dataset) -> None:
    first = _version(dataset)
    ids = list(dataset.reviews.order_by("pk").values_list("pk", flat=True))
    Review.objects.filter(pk__in=ids[:2]).update(split="test")
    Review.objects.filter(pk=ids[4]).delete()
    for _ in range(3):
        factories.review(project, dataset=dataset)

    second = _version(dataset)

    assert snapshots.compare(first, second) == snapshots.Changes(3, 1, 2)
    assert parquet.read_table(_path(first)).num_rows == 5, "a version never changes"


def test_a_selection_has_versions_too(project: Project, dataset: Dataset) -> None:
    selection = factories.dataset(project)
    Dataset.objects.filter(pk=selection.pk).update(kind=Dataset.Kind.SELECTION)
    selection.refresh_from_db()
    chosen = dataset.reviews.latest("pk")
    SelectedReview.objects.create(dataset=selection, review=chosen)

    rows = parquet.read_table(_path(_version(selection))).to_pylist()

    assert [row["id"] for row in rows] == [chosen.pk]
    assert reviews_in(selection).count() == 1


def test_long_texts_are_read_a_few_at_a_time(project: Project) -> None:
    dataset = factories.dataset(project)
    texts = [str(number) * 900_000 for number in range(1, 8)] + ["short"] * 400
    for text in texts:
        factories.review(project, text, dataset=dataset)

    sizes = [len(rows) for rows, _ in canonical.rows_of(dataset)]

    assert sum(sizes) == len(texts)
    assert parquet.read_table(_path(_version(dataset)))["text"].to_pylist() == texts


def test_one_version_at_a_time_and_only_of_what_is_ready(dataset: Dataset) -> None:
    snapshots.request_version(dataset=dataset, note="", actor=None)

    with pytest.raises(Conflict, match="under way"):
        snapshots.request_version(dataset=dataset, note="", actor=None)
    Dataset.objects.filter(pk=dataset.pk).update(is_ready=False)
    dataset.refresh_from_db()
    with pytest.raises(Conflict, match="still being made"):
        snapshots.request_version(dataset=dataset, note="", actor=None)


def test_a_cancelled_version_leaves_nothing(dataset: Dataset) -> None:
    version = snapshots.request_version(dataset=dataset, note="", actor=None)
    assert version.job is not None
    Job.objects.filter(pk=version.job.pk).update(state=Job.State.CANCELLED)

    snapshotting.tidy(version.job.pk)

    assert not DatasetVersion.objects.exists()


def test_a_worker_that_lost_its_lease_shows_no_file(dataset: Dataset) -> None:
    version = snapshots.request_version(dataset=dataset, note="", actor=None)
    assert version.job is not None
    lost = claim_one(job_id=version.job.pk, worker="one")
    assert lost is not None
    Job.objects.filter(pk=version.job.pk).update(state=Job.State.QUEUED)
    other = claim_one(job_id=version.job.pk, worker="two")
    assert other is not None

    with pytest.raises(LeaseLost):
        snapshotting.run(Lease(lost.job))
    version.refresh_from_db()
    assert not version.file
    snapshotting.run(other)

    version.refresh_from_db()
    folder = path_of(snapshots.FOLDER)
    assert [path.name for path in folder.iterdir()] == [Path(version.file).name]


class Interrupted(Lease):
    """A lease in whose first progress the splits are drawn anew."""

    is_first = True

    def progress(self, *, done: int, total: int | None = None, message: str = "") -> None:
        if self.is_first:
            self.is_first = False
            dataset = Dataset.objects.get(pk=self.params["dataset"])
            wishes = splitting.Wishes(seed=5)
            run_here(splitting.redraw(dataset=dataset, wishes=wishes, actor=None))
        super().progress(done=done, total=total, message=message)


def test_no_version_holds_half_a_draw(dataset: Dataset) -> None:
    version = snapshots.request_version(dataset=dataset, note="", actor=None)
    assert version.job is not None
    lease = claim_one(job_id=version.job.pk, worker="one")
    assert lease is not None

    snapshotting.run(Interrupted(lease.job))

    version.refresh_from_db()
    rows = parquet.read_table(_path(version)).to_pylist()
    splits = dict(dataset.reviews.values_list("pk", "split"))
    assert {row["id"]: row["split"] for row in rows} == splits
    assert set(splits.values()) != {"train"}


def test_the_files_go_with_the_data_set(dataset: Dataset) -> None:
    version = _version(dataset)

    snapshots.remove_files(dataset)

    assert not _path(version).exists()
    assert not dataset.versions.exists()


# --- Pages and REST -------------------------------------------------------------------------------


def test_the_page_makes_and_lists_versions(
    project: Project, dataset: Dataset, owner: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    page = f"/projects/shop/reviews/datasets/{dataset.pk}/"

    made = client.post(f"{page}versions/", {"note": "for the report"})
    run_here(Job.objects.get(kind="snapshot"))
    shown = client.get(page).content.decode()

    version = dataset.versions.get()
    assert made.status_code == 302
    assert "for the report" in shown
    assert version.sha256[:12] in shown
    sent: Any = client.get(f"{page}versions/1/file/")
    assert b"".join(sent.streaming_content) == _path(version).read_bytes()
    assert 'filename="cafe-reviews-v1.parquet"' in sent.headers["Content-Disposition"]


def test_the_page_says_what_changed(
    dataset: Dataset, owner: User, signed_in: Callable[[User], Client]
) -> None:
    _version(dataset)
    Review.objects.filter(pk=dataset.reviews.latest("pk").pk).update(split="test")
    _version(dataset)
    page = f"/projects/shop/reviews/datasets/{dataset.pk}/versions"

    answer = signed_in(owner).get(f"{page}/2/changes/").content.decode()

    assert "From version 1 to version 2" in answer
    assert signed_in(owner).get(f"{page}/2/changes/?since=x").status_code == 400
    assert signed_in(owner).get(f"{page}/1/changes/").status_code == 404


def test_programs_make_find_and_take_versions(
    dataset: Dataset, owner: User, api: Callable[..., APIClient]
) -> None:
    client = api(owner)
    path = f"/api/v1/projects/shop/datasets/{dataset.pk}/versions/"

    made = client.post(path, {"note": "v"}, format="json", headers={"Idempotency-Key": "k"})
    again = client.post(path, {"note": "v"}, format="json", headers={"Idempotency-Key": "k"})
    run_here(Job.objects.get(kind="snapshot"))
    (found,) = client.get(path).json()["results"]

    assert made.status_code == again.status_code == 202
    assert made.json()["job"] == again.json()["job"]
    assert found["sha256"] == canonical.snapshot_hash(dataset)
    sent: Any = client.get(found["file"])
    content = b"".join(sent.streaming_content)
    assert content == _path(dataset.versions.get()).read_bytes()
    _version(dataset)
    changes = client.get(f"{path}2/changes/").json()
    assert changes == {"added": 0, "removed": 0, "changed": 0}


def test_a_version_that_is_being_made_has_no_file_yet(
    dataset: Dataset, owner: User, api: Callable[..., APIClient]
) -> None:
    snapshots.request_version(dataset=dataset, note="", actor=None)

    answer = api(owner).get(f"/api/v1/projects/shop/datasets/{dataset.pk}/versions/1/file/")

    assert answer.status_code == 503


def test_viewers_see_versions_and_take_no_file(
    dataset: Dataset,
    member: Callable[[Role], User],
    mallory: User,
    api: Callable[..., APIClient],
    signed_in: Callable[[User], Client],
) -> None:
    _version(dataset)
    path = f"/api/v1/projects/shop/datasets/{dataset.pk}/versions/"
    viewer = api(member(Role.VIEWER))

    assert viewer.get(path).status_code == 200
    assert viewer.get(f"{path}1/file/").status_code == 403
    assert viewer.post(path).status_code == 403
    page = f"/projects/shop/reviews/datasets/{dataset.pk}/versions/1/"
    assert signed_in(mallory).get(f"{page}file/").status_code == 404
    assert signed_in(mallory).get(f"{page}changes/").status_code == 404
