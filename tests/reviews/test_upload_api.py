"""Files in pieces: the tus protocol, by token and by session."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import Conflict
from projects.models import Project, Role
from reviews import resumable, services
from reviews.models import Upload
from tests import factories

UPLOADS = "/api/v1/projects/shop/uploads/"
DATA = b"text,stars\n" + b"".join(b"It broke after %d days,1\n" % n for n in range(200))


@pytest.fixture
def client(api: Callable[..., APIClient], owner: User) -> APIClient:
    return api(owner)


def begin(client: Client, size: int = len(DATA), name: str = "coats.csv", **headers: Any) -> Any:
    named = base64.b64encode(name.encode()).decode()
    sent = {"HTTP_UPLOAD_LENGTH": str(size), "HTTP_UPLOAD_METADATA": f"filename {named}"}
    return client.post(UPLOADS, **{**sent, "HTTP_TUS_RESUMABLE": "1.0.0", **headers})


def send(client: Client, url: str, piece: bytes, offset: int, **headers: Any) -> Any:
    sent: dict[str, Any] = {"HTTP_UPLOAD_OFFSET": str(offset), "HTTP_TUS_RESUMABLE": "1.0.0"}
    return client.generic(
        "PATCH",
        url,
        piece,
        content_type="application/offset+octet-stream",
        **{**sent, **headers},
    )


def test_a_file_arrives_in_pieces_and_is_hashed_when_it_is_whole(client: APIClient) -> None:
    begun = begin(client)
    url = begun["Location"]

    first = send(client, url, DATA[:1000], 0)
    halfway = client.head(url)
    second = send(client, url, DATA[1000:], 1000)

    assert begun.status_code == 201
    assert (first.status_code, first["Upload-Offset"]) == (204, "1000")
    assert (halfway["Upload-Offset"], halfway["Upload-Length"]) == ("1000", str(len(DATA)))
    assert second["Upload-Offset"] == str(len(DATA))
    upload = Upload.objects.get()
    assert upload.is_complete
    assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
    assert upload.original_name == "coats.csv"
    assert Path(upload.file.path).read_bytes() == DATA
    assert Path(upload.file.path).suffix == ""


def test_a_whole_upload_becomes_a_data_set(client: APIClient, project: Project) -> None:
    url = begin(client)["Location"]
    send(client, url, DATA, 0)
    upload = Upload.objects.get()

    started = services.start_import(
        project=project, dataset_name="coats", upload=upload, actor=upload.created_by
    )

    assert started.import_job.mapping["text"] == ["text"]


def test_the_options_say_what_is_understood(client: APIClient) -> None:
    answer = client.options(UPLOADS)

    assert answer["Tus-Version"] == "1.0.0"
    assert "creation" in answer["Tus-Extension"]
    assert int(answer["Tus-Max-Size"]) > 0


@pytest.mark.parametrize("offset", [0, 10, 999, 5000])
def test_a_piece_at_the_wrong_offset_is_refused_and_changes_nothing(
    client: APIClient, offset: int
) -> None:
    url = begin(client)["Location"]
    send(client, url, DATA[:1000], 0)

    answer = send(client, url, DATA[:100], offset)

    assert answer.status_code == 409
    assert client.head(url)["Upload-Offset"] == "1000"


def test_a_piece_that_comes_twice_at_once_is_counted_once(client: APIClient) -> None:
    url = begin(client)["Location"]
    mine = Upload.objects.get()
    same = Upload.objects.get()
    read = iter([DATA[:500]]).__next__

    resumable.append(upload=mine, offset=0, read=lambda _: read(), size=500)

    with pytest.raises(Conflict, match="Another request"):
        resumable.append(upload=same, offset=0, read=lambda _: DATA[:500], size=500)
    assert client.head(url)["Upload-Offset"] == "500"


def test_what_arrived_before_the_connection_broke_is_kept(client: APIClient) -> None:
    begin(client)
    upload = Upload.objects.get()
    parts = iter([DATA[:300]])

    def read(_: int) -> bytes:
        for part in parts:
            return part
        raise OSError("connection lost")

    resumable.append(upload=upload, offset=0, read=read, size=1000)

    assert Upload.objects.get().received_count == 300


def test_bytes_that_were_written_and_not_counted_are_written_again(client: APIClient) -> None:
    url = begin(client)["Location"]
    send(client, url, DATA[:100], 0)
    with Path(Upload.objects.get().file.path).open("ab") as file:
        file.write(b"left over from a worker that died")

    send(client, url, DATA[100:], 100)

    assert Upload.objects.get().sha256 == hashlib.sha256(DATA).hexdigest()


def test_more_bytes_than_announced_are_refused(client: APIClient) -> None:
    url = begin(client, size=10)["Location"]

    answer = send(client, url, DATA, 0)

    assert answer.status_code == 413
    assert "announced" in answer.json()["detail"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_checksum_that_fits_is_taken_and_another_is_not(
    client: APIClient, algorithm: str
) -> None:
    url = begin(client)["Location"]
    right = base64.b64encode(hashlib.new(algorithm, DATA[:50]).digest()).decode()

    wrong = send(client, url, DATA[:49] + b"!", 0, HTTP_UPLOAD_CHECKSUM=f"{algorithm} {right}")
    taken = send(client, url, DATA[:50], 0, HTTP_UPLOAD_CHECKSUM=f"{algorithm} {right}")

    assert (wrong.status_code, taken.status_code) == (460, 204)
    assert taken["Upload-Offset"] == "50"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"HTTP_UPLOAD_LENGTH": "0"}, 400, id="empty"),
        pytest.param({"HTTP_UPLOAD_LENGTH": "-1"}, 400, id="negative"),
        pytest.param({"HTTP_UPLOAD_LENGTH": "9" * 40}, 400, id="astronomic"),
        pytest.param({"HTTP_UPLOAD_LENGTH": "9" * 18}, 413, id="too large"),
        pytest.param({"HTTP_UPLOAD_DEFER_LENGTH": "1"}, 400, id="deferred"),
        pytest.param({"HTTP_UPLOAD_METADATA": "filename ?!"}, 400, id="no base64"),
        pytest.param({"HTTP_UPLOAD_METADATA": "filename \xe9\xe9\xe9\xe9"}, 400, id="no ASCII"),
        pytest.param({"HTTP_UPLOAD_METADATA": "filename " + "YWFh" * 9_999}, 400, id="endless"),
        pytest.param({"HTTP_TUS_RESUMABLE": "0.2.2"}, 412, id="old version"),
    ],
)
def test_a_beginning_that_makes_no_sense_is_refused_and_leaves_nothing(
    client: APIClient, headers: dict[str, Any], status: int
) -> None:
    answer = begin(client, **headers)

    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        pytest.param("../../etc/passwd", "passwd", id="up"),
        pytest.param("/etc/passwd", "passwd", id="root"),
        pytest.param("C:\\temp\\..\\evil.csv", "evil.csv", id="Windows"),
        pytest.param("evil.csv/..", "..", id="only up"),
        pytest.param("./", "unnamed", id="here"),
        pytest.param("\x00/\x00", "unnamed", id="NUL"),
        pytest.param('a"; filename="b\r\nX-Evil: 1', 'a"; filename="b\nX-Evil: 1', id="header"),
        pytest.param("n" * 2_000, "n" * 255, id="long"),
    ],
)
def test_a_name_says_nothing_about_where_a_file_lies(
    client: APIClient, name: str, kept: str
) -> None:
    answer = begin(client, name=name)

    assert answer.status_code == 201, answer.content
    upload = Upload.objects.get()
    assert upload.original_name == kept
    folder, stored = (upload.file.name or "").split("/")
    assert (folder, len(stored)) == ("uploads", 32)
    assert default_storage.listdir("") == (["uploads"], [])


@pytest.mark.parametrize("offset", ["-1", "+0", "0x0", "٠", " 0", "1e3", "", "9" * 5_000])
def test_an_offset_that_is_no_number_of_bytes_is_refused(client: APIClient, offset: str) -> None:
    url = begin(client)["Location"]

    answer = send(client, url, DATA[:10], 0, HTTP_UPLOAD_OFFSET=offset)

    assert answer.status_code == 400
    assert "Upload-Offset" in answer.json()["detail"]
    assert Upload.objects.get().received_count == 0


def test_a_whole_upload_takes_nothing_more(client: APIClient) -> None:
    url = begin(client)["Location"]
    send(client, url, DATA, 0)

    assert send(client, url, b"more", 0).status_code == 409
    assert send(client, url, b"more", len(DATA)).status_code == 413
    assert Path(Upload.objects.get().file.path).read_bytes() == DATA


def test_a_full_disk_is_said_before_anything_is_sent(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())

    answer = begin(client)

    assert answer.status_code == 507
    assert "no room" in answer.json()["detail"]
    assert not Upload.objects.exists()
    assert default_storage.listdir("uploads")[1] == []


def test_nobody_begins_more_uploads_than_they_can_finish(client: APIClient) -> None:
    for _ in range(resumable.MAX_UNFINISHED):
        begin(client)

    answer = begin(client)

    assert answer.status_code == 429
    assert "not finished" in answer.json()["detail"]


def test_a_body_of_another_type_is_refused(client: APIClient) -> None:
    url = begin(client)["Location"]

    answer = client.patch(url, {"a": 1}, format="json", HTTP_UPLOAD_OFFSET="0")

    assert answer.status_code == 415


def test_an_upload_is_given_up_with_its_file(client: APIClient) -> None:
    url = begin(client)["Location"]

    assert client.delete(url).status_code == 204
    assert client.head(url).status_code == 404
    assert default_storage.listdir("uploads")[1] == []


def test_an_upload_that_a_data_set_needs_stays(client: APIClient, project: Project) -> None:
    url = begin(client)["Location"]
    send(client, url, DATA, 0)
    upload = Upload.objects.get()
    services.start_import(
        project=project, dataset_name="coats", upload=upload, actor=upload.created_by
    )

    assert client.delete(url).status_code == 409
    assert Path(upload.file.path).exists()


def test_somebody_else_of_the_project_finds_no_upload_to_write_to(
    client: APIClient, api: Callable[..., APIClient], project: Project
) -> None:
    url = begin(client)["Location"]
    other = api(factories.member(project, Role.ANALYST))

    assert other.head(url).status_code == 404
    assert send(other, url, DATA, 0).status_code == 404
    assert other.delete(url).status_code == 404


def test_another_project_has_no_such_upload(
    client: APIClient, owner: User, signed_in: Callable[[User], Client]
) -> None:
    factories.project(owner=owner, slug="other")
    url = begin(client)["Location"].replace("/shop/", "/other/")

    assert signed_in(owner).head(url).status_code == 404


def test_a_browser_sends_with_its_session_and_needs_the_csrf_token(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    factories.project(owner=owner)
    browser.get("/projects/shop/reviews/upload/")
    token = browser.cookies["csrftoken"].value

    assert begin(browser).status_code == 403
    url = begin(browser, HTTP_X_CSRFTOKEN=token)["Location"]
    assert send(browser, url, DATA, 0).status_code == 403
    assert send(browser, url, DATA, 0, HTTP_X_CSRFTOKEN=token).status_code == 204


def test_forgotten_uploads_are_removed_and_used_ones_stay(
    client: APIClient, project: Project
) -> None:
    begin(client)
    send(client, begin(client)["Location"], DATA, 0)
    send(client, begin(client)["Location"], DATA, 0)
    unfinished, unused, used = Upload.objects.order_by("pk")
    services.start_import(project=project, dataset_name="a", upload=used, actor=used.created_by)

    assert resumable.discard_stale() == 0
    assert resumable.discard_stale(now=timezone.now() + timedelta(days=4)) == 1
    assert set(Upload.objects.all()) == {unused, used}
    assert resumable.discard_stale(now=timezone.now() + timedelta(days=40)) == 1
    assert set(Upload.objects.all()) == {used}
    assert not Path(unfinished.file.path).exists()


@override_settings(GLOSS_UPLOAD_MAX_BYTES=100)
def test_the_limit_is_the_one_of_the_settings(client: APIClient) -> None:
    assert begin(client, size=101).status_code == 413
    assert begin(client, size=100).status_code == 201
