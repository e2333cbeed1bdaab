"""How long a frozen-encoder training takes with everything, and a refit on kept embeddings."""

import csv
import json
import tempfile
import time
from pathlib import Path

from tests.bench.data import Source, reviews
from tests.bench.report import Report
from tests.stack import Stack

LABELLED = 2_000
REFITS = 3


def run(report: Report) -> None:
    """Train on 2,000 labelled reviews from an empty home, then again."""
    with tempfile.TemporaryDirectory() as name, Stack(Path(name) / "home") as gloss:
        source = _first(reviews(Path(name)), Path(name), LABELLED)
        gloss.env |= {"DJANGO_SUPERUSER_PASSWORD": "a long enough secret"}
        gloss.manage("createsuperuser", "--noinput", "--username", "o", "--email", "o@example.org")
        gloss.manage("create_project", "shop", "--preset", "product-reviews", "--owner", "o")
        gloss.manage(
            "import_reviews", str(source.path), "--project", "shop", "--dataset", "d",
            *source.options,
        )  # fmt: skip
        cold, first = _train(gloss)
        report.add("first training, whole command", cold, "s", n=1, note="export, encoding, heads")
        again = [_train(gloss) for _ in range(REFITS)]
        wholes = sorted(seconds for seconds, _ in again)
        report.add("refit, whole command, median", wholes[len(wholes) // 2], "s", n=REFITS)
        question = first["metrics"]["rating"]
        headline = question["model"]["headline"]
        report.add(f"rating, {headline['name']}", headline["value"], "", n=headline["n"])
        baseline = question["baselines"]["tfidf"]["headline"]
        report.add(f"rating, {baseline['name']} of TF-IDF", baseline["value"], "", n=baseline["n"])


def _first(source: Source, folder: Path, rows: int) -> Source:
    """Return a file with the first rows of another."""
    path = folder / "first.csv"
    with (
        source.path.open(newline="", encoding="utf-8") as whole,
        path.open("w", newline="", encoding="utf-8") as part,
    ):
        writer = csv.writer(part)
        for number, record in enumerate(csv.reader(whole)):
            if number > rows:
                break
            writer.writerow(record)
    return Source(path, source.options, source.has_real_data)


def _train(gloss: Stack) -> tuple[float, dict]:  # type: ignore[type-arg]  # JSON as printed
    started = time.perf_counter()
    printed = gloss.manage("train", "--project", "shop", "--tier", "frozen")
    return time.perf_counter() - started, json.loads(printed.strip().splitlines()[-1])
