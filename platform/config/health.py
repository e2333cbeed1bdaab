"""Is the process alive, can it work, and what does it do: for load balancers and monitors."""

from collections.abc import Callable

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from kombu.exceptions import OperationalError
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from jobs import kinds
from jobs.models import Job
from jobs.selectors import queues_with_workers
from labelling.models import Annotation
from ml import serving
from reviews.models import Review


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Say that the process answers."""
    return JsonResponse({"status": "alive"})


@require_GET
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Check everything that work needs; 503 with the reasons when something is missing."""
    checks = {name: _outcome(check) for name, check in _CHECKS.items()}
    is_ready = all(outcome == "ok" for outcome in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, OperationalError, OSError) as error:
        return f"{type(error).__name__}: not reachable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations missing; run manage.py migrate" if missing else "ok"


def _broker() -> str:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return "ok"


def _workers() -> str:
    missing = sorted(set(kinds.QUEUES) - queues_with_workers())
    return f"no worker listens to: {', '.join(missing)}" if missing else "ok"


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "workers": _workers,
    "champions": serving.check_champions,
}


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Prometheus text, read from the database: true with any number of processes."""
    registry = CollectorRegistry()
    jobs = Gauge("gloss_jobs", "Jobs by kind and state", ["kind", "state"], registry=registry)
    counted = Job.objects.values_list("kind", "state")
    for kind in kinds.known():
        for state in (Job.State.QUEUED, Job.State.RUNNING):
            count = counted.filter(kind=kind.name, state=state).count()
            jobs.labels(kind.name, state.value).set(count)
    listening = queues_with_workers()
    workers = Gauge(
        "gloss_queue_has_worker", "1 when a worker listens", ["queue"], registry=registry
    )
    for queue in kinds.QUEUES:
        workers.labels(queue).set(queue in listening)
    for name, model in (("gloss_reviews", Review), ("gloss_annotations", Annotation)):
        newest = model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        Gauge(f"{name}_last_id", "Newest row", registry=registry).set(newest)
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4")
