"""import_reviews on the command line."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from projects.models import Project
from reviews.models import Dataset, ImportJob, Review, Upload
from tests.reviews.conftest import FakeSink


def run(path: Path, *options: str, **kept: Any) -> dict[str, Any]:
    out = StringIO()
    arguments = [str(path), "--project", "shop", "--dataset", "set", *options]
    call_command("import_reviews", *arguments, stdout=out, stderr=StringIO(), **kept)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    result: dict[str, Any] = json.loads(lines[0])
    return result


@pytest.fixture
def csv_file(tmp_path: Path, project: Project) -> Path:
    path = tmp_path / "coats.csv"
    path.write_text("Title,Review Text,Rating,Age,Shop\nNice,It fits.,4,34,A\n,Bad.,six,,B\n")
    return path


def test_it_prints_one_line_of_json_and_imports(csv_file: Path, sink: FakeSink) -> None:
    result = run(
        csv_file,
        "--text", "Title,Review Text", "--separator", " [SEP] ",
        "--answer", "Rating=rating", "--metadata", "Age",
    )  # fmt: skip

    assert set(result) == {"read", "accepted", "rejected", "duplicates", "updated", "seconds"}
    assert (result["read"], result["accepted"], result["rejected"]) == (2, 1, 1)
    review = Review.objects.get()
    assert review.text == "Nice [SEP] It fits."
    assert review.metadata == {"Age": "34"}
    assert sink.stored == {review.pk: {"rating": 4}}


def test_without_a_header_columns_have_numbers(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("1,I like this dress a lot\n2,I do not like this one\n")

    run(path, "--no-header", "--text", "column 2")

    assert ImportJob.objects.get().columns == ["column 1", "column 2"]
    assert Review.objects.count() == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--text", "Nope"], "no column 'Nope'", id="unknown column"),
        pytest.param(["--answer", "Rating=stars"], "no question 'stars'", id="unknown question"),
        pytest.param(["--answer", "Rating"], "COLUMN=QUESTION", id="no question"),
        pytest.param(["--project", "nope"], "no project 'nope'", id="unknown project"),
        pytest.param(["--delimiter", "x"], "is no delimiter", id="unknown delimiter"),
    ],
)
def test_what_cannot_work_is_said_and_leaves_nothing(
    csv_file: Path, sink: FakeSink, options: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(csv_file, *options)

    assert not Dataset.objects.exists()
    assert not Upload.objects.exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path, project: Project) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "missing.csv")


def test_words_cleaning_and_policies_can_be_given(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "rated.csv"
    path.write_text("text|stars|who\nTom &amp; Jerry|5 stars|ann\nTom &amp; Jerry|2 stars|ben\n")

    run(
        path,
        "--text", "text", "--answer", "stars=rating", "--annotator", "who",
        "--value", "stars:5 stars=5", "--value", "stars:2 stars=2", "--clean", "html",
        "--on-duplicate", "keep", "--kind", "csv", "--delimiter", "|",
    )  # fmt: skip

    assert Review.objects.get().text == "Tom & Jerry"
    mapping = ImportJob.objects.get().mapping
    assert mapping["values"] == {"stars": {"5 stars": "5", "2 stars": "2"}}
    assert (mapping["annotator"], mapping["on_duplicate"]) == ("who", "keep")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--value", "stars=5"], "COLUMN:RAW=WORD", id="value"),
        pytest.param(["--clean", "soap"], "no cleaning step 'soap'", id="step"),
    ],
)
def test_words_and_steps_that_make_no_sense_are_said(
    csv_file: Path, options: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(csv_file, "--text", "Title", *options)

    assert not Upload.objects.exists()
