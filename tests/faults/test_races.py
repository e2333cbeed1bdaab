"""What happens at once: real threads, and jobs that are overtaken at every one of their places."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict
from jobs import worker
from jobs.lease import Lease, claim_one
from jobs.models import Job
from jobs.services import cancel
from labelling.models import Annotation
from labelling.selectors import current_schema
from labelling.services import next_assignment, submit
from projects.models import Membership, Project
from reviews import (
    bulk,
    derive,
    deriving,
    export_services,
    imports,
    services,
    snapshots,
    splitting,
    undo,
)
from reviews.files import path_of
from reviews.mapping import ColumnMapping
from reviews.members import reviews_in
from reviews.models import Dataset, DatasetVersion, Export, Review, SelectedReview
from reviews.recipes import Recipe
from reviews.selectors import visible_reviews
from reviews.wanted import Wanted
from tests import factories
from tests.faults.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

API = "/api/v1/projects/shop/"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 5)
    monkeypatch.setattr(derive, "POINTERS", 5)
    monkeypatch.setattr(derive, "COPIES", 5)
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 5)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    made = factories.dataset(project, "kettles")
    for number in range(12):
        factories.review(project, f"Kettle {number} is quiet.", dataset=made)
    Dataset.objects.filter(pk=made.pk).update(review_count=12)
    return made


def starting(project: Project, owner: User, name: str, rows: range) -> Job:
    data = "text\n" + "".join(f"Toaster {number} is warm.\n" for number in rows)
    upload = services.receive_upload(
        project=project, file=ContentFile(data.encode(), name="t.csv"), actor=owner
    )
    return services.start_import(
        project=project,
        dataset_name=name,
        upload=upload,
        mapping=ColumnMapping(text=("text",)),
        actor=owner,
    ).job


def texts(project: Project) -> list[str]:
    return sorted(visible_reviews(project).values_list("text", flat=True))


# --- Threads --------------------------------------------------------------------------------------


def test_imports_of_the_same_texts_that_end_at_once_keep_each_text_once(
    project: Project, owner: User
) -> None:
    first = starting(project, owner, "one", range(20))
    second = starting(project, owner, "two", range(10, 30))

    together(lambda: worker.run_here(first), lambda: worker.run_here(second))

    assert [first.state, second.state] == ["succeeded", "succeeded"]
    assert texts(project) == sorted(f"Toaster {number} is warm." for number in range(30))
    for made in Dataset.objects.all():
        assert made.review_count == made.reviews.count()


def test_of_two_data_sets_of_one_name_one_is_made(project: Project, owner: User) -> None:
    gave = together(
        lambda: starting(project, owner, "same", range(3)),
        lambda: starting(project, owner, "same", range(3)),
        lambda: deriving.derive(project=project, name="same", recipe=Recipe(), actor=owner),
    )

    assert sum(not isinstance(each, Exception) for each in gave) == 1
    refused = [each for each in gave if isinstance(each, Exception)]
    assert all(isinstance(each, Conflict) and "'same'" in str(each) for each in refused)
    assert Dataset.objects.count() == Job.objects.count() == 1


POSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "export": (API + "exports/", {"format": "jsonl"}, 202),
    "derive": (API + "datasets/derive/", {"name": "made"}, 202),
    "version": (API + "datasets/{dataset}/versions/", {}, 202),
    "splits": (API + "datasets/{dataset}/splits/", {}, 202),
    "bulk action": (API + "bulk-actions/", {"kind": "queue", "filters": {}}, 202),
    "member": (API + "members/", {"username": "ada", "role": "annotator"}, 201),
    "schema": (
        API + "schema/",
        {"version": 1, "questions": [{"name": "Fine?", "kind": "number"}]},
        201,
    ),
    "view": (API + "saved-views/", {"name": "mine", "query": "q=kettle"}, 201),
    "project": ("/api/v1/projects/", {"slug": "second", "preset": "product-reviews"}, 201),
}


@pytest.mark.parametrize(("path", "body", "status"), POSTS.values(), ids=POSTS.keys())
def test_a_request_with_a_key_that_comes_at_once_and_again_is_done_once(
    project: Project, owner: User, dataset: Dataset, path: str, body: dict[str, Any], status: int
) -> None:
    factories.user("ada")
    address = path.format(dataset=dataset.pk)
    before = AuditEvent.objects.count()

    def send() -> Any:
        client = APIClient()
        client.force_authenticate(owner)
        return client.post(address, body, format="json", headers={"Idempotency-Key": "once"})

    once = [*together(send, send, send), send()]

    assert [each.status_code for each in once] == [status] * 4, [each.content for each in once]
    assert all(each.json() == once[0].json() for each in once)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)[before:]
    assert len(set(actions)) == len(actions)


def test_a_key_is_good_for_one_address_and_what_failed_may_be_tried_again(
    project: Project, owner: User
) -> None:
    client = APIClient()
    client.force_authenticate(owner)

    def send(path: str, body: dict[str, Any]) -> Any:
        return client.post(path, body, format="json", headers={"Idempotency-Key": "once"})

    ada = {"username": "ada", "role": "annotator"}
    assert send(API + "members/", ada).status_code == 400
    factories.user("ada")
    assert send(API + "members/", ada).status_code == 201

    other = send(API + "saved-views/", {"name": "mine"})

    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["detail"]


def test_no_label_is_lost_unsaid_when_its_data_set_is_removed_meanwhile(
    project: Project, owner: User, dataset: Dataset
) -> None:
    """Whoever labels while it goes is counted, or told: never both thanked and forgotten."""
    assignment = next_assignment(project=project, annotator=owner)
    assert assignment is not None
    schema = current_schema(project)
    answers = {"sentiment": "positive", "rating": 4}

    labelled, removed = together(
        lambda: submit(
            assignment=assignment,
            annotator=owner,
            schema_version=schema.version,
            answers=answers,
        ),
        lambda: undo.start_undo(project=project, dataset=dataset, actor=owner),
    )

    assert isinstance(labelled, Annotation) != isinstance(removed, Job), (labelled, removed)


# --- Overtaken at every place ---------------------------------------------------------------------


class OvertakenLease(Lease):
    """A lease in whose work something else happens, at a place counted from 1."""

    def __init__(self, job: Job, *, at: int, act: Callable[[], Any]) -> None:
        super().__init__(job)
        self._left, self._act = at, act

    def _place(self) -> None:
        self._left -= 1
        if self._left == 0:
            [gave] = together(self._act)
            assert not isinstance(gave, Exception), gave

    @contextmanager
    def effect(self, *, step: int | None = None, **changes: Any) -> Iterator[None]:
        self._place()
        with super().effect(step=step, **changes):
            yield
        self._place()

    def check(self) -> None:
        self._place()
        super().check()


def overtaken(job: Job, *, at: int, act: Callable[[], Any]) -> tuple[Job, bool]:
    """Run a job to its end with something else in it; tell whether that came to pass."""
    lease = claim_one(job_id=job.pk, worker="here:1")
    assert lease is not None
    mine = OvertakenLease(lease.job, at=at, act=act)
    worker.run(mine)
    job.refresh_from_db()
    return job, mine._left <= 0


def remove(project: Project, dataset: Dataset) -> Callable[[], Any]:
    """Return what removes a data set wholly."""

    def act() -> None:
        job = undo.start_undo(project=project, dataset=dataset, actor=None)
        assert worker.run_here(job).state == "succeeded", job.reason

    return act


def _export(project: Project, owner: User, dataset: Dataset | None) -> Job | None:
    wish = Wanted(format="jsonl", dataset=dataset.pk if dataset else None)
    return export_services.request_export(project=project, wish=wish, actor=owner).job


def _select(project: Project, owner: User, dataset: Dataset, cleaning: Any = ()) -> Job:
    recipe = Recipe(datasets=(dataset.pk,), cleaning=cleaning)
    return deriving.derive(project=project, name="made", recipe=recipe, actor=owner).job


def _redraw(project: Project, owner: User, dataset: Dataset) -> Job:
    return splitting.redraw(dataset=dataset, wishes=splitting.Wishes(), actor=owner)


def _version(project: Project, owner: User, dataset: Dataset) -> Job | None:
    return snapshots.request_version(dataset=dataset, note="", actor=owner).job


def _fill(project: Project, owner: User, dataset: Dataset) -> Job | None:
    return bulk.start(
        project=project,
        membership=Membership.objects.get(project=project, user=owner),
        kind="dataset",
        given={"name": "made"},
        chosen=bulk.Chosen(filters=[("dataset", str(dataset.pk))], is_all=True),
        key="",
    ).job


JOBS: dict[str, Callable[..., Job | None]] = {
    "export of it": _export,
    "export of all": lambda project, owner, _: _export(project, owner, None),
    "version": _version,
    "selection": _select,
    "cleaned copies": lambda project, owner, dataset: _select(
        project, owner, dataset, cleaning=("lower",)
    ),
    "draw of splits": _redraw,
    "bulk action": _fill,
}


@pytest.mark.parametrize("start", JOBS.values(), ids=JOBS.keys())
def test_a_removal_at_any_place_of_another_job_leaves_whole_things_or_a_reason(
    project: Project, owner: User, start: Callable[..., Job | None]
) -> None:
    kept = factories.dataset(project, "kept")
    kept_texts = {factories.review(project, f"Lamp {n}.", dataset=kept).text for n in range(7)}

    for at in itertools.count(1):
        going = factories.dataset(project, f"going {at}")
        for number in range(12):
            factories.review(project, f"Kettle {number} of {at}.", dataset=going)
        texts_of_going = {f"Kettle {number} of {at}." for number in range(12)}
        job = start(project, owner, going)
        assert job is not None
        job, was_overtaken = overtaken(job, at=at, act=remove(project, going))

        assert job.state in {"succeeded", "failed"}, f"{at}: {job.reason}"
        _check_whole(job, kept_texts, texts_of_going)
        Dataset.objects.exclude(pk=kept.pk).delete()
        if not was_overtaken:
            break

    assert at > 2


def _check_whole(job: Job, kept: set[str], going: set[str]) -> None:
    """Check that a file or data set holds all of what was removed, or nothing of it."""
    for export in Export.objects.filter(job=job).exclude(file=""):
        content = path_of(export.file).read_text(encoding="utf-8")
        there = {text for text in kept | going if f'"{text}"' in content}
        assert there in (going, kept, kept | going)
    for version in DatasetVersion.objects.filter(job=job).exclude(file=""):
        assert version.review_count == 12
    for made in Dataset.objects.filter(name="made"):
        assert made.is_ready
        assert job.state == "succeeded"
    hanging = SelectedReview.objects.exclude(review__in=Review.objects.all())
    assert not hanging.exists()
    folders = [path_of(each) for each in ("exports", "versions")]
    assert not [path for folder in folders for path in folder.glob("*.part")]


def test_an_import_cannot_be_undone_before_it_is_whole(project: Project, owner: User) -> None:
    job = starting(project, owner, "new", range(12))
    made = Dataset.objects.get(name="new")
    refused: list[str] = []

    def act() -> None:
        with pytest.raises(Conflict) as caught:
            undo.start_undo(project=project, dataset=made, actor=owner)
        refused.append(str(caught.value))

    job, _ = overtaken(job, at=3, act=act)

    assert job.state == "succeeded"
    assert "still being made" in refused[0]
    assert len(texts(project)) == 12


def test_a_selection_is_not_seen_before_the_job_has_filled_it(
    project: Project, owner: User, dataset: Dataset
) -> None:
    seen: list[tuple[bool, int]] = []
    job = _fill(project, owner, dataset)
    assert job is not None
    made = Dataset.objects.get(name="made")

    def look() -> None:
        now = Dataset.objects.get(pk=made.pk)
        seen.append((now.is_ready, reviews_in(now).count()))

    overtaken(job, at=5, act=look)

    made.refresh_from_db()
    assert seen == [(False, 5)]
    assert (made.is_ready, made.review_count) == (True, 12)


def test_a_selection_whose_job_was_cancelled_is_gone_and_its_name_free(
    project: Project, owner: User, dataset: Dataset
) -> None:
    job = _fill(project, owner, dataset)
    assert job is not None
    lease = claim_one(job_id=job.pk, worker="here:1")
    assert lease is not None

    def stop() -> None:
        cancel(job=job, actor=owner)
        mine.extend()

    mine = OvertakenLease(lease.job, at=5, act=stop)

    worker.run(mine)

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not Dataset.objects.filter(name="made").exists()
    assert not SelectedReview.objects.exists()
