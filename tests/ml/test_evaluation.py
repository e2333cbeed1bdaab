"""What is kept of an evaluation, and how its page and its files show it."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from ml.core.config import HeadConfig, Kind
from ml.core.diagnostics import Judged, details
from ml.models import Evaluation, ModelVersion
from projects.models import Project
from tests.ml_core.tiny import RATING, SENTIMENT, TOPICS, make_examples

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Trained = Callable[..., ModelVersion]
PATH = "/projects/shop/models/versions/1/"


def test_the_page_draws_every_question_with_a_table_behind_each_chart(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()

    page = signed_in(owner).get(PATH).content.decode()

    for chart in (
        *("beside-sentiment", "reliability-sentiment", "roc-sentiment", "pr-aspects"),
        *("scatter-rating", "residuals-rating", "slice-0-sentiment", "slice-1-rating"),
    ):
        assert f'id="chart-{chart}"' in page
        assert f'id="chart-table-{chart}"' in page
    assert "calibration error (ECE)" in page
    assert "no examples, so there is nothing to measure" in page


def test_a_version_measured_before_charts_were_kept_still_opens(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()
    for row in Evaluation.objects.all():
        own = row.metrics["model"]
        own = {k: v for k, v in own.items() if k in {"headline", "accuracy", "mae", "micro_f1"}}
        row.metrics = {"kind": row.kind, "n": row.example_count, "model": own}
        row.details = {}
        row.save()

    browser = signed_in(owner)

    assert 'id="chart-beside-sentiment"' in browser.get(PATH).content.decode()
    assert browser.get(PATH + "evaluation/").status_code == 200


def test_the_evaluation_comes_as_json_with_everything(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()

    body = signed_in(owner).get(PATH + "evaluation/", {"format": "json"}).json()

    sentiment = body["questions"]["sentiment"]
    assert sentiment["details"]["reliability"][0]["n"] == sentiment["n"]
    assert set(sentiment["baselines"]) == {"majority"}
    assert body["questions"]["rating"]["details"]["scatter"]


def test_the_evaluation_comes_as_csv_a_figure_a_row(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    version = trained()

    text = signed_in(owner).get(PATH + "evaluation/").content.decode("utf-8-sig")

    rows = list(csv.DictReader(io.StringIO(text)))
    wanted = {"question": "sentiment", "model": "model", "measure": "accuracy", "option": ""}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    kept = version.evaluations.get(question_key="sentiment").metrics["model"]["accuracy"]
    assert float(row["value"]) == kept["value"]
    assert any(row["option"].startswith("length: ") for row in rows)


def test_the_csv_has_what_the_charts_and_the_matrix_show(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    version = trained()
    own = version.evaluations.get(question_key="sentiment")

    text = signed_in(owner).get(PATH + "evaluation/").content.decode("utf-8-sig")

    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["model"] == "model"]
    kept = {
        measure: [r for r in rows if (r["question"], r["measure"]) == (question, measure)]
        for question, measure in (
            *(("sentiment", "confusion"), ("sentiment", "roc"), ("sentiment", "pr")),
            *(("sentiment", "reliability"), ("rating", "residuals")),
        )
    }
    table = own.metrics["confusion"]
    counts = [count for row in table["rows"] for count in row]
    assert [int(row["value"]) for row in kept["confusion"]] == counts
    assert [row["at"] for row in kept["confusion"][: len(table["options"])]] == table["options"]
    curves = own.details["curves"]
    assert len(kept["roc"]) == len(kept["pr"]) == len(curves["grid"]) * len(curves["options"])
    assert sum(int(row["n"]) for row in kept["reliability"]) == own.example_count
    assert sum(int(row["value"]) for row in kept["residuals"]) == own.example_count


def test_an_unknown_format_is_refused(trained: Trained, owner: User, signed_in: Browser) -> None:
    trained()

    assert signed_in(owner).get(PATH + "evaluation/", {"format": "xls"}).status_code == 400


def test_the_evaluation_is_read_over_rest_and_lists_leave_details_out(
    trained: Trained, project: Project, owner: User, signed_in: Browser
) -> None:
    trained()
    browser = signed_in(owner)
    base = "/api/v1/projects/shop/model-versions/"

    body: dict[str, Any] = browser.get(base + "1/evaluation/").json()

    assert body["questions"]["sentiment"]["details"]["curves"]["options"]
    assert "details" not in browser.get(base + "1/").json()["questions"]["sentiment"]


def sure_of(option: str) -> dict[str, Any]:
    shares = {each: 0.9 if each == option else 0.1 for each in SENTIMENT.options}
    return {"option": option, "confidence": 0.9, "probabilities": shares}


def test_slices_group_by_length_rating_and_product() -> None:
    rows = [e for e in make_examples(60) if "sentiment" in e.answers and "rating" in e.answers]
    named = [type(e)(e.id, e.text, e.split, e.answers, product="kettle") for e in rows]
    given = [sure_of(str(e.answers["sentiment"])) for e in rows]

    found = details(Judged(SENTIMENT, named, given), (SENTIMENT, RATING, TOPICS))["slices"]

    assert {one["by"] for one in found} == {"length", "answer.rating", "product"}
    for by in ("length", "product"):
        assert sum(one["n"] for one in found if one["by"] == by) == len(rows)
    assert {one["value"] for one in found} == {1.0}


def test_slices_group_by_the_options_of_a_short_choice_in_their_order() -> None:
    stars = HeadConfig("stars", Kind.CHOICE, ("5", "4", "2", "1"))
    ages = HeadConfig("ages", Kind.CHOICE, tuple(str(number) for number in range(11)))
    rows = [
        type(e)(e.id, e.text, e.split, {**e.answers, "stars": f"{e.answers['rating']:.0f}"})
        for e in make_examples(60)
    ]
    given = [sure_of(str(e.answers["sentiment"])) for e in rows]

    found = details(Judged(SENTIMENT, rows, given), (SENTIMENT, stars, ages))["slices"]

    # Nor by the choice itself: within one of its options there is no other to be found.
    assert {one["by"] for one in found} == {"length", "answer.stars"}
    by_stars = [one for one in found if one["by"] == "answer.stars"]
    assert [one["name"] for one in by_stars] == ["5", "4", "2", "1"]
    assert sum(one["n"] for one in by_stars) == len(rows)


def test_a_slice_opens_its_test_reviews(trained: Trained, owner: User, signed_in: Browser) -> None:
    trained()
    browser = signed_in(owner)

    page = browser.get(PATH).content.decode()

    assert 'id="chart-slice-1-rating">Rating by true answer to Sentiment<' in page
    link = "/projects/shop/reviews/?split=test&amp;answer.sentiment=positive"
    _, _, rest = page.partition('id="chart-table-slice-1-rating"')
    cell = rf'</th>\s*<td class="number"><a href="{re.escape(link)}"'
    row = re.search(rf'<th scope="row">Positive \(n (\d+)\){cell}', rest)
    assert row is not None
    reviews = browser.get(link.replace("&amp;", "&")).content.decode()
    assert reviews.count('class="row-link clip"') == int(row[1])


def test_a_confusion_matrix_can_be_saved(trained: Trained, owner: User, signed_in: Browser) -> None:
    version = trained()

    page = signed_in(owner).get(PATH).content.decode()

    table = version.evaluations.get(question_key="sentiment").metrics["confusion"]
    found = re.search(r'<script id="chart-data-matrix-sentiment"[^>]*>(.*?)</script>', page)
    assert found is not None
    chart = json.loads(found[1])
    assert chart["table"]["header"] == ["Gold / Predicted", "Negative", "Neutral", "Positive"]
    assert [row[1:] for row in chart["table"]["rows"]] == table["rows"]
    assert 'data-chart="chart-data-matrix-sentiment"' in page
