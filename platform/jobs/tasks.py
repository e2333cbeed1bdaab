"""The doorbell and the clock. Messages carry the name of a queue and nothing else."""

import threading
import time
from pathlib import Path
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings

from jobs import kinds, worker

_stopped = threading.Event()


@shared_task(name="jobs.answer")
def answer(queue: str) -> None:
    """Answer the bell: run what waits in `queue`."""
    if queue in kinds.QUEUES:
        worker.drain(queue)


@shared_task(name="jobs.reap")
def reap() -> None:
    """Give lost jobs back and ring for those that wait."""
    worker.reap_and_ring()


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Clear up after workers that died while clearing up, and after the file broker."""
    worker.tidy_late()
    processed = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("processed_folder")
    if not processed:
        return
    yesterday = time.time() - 24 * 3600
    for path in Path(processed).iterdir():
        if path.stat().st_mtime < yesterday:
            path.unlink(missing_ok=True)


@worker_ready.connect
def _start_heartbeat(sender: Any, **_: Any) -> None:
    """Say that we are here, take back what died with the last worker, and start what waits."""
    queues = [name for name in kinds.QUEUES if name in sender.app.amqp.queues.consume_from]
    _stopped.clear()
    threading.Thread(
        target=worker.beat_forever, args=(queues, _stopped), name="worker-heartbeat", daemon=True
    ).start()
    worker.reap_and_ring(now_of=worker.gone_from_this_host())


@worker_shutting_down.connect
def _stop_heartbeat(**_: Any) -> None:
    _stopped.set()
