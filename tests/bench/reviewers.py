"""How long a reviewer waits for the pages about people, on 100,000 annotations by twenty of them.

ANNOTATIONS makes it smaller. Agreement is also asked for where six questions are answered, spans
among them, in 8,000 annotations (SPANNED).
"""

import http.client
import os
import time
from collections.abc import Mapping

from tests.bench.report import Report, percentile
from tests.stack import Stack

ANNOTATIONS = int(os.environ.get("ANNOTATIONS", "100000"))
SPANNED = int(os.environ.get("SPANNED", "8000"))
LOOKS = 10
PAGES = {
    "people, pace and forecast": "people/",
    "agreement": "agreement/",
    "which answers are given": "answers/",
    "disagreements": "disagreements/",
}
SPANNED_PAGES = {
    "agreement on six questions": "agreement/",
    "agreement on spans": "agreement/?question=aspect_spans",
}


def measure(report: Report, gloss: Stack, name: str) -> None:
    """Ask for each page once as the first who does, and then ten times, over a running process."""
    cookie = gloss.python(_MAKE.format(count=ANNOTATIONS))
    _look(report, gloss, f"{name}: {{}}, {ANNOTATIONS:,} annotations", "reviewed", PAGES, cookie)
    cookie = gloss.python(_MAKE_SPANNED.format(count=SPANNED))
    _look(report, gloss, f"{name}: {{}}, {SPANNED:,} annotations", "spanned", SPANNED_PAGES, cookie)


def _look(
    report: Report, gloss: Stack, label: str, slug: str, pages: Mapping[str, str], cookie: str
) -> None:
    for what, path in pages.items():
        address = f"/projects/{slug}/label/{path}"
        times = [_seconds(gloss.port, address, cookie) for _ in range(1 + LOOKS)]
        said = label.format(what)
        report.add(f"{said}, the first look", times[0] * 1000, "ms", n=1)
        report.add(f"{said}, p50 of later ones", percentile(times[1:], 0.5) * 1000, "ms", n=LOOKS)


def _seconds(port: int, address: str, cookie: str) -> float:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    client.request("GET", address, headers={"Cookie": cookie})
    answer = client.getresponse()
    answer.read()
    client.close()
    if answer.status != 200:
        raise RuntimeError(f"{address} answered {answer.status}")
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

# Two of twenty people say something about every review: sentiment, rating, aspects, a topic, how
# sure they are, and two to four marked words, of which about two in three are the same.
_MAKE_SPANNED = """
import json, random
from dataclasses import replace
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from accounts.models import User
from labelling.imported import write_answers
from labelling.models import Annotation
from labelling.selectors import current_schema
from labelling.services import create_version
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from labelling.spans import SpanValue
from projects.models import Membership, Role
from projects.services import create_project
from reviews.models import Dataset, Review

chance = random.Random(6)
owner, _ = User.objects.get_or_create(username="o")
project = create_project(slug="spanned", name="spanned", preset="product-reviews", owner=owner)
create_version(project=project, actor=owner, questions=[*current_schema(project).questions,
    QuestionSnapshot(key="topic", name="Topic", kind="choice", options=tuple(
        OptionSnapshot(f"topic-{{n}}", f"Topic {{n}}") for n in range(12))),
    QuestionSnapshot(key="sure", name="Sure", kind="number", minimum=0, maximum=100)])
schema = current_schema(project)
options = {{each.key: [option.key for option in each.options] for each in schema.questions}}
people = [User.objects.create_user(f"spanned-{{number}}") for number in range(20)]
Membership.objects.bulk_create(
    Membership(project=project, user=each, role=Role.ANNOTATOR) for each in people)
count = {count} // 2
dataset = Dataset.objects.create(project=project, name="d", is_ready=True, review_count=count)
now = timezone.now()
words = "the price was fair but the lamp broke after one week and nobody ever answered me".split()

def marked(text):
    found = set()
    for _ in range(chance.randint(2, 4)):
        word = chance.choice(words)
        start = text.index(word)
        found.add(SpanValue(start, start + len(word), chance.choice(options["aspect_spans"]),
                            chance.choice(["positive", "negative"]), word))
    return tuple(sorted({{(each.start, each.end, each.option): each for each in found}}.values()))

def answered(text):
    return {{
        "sentiment": chance.choice(options["sentiment"]), "rating": float(chance.randint(1, 5)),
        "aspects": frozenset(chance.sample(options["aspects"], chance.randint(0, 3))),
        "topic": chance.choice(options["topic"]), "sure": float(chance.randint(0, 100)),
        "aspect_spans": marked(text),
    }}

def again(answers, text):
    other = answered(text)
    spans = {{(each.start, each.end, each.option): each
             for each in other["aspect_spans"] if chance.random() < 0.3}}
    spans |= {{(each.start, each.end, each.option): each
              for each in answers["aspect_spans"] if chance.random() < 0.7}}
    mixed = {{key: answers[key] if chance.random() < 0.8 else other[key] for key in answers}}
    return mixed | {{"aspect_spans": tuple(sorted(spans.values()))}}

with transaction.atomic():
    reviews = Review.objects.bulk_create([
        Review(project=project, dataset=dataset, row_number=n + 1, text_key=n, split="train",
               text=" ".join([*words, *chance.sample(words, 8), str(n)]), is_labelled=True)
        for n in range(count)
    ], batch_size=2000)
    said, answers = [], []
    for n, review in enumerate(reviews):
        one = n % 20
        told = answered(review.text)
        for person in (one, (one + 1 + n // 20 % 19) % 20):
            said.append(Annotation(project=project, review=review, annotator=people[person],
                schema_id=schema.id, seconds=20, created_at=now, updated_at=now))
            answers.append(told if person == one else again(told, review.text))
    Annotation.objects.bulk_create(said, batch_size=2000)
    write_answers(schema, [(each.pk, given) for each, given in zip(said, answers)])
connection.cursor().execute("ANALYZE")
client = Client()
client.force_login(owner)
name = next(iter(client.cookies))
print(json.dumps(f"{{name}}={{client.cookies[name].value}}"))
"""
