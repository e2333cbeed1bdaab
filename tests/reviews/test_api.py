"""Data sets and reviews over REST."""

import csv
import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connections
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project, Role
from reviews.models import Dataset, Upload
from tests import factories
from tests.reviews.conftest import FakeSink

pytestmark = pytest.mark.usefixtures("sink")

DATASETS = "/api/v1/projects/shop/datasets/"
REVIEWS = "/api/v1/projects/shop/reviews/"


@pytest.fixture
def client(api: Callable[..., APIClient], owner: User) -> APIClient:
    return api(owner)


def send(client: APIClient, data: str | bytes, **fields: Any) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    headers = fields.pop("headers", {})
    body = {"file": ContentFile(raw, name="reviews.csv"), "name": "set"} | fields
    return client.post(DATASETS, body, format="multipart", headers=headers)


def imported(client: APIClient, data: str, **fields: Any) -> Dataset:
    answer = send(client, data, **fields)
    assert answer.status_code == 202, answer.content
    assert run_here(Job.objects.get(pk=answer.json()["job"]["id"])).state == Job.State.SUCCEEDED
    return Dataset.objects.get(pk=answer.json()["dataset"]["id"])


def body_of(answer: Any) -> str:
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]


def test_a_file_that_is_posted_is_accepted_with_its_job(client: APIClient) -> None:
    mapping = json.dumps({"text": ["Body"], "answers": {"Stars": "rating"}, "metadata": ["Age"]})

    answer = send(client, "Body,Stars,Age\nLovely.,5,34\n", mapping=mapping)

    assert answer.status_code == 202
    body = answer.json()
    assert body["dataset"]["name"] == "set"
    assert body["dataset"]["is_ready"] is False
    job = Job.objects.get()
    assert body["job"] == {"id": str(job.pk), "url": f"/api/v1/jobs/{job.pk}/"}


def test_an_imported_data_set_is_listed_with_what_became_of_its_rows(client: APIClient) -> None:
    imported(client, "text\nLovely coat that fits me well.\n\x20\n")

    listed = client.get(DATASETS).json()

    assert (listed["next"], listed["previous"]) == (None, None)
    assert listed["results"][0]["review_count"] == 1
    found = listed["results"][0]["imports"][0]
    assert (found["read"], found["accepted"], found["rejected"]) == (2, 1, 1)


def test_a_mapping_that_is_left_out_is_guessed(client: APIClient) -> None:
    imported(client, "id,Review Text,Rating\n1,Lovely coat and it fits me.,5\n")

    review = client.get(REVIEWS).json()["results"][0]

    assert review["text"] == "Lovely coat and it fits me."
    assert review["metadata"] == {"id": "1"}


def test_a_request_that_is_repeated_with_its_key_gets_the_same_answer(client: APIClient) -> None:
    headers = {"Idempotency-Key": "b7d1"}

    first = send(client, "text\nLovely.\n", headers=headers)
    second = send(client, "text\nLovely.\n", headers=headers)

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert Dataset.objects.count() == Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        pytest.param("text\nAwful.\n", {}, id="another file"),
        pytest.param("text\nLovely.\n", {"name": "other"}, id="another name"),
    ],
)
def test_a_key_that_comes_with_something_else_is_a_conflict(
    client: APIClient, data: str, fields: dict[str, str]
) -> None:
    headers = {"Idempotency-Key": "b7d1"}
    send(client, "text\nLovely.\n", headers=headers)

    answer = send(client, data, headers=headers, **fields)

    assert answer.status_code == 409
    assert "another file or name" in answer.json()["detail"]
    assert Dataset.objects.count() == Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "fields", "says"),
    [
        pytest.param(b"", {}, "The file is empty", id="empty file"),
        pytest.param(b"text\n", {}, "no rows below", id="header only"),
        pytest.param(b"a,b\n1,2\n", {}, "No column looks like text", id="no text"),
        pytest.param(b"text\nx\n", {"mapping": "{"}, "not JSON", id="mapping is no JSON"),
        pytest.param(b"text\nx\n", {"mapping": '{"txt": 1}'}, "Unknown key", id="unknown key"),
        pytest.param(
            b"text\nx\n", {"mapping": '{"text": ["nope"]}'}, "no column 'nope'", id="no column"
        ),
        pytest.param(b"text\nx\n", {"encoding": "klingon"}, "not known", id="encoding"),
        pytest.param(b"text\nx\n", {"delimiter": "x"}, "is no delimiter", id="delimiter"),
        pytest.param(b"text\nx\n", {"name": "n" * 101}, "name", id="long name"),
        pytest.param(
            b"text\nx\n", {"mapping": "[" * 100_000}, "not JSON", id="mapping without end"
        ),
        pytest.param(b"text\nx\n", {"colour": "red"}, "no field 'colour'", id="unknown field"),
        pytest.param(b"text\nx\n", {"headers": {"Idempotency-Key": "k" * 129}}, "128", id="key"),
    ],
)
def test_bad_input_is_a_problem_document_and_leaves_nothing(
    client: APIClient, data: bytes, fields: dict[str, Any], says: str
) -> None:
    answer = send(client, data, **fields)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert not Dataset.objects.exists()
    assert not Upload.objects.exists()
    assert not Job.objects.exists()


def test_a_name_that_is_taken_is_a_conflict(client: APIClient, project: Project) -> None:
    factories.dataset(project, "set")

    assert send(client, "text\nLovely.\n").status_code == 409
    assert not Upload.objects.exists()


def test_only_analysts_upload(
    api: Callable[..., APIClient], member: Callable[[Role], User]
) -> None:
    reviewer, analyst = api(member(Role.REVIEWER)), api(member(Role.ANALYST))

    assert send(reviewer, "text\nLovely.\n").status_code == 403
    assert send(analyst, "text\nLovely.\n").status_code == 202


def test_a_token_that_may_only_read_does_not_upload(
    api: Callable[..., APIClient], owner: User
) -> None:
    reader = api(owner, "read")

    assert send(reader, "text\nLovely.\n").status_code == 403
    assert reader.get(REVIEWS).status_code == 200


def test_viewers_read(api: Callable[..., APIClient], member: Callable[[Role], User]) -> None:
    viewer = api(member(Role.VIEWER))

    assert viewer.get(DATASETS).status_code == 200
    assert viewer.get(REVIEWS).status_code == 200


def test_outsiders_learn_nothing(
    api: Callable[..., APIClient], project: Project, mallory: User
) -> None:
    outsider = api(mallory)
    dataset = factories.dataset(project)
    review = factories.review(project)

    for url in (
        DATASETS,
        REVIEWS,
        f"{DATASETS}{dataset.pk}/",
        f"{DATASETS}{dataset.pk}/rejects.csv",
        f"{REVIEWS}{review.pk}/",
    ):
        assert outsider.get(url).status_code == 404
    assert send(outsider, "text\nLovely.\n").status_code == 404


def test_another_project_s_things_are_not_found_under_mine(
    client: APIClient, mallory: User
) -> None:
    other = Project.objects.get(slug="mallorys")
    dataset, review = factories.dataset(other), factories.review(other)

    assert client.get(f"{DATASETS}{dataset.pk}/").status_code == 404
    assert client.get(f"{DATASETS}{dataset.pk}/rejects.csv").status_code == 404
    assert client.get(f"{REVIEWS}{review.pk}/").status_code == 404
    assert client.get(f"{REVIEWS}?dataset={dataset.pk}").json()["results"] == []


def test_refused_rows_come_back_as_they_were_with_line_and_error(client: APIClient) -> None:
    mapping = json.dumps({"text": ["text"], "answers": {"stars": "rating"}})
    dataset = imported(
        client, 'text,stars\nfine,4\n=1+1,five\n"-5",six\nshort\na,4,more\n', mapping=mapping
    )

    answer = client.get(f"{DATASETS}{dataset.pk}/rejects.csv")

    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(body_of(answer))))
    assert rows == [
        ["text", "stars", "line", "error"],
        ["'=1+1", "five", "3", 'line 3, column stars: "five" is not a number from 1 to 5'],
        ["-5", "six", "4", 'line 4, column stars: "six" is not a number from 1 to 5'],
        ["short", "", "5", "line 5: the row has 1 cell, the header has 2"],
        ["a", "4", "6", "line 6: the row has 3 cells, the header has 2", "more"],
    ]


def test_reviews_of_a_data_set_that_is_not_ready_are_not_listed(
    client: APIClient, project: Project
) -> None:
    waiting = factories.dataset(project)
    waiting.is_ready = False
    waiting.save()
    hidden = factories.review(project, dataset=waiting)
    shown = factories.review(project)

    assert [row["id"] for row in client.get(REVIEWS).json()["results"]] == [shown.pk]
    assert client.get(f"{REVIEWS}{hidden.pk}/").status_code == 404


def test_cursors_lead_through_all_reviews_once(client: APIClient, project: Project) -> None:
    dataset = factories.dataset(project)
    ids = [factories.review(project, dataset=dataset).pk for _ in range(7)]
    seen: list[int] = []
    url = f"{REVIEWS}?page_size=3&dataset={dataset.pk}"

    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]

    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("q=ZIP", {"zip"}, id="words in any case"),
        pytest.param("q=100%25", {"percent"}, id="a percent sign is no wildcard"),
        pytest.param("q=%00zip", {"zip"}, id="NUL"),
        pytest.param("split=test", {"percent"}, id="split"),
        pytest.param("min_length=40", {"long"}, id="length"),
        pytest.param("control=true", {"zip"}, id="control slice"),
        pytest.param("product=Lamp+1", {"long"}, id="product"),
        pytest.param("control=false&split=train", {"long"}, id="both"),
        pytest.param("q=", {"zip", "percent", "long"}, id="empty means any"),
    ],
)
def test_filters_narrow_the_list(
    client: APIClient, project: Project, query: str, expected: set[str]
) -> None:
    made = {
        "zip": factories.review(project, "The zip broke.", is_control=True),
        "percent": factories.review(project, "100% wool.", split="test"),
        "long": factories.review(project, "word " * 10, product="Lamp 1"),
    }

    found = {row["id"] for row in client.get(f"{REVIEWS}?{query}").json()["results"]}

    assert found == {made[name].pk for name in expected}


@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "dataset__project=1", "project=1", "dataset=x", "split=dev", "min_length=-1",
        "min_length=²", "control=maybe", "colour=", "dataset=99999999999999999999",
    ],
)  # fmt: skip
def test_a_filter_that_is_unknown_or_makes_no_sense_is_refused(
    client: APIClient, query: str
) -> None:
    answer = client.get(f"{REVIEWS}?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_the_sink_gets_what_was_answered(client: APIClient, sink: FakeSink) -> None:
    mapping = json.dumps({"text": ["text"], "answers": {"stars": "rating"}})

    dataset = imported(client, "text,stars\nfine,4\nquiet,\n", mapping=mapping)

    answered = dataset.reviews.get(text="fine")
    assert sink.stored == {answered.pk: {"rating": 4}}


@pytest.mark.django_db(transaction=True)
def test_a_request_that_comes_six_times_at_once_is_one_import(
    api: Callable[..., APIClient], owner: User
) -> None:
    answers: list[Any] = []
    clients = [api(owner) for _ in range(6)]
    gate = threading.Barrier(len(clients))

    def sent(client: APIClient) -> None:
        gate.wait()
        answers.append(send(client, "text\nfine\n", headers={"Idempotency-Key": "once"}))
        connections.close_all()

    threads = [threading.Thread(target=sent, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.json()["dataset"]["id"] for answer in answers}) == 1
    assert Upload.objects.count() == Job.objects.count() == 1
