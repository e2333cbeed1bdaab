"""The wizard's pages: a file comes in, is read, mapped, checked, imported."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from labelling.models import GoldSpan
from projects.models import Project, Role
from reviews.checks import start_check
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, ImportCheck, ImportJob, RememberedMapping, Review, Upload
from reviews.tables import MAX_COLUMNS
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
CSV = """Title,Review Text,Rating,Age
Nice,It fits me very well indeed.,4,34
Bad,The zip broke at once.,1,
"""


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], owner: User, project: Project) -> Client:
    return signed_in(owner)


def upload(visitor: Client, data: str | bytes = CSV, name: str = "coats.csv") -> Any:
    raw = data.encode() if isinstance(data, str) else data
    return visitor.post(f"{BASE}upload/", {"file": ContentFile(raw, name=name)})


def reading(visitor: Client, data: str | bytes = CSV, name: str = "coats.csv") -> str:
    """Upload a file and return the address where it is read."""
    address: str = upload(visitor, data, name).headers["Location"]
    return address


def mapping(visitor: Client, data: str | bytes = CSV, name: str = "coats.csv") -> str:
    """Upload a file and return the address where it is mapped."""
    return f"{reading(visitor, data, name)}map/"


def chosen(page: Any) -> dict[str, Any]:
    """Return what a browser would send from the form as it stands."""
    form = page.context["form"]
    data: dict[str, Any] = {"once": page.context["once"]}
    for field in form:
        value = field.value()
        if isinstance(value, bool):
            if value:
                data[field.html_name] = "on"
        elif value is not None:
            data[field.html_name] = value
    return data


# --- File and Read --------------------------------------------------------------------------------


def test_the_upload_page_says_what_it_takes_and_how_much(visitor: Client) -> None:
    page = visitor.get(f"{BASE}upload/").content.decode()

    assert "Up to 2.0\xa0GB" in page
    assert "Parquet" in page
    assert 'data-upload="/api/v1/projects/shop/uploads/"' in page


def test_a_file_without_scripts_leads_to_the_page_where_it_is_read(visitor: Client) -> None:
    page = visitor.get(reading(visitor)).content.decode()

    assert "It fits me very well indeed." in page
    assert '<option value="comma" selected>' in page
    assert page.count("map/") == 1


def test_what_was_begun_is_offered_again(visitor: Client) -> None:
    reading(visitor)
    upload_row = Upload.objects.get()
    Upload.objects.create(
        project=upload_row.project,
        created_by=upload_row.created_by,
        original_name="half.csv",
        file="uploads/half",
        byte_count=10,
        received_count=4,
        is_complete=False,
    )

    page = visitor.get(f"{BASE}upload/").content.decode()

    assert f"{BASE}uploads/{upload_row.pk}/" in page
    assert "half.csv" in page
    assert "40 % has arrived" in page


def test_an_upload_can_be_removed_from_the_list(visitor: Client) -> None:
    reading(visitor)
    made = Upload.objects.get()

    visitor.post(f"{BASE}uploads/{made.pk}/discard/")

    assert not Upload.objects.exists()


def test_a_file_that_has_not_arrived_cannot_be_read(visitor: Client, owner: User) -> None:
    reading(visitor)
    Upload.objects.update(is_complete=False, received_count=3)

    answer = visitor.get(f"{BASE}uploads/{Upload.objects.get().pk}/")

    assert answer.status_code == 409
    assert "Choose the same file again" in answer.content.decode()


def test_the_way_of_reading_is_in_the_address_and_can_be_changed(visitor: Client) -> None:
    url = reading(visitor, "Grün;ok\nLovely dress that fits;1\n".encode("cp1252"))

    page = visitor.get(f"{url}?encoding=cp1252&delimiter=semicolon&header=no").content.decode()

    assert "column 2" in page
    assert "Grün" in page
    assert '<option value="semicolon" selected>' in page


def test_a_change_is_answered_with_the_part_that_changes(visitor: Client) -> None:
    url = reading(visitor)

    part = visitor.get(f"{url}?header=no", HTTP_HX_REQUEST="true").content.decode()

    assert "column 1" in part
    assert "<html" not in part


def test_the_preview_shows_fifty_rows_with_their_lines_and_what_is_wrong(visitor: Client) -> None:
    rows = "".join(f"A fine dress number {n},{n}\n" for n in range(80))
    page = visitor.get(reading(visitor, f"text,n\nOne,2,3\n{rows}"))

    shown = page.context["rows"]
    assert len(shown) == 50
    assert [row.line for row in shown[:3]] == [2, 3, 4]
    assert shown[0].error == "the row has 3 cells, the header has 2"
    assert "The row has 3 cells" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        pytest.param("a.jsonl", '{"text": "A fine dress."}\n' * 3, "jsonl", id="jsonl"),
        pytest.param("a.json", '[{"text": "A fine dress."}]', "json", id="json"),
        pytest.param("a.csv.gz", gzip.compress(CSV.encode()), "csv", id="gzip"),
        pytest.param("a.txt", "A fine dress.\nIt broke at once!\n", "lines", id="lines"),
    ],
)
def test_other_kinds_are_recognised(
    visitor: Client, name: str, data: str | bytes, kind: str
) -> None:
    page = visitor.get(reading(visitor, data, name))

    assert page.status_code == 200
    assert page.context["preview"].format.kind == kind


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("", "The file is empty", id="empty"),
        pytest.param("\n\n", "The file is empty", id="blank"),
        pytest.param("Title,Text\n", "no rows below", id="header only"),
        pytest.param(",".join("abcd" for _ in range(1200)) + "\n1\n", "1,200 columns", id="wide"),
        pytest.param(b"%PDF-1.7 nothing for us", "This is a PDF", id="pdf"),
    ],
)
def test_a_file_with_nothing_to_import_is_refused_on_the_page(
    visitor: Client, data: str, says: str
) -> None:
    answer = upload(visitor, data)

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Upload.objects.exists()


def test_no_file_at_all_is_said_on_the_page(visitor: Client) -> None:
    answer = visitor.post(f"{BASE}upload/")

    assert answer.status_code == 400
    assert "required" in answer.content.decode()


@pytest.mark.parametrize("query", ["encoding=klingon", "delimiter=xy", "kind=poem", "sheet=Nope"])
def test_an_unknown_way_of_reading_is_explained_and_the_guess_is_shown(
    visitor: Client, query: str
) -> None:
    url = reading(visitor)

    answer = visitor.get(f"{url}?{query}")

    assert "It fits me very well indeed." in answer.content.decode()
    assert answer.status_code == (200 if query.startswith("sheet") else 400)


def test_a_file_that_reads_in_no_way_says_why_and_can_be_left(visitor: Client) -> None:
    url = reading(visitor)
    made = Upload.objects.get()
    with open(made.file.path, "wb") as file:  # noqa: PTH123
        file.write(b"%PDF-1.7")

    answer = visitor.get(url)

    assert answer.status_code == 400
    assert "This is a PDF" in answer.content.decode()
    assert "Choose another file" in answer.content.decode()
    assert visitor.get(f"{url}map/").status_code == 302


# --- Map ------------------------------------------------------------------------------------------


def test_the_guess_is_chosen_with_samples_beside_it(visitor: Client) -> None:
    page = visitor.get(mapping(visitor))

    form = page.context["form"]
    assert [form[f"text-{n}"].value() for n in range(3)] == ["0", "1", ""]
    assert form["answer-rating"].value() == "2"
    assert form.question_rows[1].label == "Rating"
    assert form.question_rows[1].samples == ["4", "1"]
    assert [each.name for each in form.unused] == ["Age"]


def test_a_file_goes_from_upload_over_mapping_to_reviews(visitor: Client) -> None:
    url = mapping(visitor)
    data = chosen(visitor.get(url)) | {"separator": "sep", "do": "import"}

    started = visitor.post(url, data)

    job = Job.objects.get(kind="import")
    run_here(job)
    assert started.headers["Location"] == f"/projects/shop/jobs/{job.pk}/"
    review = Review.objects.get(row_number=1)
    assert review.text == "Nice [SEP] It fits me very well indeed."
    assert review.metadata == {"Age": "34"}


def test_a_column_can_be_left_out(visitor: Client) -> None:
    url = mapping(visitor)

    visitor.post(url, chosen(visitor.get(url)) | {"drop-3": "on", "do": "import"})
    run_here(Job.objects.get(kind="import"))

    assert Review.objects.get(row_number=1).metadata == {}


def test_what_was_chosen_for_reading_is_what_is_imported(visitor: Client) -> None:
    url = mapping(visitor, "good dress,red\nbad dress,blue\n") + "?header=no"

    visitor.post(url, chosen(visitor.get(url)) | {"text-0": "0", "do": "import"})
    run_here(Job.objects.get(kind="import"))

    assert Review.objects.count() == 2
    assert ImportJob.objects.get().read_as["has_header"] is False


STARS = (
    "text,stars\n"
    + "".join(f"A fine dress number {n},{n % 5 + 1} stars\n" for n in range(20))
    + "It broke at once.,awful\nNo idea what it is.,n/a\n"
)


def test_words_that_do_not_fit_are_listed_with_a_guess_of_what_they_mean(visitor: Client) -> None:
    page = visitor.get(mapping(visitor, STARS))

    row = page.context["form"].question_rows[1]
    assert {field.label: field.value() for field in row.values} == {
        "“1 stars” means": "1",
        "“2 stars” means": "2",
        "“3 stars” means": "3",
        "“4 stars” means": "4",
        "“5 stars” means": "5",
        "“awful” means": "",
        "“n/a” means": "",
    }


def test_words_become_what_was_said_that_they_mean(visitor: Client) -> None:
    url = mapping(visitor, STARS)
    page = visitor.get(url)
    data = chosen(page) | {"do": "import"}
    fields = {
        field.label: field.html_name for field in page.context["form"].question_rows[1].values
    }
    data[fields["“awful” means"]] = "1"
    data[fields["“n/a” means"]] = "-"

    visitor.post(url, data)
    result = run_here(Job.objects.get(kind="import")).result

    assert (result["accepted"], result["rejected"]) == (22, 0)
    values = ImportJob.objects.get().mapping["values"]["stars"]
    assert (values["5 stars"], values["awful"], values["n/a"]) == ("5", "1", "")


def test_a_choice_of_another_column_is_answered_with_its_words(visitor: Client) -> None:
    url = mapping(visitor, "text,feeling\nA fine dress,Positivo\nIt broke,pos\nSo so,meh\n")
    data = chosen(visitor.get(url)) | {"answer-sentiment": "1"}

    part = visitor.post(url, data, HTTP_HX_REQUEST="true")

    row = part.context["form"].question_rows[0]
    assert part.status_code == 200
    assert {field.label: field.value() for field in row.values} == {
        "“Positivo” means": "positive",
        "“pos” means": "positive",
        "“meh” means": "",
    }
    assert not Job.objects.filter(kind="import").exists()


def test_words_that_nobody_has_seen_are_shown_before_anything_starts(visitor: Client) -> None:
    url = mapping(visitor, "text,feeling\nA fine dress,Positivo\nIt broke,pos\nSo so,meh\n")
    data = chosen(visitor.get(url)) | {"answer-sentiment": "1", "do": "import"}

    shown = visitor.post(url, data)
    started = visitor.post(url, chosen(shown) | {"do": "import"})

    assert (shown.status_code, started.status_code) == (400, 302)
    assert "guessed to mean" in shown.content.decode()


def test_a_file_with_the_same_header_is_mapped_as_last_time(visitor: Client) -> None:
    url = mapping(visitor)
    visitor.post(url, chosen(visitor.get(url)) | {"text-0": "1", "text-1": "", "do": "import"})
    run_here(Job.objects.get(kind="import"))

    again = mapping(visitor, CSV.replace("34", "35"), "more.csv")
    page = visitor.get(again)
    guessed = visitor.get(f"{again}?guess=1")

    assert "Mapped as last time" in page.content.decode()
    assert page.context["form"]["text-0"].value() == "1"
    assert "Mapped as last time" not in guessed.content.decode()
    assert guessed.context["form"]["text-0"].value() == "0"


def test_a_remembered_mapping_that_fits_no_more_is_not_offered(visitor: Client) -> None:
    url = mapping(visitor)
    visitor.post(url, chosen(visitor.get(url)) | {"do": "import"})
    row = RememberedMapping.objects.get()
    row.mapping["answers"] = {"Rating": "gone"}
    row.save()

    assert "Mapped as last time" not in visitor.get(mapping(visitor)).content.decode()


def test_cleaning_shows_what_it_does_and_does_it(visitor: Client) -> None:
    url = mapping(visitor, "text,n\nTom &amp; Jerry<br>both fine,1\nAnother plain text here,2\n")
    page = visitor.get(url)

    visitor.post(url, chosen(page) | {"clean-html": "on", "do": "import"})
    run_here(Job.objects.get(kind="import"))

    assert "1 of the first 2 texts change" in page.content.decode()
    assert Review.objects.get(row_number=1).text == "Tom & Jerry\nboth fine"
    assert ImportJob.objects.get().mapping["cleaning"] == ["html"]


def test_pressing_import_twice_starts_one_import(visitor: Client) -> None:
    url = mapping(visitor)
    data = chosen(visitor.get(url)) | {"do": "import"}

    first, second = visitor.post(url, data), visitor.post(url, data)

    assert first.headers["Location"] == second.headers["Location"]
    assert Dataset.objects.count() == Job.objects.filter(kind="import").count() == 1


def test_an_import_that_failed_can_be_tried_again_from_the_same_page(visitor: Client) -> None:
    url = mapping(visitor)
    data = chosen(visitor.get(url)) | {"do": "import"}
    visitor.post(url, data)
    Job.objects.filter(kind="import").update(state=Job.State.FAILED)

    visitor.post(url, data)

    assert Job.objects.filter(kind="import").count() == 2


def test_the_widest_file_that_is_taken_can_be_mapped(visitor: Client) -> None:
    header = ",".join(["text", *(f"c{number}" for number in range(MAX_COLUMNS - 1))])
    url = mapping(visitor, f"{header}\nA fine dress{',' * (MAX_COLUMNS - 1)}\n")

    answer = visitor.post(url, chosen(visitor.get(url)) | {"do": "import"})

    assert answer.status_code == 302
    assert run_here(Job.objects.get(kind="import")).result["accepted"] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"text-0": "", "text-1": ""}, "at least one column", id="no text"),
        pytest.param({"answer-sentiment": "2"}, "answers Sentiment and Rating", id="two answers"),
        pytest.param({"answer-rating": "99"}, "not one of the available", id="unknown"),
        pytest.param({"annotator": "3", "answer-rating": ""}, "An annotator says", id="annotator"),
        pytest.param({"name": ""}, "required", id="no name"),
    ],
)
def test_a_mapping_that_does_not_work_is_explained_and_starts_nothing(
    visitor: Client, changes: dict[str, str], says: str
) -> None:
    url = mapping(visitor)

    answer = visitor.post(url, chosen(visitor.get(url)) | changes | {"do": "import"})

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Job.objects.filter(kind="import").exists()


def test_a_name_that_is_taken_is_said_beside_the_name(visitor: Client, project: Project) -> None:
    factories.dataset(project, "coats")
    url = mapping(visitor)

    answer = visitor.post(url, chosen(visitor.get(url)) | {"do": "import"})

    assert answer.status_code == 400
    assert "already. Choose another name." in answer.content.decode()


def test_a_blank_project_is_offered_the_questions_that_fit(
    signed_in: Callable[[User], Client], owner: User
) -> None:
    factories.project(owner=owner, slug="blank", preset="blank")
    visitor = signed_in(owner)
    lines = "".join(f"A fine dress number {n},{n % 5 + 1}\n" for n in range(9))
    file = ContentFile(f"Review Text,Rating\n{lines}".encode(), name="a.csv")
    received = visitor.post("/projects/blank/reviews/upload/", {"file": file})
    url = received.headers["Location"] + "map/"
    page = visitor.get(url)
    proposal = page.context["proposal"]

    taken = visitor.post(url, chosen(page) | {"preset": proposal.preset})

    assert "Use these questions" in page.content.decode()
    after = visitor.get(taken.headers["Location"])
    assert after.context["form"]["answer-rating"].value() == "1"


def test_a_column_becomes_a_question_that_it_answers(visitor: Client) -> None:
    url = mapping(visitor, "text,Colour\nA fine dress,red\nIt broke,blue\nSo so,red\n")

    page = visitor.post(url, chosen(visitor.get(url)) | {"question": "1"})

    row = page.context["form"].question_rows[-1]
    assert (row.label, row.fields[0].value(), row.values) == ("Colour", "1", [])
    visitor.post(url, chosen(page) | {"do": "import"})
    assert run_here(Job.objects.get(kind="import")).result["accepted"] == 3


def test_an_analyst_does_not_change_the_questions(
    signed_in: Callable[[User], Client], project: Project
) -> None:
    visitor = signed_in(factories.member(project, Role.ANALYST))
    url = mapping(visitor, "text,Colour\nA fine dress,red\nIt broke,blue\n")
    page = visitor.get(url)

    assert "Make it a question" not in page.content.decode()
    assert visitor.post(url, chosen(page) | {"question": "1"}).status_code == 403
    assert visitor.post(url, chosen(page) | {"preset": "sentiment"}).status_code == 403


def test_labels_beside_the_cells_answer_questions(visitor: Client) -> None:
    lines = [
        {"id": 1, "text": "A fine dress", "label": ["price"], "Comments": []},
        {"id": 2, "text": "It broke", "label": [], "Comments": []},
    ]
    url = mapping(visitor, "\n".join(json.dumps(line) for line in lines), "doccano.jsonl")

    page = visitor.get(url)

    preview = page.context["preview"]
    assert preview.format.kind == "doccano"
    assert "label" in preview.sources


# --- Check ----------------------------------------------------------------------------------------


def test_the_check_says_what_an_import_would_do_and_the_import_does_it(visitor: Client) -> None:
    url = mapping(visitor, STARS + "A fine dress number 3,4 stars\n")
    asked = visitor.post(url, chosen(visitor.get(url)) | {"do": "check"})
    address = asked.headers["Location"]
    waiting = visitor.get(address).content.decode()
    run_here(Job.objects.get(kind="check"))

    page = visitor.get(address)
    text = page.content.decode()
    assert "No worker is running" in waiting
    assert not Dataset.objects.exists()
    assert "20 new" in text
    assert "1 duplicate skipped" in " ".join(text.split())
    assert "2 refused" in text

    started = visitor.post(address, {"once": page.context["once"], "name": "stars"})
    again = visitor.post(address, {"once": page.context["once"], "name": "stars"})
    result = run_here(Job.objects.get(kind="import")).result
    assert started.headers["Location"] == again.headers["Location"]
    assert (result["accepted"], result["duplicates"], result["rejected"]) == (20, 1, 2)


def test_the_rows_that_would_be_refused_can_be_downloaded(visitor: Client) -> None:
    url = mapping(visitor, STARS)
    visitor.post(url, chosen(visitor.get(url)) | {"do": "check"})
    run_here(Job.objects.get(kind="check"))
    check = ImportCheck.objects.get()

    answer = visitor.get(f"{BASE}checks/{check.pk}/rejects.csv")

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "text,stars,line,error"
    assert lines[1].startswith("It broke at once.,awful,22,")
    assert len(lines) == 3


def test_words_that_the_check_found_can_be_explained_on_the_way_back(visitor: Client) -> None:
    late = "".join(f"A fine dress number {n},5\n" for n in range(600)) + "It broke.,dreadful\n"
    url = mapping(visitor, f"text,stars\n{late}")
    first = visitor.get(url)
    visitor.post(url, chosen(first) | {"do": "check", "name": "late"})
    run_here(Job.objects.get(kind="check"))

    page = visitor.get(f"{url}?check={ImportCheck.objects.get().pk}")

    assert first.context["form"].question_rows[1].values == []
    row = page.context["form"].question_rows[1]
    assert [field.label for field in row.values] == ["“dreadful” means"]
    assert page.context["form"]["name"].value() == "late"


def test_the_check_polls_until_it_has_ended(visitor: Client) -> None:
    url = mapping(visitor)
    address = visitor.post(url, chosen(visitor.get(url)) | {"do": "check"}).headers["Location"]

    before = visitor.get(address, HTTP_HX_REQUEST="true")
    run_here(Job.objects.get(kind="check"))
    after = visitor.get(address, HTTP_HX_REQUEST="true")

    assert (before.status_code, after.status_code) == (200, 286)
    assert "<html" not in after.content.decode()


def test_a_name_that_is_taken_is_said_on_the_page_of_the_check(
    visitor: Client, project: Project
) -> None:
    url = mapping(visitor)
    address = visitor.post(url, chosen(visitor.get(url)) | {"do": "check"}).headers["Location"]
    run_here(Job.objects.get(kind="check"))
    factories.dataset(project, "coats")

    answer = visitor.post(address, {"name": "coats"})

    assert answer.status_code == 400
    assert "Choose another name" in answer.content.decode()


def test_another_project_s_check_is_not_found_under_mine(visitor: Client, mallory: User) -> None:
    other = Project.objects.get(slug="mallorys")
    theirs = Upload.objects.create(project=other, original_name="a.csv", file="uploads/a.csv")
    check = ImportCheck.objects.create(project=other, upload=theirs)

    assert visitor.get(f"{BASE}checks/{check.pk}/").status_code == 404
    assert visitor.get(f"{BASE}checks/{check.pk}/rejects.csv").status_code == 404
    assert visitor.get(f"{BASE}uploads/{theirs.pk}/").status_code == 404
    assert visitor.get(f"{BASE}uploads/{theirs.pk}/map/").status_code == 404
    assert visitor.post(f"{BASE}uploads/{theirs.pk}/discard/").status_code == 404


# --- Labels that the questions do not know --------------------------------------------------------

ABSA = """<sentences>
<sentence id="1"><text>The  food̈ &amp; the staff was rude.</text>
<aspectTerms><aspectTerm term="staff" polarity="negative" from="17" to="22"/></aspectTerms>
<aspectCategories><aspectCategory category="service" polarity="negative"/></aspectCategories>
</sentence>
<sentence id="2"><text>Good food.</text>
<aspectTerms><aspectTerm term="food" polarity="conflict" from="5" to="9"/></aspectTerms>
<aspectCategories><aspectCategory category="food" polarity="positive"/>
<aspectCategory category="price" polarity="neutral"/></aspectCategories></sentence>
</sentences>"""


def test_labels_of_a_file_become_questions_with_one_button(
    visitor: Client, project: Project
) -> None:
    address = mapping(visitor, ABSA, "absa.xml")
    first = visitor.get(address)
    page = visitor.post(address, {**chosen(first), "labels": "all"})
    done = visitor.post(address, {**chosen(page), "do": "import"})
    result = run_here(Job.objects.get(kind="import")).result

    assert "Make questions of them" in first.content.decode()
    assert "Make questions of them" not in page.content.decode()
    assert done.status_code == 302
    assert (result["accepted"], result["rejected"]) == (2, 0)
    spans = GoldSpan.objects.filter(project=project)
    assert sorted(spans.values_list("text", "option__key", "polarity")) == [
        ("food", "aspect", ""),
        ("staff", "aspect", "negative"),
    ]
    assert Review.objects.get(text="Good food.").metadata["conflicts"] == "food"


def test_only_owners_make_questions_of_labels(
    project: Project, member: Callable[[Role], User], signed_in: Callable[[User], Client]
) -> None:
    analyst = signed_in(member(Role.ANALYST))
    address = mapping(analyst, ABSA, "absa.xml")

    page = analyst.get(address)
    refused = analyst.post(address, {**chosen(page), "labels": "all"})

    assert "An owner of the project can make questions of them" in page.content.decode()
    assert refused.status_code == 403


def lacking(visitor: Client, owner: User) -> str:
    """Check a file whose aspects the project does not all know; return the check's address."""
    reading(visitor, "text,aspects\nA fine lamp.,price\nIt glows.,price; glow\n")
    check = start_check(
        project=Project.objects.get(slug="shop"),
        dataset_name="lamps",
        upload=Upload.objects.get(),
        mapping=ColumnMapping(text=("text",), answers={"aspects": "aspects"}),
        actor=owner,
    )
    job = run_here(Job.objects.get(kind="check"))
    assert job.result["rejected"] == 1
    return f"{BASE}checks/{check.pk}/"


def test_a_check_names_the_options_that_a_question_lacks_and_adds_them(
    visitor: Client, owner: User
) -> None:
    address = lacking(visitor, owner)
    page = visitor.get(address).content.decode()
    again = visitor.post(address, {"add": "aspects"})
    job = run_here(Job.objects.filter(kind="check").latest("created_at"))

    assert "has no option glow, which the column aspects names" in page
    assert again.status_code == 302
    assert job.result["rejected"] == 0
    assert "has no option" not in visitor.get(again.headers["Location"]).content.decode()


@pytest.mark.parametrize(
    ("role", "column", "says"),
    [
        pytest.param(Role.ANALYST, "aspects", "Only an owner", id="an analyst"),
        pytest.param(Role.OWNER, "text", "found no such options", id="another column"),
    ],
)
def test_options_are_added_by_owners_and_only_those_that_were_found(
    visitor: Client,
    owner: User,
    member: Callable[[Role], User],
    signed_in: Callable[[User], Client],
    role: Role,
    column: str,
    says: str,
) -> None:
    address = lacking(visitor, owner)

    answer = signed_in(member(role)).post(address, {"add": column})

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert Job.objects.filter(kind="check").count() == 1
