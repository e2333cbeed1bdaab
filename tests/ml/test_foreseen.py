"""The plan says on what a training would run if it began now."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs import worker
from ml.core.config import Tier
from ml.core.hardware import visible_gpu
from ml.foreseen import NO_GPU, foreseen, told
from reviews.models import Review

H100, L4 = "NVIDIA H100", "NVIDIA L4"


@pytest.mark.parametrize(
    ("tier", "gpus", "device"),
    [
        pytest.param("tfidf", [H100], "CPU", id="words need none"),
        pytest.param("full", [H100], H100, id="there is one"),
        pytest.param("full", [""], "CPU", id="there is none"),
        pytest.param("full", [H100, ""], f"{H100} or CPU", id="one of two trainers"),
        pytest.param("full", [H100, L4], f"{H100} or {L4}", id="two different ones"),
        pytest.param("full", [], "GPU or CPU", id="nobody listens"),
        pytest.param("full", [NO_GPU], NO_GPU, id="wished for in vain"),
        pytest.param("full", [NO_GPU, H100], f"{H100} or {NO_GPU}", id="in vain by one of two"),
    ],
)
def test_the_device_is_foreseen(tier: str, gpus: list[str], device: str) -> None:
    assert foreseen(Tier(tier), sorted(gpus)).device == device


@pytest.mark.parametrize(
    ("wish", "gpu", "says"),
    [
        pytest.param("auto", H100, H100, id="there is one"),
        pytest.param("auto", "", "", id="there is none"),
        pytest.param("cuda", H100, H100, id="wished for"),
        pytest.param("cuda", "", NO_GPU, id="wished for in vain"),
        pytest.param("cpu", H100, "", id="configured away"),
    ],
)
def test_a_worker_tells_of_the_gpu_that_its_jobs_would_use(wish: str, gpu: str, says: str) -> None:
    assert told(wish, gpu) == says


def test_a_gpu_is_read_from_what_its_driver_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libtorch_cuda.so"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:01:00.0" / "information").write_text(f"Model: \t\t {H100}\nIRQ: 1\n")

    assert visible_gpu(gpus=tmp_path, library=library) == ""  # a torch for processors alone
    library.touch()
    assert visible_gpu(gpus=tmp_path, library=library) == H100
    assert visible_gpu(gpus=tmp_path / "nowhere", library=library) == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpu(gpus=tmp_path, library=library) == ""


@pytest.mark.django_db
def test_the_page_names_the_gpu_of_the_trainer_that_listens(
    owner: User,
    labelled: list[Review],
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "GLOSS_DEVICE", "cpu")  # of the web process, which trains nothing
    page, now = "/projects/shop/models/retrain/?tier=frozen", timezone.now()
    unknown = signed_in(owner).get(page).content.decode()

    worker.say_alive(name="a:1", queues=["default", "predict"], started_at=now, gpu=L4)
    worker.say_alive(name="b:1", queues=["train"], started_at=now, gpu=H100)

    known = signed_in(owner).get(page).content.decode()
    assert "<dd>GPU or CPU</dd>" in unknown
    assert f"<dd>{H100}</dd><dd>of the trainer that is listening" in known
    assert L4 not in known
