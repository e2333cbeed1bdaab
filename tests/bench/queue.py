"""How long an annotator's program waits for the next review and for its answer to be kept."""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.data import reviews
from tests.bench.report import Report, percentile
from tests.stack import Stack

REVIEWS = 20_000
TURNS = 200


def run(report: Report) -> None:
    """One client: 200 x next and submit on 20,000 reviews, a trivial view between each."""
    with tempfile.TemporaryDirectory() as name, Stack(Path(name) / "home") as gloss:
        token = _prepare(gloss, Path(name))
        gloss.start("-m", "gunicorn", "-c", "python:config.gunicorn_conf")
        gloss.wait(lambda: _answers(gloss.port))
        client = http.client.HTTPConnection("127.0.0.1", gloss.port, timeout=30)
        times = _label(client, token)
    report.add("reviews in the project", REVIEWS, "rows", n=1)
    for what, values in times.items():
        report.add(f"{what}, p50", percentile(values, 0.50) * 1000, "ms", n=len(values))
        report.add(f"{what}, p95", percentile(values, 0.95) * 1000, "ms", n=len(values))
    trivial = percentile(times["trivial view"], 0.50)
    for what in ("next", "submit"):
        ratio = percentile(times[what], 0.50) / trivial
        report.add(f"{what} beside the trivial view, p50", ratio, "ratio", n=TURNS)


def _prepare(gloss: Stack, folder: Path) -> str:
    gloss.env |= {"DJANGO_SUPERUSER_PASSWORD": "a long enough secret"}
    gloss.manage("createsuperuser", "--noinput", "--username", "o", "--email", "o@example.org")
    gloss.manage("create_project", "shop", "--preset", "sentiment", "--owner", "o")
    source = reviews(folder, rows=REVIEWS)
    text = source.options[1]
    gloss.manage(
        "import_reviews", str(source.path), "--project", "shop", "--dataset", "d", "--text", text
    )
    return gloss.manage(
        "create_token", "o", "--project", "shop", "--scope", "read", "--scope", "write"
    ).strip()


def _answers(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        client.request("GET", "/healthz")
        return client.getresponse().status == 200
    except OSError:
        return False


def _label(client: http.client.HTTPConnection, token: str) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"next": [], "submit": [], "trivial view": []}
    for _ in range(TURNS):
        seconds, turn = _call(client, "POST", "/api/v1/projects/shop/queue/next/", token, {})
        times["next"].append(seconds)
        path = f"/api/v1/assignments/{turn['assignment']['id']}/submit/"
        body = {"schema_version": turn["schema_version"], "answers": {"sentiment": "positive"}}
        seconds, _ = _call(client, "POST", path, token, body)
        times["submit"].append(seconds)
        seconds, _ = _call(client, "GET", "/healthz", token, None)
        times["trivial view"].append(seconds)
    return times


def _call(
    client: http.client.HTTPConnection, method: str, path: str, token: str, body: Any
) -> tuple[float, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    started = time.perf_counter()
    client.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = client.getresponse()
    content = response.read()
    seconds = time.perf_counter() - started
    if response.status not in {200, 201}:
        sys.stderr.write(content.decode(errors="replace")[:2000])
        raise RuntimeError(f"{method} {path} answered {response.status}")
    return seconds, json.loads(content)
