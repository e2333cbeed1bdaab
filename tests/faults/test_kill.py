"""SIGKILL of the whole worker in the middle of an import, an export, a derivation and a training.

Real processes, real broker, real database. After a restart the job has ended well, nothing is
doubled and nothing is lost.
"""

import csv
import random
from pathlib import Path

import pytest

from tests.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ROWS = 24_000
BAD_ROWS = 240

START_IMPORT = """
import json
from pathlib import Path
from django.core.files import File
from accounts.models import User
from projects.models import Project
from reviews.mapping import ColumnMapping
from reviews.services import receive_upload, start_import
project, actor = Project.objects.get(slug="shop"), User.objects.get(username="olga")
with Path({path!r}).open("rb") as file:
    upload = receive_upload(project=project, file=File(file, name="reviews.csv"), actor=actor)
mapping = ColumnMapping(text=("text",), answers={{"rating": "rating"}})
job = start_import(
    project=project, dataset_name="Big", upload=upload, mapping=mapping, actor=actor
).job
print(json.dumps(str(job.pk)))
"""

START_EXPORT = """
import json
from accounts.models import User
from projects.models import Project
from reviews.export_services import request_export
from reviews.wanted import Wanted
project, actor = Project.objects.get(slug="shop"), User.objects.get(username="olga")
wish = Wanted(format="jsonl", labels="gold")
print(json.dumps(str(request_export(project=project, wish=wish, actor=actor).job.pk)))
"""

START_DERIVATION = """
import json
from accounts.models import User
from projects.models import Project
from reviews.deriving import derive
from reviews.recipes import Recipe
project, actor = Project.objects.get(slug="shop"), User.objects.get(username="olga")
recipe = Recipe(cleaning=("lower",))
derived = derive(project=project, name="Low", recipe=recipe, actor=actor)
print(json.dumps(str(derived.job.pk)))
"""

START_TRAINING = """
import json
from accounts.models import User
from ml.planning import plan_training
from ml.wishes import Wishes
from ml.services import start_training
from projects.models import Project
project, actor = Project.objects.get(slug="shop"), User.objects.get(username="olga")
plan = plan_training(project, Wishes(tier={tier!r}))
print(json.dumps(str(start_training(project=project, plan=plan, actor=actor).job.pk)))
"""

GOOD = ("works well", "great sound", "lovely colour", "arrived early", "worth every penny")
BAD = ("broke at once", "far too loud", "arrived late", "stopped working", "poor value")


def write_reviews(path: Path, *, rows: int, bad_rows: int = 0) -> None:
    """Write reviews whose rating follows from their words, and rows that nobody can take."""
    rng = random.Random(3)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "rating"])
        for number in range(rows):
            is_good = rng.random() < 0.6
            words = rng.sample(GOOD if is_good else BAD, 2)
            is_bad_row = bad_rows and number % (rows // bad_rows) == 7
            rating = "five" if is_bad_row else rng.choice((4, 5) if is_good else (1, 2))
            writer.writerow([f"Number {number}: it {words[0]} and {words[1]}.", rating])


def job_state(gloss: Stack, job: str) -> tuple[str, int]:
    """Return a job's state and attempt; ids are written with and without hyphens."""
    rows = gloss.rows("SELECT id, state, attempt FROM jobs_job")
    found = {str(row[0]).replace("-", ""): (row[1], row[2]) for row in rows}
    return found[job.replace("-", "")]


def count(gloss: Stack, table: str) -> int:
    return int(gloss.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608  (our own names)


def test_an_import_survives_the_death_of_its_worker(gloss: Stack, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    write_reviews(path, rows=ROWS, bad_rows=BAD_ROWS)
    job = gloss.python(START_IMPORT.format(path=str(path)))
    worker = gloss.worker()
    gloss.wait(lambda: 0 < count(gloss, "reviews_review") < ROWS - BAD_ROWS)
    gloss.kill(worker)
    left = count(gloss, "reviews_review")
    assert job_state(gloss, job) == ("running", 1)

    gloss.worker()
    gloss.wait(lambda: job_state(gloss, job)[0] == "succeeded")

    assert 0 < left < ROWS - BAD_ROWS, "the worker was killed too late to prove anything"
    assert job_state(gloss, job) == ("succeeded", 2)
    accepted, rejected = count(gloss, "reviews_review"), count(gloss, "reviews_rejectedrow")
    assert (accepted, rejected) == (ROWS - BAD_ROWS, BAD_ROWS)
    assert count(gloss, "labelling_gold") == accepted
    numbers = gloss.rows(
        "SELECT count(DISTINCT row_number), min(row_number), max(row_number) FROM reviews_review"
    )
    assert numbers == [(accepted, 1, ROWS)]
    query = (
        "SELECT read_count, accepted_count, rejected_count, duplicate_count FROM reviews_importjob"
    )
    assert gloss.rows(query) == [(ROWS, accepted, rejected, 0)]


def test_an_export_survives_the_death_of_its_worker(gloss: Stack, tmp_path: Path) -> None:
    imported(gloss, tmp_path)
    exports = gloss.home / "files" / "exports"
    job = gloss.python(START_EXPORT)
    worker = gloss.worker()
    gloss.wait(lambda: any(each.stat().st_size for each in exports.glob("*.part")))
    gloss.kill(worker)
    assert job_state(gloss, job) == ("running", 1)
    assert [each.suffix for each in exports.iterdir()] == [".part"]

    gloss.worker()
    gloss.wait(lambda: job_state(gloss, job)[0] == "succeeded")

    assert job_state(gloss, job) == ("succeeded", 2)
    [file] = exports.iterdir()
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(set(lines)) == ROWS


def test_a_derivation_survives_the_death_of_its_worker(gloss: Stack, tmp_path: Path) -> None:
    imported(gloss, tmp_path)
    copies = """
        SELECT count(*), count(DISTINCT derived_from_id) FROM reviews_review
        WHERE derived_from_id IS NOT NULL
    """
    job = gloss.python(START_DERIVATION)
    worker = gloss.worker()
    gloss.wait(lambda: 0 < gloss.rows(copies)[0][0] < ROWS)
    gloss.kill(worker)
    left = gloss.rows(copies)[0][0]
    assert job_state(gloss, job) == ("running", 1)

    gloss.worker()
    gloss.wait(lambda: job_state(gloss, job)[0] == "succeeded")

    assert 0 < left < ROWS, "the worker was killed too late to prove anything"
    assert job_state(gloss, job) == ("succeeded", 2)
    assert gloss.rows(copies) == [(ROWS, ROWS)]
    query = "SELECT name, review_count FROM reviews_dataset ORDER BY id"
    assert gloss.rows(query) == [("Some", ROWS), ("Low", ROWS)]
    assert count(gloss, "labelling_gold") == 2 * ROWS


def imported(gloss: Stack, tmp_path: Path) -> None:
    """Have a data set of ROWS reviews."""
    path = tmp_path / "reviews.csv"
    write_reviews(path, rows=ROWS)
    gloss.manage("import_reviews", str(path), "--project", "shop", "--dataset", "Some",
                 "--text", "text", "--answer", "rating=rating")  # fmt: skip


def test_a_training_survives_the_death_of_its_worker(gloss: Stack, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    write_reviews(path, rows=3000)
    gloss.manage("import_reviews", str(path), "--project", "shop", "--dataset", "Some",
                 "--text", "text", "--answer", "rating=rating")  # fmt: skip
    job = gloss.python(START_TRAINING.format(tier="frozen"))
    worker = gloss.worker()
    gloss.wait(lambda: bool(children_of(worker.pid)) and has_begun(gloss, job))
    child = children_of(worker.pid)[0]
    gloss.kill(worker)
    assert job_state(gloss, job) == ("running", 1)
    gloss.wait(lambda: not Path(f"/proc/{child}").exists(), seconds=15)

    gloss.worker()
    gloss.wait(lambda: job_state(gloss, job)[0] == "succeeded", seconds=300)

    assert job_state(gloss, job) == ("succeeded", 2)
    assert gloss.rows("SELECT number, is_champion FROM ml_modelversion") in (
        [(1, True)],
        [(1, 1)],
    )
    assert count(gloss, "ml_trainingrun") == 1
    assert count(gloss, "ml_evaluation") > 0
    predictions = gloss.rows(
        "SELECT count(*), count(DISTINCT review_id) FROM ml_prediction"
        " WHERE question_key = 'rating'"
    )
    assert predictions[0][0] == predictions[0][1] > 0
    directories = list((gloss.home / "models").rglob("manifest.json"))
    assert len(directories) == 1


def has_begun(gloss: Stack, job: str) -> bool:
    """Tell whether the training has reported any progress."""
    rows = gloss.rows("SELECT id, message FROM jobs_job")
    messages = {str(row[0]).replace("-", ""): row[1] for row in rows}
    return bool(messages[job.replace("-", "")])


def children_of(pid: int) -> list[int]:
    """Return the process ids of everything below a process (Linux)."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (task / "children").read_text()
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended since
            continue
        for child in children.split():
            found += [int(child), *children_of(int(child))]
    return found


def test_a_lost_bell_costs_seconds_and_not_the_job(gloss: Stack, tmp_path: Path) -> None:
    """The job is queued with no broker to ring; a worker that starts later finds it."""
    path = tmp_path / "reviews.csv"
    write_reviews(path, rows=50)
    gloss.env["GLOSS_BROKER_URL"], before = (
        "redis://127.0.0.1:1/0",
        gloss.env.get("GLOSS_BROKER_URL"),
    )
    job = gloss.python(START_IMPORT.format(path=str(path)))
    assert job_state(gloss, job) == ("queued", 0)
    if before is None:
        del gloss.env["GLOSS_BROKER_URL"]
    else:
        gloss.env["GLOSS_BROKER_URL"] = before

    gloss.worker()
    gloss.start("-m", "celery", "-A", "config", "beat", "--pidfile=")
    gloss.wait(lambda: job_state(gloss, job)[0] == "succeeded")

    assert count(gloss, "reviews_review") == 50
