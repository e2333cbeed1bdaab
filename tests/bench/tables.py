"""How fast the table of a million reviews answers, beside a plain page of a thousand-row table.

Both go the same way, in one process that runs nothing else: all middleware, the same person, the
same base template, no network. The plain page exists only here: fifty rows of five columns through
the ORM and a template.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from tests.bench.report import Report, percentile
from tests.stack import ROOT, Stack

REQUESTS = 200
WARM_UP = 5
PLAIN = "plain page of 1,000 rows"
_PLAIN_TEMPLATE = """
{% extends "base.html" %}{% block title %}Plain{% endblock %}{% block heading %}Plain{% endblock %}
{% block content %}<table class="table"><tbody>{% for row in rows %}<tr>
<th scope="row"><a href="{% url 'reviews:detail' project.slug row.pk %}">{{ row.text }}</a></th>
<td>{{ row.product }}</td><td>{{ row.author }}</td><td>{{ row.day|date:"j M Y" }}</td>
<td>{{ row.split }}</td></tr>{% endfor %}</tbody></table>{% endblock %}
"""


def measure(report: Report, gloss: Stack, *, name: str, slug: str, username: str = "o") -> None:
    """Build the search index of a loaded project, then measure its table; add the figures.

    `gloss` needs no running process; `name` stands before every figure.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.tables", slug, username],
        env=gloss.env | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    report.add(f"{name}: rows in the table", found["rows"], "rows", n=1)
    if found["index_seconds"]:
        rate = found["rows"] / found["index_seconds"]
        report.add(f"{name}: reviews into the search index", rate, "rows/s", n=1)
    base = percentile(found["pages"][PLAIN], 0.95)
    for title, times in found["pages"].items():
        report.add(f"{name}: {title}, p50", percentile(times, 0.50), "ms", n=len(times))
        report.add(f"{name}: {title}, p95", percentile(times, 0.95), "ms", n=len(times))
    for title, times in found["pages"].items():
        if title != PLAIN:
            ratio = percentile(times, 0.95) / base
            report.add(f"{name}: {title} beside the plain page, p95", ratio, "ratio", n=REQUESTS)


# --- In a process of its own, with Django set up for the loaded database --------------------------


def _main(slug: str, username: str) -> dict[str, Any]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from accounts.models import User
    from projects.models import Project

    settings.ALLOWED_HOSTS = ["testserver"]
    project = Project.objects.get(slug=slug)
    index_seconds = _build_index(project)
    client = Client()
    person = User.objects.get(username=username)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    with _plain_page(slug) as plain:
        urls = {PLAIN: plain} | {
            title: f"/projects/{slug}/reviews/?{query}"
            for title, query in _queries(project).items()
        }
        pages = _times(client, urls)
    return {"rows": _count(project), "index_seconds": index_seconds, "pages": pages}


def _count(project: Any) -> int:
    from reviews.selectors import visible_reviews

    return int(visible_reviews(project).count())


def _build_index(project: Any) -> float:
    """Run the jobs that index the project's data sets; return their seconds, 0 with none to run."""
    from jobs.worker import run_here
    from reviews import search_index

    started = time.perf_counter()
    missing = search_index.missing_in(project)
    for each in missing:
        search_index.ask(each.dataset, actor=None)
    for job in project.jobs.filter(kind=search_index.KIND, state="queued"):
        run_here(job)
    if search_index.missing_in(project):
        raise RuntimeError("the search index is not complete")
    return time.perf_counter() - started if missing else 0.0


def _times(client: Any, urls: dict[str, str]) -> dict[str, list[float]]:
    """Ask for every page in turn, so that what slows the machine down slows down all of them."""
    for url in urls.values():
        for _ in range(WARM_UP):
            answer = client.get(url)
            if answer.status_code != 200:
                raise RuntimeError(f"{url} answered {answer.status_code}")
    times: dict[str, list[float]] = {title: [] for title in urls}
    for _ in range(REQUESTS):
        for title, url in urls.items():
            started = time.perf_counter()
            client.get(url)
            times[title].append(1000 * (time.perf_counter() - started))
    return times


def _queries(project: Any) -> dict[str, str]:
    """Return the pages to ask for: title to query string."""
    from reviews.models import Dataset, Review

    reviews = Review.objects.filter(project=project)
    last = reviews.order_by("-pk").values_list("pk", flat=True)[0]
    first = reviews.order_by("pk").values_list("pk", flat=True)[0]
    middle = (first + last) // 2
    dataset = Dataset.objects.filter(project=project).order_by("-review_count")[0].pk
    product = reviews.filter(pk=middle).values_list("product", flat=True)[0]
    counts, follow = _words(reviews, middle)
    frequent, rare = counts.most_common(1)[0][0], counts.most_common()[-1][0]
    other = counts.most_common(20)[-1][0]
    return {
        "first page": "",
        "deep page": f"after={middle}",
        "filtered page, one data set": f"dataset={dataset}",
        "filtered page, test split": "split=test",
        "filtered page, an answer": "answer.sentiment=positive",
        "filtered page, a range of numbers": "answer.rating.min=4",
        "filtered page, three filters, deep": (
            f"answer.sentiment=negative&split=train&min_length=100&after={middle}"
        ),
        "filtered page, a product": f"product={quote(product)}",
        "filtered page, a product and an answer, deep": (
            f"product={quote(product)}&answer.sentiment=positive&after={middle}"
        ),
        "filtered page, a rarer answer, deep": f"answer.sentiment=neutral&after={middle}",
        "filtered page, a column of metadata": "meta.department=Shoes",
        "filtered page, at least 500 characters": "min_length=500",
        "filtered page, a month": "date_from=2024-03-01&date_to=2024-03-31",
        "search, a frequent word": f"q={frequent}",
        "search, a rare word": f"q={rare}",
        "search, two words": f"q={frequent}+{other}",
        "search, a phrase": f"q=%22{quote(follow)}%22",
        "search, a phrase deep in the table": f"q=%22{quote(follow)}%22&after={middle}",
        "search, a phrase and a product": f"q=%22{quote(follow)}%22&product={quote(product)}",
        "search, a frequent word and a product": f"q={frequent}&product={quote(product)}",
        "search, a frequent word and an answer, deep": (
            f"q={frequent}&answer.sentiment=negative&after={middle}"
        ),
        "search, a frequent word deep in the table": f"q={frequent}&after={middle}",
        "search, a frequent word and a filter": f"q={other}&split=test",
        "search, a word that is nowhere": "q=zzyzxqqq",
    }


def _words(reviews: Any, middle: int) -> tuple[Counter[str], str]:
    """Return how many of 2,000 reviews have a word, and two words of one that stand together."""
    texts = reviews.filter(pk__gte=middle).order_by("pk").values_list("text", flat=True)[:2000]
    counts: Counter[str] = Counter()
    words: list[str] = []
    for text in texts:
        words = re.findall(r"[a-z]{3,}", text.lower())
        counts.update(set(words))
    return counts, " ".join(re.findall(r"\w+", texts[0].lower())[:2])


@contextmanager
def _plain_page(slug: str) -> Iterator[str]:
    """Make a table of 1,000 rows and a page that lists fifty of them; yield its address."""
    from django.contrib.auth.decorators import login_required
    from django.db import connection, models
    from django.http import HttpRequest, HttpResponse
    from django.template import engines
    from django.urls import clear_url_caches, path

    from config import urls
    from projects.access import enter

    class Plain(models.Model):
        objects: models.Manager[Any] = models.Manager()
        text = models.TextField()
        product = models.CharField(max_length=100)
        author = models.CharField(max_length=100)
        day = models.DateField()
        split = models.CharField(max_length=10)

        class Meta:
            app_label = "reviews"

    template = engines["django"].from_string(_PLAIN_TEMPLATE)

    @login_required
    def page(request: HttpRequest) -> HttpResponse:
        project = enter(request, slug, section="reviews")
        rows = Plain.objects.order_by("-pk")[:50]
        return HttpResponse(template.render({"rows": rows, "project": project}, request))

    with connection.schema_editor() as editor:
        editor.create_model(Plain)
    try:
        Plain.objects.bulk_create(
            Plain(text="word " * 40, product=f"P{n}", author="a", day="2026-01-02", split="train")
            for n in range(1000)
        )
        urls.urlpatterns.append(path("plain/", page))
        clear_url_caches()
        yield "/plain/"
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Plain)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_main(*sys.argv[1:])) + "\n")
