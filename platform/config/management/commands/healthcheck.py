"""`manage.py healthcheck web|worker|beat`: what a container's health check runs."""

import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs.models import WorkerHeartbeat
from jobs.worker import FRESH

BEAT_SECONDS = 120


class Command(BaseCommand):
    help = "Exit 0 when this container's process works."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=["web", "worker", "beat"])

    def handle(self, *_: Any, role: str, **__: Any) -> None:
        {"web": _check_web, "worker": _check_worker, "beat": _check_beat}[role]()


def _check_web() -> None:
    port = os.environ.get("PORT", "8000")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4):
            return
    except (urllib.error.URLError, OSError) as error:
        raise CommandError(f"The web process does not answer: {error}") from error


def _check_worker() -> None:
    """Look for the heartbeat row of this host: a busy worker still has one."""
    host = os.uname().nodename
    fresh = WorkerHeartbeat.objects.filter(
        name__startswith=f"{host}:", seen_at__gte=timezone.now() - FRESH
    )
    if not fresh.exists():
        raise CommandError("The worker of this host has fallen silent.")


def _check_beat() -> None:
    schedules = list(Path(settings.HOME).glob("beat-schedule*"))
    newest = max((each.stat().st_mtime for each in schedules), default=0.0)
    if newest < time.time() - BEAT_SECONDS:
        raise CommandError("The scheduler has written nothing lately.")
