"""`manage.py up`: the embedded default, from an empty folder to an open page."""

import hashlib
import logging
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import create_sign_in_link
from config.supervisor import Supervisor, programs
from jobs.models import Job

FIRST_PAGE_SECONDS = 60
DEMO_SECONDS = 300


class Command(BaseCommand):
    help = "Start web, worker and scheduler; set up what is missing."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        logging.getLogger("jobs").setLevel(logging.WARNING)  # the demo's import is no news here
        port = _port()
        _refuse_taken_port(port)
        call_command("migrate", interactive=False, verbosity=0)
        _collect_static()
        owner = _first_owner()
        training = self._load_demo(owner)
        supervisor = Supervisor(programs(), logs=settings.HOME / "logs", say=self._say)
        supervisor.start()
        try:
            self._wait_for_page(supervisor, port)
            if training is not None:
                self._wait_for_training(supervisor, training)
            if not supervisor.is_stopping:
                self._welcome(owner, port)
            supervisor.watch()
        finally:
            supervisor.stop()
        self._say("Stopped.")

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()

    def _load_demo(self, owner: User) -> Job | None:
        if os.environ.get("DEMO", "1") == "0":
            return None
        from demo.services import demo_training, load_demo

        if load_demo(owner=owner):
            self._say("Made the demo project: about 600 reviews, three annotators.")
        return demo_training(owner=owner)

    def _wait_for_page(self, supervisor: Supervisor, port: int) -> None:
        until = time.monotonic() + FIRST_PAGE_SECONDS
        while not _answers(port):
            supervisor.tend()
            if supervisor.is_stopping:
                return
            if time.monotonic() > until:
                raise CommandError(
                    f"The web process did not answer on port {port}. "
                    f"What it said is in {settings.HOME / 'logs' / 'web.log'}"
                )
            time.sleep(0.1)

    def _wait_for_training(self, supervisor: Supervisor, job: Job) -> None:
        self._say("Training the demo's model, about a minute ...")
        until = time.monotonic() + DEMO_SECONDS
        while not job.is_finished and not supervisor.is_stopping:
            supervisor.tend()
            time.sleep(0.5)
            job.refresh_from_db()
            if time.monotonic() > until:
                self._say("Still training; the page of the job shows how far it is.")
                return
        if job.state == Job.State.FAILED:
            self._say(f"The demo's model could not be trained: {job.reason}")

    def _welcome(self, owner: User, port: int) -> None:
        address = f"http://localhost:{port}"
        lines = ["", f"Gloss is at {address}"]
        if not owner.has_usable_password():
            secret = create_sign_in_link(user=owner)
            lines.append(f"Sign in once as {owner.username}: {address}/me/link/{secret}/")
        else:
            lines.append(f"Sign in as {owner.username}: {address}/accounts/login/")
        lines += [f"Everything it writes is in {settings.HOME}", "Ctrl-C stops it.", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _port() -> int:
    raw = os.environ.get("PORT", "8000")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 6 and 0 < int(raw) < 65_536):
        raise CommandError(f"PORT is a number from 1 to 65535, not {raw!r}: make run PORT=8000")
    return int(raw)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken ({error.strerror}). Choose another: make run PORT={port + 1}"
            ) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _first_owner() -> User:
    """Return the first member of the site's staff; make one without a password when alone."""
    owner = User.objects.filter(is_superuser=True).order_by("pk").first()
    if owner is not None:
        return owner
    owner = User(username="owner", is_staff=True, is_superuser=True)
    owner.set_unusable_password()
    owner.save()
    return owner


def _collect_static() -> None:
    """Collect static files when any of them has changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    state = _static_state()
    if stamp.exists() and stamp.read_text(encoding="ascii") == state:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(state, encoding="ascii")


def _static_state() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            size, at = storage.size(path), storage.get_modified_time(path)
            digest.update(f"{path}\0{size}\0{at.isoformat()}\n".encode())
    return digest.hexdigest()
