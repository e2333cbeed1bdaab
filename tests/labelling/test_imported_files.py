"""Files that carry labels, imported with the real questions of a project."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.models import User
from jobs.lease import claim_one
from jobs.models import Job
from jobs.worker import run, worker_name
from labelling.models import Annotation, Gold, GoldSpan
from projects.models import Project
from reviews import services
from reviews.mapping import ColumnMapping
from reviews.models import ImportJob

Import = Callable[..., ImportJob]


@pytest.fixture
def imported(project: Project, owner: User) -> Import:
    """Return what imports a file to its end."""

    def make(data: str, name: str = "file.csv", **mapping: Any) -> ImportJob:
        file = ContentFile(data.encode(), name=name)
        upload = services.receive_upload(project=project, file=file, actor=owner)
        started = services.start_import(
            project=project,
            dataset_name=name,
            upload=upload,
            mapping=ColumnMapping(**({"text": ("text",)} | mapping)),
            actor=owner,
        )
        lease = claim_one(job_id=started.job.pk, worker=worker_name())
        assert lease is not None
        run(lease)
        started.job.refresh_from_db()
        assert started.job.state == Job.State.SUCCEEDED, started.job.reason
        return ImportJob.objects.get(pk=started.import_job.pk)

    return make


def marks(*spans: tuple[int, int, str]) -> str:
    """Return spans as a cell of a CSV file has them."""
    listed = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return '"' + json.dumps(listed).replace('"', '""') + '"'


def stored(work: ImportJob) -> list[tuple[str, str, str]]:
    """Return the option, the marked words and what stands there in the stored text."""
    rows = GoldSpan.objects.filter(review__import_job=work).order_by("review_id", "start")
    return [
        (row.option.key, row.text, row.review.text[row.start : row.end])
        for row in rows.select_related("option", "review")
    ]


def test_spans_of_a_cell_move_to_the_stored_text(imported: Import) -> None:
    text = "  Cafe\u0301 and price,\r\nfine quality  "
    at = text.index("price")
    quality = text.index("quality")
    cell = marks((2, 7, "quality"), (at, at + 5, "price"), (quality, quality + 7, "quality"))

    work = imported(f'text,marks\n"{text}",{cell}\n', answers={"marks": "aspect_spans"})

    assert work.accepted_count == 1, work.rejected_rows.first()
    assert stored(work) == [
        ("quality", "Café", "Café"), ("price", "price", "price"), ("quality", "quality", "quality"),
    ]  # fmt: skip
    assert Gold.objects.filter(review__import_job=work, option=None).count() == 1


@pytest.mark.parametrize("title", ["", "A title", " Cafe\u0301 "])
def test_spans_move_past_what_is_joined_before_their_column(imported: Import, title: str) -> None:
    cell = marks((4, 9, "price"))

    work = imported(
        f'title,text,marks\n"{title}",The price was right,{cell}\n',
        text=("title", "text"),
        separator=" [SEP] ",
        answers={"marks": "aspect_spans"},
    )

    assert stored(work) == [("price", "price", "price")]


def test_spans_move_with_cleaning(imported: Import) -> None:
    text = "Good &amp; the price<br>was right"
    at = text.index("price")
    cell = marks((at, at + 5, "price"))

    work = imported(
        f'text,marks\n"{text}",{cell}\n', answers={"marks": "aspect_spans"}, cleaning=("html",)
    )

    assert stored(work) == [("price", "price", "price")]


@pytest.mark.parametrize(
    ("text", "span", "says"),
    [
        ("The price", (4, 40), "lies outside the text, which has 9 characters"),
        ("<br>The price", (0, 4), "nothing is left of the span from 0 to 4"),
        ("   The price", (0, 2), "nothing is left of the span from 0 to 2"),
    ],
    ids=["outside", "only markup", "only blanks"],
)
def test_a_span_that_has_no_place_refuses_the_row(
    imported: Import, text: str, span: tuple[int, int], says: str
) -> None:
    data = f'text,marks\n"{text}",{marks((*span, "price"))}\nFine.,\n'

    work = imported(data, answers={"marks": "aspect_spans"}, cleaning=("html",))

    assert (work.accepted_count, work.rejected_count) == (1, 1)
    refused = work.rejected_rows.get()
    assert says in refused.reason
    assert refused.column == "marks"


def test_what_annotators_said_is_kept_apart_and_agreed_on(imported: Import) -> None:
    data = "text,who,mood,stars\nA.,Ann,positive,4\nB.,Ann,negative,2\nA.,Bob,positive,5\n"

    work = imported(data, annotator="who", answers={"mood": "sentiment", "stars": "rating"})

    assert (work.read_count, work.accepted_count, work.reviews.count()) == (3, 3, 2)
    said = Annotation.objects.filter(import_job=work)
    assert said.count() == 3
    assert said.filter(review__text="A.").count() == 2
    sentiment = Gold.objects.get(review__text="A.", question__key="sentiment")
    assert (sentiment.option and sentiment.option.key, sentiment.source) == (
        "positive", "consensus",
    )  # fmt: skip


def test_a_renewed_review_gets_the_answers_of_the_row(imported: Import) -> None:
    answers = {"mood": "sentiment"}
    imported("text,mood\nA.,positive\n", "first.csv", answers=answers)

    work = imported(
        "text,mood\nA.,negative\n", "second.csv", answers=answers, on_duplicate="update"
    )

    assert (work.duplicate_count, work.updated_count) == (1, 1)
    gold = Gold.objects.get(question__key="sentiment")
    assert gold.option is not None
    assert gold.option.key == "negative"


def test_words_of_a_file_stand_for_options(imported: Import) -> None:
    work = imported(
        "text,mood,stars\nA.,:-),5 Stars\nB.,:-(,1 star\n",
        answers={"mood": "sentiment", "stars": "rating"},
        values={
            "mood": {":-)": "positive", ":-(": "negative"},
            "stars": {"5 stars": "5", "1 star": "1"},
        },
    )

    assert work.accepted_count == 2
    rows = Gold.objects.filter(question__key="rating").order_by("number")
    assert list(rows.values_list("number", flat=True)) == [1.0, 5.0]
