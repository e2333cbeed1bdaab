"""The plan says on what a training would run if it began now."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs import worker
from ml.core.config import Tier
from ml.core.hardware import visible_gpu
from ml.foreseen import foreseen
from reviews.models import Review

H100, L4 = "NVIDIA H100", "NVIDIA L4"


@pytest.mark.parametrize(
    ("tier", "wish", "gpus", "device"),
    [
        pytest.param("tfidf", "auto", [H100], "CPU", id="words need none"),
        pytest.param("full", "cpu", [H100], "CPU", id="configured away"),
        pytest.param("full", "auto", [H100], H100, id="there is one"),
        pytest.param("full", "auto", [""], "CPU", id="there is none"),
        pytest.param("full", "auto", [H100, ""], f"{H100} or CPU", id="one of two trainers"),
        pytest.param("full", "auto", [H100, L4], f"{H100} or {L4}", id="two different ones"),
        pytest.param("full", "auto", [], "GPU or CPU", id="nobody listens"),
        pytest.param("full", "cuda", [], "GPU", id="wished for, nobody listens"),
        pytest.param("full", "cuda", [""], "No GPU", id="wished for in vain"),
    ],
)
def test_the_device_is_foreseen(tier: str, wish: str, gpus: list[str], device: str) -> None:
    assert foreseen(Tier(tier), wish, gpus).device == device


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
    owner: User, labelled: list[Review], signed_in: Callable[[User], Client]
) -> None:
    page, now = "/projects/shop/models/retrain/?tier=frozen", timezone.now()
    unknown = signed_in(owner).get(page).content.decode()

    worker.say_alive(name="a:1", queues=["default", "predict"], started_at=now, gpu=L4)
    worker.say_alive(name="b:1", queues=["train"], started_at=now, gpu=H100)

    known = signed_in(owner).get(page).content.decode()
    assert "<dd>GPU or CPU</dd>" in unknown
    assert f"<dd>{H100}</dd><dd>of the trainer that is listening" in known
    assert L4 not in known
