"""An import from the upload to the data set, with all that can be wrong with a file."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Model

from accounts.models import User
from common import bulk
from common.errors import Conflict, Invalid
from jobs.lease import LeaseLost, claim_one
from jobs.models import Job
from jobs.services import cancel
from jobs.worker import run, worker_name
from projects.models import Project
from reviews import answers, imports, models, pieces, services, writing
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, ImportJob, RejectedRow, Review, Upload
from reviews.selectors import datasets_of, visible_reviews
from tests.reviews.conftest import FakeSink

MakeUpload = Callable[..., Upload]
TEXT = ColumnMapping(text=("text",))


@pytest.fixture
def start(
    project: Project, owner: User, upload: MakeUpload, sink: FakeSink
) -> Callable[..., services.Started]:
    """Return what starts an import of some data."""

    def make(data: str | bytes, mapping: ColumnMapping | None = TEXT, name: str = "set") -> Any:
        return services.start_import(
            project=project,
            dataset_name=name,
            upload=upload(data),
            mapping=mapping,
            actor=owner,
        )

    return make


Start = Callable[..., services.Started]


def finish(started: services.Started) -> ImportJob:
    """Run the job to its end and return the import, which must account for every row."""
    lease = claim_one(job_id=started.job.pk, worker=worker_name())
    assert lease is not None
    run(lease)
    started.job.refresh_from_db()
    assert started.job.state == Job.State.SUCCEEDED, started.job.reason
    work = started.import_job
    work.refresh_from_db()
    assert work.read_count == work.accepted_count + work.rejected_count + work.duplicate_count
    assert work.accepted_count == work.reviews.count()
    assert work.rejected_count == work.rejected_rows.count()
    return work


def counts(work: ImportJob) -> tuple[int, int, int, int]:
    return work.read_count, work.accepted_count, work.rejected_count, work.duplicate_count


def texts(work: ImportJob) -> list[str]:
    return list(work.reviews.order_by("row_number").values_list("text", flat=True))


def test_a_file_becomes_a_data_set_with_everything_that_it_says(
    start: Start, sink: FakeSink
) -> None:
    mapping = ColumnMapping(
        text=("Title", "Body"),
        separator=" [SEP] ",
        answers={"Stars": "rating"},
        date="When",
        product="Item",
        author="Who",
    )
    data = "Title,Body,Stars,When,Item,Who,Age\nNice,It fits.,4,31/01/2024,Coat,Ann,34\n"

    work = finish(start(data, mapping))

    review = work.reviews.get()
    assert review.text == "Nice [SEP] It fits."
    assert (review.product, review.author, str(review.reviewed_at)) == ("Coat", "Ann", "2024-01-31")
    assert review.metadata == {"Age": "34"}
    assert sink.stored == {review.pk: {"rating": 4}}
    assert work.dataset.imports.get().job is not None


ODD_FIELDS = [
    ("A tab\there, a \\\\N, a \\ and a {brace}.", "1969-07-20", "\\N", "", '{"Note": "\\\\t"}'),
    ("👩\u200d👩\u200d👧 כל הכבוד", "", "Ünï", "Ann, B", "\u2028"),
    ("Two\nlines", "9999-12-31", "", "", ""),
]


def test_what_is_odd_to_a_database_comes_in_as_it_stands(start: Start) -> None:
    mapping = ColumnMapping(text=("Text",), date="When", product="Item", author="Who")
    file = io.StringIO()
    csv.writer(file).writerows([("Text", "When", "Item", "Who", "Note"), *ODD_FIELDS])

    work = finish(start(file.getvalue(), mapping))

    kept = [
        (each.text, str(each.reviewed_at or ""), each.product, each.author, each.metadata)
        for each in work.reviews.order_by("row_number")
    ]
    assert kept == [(*row[:4], {"Note": row[4]} if row[4].strip() else {}) for row in ODD_FIELDS]


def test_the_data_set_is_shown_only_once_the_import_has_ended(
    start: Start, project: Project
) -> None:
    started = start("text\nLovely.\nAwful.\n")

    assert not visible_reviews(project).exists()
    finish(started)

    dataset = Dataset.objects.get()
    assert dataset.is_ready
    assert dataset.review_count == 2
    assert visible_reviews(project).count() == 2
    split_total = sum(dataset.split_counts.get(key, 0) for key in ("train", "validation", "test"))
    assert split_total == 2


def test_the_job_s_result_says_what_became_of_the_rows(start: Start) -> None:
    started = start("text\nLovely.\nLovely.\n \n")

    finish(started)

    result = started.job.result
    assert {key: result[key] for key in ("read", "accepted", "rejected", "duplicates")} == {
        "read": 3, "accepted": 1, "rejected": 1, "duplicates": 1,
    }  # fmt: skip
    assert result["seconds"] > 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param('"",3,', "line 3, column text: there is no text", id="no text"),
        pytest.param("  ,3,", "line 3, column text: there is no text", id="blanks only"),
        pytest.param("fine,3", "line 3: the row has 2 cells, the header has 3", id="too few"),
        pytest.param("a,3,,x", "line 3: the row has 4 cells, the header has 3", id="too many"),
        pytest.param(
            "fine,five,",
            'line 3, column stars: "five" is not a number from 1 to 5',
            id="a rating of five",
        ),
        pytest.param("fine,3,soon", 'line 3, column day: "soon" is not a date', id="no date"),
        pytest.param("x" * 100_001 + ",3,", "line 3: cell 1 has 100,001 characters", id="long"),
        pytest.param('"open,3,', "line 3: a quote opens here", id="lone quote"),
        pytest.param('x,"3""",', 'line 3, column stars: "3"" is not a number', id="odd answer"),
    ],
)
def test_a_row_that_cannot_be_taken_is_kept_with_line_and_reason(
    start: Start, row: str, reason: str
) -> None:
    mapping = ColumnMapping(text=("text",), answers={"stars": "rating"}, date="day")

    work = finish(start(f"text,stars,day\nGood,5,2024-01-31\n{row}\nBad,1,\n", mapping))

    assert counts(work) == (3, 2, 1, 0)
    assert work.rejected_rows.get().sentence.startswith(reason)
    assert texts(work) == ["Good", "Bad"]


@pytest.mark.usefixtures("small_batches")
def test_values_that_do_not_fit_are_refused_in_the_batch_that_has_them(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of a piece of the file are kept once for all its batches, also where none has them."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 4_000)
    mapping = ColumnMapping(text=("Text",), answers={"Stars": "rating"}, date="When")
    lines = [
        f"Row {at},{'nine' if at >= 580 else 5},{'soon' if at < 5 else '2024-01-31'}"
        for at in range(600)
    ]

    work = finish(start("\n".join(["Text,Stars,When", *lines]) + "\n", mapping))

    assert counts(work) == (600, 575, 25, 0)
    numbers = work.rejected_rows.order_by("row_number").values_list("row_number", flat=True)
    assert [number - 1 for number in numbers] == [*range(5), *range(580, 600)]


def test_a_cell_of_a_megabyte_is_one_refused_row(start: Start) -> None:
    work = finish(start("text\nshort\n" + "x" * 1_048_576 + "\nlast\n"))

    assert counts(work) == (3, 2, 1, 0)
    assert "1,048,576 characters" in work.rejected_rows.get().reason


def test_nul_bytes_are_dropped_and_the_text_is_kept(start: Start) -> None:
    work = finish(start(b"text\nfi\x00ne\n\x00\n"))

    assert texts(work) == ["fine"]


def test_a_wrong_encoding_costs_the_rows_that_it_cannot_read(
    start: Start, project: Project, owner: User, upload: MakeUpload
) -> None:
    file = upload("text\nplain\ncafé\nagain\n".encode("cp1252"))
    started = services.start_import(
        project=project,
        dataset_name="wrong",
        upload=file,
        mapping=TEXT,
        read_as={"encoding": "utf-8"},
        actor=owner,
    )

    work = finish(started)

    assert counts(work) == (3, 2, 1, 0)
    assert "no characters in the chosen encoding" in work.rejected_rows.get().reason


def test_a_column_that_is_empty_at_the_start_of_the_header_gets_a_name(start: Start) -> None:
    work = finish(start(",text\n7,Fine.\n"))

    assert work.reviews.get().metadata == {"column 1": "7"}


def test_a_file_of_two_hundred_columns_keeps_them_all(start: Start) -> None:
    names = ",".join(f"c{number}" for number in range(199))
    values = ",".join(str(number) for number in range(199))

    work = finish(start(f"text,{names}\nFine.,{values}\n"))

    assert len(work.reviews.get().metadata) == 199


def test_a_long_product_name_is_cut_and_kept_whole_beside(start: Start) -> None:
    mapping = ColumnMapping(text=("text",), product="item", metadata=())

    work = finish(start(f"text,item\nFine.,{'p' * 300}\n", mapping))

    review = work.reviews.get()
    assert len(review.product) == 200
    assert review.metadata == {"item": "p" * 300}


NAUGHTY = [
    "=HYPERLINK(1)", "'; DROP TABLE reviews; --", "<script>alert(1)</script>", "{{ 7*7 }}",
    "%s %d %n", "../../etc/hosts", "NULL", "None", "true", "0", "1e309", "NaN", "\\", "\\N", "\\.",
    "Ω≈ç√∫", "田中さん", "مرحبا", "🏳️‍🌈👩‍👩‍👧", "Z̸̧a̷l̵g̶o̸", "\u202etxet", "a\u200bb",
    "\u2028line", "tab\tinside", "\x07bell", "ﬁ ligature", "e\u0301", "\ufefftext",
]  # fmt: skip


def test_naughty_strings_come_back_as_they_went_in(start: Start) -> None:
    import unicodedata

    quoted = "\n".join('"' + text.replace('"', '""') + '"' for text in NAUGHTY)

    work = finish(start(f"text\n{quoted}\n"))

    expected = [unicodedata.normalize("NFC", text.replace("\ufeff", "")) for text in NAUGHTY]
    assert texts(work) == [text.strip() for text in expected]


def test_naughty_strings_may_be_column_names_and_values(start: Start) -> None:
    header = ",".join('"' + text.replace('"', '""') + '"' for text in NAUGHTY)
    mapping = ColumnMapping(text=("the text",))

    work = finish(start(f"the text,{header}\nFine.,{header}\n", mapping))

    assert len(work.reviews.get().metadata) == len(NAUGHTY)


def test_a_text_that_the_project_has_is_counted_and_not_stored_again(start: Start) -> None:
    finish(start("text\nLovely.\n", name="first"))

    work = finish(start("text\nLovely. \nNew.\nNew.\n", name="second"))

    assert counts(work) == (3, 1, 0, 2)
    assert texts(work) == ["New."]


def test_a_text_of_an_import_that_has_not_ended_does_not_count_as_known(start: Start) -> None:
    start("text\nLovely.\n", name="first")

    work = finish(start("text\nLovely.\n", name="second"))

    assert counts(work) == (1, 1, 0, 0)


def test_another_project_s_texts_are_no_duplicates(start: Start, mallory: User) -> None:
    from tests import factories

    other = Project.objects.get(slug="mallorys")
    factories.review(other, "Lovely.")

    assert counts(finish(start("text\nLovely.\n"))) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("text\n", "no rows below", id="header only"),
        pytest.param("\n\n", "empty", id="blank lines"),
        pytest.param("id,stars\n1,4\n2,5\n", "No column looks like text", id="no text column"),
    ],
)
def test_a_file_with_nothing_to_import_is_refused_at_once(
    start: Start, data: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        start(data, None)

    assert not Dataset.objects.exists()
    assert not Job.objects.exists()


def test_an_empty_file_is_refused_before_it_is_kept(upload: MakeUpload) -> None:
    with pytest.raises(Invalid, match="The file is empty"):
        upload(b"")

    assert not Upload.objects.exists()


def test_a_file_above_the_limit_is_refused_with_the_limit(
    upload: MakeUpload, settings: Any
) -> None:
    settings.GLOSS_UPLOAD_MAX_BYTES = 10

    with pytest.raises(Invalid, match="at most 10 are taken"):
        upload("text\nLovely dress.\n")


def test_an_upload_is_kept_under_a_name_of_ours_with_its_hash(upload: MakeUpload) -> None:
    import hashlib

    kept = upload("text\nLovely.\n", name="../../evil\\..\\reviews.csv")

    assert kept.original_name == "reviews.csv"
    stored = str(kept.file.name)
    assert "evil" not in stored
    assert stored.startswith("uploads/")
    assert kept.sha256 == hashlib.sha256(b"text\nLovely.\n").hexdigest()


def test_a_name_that_is_taken_is_a_conflict(start: Start) -> None:
    finish(start("text\nLovely.\n", name="shoes"))

    with pytest.raises(Conflict, match="'shoes' already"):
        start("text\nAwful.\n", name="shoes")


def test_a_request_that_is_repeated_with_its_key_starts_nothing_new(
    project: Project, owner: User, upload: MakeUpload, sink: FakeSink
) -> None:
    def ask() -> services.Started:
        return services.start_import(
            project=project,
            dataset_name="set",
            upload=upload("text\nLovely.\n"),
            mapping=TEXT,
            actor=owner,
            idempotency_key="once",
        )

    first, second = ask(), ask()

    assert (first.job, first.is_new) == (second.job, True)
    assert not second.is_new
    assert Dataset.objects.count() == 1


# --- Death and cancellation -------------------------------------------------------------------


class DyingSink(FakeSink):
    """Fail when the answers of the batch number `at` are to be stored, inside the transaction."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.batches = at, 0

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]], prepared: Any = None) -> None:
        self.batches += 1
        if self.batches == self.at:
            raise KeyboardInterrupt
        super().store(rows, prepared)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 10)


def _long_file() -> str:
    rows = [f"Review {n},{n % 5 + 1}" if n % 7 else f"Review {n},six" for n in range(95)]
    return "\n".join(["text,stars", *rows, "Review 1,2"])


RATED = ColumnMapping(text=("text",), answers={"stars": "rating"})


def _rows(model: type[Model], *names: str) -> list[tuple[Any, ...]]:
    return list(model._default_manager.order_by("row_number").values_list(*names))


@pytest.mark.parametrize("batch", [1, 2, 5, 10])
@pytest.mark.usefixtures("small_batches")
def test_an_import_that_dies_in_a_batch_ends_as_if_it_had_not(
    start: Start, sink: FakeSink, batch: int
) -> None:
    whole = start(_long_file(), RATED, name="whole")
    expected_counts = counts(finish(whole))
    names = ("row_number", "text", "split", "is_control", "priority")
    expected_reviews = _rows(Review, *names)
    expected_rejected = _rows(RejectedRow, "row_number", "line", "reason")
    whole.dataset.delete()
    started = start(_long_file(), RATED)
    dying = DyingSink(at=batch)
    answers.register(lambda _: dying)
    lease = claim_one(job_id=started.job.pk, worker="first")
    assert lease is not None

    with pytest.raises(KeyboardInterrupt):
        imports.run(lease)
    Job.objects.filter(pk=started.job.pk).update(state=Job.State.QUEUED)
    work = finish(started)

    assert counts(work) == expected_counts == (96, 81, 14, 1)
    assert _rows(Review, *names) == expected_reviews
    assert _rows(RejectedRow, "row_number", "line", "reason") == expected_rejected
    assert set(dying.stored) == set(work.reviews.values_list("pk", flat=True))


@pytest.mark.usefixtures("small_batches")
def test_a_worker_whose_job_was_given_to_another_writes_nothing_more(start: Start) -> None:
    started = start(_long_file(), RATED)
    frozen = claim_one(job_id=started.job.pk, worker="frozen")
    assert frozen is not None
    Job.objects.filter(pk=started.job.pk).update(state=Job.State.QUEUED)
    work = finish(started)
    before = counts(work)

    with pytest.raises(LeaseLost):
        imports.run(frozen)

    work.refresh_from_db()
    assert counts(work) == before


@pytest.mark.usefixtures("small_batches")
def test_a_cancelled_import_leaves_nothing_and_frees_its_name(
    start: Start, owner: User, project: Project
) -> None:
    started = start(_long_file(), RATED)
    lease = claim_one(job_id=started.job.pk, worker=worker_name())
    assert lease is not None
    cancel(job=started.job, actor=owner)
    lease.extend()

    run(lease)

    started.job.refresh_from_db()
    assert started.job.state == Job.State.CANCELLED
    assert not Dataset.objects.exists()
    assert not Review.objects.exists()
    finish(start("text\nLovely.\n"))


def test_an_import_that_is_cancelled_while_it_waits_frees_its_name(
    start: Start, owner: User, project: Project
) -> None:
    cancel(job=start("text\nLovely.\n").job, actor=owner)

    assert not datasets_of(project).exists()
    finish(start("text\nLovely.\n"))

    assert datasets_of(project).get().is_ready


def test_an_import_whose_file_is_gone_fails_and_leaves_nothing(start: Start) -> None:
    started = start("text\nLovely.\n")
    default_storage.delete(str(started.import_job.upload.file.name))
    Job.objects.filter(pk=started.job.pk).update(attempt=2)
    lease = claim_one(job_id=started.job.pk, worker=worker_name())
    assert lease is not None

    run(lease)

    started.job.refresh_from_db()
    assert started.job.state == Job.State.FAILED
    assert not Dataset.objects.exists()


def test_ids_are_never_given_twice(start: Start) -> None:
    first = finish(start("text\nOne.\nTwo.\n", name="first"))
    last = max(first.reviews.values_list("pk", flat=True))
    first.dataset.delete()

    second = finish(start("text\nThree.\n", name="second"))

    assert second.reviews.get().pk > last


# --- The columns that are written -------------------------------------------------------------


def test_an_import_writes_every_column_of_a_review() -> None:
    fields = {field.column: field for field in Review._meta.concrete_fields}
    written = {*writing.VARYING, *writing.SAME}

    assert written <= fields.keys()
    assert all(fields[name].null for name in fields.keys() - written)


def test_an_import_writes_every_column_of_a_refused_row() -> None:
    fields = {field.column for field in RejectedRow._meta.concrete_fields}

    assert set(models.REJECTED_COLUMNS) == fields - {"id"}


def reviews_on_show() -> float:
    """Return how many reviews the database believes to have."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT max(CAST(stat AS integer)) FROM sqlite_stat1 WHERE tbl = %s",
                [
                    "reviews_review",
                ],
            )
            return float(cursor.fetchone()[0])
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'reviews_review'::regclass")
        return float(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_database_looks_at_what_a_large_import_has_brought(start: Start) -> None:
    rows = [f"{number} {'word ' * 200}" for number in range(1_500)]

    finish(start("text\n" + "\n".join(rows) + "\n"))

    assert reviews_on_show() == len(rows)
    finish(start("text\nOne more.\n", name="another"))
    assert reviews_on_show() == len(rows)  # not worth a look
    assert bulk.learn_growth() == []
