"""A project on a running installation whose members label through the API, four at a time."""

import csv
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.bench.crowd_data import Crowd
from tests.stack import Stack

AT_A_TIME = 4

_MAKE = """
import json
from accounts.models import User
from accounts.services import create_token
from projects.models import Membership, Role
from projects.services import create_project

slug, people = {arguments}
owner, _ = User.objects.get_or_create(username="owner")
project = create_project(slug=slug, name=slug, preset="blank", owner=owner)
tokens = {{}}
for name in ["owner", *people]:
    user, _ = User.objects.get_or_create(username=name)
    if name != "owner":
        Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
    tokens[name] = create_token(
        user=user, project_id=project.pk, name="b", scopes=["read", "write"])[1]
print(json.dumps(tokens))
"""


@dataclass(slots=True)
class Outcome:
    """What the annotators' programs were told."""

    acknowledged: int = 0
    failures: int = 0
    calls: int = 0
    seconds: float = 0.0


class Team:
    """The members of one project, each with a token; the owner's reads the results."""

    def __init__(self, gloss: Stack, slug: str, crowd: Crowd) -> None:
        self._gloss, self._slug, self._crowd = gloss, slug, crowd
        self._outcome = Outcome()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._tokens: dict[str, str] = gloss.python(_MAKE.format(arguments=(slug, crowd.people)))
        self._ask("POST", "schema/", {"questions": crowd.questions})
        overlap = max(len(people) for people in crowd.answers.values())
        self._ask(
            "PATCH", "queue/policies/",
            {"overlap_count": overlap, "overlap_share": 1, "gold_policy": "majority"},
        )  # fmt: skip
        self._import()
        self._item_of = {row["id"]: row["metadata"]["item"] for row in self._pages("reviews/")}

    def _import(self) -> None:
        path = self._gloss.home / f"{self._slug}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("item", "text"), *self._crowd.texts.items()])
        self._gloss.manage(
            "import_reviews", str(path), "--project", self._slug, "--dataset", "crowd",
            "--text", "text", "--metadata", "item",
        )  # fmt: skip

    # --- Labelling --------------------------------------------------------------------------------

    def label(self) -> Outcome:
        """Reserve for everybody what they are to answer, and let them answer it."""
        numbers = {item: number for number, item in self._item_of.items()}
        own: dict[str, list[int]] = {}
        for item, people in self._crowd.answers.items():
            for who in people:
                own.setdefault(who, []).append(numbers[item])
        for who, reviews in own.items():
            body = {"username": who, "reviews": reviews}
            (made,) = self._ask("POST", "queue/reservations/", body)["results"]
            if made["left_out_count"]:
                raise RuntimeError(f"{made['left_out_count']} reviews could not wait for {who}")
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(self._work, own))
        self._outcome.seconds = time.perf_counter() - started
        return self._outcome

    def _work(self, who: str) -> None:
        """Ask for what waits for one person, and answer it, until something else comes."""
        while True:
            status, turn = self._call("POST", self._path("queue/next/"), who, {})
            item = self._item_of[turn["review"]["id"]] if status == 200 else ""
            answer = self._crowd.answers.get(item, {}).get(who)
            if answer is None or turn["assignment"]["served_as"] != "reserved":
                break
            given = {"schema_version": turn["schema_version"], "answers": answer, "seconds": 1}
            path = f"/api/v1/assignments/{turn['assignment']['id']}/submit/"
            status, _ = self._call("POST", path, who, given)
            with self._lock:
                self._outcome.acknowledged += status == 200

    # --- What has come of it ----------------------------------------------------------------------

    def said(self) -> dict[str, dict[str, Any]]:
        """Return everybody's answers by review as the API lists them."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._pages("annotations/"):
            found.setdefault(self._item_of[row["review"]], {})[row["annotator"]] = row["answers"]
        return found

    def agreement(self, question: str) -> dict[str, dict[str, Any]]:
        """Return the figures of one question by measure."""
        (found,) = self._agreement(question)["questions"]
        return {each["measure"]: each for each in found["figures"]}

    def pairs(
        self, question: str, people: frozenset[str] = frozenset()
    ) -> dict[frozenset[str], float | None]:
        """Return the figures of two people at a time: of all, or of some."""
        names = {each["id"]: each["name"] for each in self._agreement(question)["people"]}
        chosen = [number for number, name in names.items() if name in people]
        (found,) = self._agreement(question, chosen)["questions"]
        return {
            frozenset((names[each["one"]], names[each["other"]])): each["value"]
            for each in found["pairs"]
        }

    def _agreement(self, question: str, people: list[int] | None = None) -> Any:
        query = [("question", question), *(("person", each) for each in people or [])]
        return self._ask("GET", f"agreement/?{urlencode(query)}")

    def majority(self, question: str, options: tuple[str, ...]) -> dict[str, str]:
        """Return the gold of a question with one option, as the list of reviews filters by it."""
        return {
            self._item_of[row["id"]]: option
            for option in options
            for row in self._pages("reviews/", {f"answer.{question}": option})
        }

    def gold(self, question: str) -> dict[str, Any]:
        """Return the gold of a question as it is exported."""
        path = self._gloss.home / f"{self._slug}.jsonl"
        self._gloss.manage(
            "export", "--project", self._slug, "--format", "jsonl", "--labels", "gold",
            "--output", str(path),
        )  # fmt: skip
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {self._item_of[row["id"]]: row["answers"][question] for row in rows}

    def reliability(self, question: str) -> dict[str, dict[str, Any]]:
        """Return how reliable everybody is held for by the answers alone, by name."""
        return {
            row["person"]["name"]: figures["one_coin"]
            for row in self._ask("GET", "reliability/")["results"]
            for figures in row["figures"]
            if figures["question"] == question
        }

    # --- Calls ------------------------------------------------------------------------------------

    def _path(self, rest: str) -> str:
        return f"/api/v1/projects/{self._slug}/{rest}"

    def _ask(self, method: str, rest: str, body: Any = None) -> Any:
        """Return what the owner is answered."""
        status, found = self._call(method, self._path(rest), "owner", body)
        if status >= 400:
            raise RuntimeError(f"{method} {rest} answered {status}: {found}")
        return found

    def _pages(self, rest: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        path: str | None = f"{rest}?{urlencode({'page_size': 200} | dict(query or {}))}"
        while path:
            page = self._ask("GET", path)
            yield from page["results"]
            path = f"{rest}?{urlsplit(page['next']).query}" if page["next"] else None

    def _call(self, method: str, path: str, who: str, body: Any = None) -> tuple[int, Any]:
        headers = {
            "Authorization": f"Bearer {self._tokens[who]}", "Content-Type": "application/json",
        }  # fmt: skip
        sent = None if body is None else json.dumps(body)
        try:
            status, content = self._exchange(method, path, sent, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError):
            # The server ends a connection on which nothing came for a while. All calls may repeat.
            self._local.client.close()
            status, content = self._exchange(method, path, sent, headers)
        with self._lock:
            self._outcome.calls += 1
            self._outcome.failures += status >= 400
        if status >= 400:
            sys.stderr.write(f"{path}: {content.decode(errors='replace')[:300]}\n")
        return status, json.loads(content) if content else None

    def _exchange(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        if not hasattr(self._local, "client"):
            self._local.client = http.client.HTTPConnection(
                "127.0.0.1", self._gloss.port, timeout=300
            )
        client: http.client.HTTPConnection = self._local.client
        client.request(method, path, body, headers)
        response = client.getresponse()
        return response.status, response.read()
