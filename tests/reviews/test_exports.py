"""Exports: the job, the service, REST, the command, the pages."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid, NotReady
from jobs import worker
from jobs.lease import Cancelled, LeaseLost, claim_one
from jobs.models import Job
from jobs.services import cancel
from labelling.imported import store_said
from projects.models import Project, Role
from reviews import export_services as services
from reviews import exports, files
from reviews.files import path_of
from reviews.formats import FORMATS
from reviews.models import Dataset, Export, ImportJob, Review, SelectedReview, Upload
from reviews.wanted import Wanted
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def some(project: Project) -> list[Review]:
    """Three reviews of one data set."""
    dataset = factories.dataset(project, "coats")
    return [
        factories.review(project, f"Coat {n} is fine.", dataset=dataset, metadata={"shop": f"s{n}"})
        for n in range(3)
    ]


def asked(project: Project, owner: User | None = None, **wish: Any) -> Export:
    values = {"format": "jsonl"} | wish
    return services.request_export(project=project, wish=Wanted(**values), actor=owner)


def ran(export: Export) -> Export:
    assert export.job is not None
    worker.run_here(export.job)
    export.refresh_from_db()
    return export


def said(project: Project, review: Review, **people: dict[str, Any]) -> None:
    """Have people known from a file say something about a review."""
    upload = Upload.objects.create(project=project, original_name="x.csv")
    work = ImportJob.objects.create(dataset=review.dataset, upload=upload)
    rows = [(review.pk, name, answers) for name, answers in people.items()]
    store_said(project=project, rows=rows, import_job_id=work.pk)


def lines(export: Export) -> list[dict[str, Any]]:
    text = path_of(export.file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


# --- The job ----------------------------------------------------------------------------------


def test_an_export_has_every_review_and_says_what_it_is(
    project: Project, owner: User, some: list[Review]
) -> None:
    export = ran(asked(project, owner))

    assert [line["text"] for line in lines(export)] == [review.text for review in some]
    raw = path_of(export.file).read_bytes()
    assert export.sha256 == hashlib.sha256(raw).hexdigest()
    assert (export.review_count, export.byte_count) == (3, len(raw))
    assert export.job is not None
    assert export.job.result["reviews"] == 3
    assert export.file_name == "shop.jsonl"


def test_reviews_of_data_sets_that_are_not_shown_stay_in(
    project: Project, some: list[Review]
) -> None:
    hidden = factories.dataset(project)
    factories.review(project, "secret", dataset=hidden)
    Dataset.objects.filter(pk=hidden.pk).update(is_ready=False)

    export = ran(asked(project))

    assert len(lines(export)) == len(some)


def test_other_projects_stay_out(project: Project, some: list[Review], mallory: User) -> None:
    other = Project.objects.get(slug="mallorys")
    theirs = factories.review(other, "theirs")

    assert len(lines(ran(asked(project)))) == len(some)
    with pytest.raises(Invalid):
        asked(project, dataset=theirs.dataset_id)


def test_filters_of_the_table_choose_reviews(project: Project, some: list[Review]) -> None:
    Review.objects.filter(pk=some[1].pk).update(split="test")

    export = ran(asked(project, filters=(("split", "test"),)))

    assert [line["id"] for line in lines(export)] == [some[1].pk]


def test_an_unknown_filter_is_refused_at_once(project: Project, some: list[Review]) -> None:
    with pytest.raises(Invalid, match="no filter"):
        asked(project, filters=(("password", "x"),))
    assert not Export.objects.exists()


def test_a_selection_is_exported_by_what_it_points_to(project: Project, some: list[Review]) -> None:
    selection = Dataset.objects.create(
        project=project, name="few", kind=Dataset.Kind.SELECTION, is_ready=True
    )
    SelectedReview.objects.create(dataset=selection, review=some[2])

    export = ran(asked(project, dataset=selection.pk))

    assert [line["id"] for line in lines(export)] == [some[2].pk]
    assert export.file_name == "shop-few.jsonl"


def test_each_annotator_keeps_their_own_answers(project: Project, some: list[Review]) -> None:
    said(project, some[0], anna={"sentiment": "positive"}, bo={"sentiment": "negative"})

    first = lines(ran(asked(project, labels="annotators")))[0]

    assert {each["annotator"]: each["answers"] for each in first["annotations"]} == {
        "anna": {"sentiment": "positive"},
        "bo": {"sentiment": "negative"},
    }


def test_gold_is_one_answer_for_all(project: Project, some: list[Review]) -> None:
    said(project, some[0], anna={"rating": 4.0}, bo={"rating": 4.0})

    rows = lines(ran(asked(project, labels="gold")))

    assert [row["answers"] for row in rows] == [{"rating": 4.0}, {}, {}]
    assert "annotations" not in rows[0]


@pytest.mark.parametrize("key", FORMATS)
def test_every_format_comes_to_a_whole_file(key: str, project: Project, some: list[Review]) -> None:
    said(project, some[0], anna={"sentiment": "positive", "aspect_spans": ()})

    export = ran(asked(project, format=key, labels="gold", question=_question(key)))

    assert export.job is not None
    assert export.job.state == Job.State.SUCCEEDED, export.job.reason
    assert export.review_count == 3
    assert export.file.endswith(FORMATS[key].ending)


def _question(key: str) -> str:
    return {"doccano": "sentiment"}.get(key, "")


def test_a_table_has_a_column_for_every_key_of_the_metadata(
    project: Project, some: list[Review]
) -> None:
    Review.objects.filter(pk=some[2].pk).update(metadata={"late": "x"})

    export = ran(asked(project, format="csv"))

    text = path_of(export.file).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["shop"], row["late"]) for row in rows] == [("s0", ""), ("s1", ""), ("", "x")]


def test_columns_can_be_chosen(project: Project, some: list[Review]) -> None:
    export = ran(asked(project, format="csv", columns=("date", "shop")))

    text = path_of(export.file).read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "gloss_id,text,date,shop"


def test_what_a_format_cannot_hold_ends_the_job_with_what_to_do(project: Project) -> None:
    factories.review(project, "x" * 40_000)

    export = ran(asked(project, format="xlsx"))

    assert export.job is not None
    assert export.job.state == Job.State.FAILED
    assert "Choose CSV, JSONL or Parquet" in export.job.reason
    assert not list(path_of(services.FOLDER).iterdir())


def test_an_export_that_is_called_off_leaves_no_file(
    project: Project, owner: User, some: list[Review]
) -> None:
    export = asked(project)
    assert export.job is not None
    lease = claim_one(job_id=export.job.pk, worker="w")
    assert lease is not None
    cancel(job=export.job, actor=owner)
    lease.extend()

    with pytest.raises(Cancelled):
        exports.run(lease)

    assert not list(path_of(services.FOLDER).iterdir())


def test_a_worker_that_lost_its_job_shows_nothing(project: Project, some: list[Review]) -> None:
    export = asked(project)
    assert export.job is not None
    late = claim_one(job_id=export.job.pk, worker="late")
    Job.objects.filter(pk=export.job.pk).update(state=Job.State.QUEUED)
    assert late is not None
    quick = claim_one(job_id=export.job.pk, worker="quick")
    assert quick is not None
    result = exports.run(quick)

    with pytest.raises(LeaseLost):
        exports.run(late)

    export.refresh_from_db()
    assert export.sha256 == result["sha256"]
    assert [path.name for path in path_of(services.FOLDER).iterdir()] == [Path(export.file).name]


def test_running_twice_gives_the_same_file(project: Project, some: list[Review]) -> None:
    assert ran(asked(project)).sha256 == ran(asked(project)).sha256


# --- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"format": "word"}, "There is no format 'word'"),
        ({"labels": "mine"}, "There are no labels called 'mine'"),
        ({"format": "conll"}, "made of labels"),
        ({"format": "conll", "labels": "annotators"}, "no place for who said it"),
        ({"format": "conll", "labels": "gold", "question": "rating"}, "cannot be about"),
        ({"format": "doccano", "labels": "gold"}, "is about one question"),
        ({"labels": "model"}, "no model yet"),
        ({"labels": "gold", "label_settings": {"version": "1"}}, "take no settings"),
        ({"dataset": 10**15}, "has no data set"),
        ({"version": 1}, "A version is one of a data set"),
        ({"tokens": "letters"}, "tokens is one of"),
    ],
)
def test_what_cannot_be_had_is_refused_at_once(
    wish: dict[str, Any], says: str, project: Project
) -> None:
    with pytest.raises(Invalid, match=says):
        asked(project, **wish)
    assert not Job.objects.exists()


# --- Files ------------------------------------------------------------------------------------


def test_a_file_is_handed_out_once_it_is_there_and_that_is_written_down(
    project: Project, owner: User, some: list[Review]
) -> None:
    export = asked(project, owner)
    with pytest.raises(NotReady):
        services.download(export=export, actor=owner)

    services.download(export=ran(export), actor=owner)

    event = AuditEvent.objects.get(action="export.downloaded")
    assert (event.actor, event.detail["sha256"]) == (owner, export.sha256)


def test_old_files_are_removed_and_say_so(project: Project, some: list[Review]) -> None:
    export = ran(asked(project))
    path = path_of(export.file)
    Export.objects.filter(pk=export.pk).update(
        created_at=timezone.now() - services.KEEP - timedelta(days=1)
    )

    services.remove_old()

    export.refresh_from_db()
    assert not path.exists()
    with pytest.raises(Conflict, match="kept for 30 days"):
        services.download(export=export, actor=None)


def test_files_of_a_project_that_is_gone_are_removed(
    project: Project, some: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(ran(asked(project)).file)
    Export.objects.all().delete()

    services.remove_old()
    assert path.exists()  # it may be one whose row is being written
    monkeypatch.setattr(files, "_ORPHAN_SECONDS", -1)
    services.remove_old()

    assert not path.exists()


# --- REST -------------------------------------------------------------------------------------

URL = "/api/v1/projects/shop/exports/"


@pytest.fixture
def client(member: Callable[[Role], User], api: Callable[..., APIClient]) -> APIClient:
    return api(member(Role.ANALYST))


def test_rest_takes_an_export_and_hands_the_file_out(client: APIClient, some: list[Review]) -> None:
    body = {"format": "csv", "labels": "gold", "filters": {"split": "train"}}
    accepted = client.post(URL, body, format="json")
    export = Export.objects.get()

    assert accepted.status_code == 202
    assert accepted.data["job"]["url"] == f"/api/v1/jobs/{export.job_id}/"
    early = client.get(f"{URL}{export.pk}/file/")
    assert early.status_code == 503
    ran(export)
    shown = client.get(f"{URL}{export.pk}/").data
    file = client.get(shown["file"])
    assert shown["sha256"] == hashlib.sha256(b"".join(file)).hexdigest()
    assert file["Content-Disposition"] == 'attachment; filename="shop-gold.csv"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert file["Content-Type"].startswith("text/csv")
    assert [each["id"] for each in client.get(URL).data["results"]] == [export.pk]


def test_a_request_that_is_repeated_with_its_key_starts_nothing(
    client: APIClient, some: list[Review]
) -> None:
    first = client.post(URL, {"format": "csv"}, format="json", headers={"Idempotency-Key": "k"})
    again = client.post(URL, {"format": "csv"}, format="json", headers={"Idempotency-Key": "k"})

    assert first.data["export"]["id"] == again.data["export"]["id"]
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "format"),
        ({"format": "word"}, "format"),
        ({"format": "csv", "filters": {"nope": "x"}}, "nope"),
        ({"format": "csv", "filters": {"split": {"a": 1}}}, "filters.split"),
        ({"format": "csv", "labels": "nobody"}, "labels"),
        ({"format": "csv", "model_version": 2}, "model_version"),
        ({"format": "csv", "surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_request_says_which_field(
    body: dict[str, Any], field: str, client: APIClient
) -> None:
    answer = client.post(URL, body, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_file_that_is_gone_is_409(client: APIClient, some: list[Review]) -> None:
    client.post(URL, {"format": "csv"}, format="json")
    export = ran(Export.objects.get())
    path_of(export.file).unlink()

    assert client.get(f"{URL}{export.pk}/file/").status_code == 409


# --- The command ------------------------------------------------------------------------------


def command(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("export", "--project", "shop", *options, stdout=out, stderr=StringIO())
    printed = out.getvalue().splitlines()
    assert len(printed) == 1
    result: dict[str, Any] = json.loads(printed[0])
    return result


def test_the_command_writes_the_file_and_prints_one_line(
    project: Project, some: list[Review], tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"

    result = command(
        "--format", "csv", "--output", str(target), "--labels", "gold",
        "--dataset", "coats", "--filter", "split=train",
    )  # fmt: skip

    assert result["reviews"] == 3
    assert result["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--dataset", "none"), "no data set called"),
        (("--filter", "split"), "write NAME=VALUE"),
        (("--filter", "nope=1"), "no filter"),
        (("--labels", "mine"), "no labels called"),
    ],
)
def test_the_command_says_what_is_wrong(
    options: tuple[str, ...], says: str, project: Project, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"

    with pytest.raises(CommandError, match=says):
        command("--format", "csv", "--output", str(target), *options)
    assert not target.exists()


# --- Pages ------------------------------------------------------------------------------------

PAGE = "/projects/shop/reviews/exports/"


@pytest.fixture
def browser(member: Callable[[Role], User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(member(Role.ANALYST))


def test_the_form_carries_the_filters_of_the_table(browser: Client, some: list[Review]) -> None:
    page = browser.get(f"{PAGE}new/?split=train&q=Coat+1&dataset={some[0].dataset_id}")

    html = page.content.decode()
    assert 'name="filter" value="split=train"' in html
    assert 'name="filter" value="q=Coat 1"' in html
    assert f'<option value="{some[0].dataset_id}" selected>' in html


def test_the_form_starts_an_export_with_what_was_chosen(
    browser: Client, some: list[Review]
) -> None:
    sent = browser.post(
        f"{PAGE}new/",
        {
            "format": "csv",
            "labels": "gold",
            "tokens": "words",
            "dataset": str(some[0].dataset_id),
            "filter": ["split=train"],
        },
    )

    assert sent.status_code == 302
    export = Export.objects.get()
    assert export.params["filters"] == [["split", "train"]]
    assert export.params["dataset"] == some[0].dataset_id
    ran(export)
    listed = browser.get(PAGE).content.decode()
    assert export.file_name in listed
    assert export.sha256[:12] in listed
    file = browser.get(f"{PAGE}{export.pk}/file/")
    assert b"".join(file).startswith(b"\xef\xbb\xbfgloss_id,text")


def test_what_is_wrong_is_said_on_the_form(browser: Client, some: list[Review]) -> None:
    page = browser.post(
        f"{PAGE}new/", {"format": "conll", "labels": "annotators", "tokens": "words"}
    )

    assert page.status_code == 400
    assert "no place for who said it" in page.content.decode()


def test_the_list_asks_again_while_an_export_is_under_way(
    browser: Client, project: Project, some: list[Review]
) -> None:
    export = asked(project)

    assert b"data-poll" in browser.get(PAGE).content
    ran(export)
    done = browser.get(PAGE, headers={"HX-Request": "true"})
    assert done.status_code == 286
    assert b"<html" not in done.content


def test_the_table_leads_to_an_export_of_what_it_shows(browser: Client, some: list[Review]) -> None:
    page = browser.get("/projects/shop/reviews/?split=train&columns=product")

    assert f'href="{PAGE}new/?split=train"' in page.content.decode()
