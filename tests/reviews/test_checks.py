"""Dry runs: they count what an import then does, and notice what a person should know."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Invalid
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project
from reviews import checks, services
from reviews.mapping import ColumnMapping, from_json
from reviews.models import Dataset, ImportCheck, Review, Upload
from reviews.personal import Personal, masked_digits, passes_luhn
from reviews.rows import Rejected
from reviews.tallies import Causes, Lengths, general

pytestmark = pytest.mark.django_db

DATA = """text,stars,who,mail
A fine lamp that I use every day.,5,,
A fine lamp that I use every day.,4,,
Already there since last week.,3,,
"Broken, and nobody answers.",many,,joe@example.org
"Broken again, nobody answers.",none,,
,2,,
Too,many,cells,in,this,row
Call me on +49 170 1234567 please.,1,,
"""
TEXT = {"text": ["text"], "answers": {"stars": "rating"}}


@pytest.fixture
def upload(project: Project, owner: User) -> Callable[[str], Upload]:
    def make(data: str) -> Upload:
        file = ContentFile(data.encode(), name="lamps.csv")
        return services.receive_upload(project=project, file=file, actor=owner)

    return make


@pytest.fixture
def checked(
    project: Project, owner: User, upload: Callable[[str], Upload]
) -> Callable[..., ImportCheck]:
    """Return what checks a file with a mapping."""

    def make(data: str = DATA, **changes: Any) -> ImportCheck:
        check = checks.start_check(
            project=project,
            dataset_name="lamps",
            upload=upload(data),
            mapping=from_json({**TEXT, **changes}),
            actor=owner,
        )
        assert check.job is not None
        job = run_here(check.job)
        assert job.state == "succeeded", job.reason
        check.refresh_from_db()
        return check

    return make


def import_of(check: ImportCheck, owner: User) -> dict[str, Any]:
    started = services.start_import(
        project=check.project,
        dataset_name="imported",
        upload=check.upload,
        mapping=from_json(check.mapping),
        read_as=check.read_as,
        actor=owner,
    )
    result: dict[str, Any] = run_here(started.job).result
    return result


def there_already(project: Project, owner: User, upload: Callable[[str], Upload]) -> None:
    started = services.start_import(
        project=project,
        dataset_name="before",
        upload=upload("text\nAlready there since last week.\n"),
        actor=owner,
    )
    run_here(started.job)


@pytest.mark.parametrize("policy", ["skip", "keep", "update"])
def test_what_the_check_counts_is_what_the_import_does(
    project: Project,
    owner: User,
    upload: Callable[[str], Upload],
    checked: Callable[..., ImportCheck],
    policy: str,
) -> None:
    there_already(project, owner, upload)

    check = checked(on_duplicate=policy)
    counts = check.result["counts"]  # type: ignore[index]
    assert Dataset.objects.count() == 1
    assert Review.objects.count() == 1

    result = import_of(check, owner)
    assert counts["read"] == result["read"] == 8
    assert counts["new"] + counts["voices"] == result["accepted"]
    assert counts["duplicates"] == result["duplicates"]
    assert counts["rejected"] == result["rejected"] == 4


def test_rows_by_several_annotators_are_counted_as_the_import_does(
    owner: User, checked: Callable[..., ImportCheck]
) -> None:
    rows = [("One text.", 1, "ann"), ("One text.", 2, "ben"), ("One text.", 2, "ben"),
            ("Another.", 5, "ann")]  # fmt: skip
    data = "text,stars,who\n" + "".join(f"{text},{n},{who}\n" for text, n, who in rows)

    check = checked(data, annotator="who")

    counts = check.result["counts"]  # type: ignore[index]
    result = import_of(check, owner)
    assert (counts["new"], counts["voices"], counts["duplicates"]) == (2, 1, 1)
    assert (result["accepted"], result["duplicates"]) == (3, 1)
    assert counts["annotators"] == 2


def test_refusals_are_grouped_by_cause_with_lines_and_values(
    checked: Callable[..., ImportCheck],
) -> None:
    result = checked().result
    assert result is not None

    causes = {(cause["column"], cause["reason"]): cause for cause in result["causes"]}
    rating = causes["stars", "“…” is not a number from 1 to 5"]
    assert rating["count"] == 2
    assert [(each["line"], each["value"]) for each in rating["examples"]] == [
        (5, "many"),
        (6, "none"),
    ]
    assert causes["text", "there is no text"]["count"] == 1
    assert result["misfits"] == {"stars": ["many", "none"]}


def test_personal_data_is_noticed_and_masked(checked: Callable[..., ImportCheck]) -> None:
    found = checked(DATA.replace("1,,\n", "1,,ann@example.org\n")).result

    assert found is not None
    shown = {(each["kind"], each["column"]): each["examples"] for each in found["personal"]}
    assert shown == {
        ("phone", "text"): ["+•• ••• •••••67"],
        ("email", "mail"): ["a…@e….org"],
    }


def test_masked_texts_hold_no_personal_data(checked: Callable[..., ImportCheck]) -> None:
    found = checked(cleaning=["phones"]).result

    assert found is not None
    assert found["personal"] == []


def test_near_duplicates_are_counted_and_left_out_when_asked(
    owner: User, checked: Callable[..., ImportCheck]
) -> None:
    long = "This lamp stood on my desk for three years and never once failed to light up my work"
    data = f"text\n{long} at night.\n{long} at night!!\nSomething else altogether and a chair.\n"

    kept = checked(data, answers={}).result
    left_out = checked(data, answers={}, on_near_duplicate="skip")

    assert kept is not None
    assert kept["near"] == {"count": 1, "of": 3, "is_sample": False, "with_project": True}
    assert (kept["counts"]["new"], left_out.result["counts"]["new"]) == (3, 2)  # type: ignore[index]
    assert import_of(left_out, owner)["accepted"] == 2


def test_lengths_are_summed_up(checked: Callable[..., ImportCheck]) -> None:
    lengths = Lengths()
    lengths.add(["a" * 10, "a" * 30, "a" * 30, "a" * 700])

    assert lengths.as_json() == {
        "min": 10,
        "median": 30,
        "mean": 192.5,
        "max": 700,
        "histogram": [
            {"from": 1, "to": 20, "count": 1},
            {"from": 21, "to": 50, "count": 2},
            {"from": 51, "to": 100, "count": 0},
            {"from": 101, "to": 200, "count": 0},
            {"from": 201, "to": 500, "count": 0},
            {"from": 501, "to": 1000, "count": 1},
        ],
    }


def test_the_result_stays_small_whatever_the_file_holds() -> None:
    causes = Causes()
    rows = [Rejected(n, n, f"column {n}", "x" * 500, "v" * 500, []) for n in range(5000)]

    causes.add(rows, {f"column {n}": "rating" for n in range(5000)})

    assert sum(causes.counts.values()) == 5000
    assert len(json.dumps(causes.as_json())) < 150_000


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        pytest.param("4539 1488 0343 6467", True, id="visa"),
        pytest.param("4539 1488 0343 6468", False, id="one digit off"),
        pytest.param("378282246310005", True, id="amex"),
    ],
)
def test_card_numbers_have_their_check_digit(number: str, passes: bool) -> None:
    personal = Personal()

    personal.add("text", [f"My card is {number}."])

    assert passes_luhn(number) is passes
    assert (("card", "text") in personal.counts) is passes


@pytest.mark.parametrize(
    ("cell", "kinds"),
    [
        pytest.param("Call +49 170 1234567", {"phone"}, id="phone"),
        pytest.param("żółw 👍 +49 170 1234567", {"phone"}, id="phone after other signs"),
        pytest.param("+٤٩ ١٧٠ ١٢٣٤٥٦٧", {"phone"}, id="phone in Arabic digits"),
        pytest.param("Write to a@example.org", {"email"}, id="email"),
        pytest.param("P1234 cost 12.50", set(), id="few digits"),
        pytest.param("", set(), id="empty"),
    ],
)
def test_a_cell_is_found_wherever_it_stands_among_others(cell: str, kinds: set[str]) -> None:
    personal = Personal()

    personal.add("text", ["123456", "", cell, "👍", "12345"])
    personal.add("text", [])

    assert {kind for kind, _ in personal.counts} == kinds
    assert set(personal.counts.values()) <= {1}


def test_digits_are_masked_but_for_the_last_two() -> None:
    assert masked_digits("+49 170 1234567") == "+•• ••• •••••67"


def test_reasons_are_grouped_without_what_differs() -> None:
    assert general('"a" is no "b"') == "“…”"
    assert general("the row has 3 cells, the header has 5") == (
        "the row has … cells, the header has …"
    )
    assert general("there is no text") == "there is no text"


def test_a_mapping_that_does_not_fit_is_refused_before_any_job(
    project: Project, owner: User, upload: Callable[[str], Upload]
) -> None:
    for mapping in (ColumnMapping(text=("nope",)), ColumnMapping(text=("text",), cleaning=("x",))):
        with pytest.raises(Invalid):
            checks.start_check(
                project=project,
                dataset_name="lamps",
                upload=upload(DATA),
                mapping=mapping,
                actor=owner,
            )
    assert not Job.objects.exists()


def test_programs_check_and_then_import_an_upload(
    owner: User, upload: Callable[[str], Upload], api: Callable[..., APIClient]
) -> None:
    client, made = api(owner), upload(DATA)
    base = "/api/v1/projects/shop/"

    asked = client.post(
        f"{base}uploads/{made.pk}/check/", {"mapping": TEXT, "format": {"kind": "csv"}}, "json"
    )
    run_here(Job.objects.get(kind="check"))
    found = client.get(f"{base}checks/{asked.json()['check']['id']}/").json()
    rejects = client.get(f"{base}checks/{found['id']}/rejects.csv")
    started = client.post(
        f"{base}datasets/",
        {
            "upload": made.pk,
            "name": "lamps",
            "mapping": json.dumps(found["mapping"]),
            "format": json.dumps(found["format"]),
        },
    )

    assert asked.status_code == 202
    assert found["result"]["counts"]["rejected"] == 4
    assert len(b"".join(rejects.streaming_content).splitlines()) == 5  # type: ignore[attr-defined]
    assert started.status_code == 202
    assert run_here(Job.objects.get(kind="import")).result["rejected"] == 4


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        pytest.param({}, "Send either", id="neither"),
        pytest.param({"upload": 999_999}, "nothing here", id="no such upload"),
        pytest.param({"format": "[1]"}, "JSON object", id="format is a list"),
        pytest.param({"format": '{"colour": 1}'}, "no choice", id="unknown key"),
        pytest.param({"format": '{"has_header": "yes"}'}, "true or false", id="header in words"),
    ],
)
def test_programs_are_told_what_is_wrong_with_an_import_of_an_upload(
    owner: User,
    upload: Callable[[str], Upload],
    api: Callable[..., APIClient],
    sent: dict[str, Any],
    says: str,
) -> None:
    made = upload(DATA)
    body = {"name": "lamps", **({"upload": made.pk} if "format" in sent else {}), **sent}

    answer = api(owner).post("/api/v1/projects/shop/datasets/", body)

    assert answer.status_code in {400, 404}
    assert says in answer.json()["detail"]
    assert not Job.objects.exists()


def test_a_guess_says_what_words_mean_and_drops_what_hardly_fits(
    upload: Callable[[str], Upload],
) -> None:
    rows = "".join(f"Lamp number {n} is fine.,{n % 5 + 1} stars,{n} %\n" for n in range(20))

    _, rated = services.understand(upload=upload(f"text,rating,sentiment\n{rows}"), mapping=None)

    assert rated.answers == {"rating": "rating"}
    assert rated.values["rating"]["5 stars"] == "5"
    assert "sentiment" in (rated.metadata or ())
