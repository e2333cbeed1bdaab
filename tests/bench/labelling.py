"""How fast a team labels, against real processes: many annotators, many reviews, nothing lost.

ROWS (1,000,000), ANNOTATORS (50) and TURNS (200 reviews each) make it smaller; THINK is the mean
pause in seconds (1).
"""

import contextlib
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import servers
from tests.bench import reviewers
from tests.bench.imports import environment
from tests.bench.report import Report, percentile
from tests.stack import Stack

ROWS = int(os.environ.get("ROWS", "1000000"))
ANNOTATORS = int(os.environ.get("ANNOTATORS", "50"))
TURNS = int(os.environ.get("TURNS", "200"))
#: Several people answer this share of the reviews.
OVERLAP, OVERLAP_SHARE = 2, 0.2
THINK_SECONDS = float(os.environ.get("THINK", "1.0"))
_ANSWERS = {"sentiment": "positive"}


def run(report: Report) -> None:
    """One client, eight without a pause, growth; then a team on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Stack(folder / "sqlite") as gloss:
            _alone(report, gloss)
            _growth(report, gloss, "SQLite")
            reviewers.measure(report, gloss, "SQLite")
        with Stack(folder / "team") as gloss:
            _team(report, gloss, "SQLite", min(8, ANNOTATORS))
        if servers.postgres_bin() is None:
            sys.stdout.write("  PostgreSQL: skipped, no initdb here\n")
            return
        with servers.postgres() as url, environment(DATABASE_URL=url):
            with _served_as_for_a_team(), Stack(folder / "postgres") as gloss:
                _team(report, gloss, "PostgreSQL", ANNOTATORS)
            with Stack(folder / "grown") as gloss:
                _growth(report, gloss, "PostgreSQL")
                reviewers.measure(report, gloss, "PostgreSQL")


# --- One client, and eight without a pause --------------------------------------------------------


def _alone(report: Report, gloss: Stack) -> None:
    rows = max(1, ROWS // 10)
    tokens = _project(gloss, "alone", people=8, fresh=rows)
    gloss.serve()
    times = _label(gloss.port, "alone", tokens[0], turns=TURNS).times
    for what in ("next", "submit", "trivial"):
        value = percentile(times[what], 0.5) * 1000
        report.add(f"SQLite, {rows:,} reviews, one client: {what}, p50", value, "ms", n=TURNS)
    started = time.perf_counter()
    done = _side_by_side(gloss.port, "alone", tokens, turns=TURNS // 2, think=0, trivial=False)
    rate = sum(len(each.acknowledged) for each in done) / (time.perf_counter() - started)
    report.add(f"SQLite, {rows:,} reviews, 8 clients without a pause", rate, "labels/s", n=1)
    report.add("of these, refused or failed", sum(each.failures for each in done), "calls", n=1)


# --- Growth ---------------------------------------------------------------------------------------


def _growth(report: Report, gloss: Stack, name: str) -> None:
    """Compare p95 of next among few and among many, one after the other in one process."""
    few = max(1, ROWS // 100)
    cases = {
        "unlabelled": {"fresh": 1.0},
        "imported labels, 500 unlabelled": {"labelled": 1.0},
        "all open ones answered by this person": {"answered": 0.1},
    }
    tokens = {}
    for number, shares in enumerate(cases.values()):
        for size in (few, ROWS):
            counts = {kind: int(share * size) for kind, share in shares.items()}
            slug = f"grow{number}-{size}"
            counts["fresh"] = counts.get("fresh", 500)
            tokens[number, size] = slug, _project(gloss, slug, people=1, **counts)[0]
    _analyze(gloss)
    gloss.serve()
    turns = max(40, TURNS // 2)
    for number, what in enumerate(cases):
        p95 = {}
        for size in (few, ROWS):
            slug, token = tokens[number, size]
            _label(gloss.port, slug, token, turns=5)
            times = _label(gloss.port, slug, token, turns=turns).times["next"]
            p95[size] = percentile(times, 0.95)
            label = f"{name}: next, p95, {size:,} {what}"
            report.add(label, p95[size] * 1000, "ms", n=turns)
        report.add(f"{name}: growth, {what}", p95[ROWS] / p95[few], "ratio", n=turns)


@contextlib.contextmanager
def _served_as_for_a_team() -> Iterator[None]:
    """Two web processes that share a cache in Redis, as docker-compose.yml has it."""
    with contextlib.ExitStack() as made:
        if servers.redis_program() is None:
            sys.stdout.write("  one web process with a cache of its own: no redis-server here\n")
        else:
            cache = made.enter_context(servers.redis()).removesuffix("/0") + "/1"
            shared = {"GLOSS_CACHE_URL": cache.replace("redis:", "rediscache:", 1)}
            made.enter_context(environment(GLOSS_WEB_PROCESSES="2", **shared))
        yield


# --- A team ---------------------------------------------------------------------------------------


def _team(report: Report, gloss: Stack, name: str, people: int) -> None:
    """Let people label with pauses to think; check from outside that all of it is there, once."""
    rows = max(2 * people * TURNS, ROWS // 100)
    tokens = _project(gloss, "team", people=people, fresh=rows)
    gloss.python(
        "from projects.models import Project\n"
        f"Project.objects.update(overlap_count={OVERLAP}, overlap_share={OVERLAP_SHARE})\n"
        "print(1)"
    )
    _analyze(gloss)
    gloss.serve()
    done = _side_by_side(gloss.port, "team", tokens, turns=TURNS, think=THINK_SECONDS)
    calls = sum(len(each.acknowledged) for each in done)
    trivial = _p95(done, "trivial")
    for what in ("next", "submit"):
        p95 = _p95(done, what)
        report.add(f"{name}, {people} people: {what}, p95", p95 * 1000, "ms", n=calls)
        report.add(f"{name}: {what} beside the trivial view, p95", p95 / trivial, "ratio", n=calls)
    report.add(f"{name}: trivial view, p95", trivial * 1000, "ms", n=calls)
    stored = gloss.rows("SELECT id, review_id, annotator_id FROM labelling_annotation")
    acknowledged = {number for each in done for number in each.acknowledged}
    pairs = Counter(row[1:] for row in stored)
    of_review = Counter(row[1] for row in stored)
    beyond = sum(1 for count in of_review.values() if count > OVERLAP)
    report.add(f"{name}: lost", len(acknowledged - {row[0] for row in stored}), "labels", n=calls)
    report.add(f"{name}: doubled", sum(c - 1 for c in pairs.values()), "labels", n=calls)
    report.add(f"{name}: answered by more than {OVERLAP}", beyond, "reviews", n=len(of_review))
    twice = sum(1 for count in of_review.values() if count == OVERLAP)
    report.add(f"{name}: answered by {OVERLAP}", twice, "reviews", n=len(of_review))
    report.add(f"{name}: refused or failed", sum(e.failures for e in done), "calls", n=calls)


def _p95(done: list["Outcome"], what: str) -> float:
    return percentile([each for one in done for each in one.times[what]], 0.95)


# --- Clients --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """What one client measured and was told."""

    times: dict[str, list[float]] = field(
        default_factory=lambda: {"next": [], "submit": [], "trivial": []}
    )
    acknowledged: list[int] = field(default_factory=list)
    failures: int = 0


def _side_by_side(
    port: int, slug: str, tokens: list[str], *, turns: int, think: float, trivial: bool = True
) -> list[Outcome]:
    done = [Outcome() for _ in tokens]
    gate = threading.Barrier(len(tokens))

    def work(number: int) -> None:
        gate.wait()
        into = done[number]
        _label(port, slug, tokens[number], turns=turns, think=think, into=into, trivial=trivial)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(tokens))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def _label(
    port: int,
    slug: str,
    token: str,
    *,
    turns: int,
    think: float = 0,
    into: Outcome | None = None,
    trivial: bool = True,
) -> Outcome:
    """Ask for a review, think, answer; a trivial view in between."""
    outcome = into or Outcome()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(turns):
        if think:
            # Who thinks longer than the server keeps a connection comes on a new one.
            client.close()
            time.sleep(think * random.uniform(0.5, 1.5))
        status, body = _timed(
            outcome, "next", client, f"/api/v1/projects/{slug}/queue/next/", token
        )
        if status != 200:
            outcome.failures += status != 204
            continue
        given = {"schema_version": body["schema_version"], "answers": _ANSWERS}
        path = f"/api/v1/assignments/{body['assignment']['id']}/submit/"
        status, body = _timed(outcome, "submit", client, path, token, given)
        if status == 200:
            outcome.acknowledged.append(body["id"])
        else:
            outcome.failures += 1
        if trivial:
            _timed(outcome, "trivial", client, "/healthz", token)
    client.close()
    return outcome


def _timed(
    outcome: Outcome,
    what: str,
    client: http.client.HTTPConnection,
    path: str,
    token: str,
    body: Any = None,
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    method = "GET" if what == "trivial" else "POST"
    started = time.perf_counter()
    client.request(method, path, json.dumps(body or {}) if method == "POST" else None, headers)
    response = client.getresponse()
    content = response.read()
    outcome.times[what].append(time.perf_counter() - started)
    if response.status >= 400:
        sys.stderr.write(f"{path}: {content.decode(errors='replace')[:300]}\n")
    return response.status, json.loads(content) if content else None


# --- Setting up -----------------------------------------------------------------------------------


def _analyze(gloss: Stack) -> None:
    # What PostgreSQL does by itself within minutes of an import.
    gloss.python(
        "from django.db import connection\n"
        "is_server = connection.vendor == 'postgresql'\n"
        "connection.cursor().execute('VACUUM ANALYZE' if is_server else 'ANALYZE')\n"
        "print('true')"
    )


_MAKE = """
import json
from django.db import connection, transaction
from accounts.models import User
from accounts.services import create_token
from labelling.models import Annotation, OpenReview
from labelling.selectors import current_schema
from projects.models import Membership, Project, Role
from projects.services import create_project
from reviews.models import Dataset, Review

slug, people, fresh, labelled, answered = {arguments}
SERIES = (
    "generate_series(1, %s) AS series(n)" if connection.vendor == "postgresql" else
    "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT %s) SELECT n FROM s)")


def copies(row, source, parameters, **changed):
    # As many rows like this one as the source has, by the database itself: a million take seconds.
    columns = [each.column for each in row._meta.concrete_fields if not each.primary_key]
    table = row._meta.db_table
    values = ", ".join(changed.get(name, "t." + name) for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {{table}} ({{', '.join(columns)}}) SELECT {{values}} "
            f"FROM {{table}} t, {{source}} WHERE t.id = %s", [*parameters, row.pk])


owner, _ = User.objects.get_or_create(username="o")
project = create_project(slug=slug, name=slug, preset="sentiment", owner=owner)
schema = current_schema(project)
tokens, members = [], []
for number in range(people):
    person = User.objects.create_user(f"{{slug}}-{{number}}")
    Membership.objects.create(project=project, user=person, role=Role.ANNOTATOR)
    members.append(person)
    tokens.append(
        create_token(user=person, project_id=project.pk, name="b", scopes=["read", "write"])[1])
dataset = Dataset.objects.create(project=project, name="d", is_ready=True,
                                 review_count=fresh + labelled + answered)
made = 0
for kind, count in (("fresh", fresh), ("labelled", labelled), ("answered", answered)):
    if not count:
        continue
    with transaction.atomic():
        first = Review.objects.create(
            project=project, dataset=dataset, row_number=made + 1, text_key=made + 1, split="train",
            text="A thing that I bought and like well.", is_labelled=kind != "fresh")
        if count > 1:
            copies(first, SERIES, [count - 1], row_number="t.row_number + n",
                   text_key="t.text_key + n", text="'Review number ' || n || '. ' || t.text")
        made += count
        if kind == "answered":
            theirs = "(SELECT id AS n FROM reviews_review WHERE dataset_id = %s AND id > %s) r"
            said = Annotation.objects.create(
                project=project, review=first, annotator=members[0], schema_id=schema.id)
            copies(said, theirs, [dataset.pk, first.pk], review_id="n")
            opened = OpenReview.objects.create(project=project, review=first, cause="overlap")
            copies(opened, theirs, [dataset.pk, first.pk], review_id="n")
if answered:
    Project.objects.filter(pk=project.pk).update(overlap_count=2)
print(json.dumps(tokens))
"""


def _project(
    gloss: Stack, slug: str, *, people: int, fresh: int, labelled: int = 0, answered: int = 0
) -> list[str]:
    """Make a project with reviews; return a token for each of its annotators."""
    arguments = repr((slug, people, fresh, labelled, answered))
    code = _MAKE.format(arguments=arguments)
    tokens: list[str] = gloss.python(code)
    return tokens
