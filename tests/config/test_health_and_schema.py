"""What monitors ask, and the description of the API."""

import warnings
from pathlib import Path

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from jobs import kinds
from jobs.models import WorkerHeartbeat
from jobs.worker import FRESH

pytestmark = pytest.mark.django_db


def test_the_process_says_that_it_is_alive() -> None:
    assert Client().get("/healthz").json() == {"status": "alive"}


def test_no_worker_is_not_ready() -> None:
    stale = timezone.now() - 2 * FRESH
    for queue in kinds.QUEUES:
        WorkerHeartbeat.objects.create(name=f"w-{queue}", queue=queue, seen_at=stale)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["workers"].startswith("no worker listens to: default")


def test_a_worker_for_every_queue_is_ready() -> None:
    for queue in kinds.QUEUES:
        WorkerHeartbeat.objects.create(name=f"w-{queue}", queue=queue, seen_at=timezone.now())

    answer = Client().get("/readyz")

    assert answer.status_code == 200, answer.content
    assert set(answer.json()["checks"].values()) == {"ok"}


def test_a_broker_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "not reachable" in answer.json()["checks"]["broker"]


def test_metrics_are_prometheus_text() -> None:
    answer = Client().get("/metrics")

    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'gloss_queue_has_worker{queue="train"} 0.0' in answer.content.decode()


def test_the_api_describes_itself_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own libraries
        call_command(
            "spectacular", fail_on_warn=True, validate=True, file=str(tmp_path / "schema.yml")
        )

    assert "/api/v1/jobs/{job_id}/cancel/" in (tmp_path / "schema.yml").read_text("utf-8")


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "٣", ""])
def test_a_port_that_is_none_is_said_in_one_line(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", port)

    with pytest.raises(CommandError, match="PORT is a number from 1 to 65535"):
        call_command("up")
