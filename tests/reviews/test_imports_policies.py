"""What becomes of texts that come again: in a file, in two, at the same time, by several people."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from accounts.models import User
from common.text import text_hash, text_key
from jobs.lease import claim_one
from jobs.models import Job
from jobs.worker import run, worker_name
from projects.models import Project
from reviews import fingerprints, imports, services
from reviews.files import open_upload
from reviews.mapping import ColumnMapping
from reviews.models import Fingerprints, ImportJob, Review, ReviewChange, Upload
from tests import factories
from tests.reviews.conftest import FakeSink

MakeUpload = Callable[..., Upload]
Begin = Callable[..., services.Started]


@pytest.fixture
def begin(project: Project, owner: User, upload: MakeUpload, sink: FakeSink) -> Begin:
    """Return what starts an import of some data."""

    def make(data: str, name: str = "set", **mapping: Any) -> services.Started:
        wanted = ColumnMapping(**({"text": ("text",)} | mapping))
        return services.start_import(
            project=project, dataset_name=name, upload=upload(data), mapping=wanted, actor=owner
        )

    return make


def finish(started: services.Started) -> ImportJob:
    """Run the job to its end and return the import."""
    lease = claim_one(job_id=started.job.pk, worker=worker_name())
    assert lease is not None
    run(lease)
    started.job.refresh_from_db()
    assert started.job.state == Job.State.SUCCEEDED, started.job.reason
    work = started.import_job
    work.refresh_from_db()
    return work


def counts(work: ImportJob) -> tuple[int, int, int, int, int]:
    return (
        work.read_count, work.accepted_count, work.rejected_count, work.duplicate_count,
        work.updated_count,
    )  # fmt: skip


def texts(work: ImportJob) -> list[str]:
    return list(work.reviews.order_by("row_number").values_list("text", flat=True))


# --- Skip and keep ------------------------------------------------------------------------------


def test_texts_may_come_again_when_they_are_to_be_kept(begin: Begin) -> None:
    finish(begin("text\nA.\n", "first"))

    work = finish(begin("text\nA.\nA.\nB.\n", "second", on_duplicate="keep"))

    assert counts(work) == (3, 3, 0, 0, 0)
    assert texts(work) == ["A.", "A.", "B."]
    assert work.dataset.reviews.count() == 3


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_text_that_comes_again_is_found_in_any_batch(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", size)

    work = finish(begin("text\nA.\nB.\nA.\nC.\nB. \nA.\n"))

    assert counts(work) == (6, 3, 0, 3, 0)
    assert texts(work) == ["A.", "B.", "C."]


def test_two_texts_with_one_key_are_two_reviews(begin: Begin, project: Project) -> None:
    other = factories.review(project, "Quite another text.")
    key = np.array([text_key(text_hash("A."))], np.int64)
    fingerprints.record(
        dataset_id=other.dataset_id, first_row=1, keys=key, ids=np.array([other.pk], np.int64)
    )

    work = finish(begin("text\nA.\nA.\n"))

    assert counts(work) == (2, 1, 0, 1, 0)


def test_a_fingerprint_whose_review_is_gone_keeps_nothing_out(begin: Begin) -> None:
    first = finish(begin("text\nA.\n", "first"))
    first.reviews.all().delete()
    assert Fingerprints.objects.exists()

    assert counts(finish(begin("text\nA.\n", "second"))) == (1, 1, 0, 0, 0)


def test_texts_that_say_nearly_the_same_are_left_out_when_asked(begin: Begin) -> None:
    long = "The sound of these speakers is warm and full, and they were easy to set up at home"
    data = f'text\n"{long}."\n"{long}!"\n"Something else altogether, about a coat."\n'

    work = finish(begin(data, on_near_duplicate="skip"))

    assert counts(work) == (3, 2, 0, 1, 0)


# --- Update -------------------------------------------------------------------------------------


def test_a_repeated_row_renews_the_review_that_is_there(begin: Begin, sink: FakeSink) -> None:
    roles = {"answers": {"stars": "rating"}, "product": "item", "date": "day"}
    first = finish(begin("text,stars,item,day,age\nA.,2,Coat,2024-01-31,30\n", "first", **roles))
    review = first.reviews.get()
    data = "text,stars,item,day,size\nA.,5,,2024-02-01,XL\nA.,4,Hat,,M\nNew.,1,,,\n"

    work = finish(begin(data, "second", on_duplicate="update", **roles))

    review.refresh_from_db()
    assert counts(work) == (3, 1, 0, 2, 2)
    assert review.metadata == {"age": "30", "size": "M"}
    assert (review.product, str(review.reviewed_at)) == ("Hat", "2024-02-01")
    assert sink.stored[review.pk] == {"rating": 4}
    change = ReviewChange.objects.get()
    assert (change.review, change.import_job) == (review, work)
    assert change.before["metadata"] == {"age": "30"}
    assert (change.before["product"], change.before["reviewed_at"]) == ("Coat", "2024-01-31")
    assert change.before["answers"] == {"rating": 2}


def test_a_repeated_row_that_says_nothing_more_renews_nothing(begin: Begin) -> None:
    finish(begin("text\nA.\n", "first"))

    work = finish(begin("text\nA.\n", "second", on_duplicate="update"))

    assert counts(work) == (1, 0, 0, 1, 0)
    assert not ReviewChange.objects.exists()


def test_a_row_renews_a_review_of_its_own_file_without_a_note(begin: Begin) -> None:
    work = finish(begin("text,age\nA.,30\nB.,1\nA.,31\n", on_duplicate="update"))

    assert counts(work) == (3, 2, 0, 1, 1)
    assert work.reviews.get(text="A.").metadata == {"age": "31"}
    assert not ReviewChange.objects.exists()


# --- Several annotators -------------------------------------------------------------------------

LONG = "text,stars,who\nA.,4,Ann\nB.,1,Ann\nA.,5,Bob\nA.,3,Ann\nB.,2,\nC.,,Bob\n"


@pytest.mark.parametrize("size", [1, 2, 100])
def test_rows_by_several_annotators_are_one_review(
    begin: Begin, sink: FakeSink, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", size)

    work = finish(begin(LONG, answers={"stars": "rating"}, annotator="who"))

    a, b, c = work.reviews.order_by("row_number")
    # Ann's second word about A and the row about B by nobody are duplicates.
    assert counts(work) == (6, 4, 0, 2, 0)
    assert [each.text for each in (a, b, c)] == ["A.", "B.", "C."]
    assert sink.said == {
        (a.pk, "Ann"): {"rating": 4}, (b.pk, "Ann"): {"rating": 1}, (a.pk, "Bob"): {"rating": 5},
    }  # fmt: skip
    assert not sink.stored
    work.dataset.refresh_from_db()
    assert work.dataset.review_count == 3


def test_annotators_share_a_review_even_where_duplicates_are_kept(
    begin: Begin, sink: FakeSink
) -> None:
    data = "text,stars,who\nA.,4,Ann\nA.,5,Bob\n"
    finish(begin(data, "first", answers={"stars": "rating"}, annotator="who"))

    work = finish(
        begin(data, "second", answers={"stars": "rating"}, annotator="who", on_duplicate="keep")
    )

    assert counts(work) == (2, 2, 0, 0, 0)
    assert work.reviews.count() == 1
    assert len(sink.said) == 4


# --- The text as it is kept ---------------------------------------------------------------------


def test_the_text_of_the_file_is_known_by_its_hash_where_it_was_changed(begin: Begin) -> None:
    work = finish(begin('text\nsame\n" padded "\n', on_duplicate="skip"))

    assert list(work.reviews.order_by("row_number").values_list("text", "original_hash")) == [
        ("same", ""),
        ("padded", text_hash(" padded ")),
    ]


def test_texts_are_cleaned_by_the_chosen_steps(begin: Begin) -> None:
    data = 'text\n"Fish &amp; chips<br>were good"\nFish & chips\n<br>\n'

    work = finish(begin(data, cleaning=("html",)))

    review = work.reviews.order_by("row_number").first()
    assert review is not None
    assert review.text == "Fish & chips\nwere good"
    assert review.original_hash == text_hash("Fish &amp; chips<br>were good")
    assert work.rejected_rows.get().reason == "nothing of it is left"


# --- At the same time ---------------------------------------------------------------------------


def test_of_two_imports_at_once_the_later_gives_way(begin: Begin) -> None:
    first, second = begin("text\nA.\nB.\n", "first"), begin("text\nB.\nC.\n", "second")
    lease = claim_one(job_id=second.job.pk, worker="slow")
    assert lease is not None
    slow = imports._Importing(lease, second.import_job)
    with open_upload(second.import_job.upload) as binary:
        slow.all_rows(binary)
    finish(first)

    result = slow.finish()

    work = ImportJob.objects.get(pk=second.import_job.pk)
    assert counts(work) == (2, 1, 0, 1, 0)
    assert texts(work) == ["C."]
    assert (result["accepted"], result["duplicates"]) == (1, 1)
    work.dataset.refresh_from_db()
    parts = work.dataset.split_counts
    assert parts["train"] + parts.get("validation", 0) + parts.get("test", 0) == 1
    assert Review.objects.filter(text="B.").count() == 1


def test_counts_by_split_are_those_of_the_rows(begin: Begin, project: Project) -> None:
    project.control_share = 0.3
    project.save()

    work = finish(begin("text\n" + "\n".join(f"Review {n}" for n in range(300)) + "\n"))

    work.dataset.refresh_from_db()
    reviews = work.reviews.all()
    assert work.dataset.split_counts == {
        "train": reviews.filter(split="train").count(),
        "validation": reviews.filter(split="validation").count(),
        "test": reviews.filter(split="test").count(),
        "control": reviews.filter(is_control=True).count(),
    }
    assert work.dataset.split_counts["control"] > 30


# --- Death with policies ------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_import_that_leaves_near_duplicates_out_ends_alike_after_a_death(
    begin: Begin, sink: FakeSink, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 3)
    words = [
        "sound",
        "warm",
        "full",
        "easy",
        "home",
        "cable",
        "speaker",
        "small",
        "price",
        "loud",
        "quick",
        "strong",
        "plain",
    ]
    lines = [
        f"The {words[n % 13]} of this was {words[n // 2 % 13]} and I would buy {words[n // 3 % 13]}"
        f" again in a year,{n % 5 + 1}"
        for n in range(12)
    ]
    lines = [line.replace(",", f"{end},") for line in lines for end in (".", "!")]
    data = "text,stars\n" + "\n".join(lines) + "\n"
    wishes: dict[str, Any] = {"on_near_duplicate": "skip", "answers": {"stars": "rating"}}
    whole = finish(begin(data, "whole", **wishes))
    expected = counts(whole), texts(whole)
    whole.dataset.delete()
    started = begin(data, **wishes)
    lease = claim_one(job_id=started.job.pk, worker="first")
    assert lease is not None
    stores = iter(range(1, 100))
    store = sink.store

    def die(rows: Any, prepared: Any = None) -> None:
        if next(stores) == at:
            raise KeyboardInterrupt
        store(rows, prepared)

    monkeypatch.setattr(sink, "store", die)
    with pytest.raises(KeyboardInterrupt):
        imports.run(lease)
    Job.objects.filter(pk=started.job.pk).update(state=Job.State.QUEUED)

    work = finish(started)

    assert (counts(work), texts(work)) == expected
    assert 0 < work.duplicate_count < 24
