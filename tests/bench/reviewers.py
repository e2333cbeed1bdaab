"""How long a reviewer waits for the pages about people, on 100,000 annotations by twenty of them.

ANNOTATIONS makes it smaller.
"""

import http.client
import os
import time

from tests.bench.report import Report, percentile
from tests.stack import Stack

ANNOTATIONS = int(os.environ.get("ANNOTATIONS", "100000"))
LOOKS = 10
PAGES = {
    "people, pace and forecast": "people/",
    "agreement": "agreement/",
    "which answers are given": "answers/",
    "disagreements": "disagreements/",
}


def measure(report: Report, gloss: Stack, name: str) -> None:
    """Ask for each page once as the first who does, and then ten times, over a running process."""
    cookie = gloss.python(_MAKE.format(count=ANNOTATIONS))
    for what, path in PAGES.items():
        times = [_seconds(gloss.port, path, cookie) for _ in range(1 + LOOKS)]
        label = f"{name}: {what}, {ANNOTATIONS:,} annotations"
        report.add(f"{label}, the first look", times[0] * 1000, "ms", n=1)
        report.add(f"{label}, p50 of later ones", percentile(times[1:], 0.5) * 1000, "ms", n=LOOKS)


def _seconds(port: int, path: str, cookie: str) -> float:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    client.request("GET", f"/projects/reviewed/label/{path}", headers={"Cookie": cookie})
    answer = client.getresponse()
    answer.read()
    client.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return time.perf_counter() - started


# Two people say something about every review, each two of them about as often; four in five agree.
_MAKE = """
import json, random
from datetime import timedelta
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from accounts.models import User
from labelling.models import Annotation, Answer
from labelling.selectors import current_schema
from projects.models import Membership, Role
from projects.services import create_project
from reviews.models import Dataset, Review

chance = random.Random(5)
owner, _ = User.objects.get_or_create(username="o")
project = create_project(slug="reviewed", name="reviewed", preset="sentiment", owner=owner)
project.overlap_count = 2
project.save()
schema = current_schema(project)
question = schema.questions[0]
people = [User.objects.create_user(f"reviewed-{{number}}") for number in range(20)]
Membership.objects.bulk_create(
    Membership(project=project, user=each, role=Role.ANNOTATOR) for each in people)
count = {count} // 2
dataset = Dataset.objects.create(project=project, name="d", is_ready=True, review_count=2 * count)
now = timezone.now()
with transaction.atomic():
    reviews = Review.objects.bulk_create([
        Review(project=project, dataset=dataset, row_number=n + 1, text=f"Review {{n}}.",
               text_key=n, split="train", is_labelled=n < count) for n in range(2 * count)
    ], batch_size=2000)
    said, options = [], []
    for n, review in enumerate(reviews[:count]):
        one = n % 20
        other = (one + 1 + n // 20 % 19) % 20
        option = chance.choice(question.options)
        for person in (one, other):
            at = now - timedelta(days=chance.random() * 28)
            said.append(Annotation(
                project=project, review=review, annotator=people[person], schema_id=schema.id,
                seconds=chance.lognormvariate(2, 0.5), created_at=at, updated_at=at))
            options.append(option if chance.random() < 0.9 else chance.choice(question.options))
    Annotation.objects.bulk_create(said, batch_size=2000)
    Answer.objects.bulk_create([
        Answer(annotation=each, question_id=question.id, option_id=option.id)
        for each, option in zip(said, options)], batch_size=2000)
connection.cursor().execute("ANALYZE")
client = Client()
client.force_login(owner)
name = next(iter(client.cookies))
print(json.dumps(f"{{name}}={{client.cookies[name].value}}"))
"""
