"""The charts of a version's page: baselines, reliability, curves, residuals, slices."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from common.charts import Axis, Chart, Number, Series
from labelling.snapshot import QuestionSnapshot
from ml.measures import Figure, QuestionMeasures

#: More curves than this in one picture cannot be told apart.
_MOST_CURVES = 6
_BY = {"length": "length of the review", "product": "product (the largest)"}


def charts_of(
    each: QuestionMeasures,
    details: Mapping[str, Any],
    *,
    slug: str,
    questions: Mapping[str, QuestionSnapshot],
) -> list[Chart]:
    """Return the charts of one question; older versions kept nothing but the figures.

    `questions` are those of the version, by key: they name the answers that rows are grouped by.
    """
    drawn = [
        _beside(each),
        _reliability(each, details.get("reliability")),
        *_curves(each, details.get("curves")),
        _scatter(each, details.get("scatter"), slug),
        _residuals(each, details.get("residuals")),
        *_slices(each, details.get("slices") or (), slug, questions),
    ]
    return [chart for chart in drawn if chart is not None]


def _beside(each: QuestionMeasures) -> Chart | None:
    """Draw the headline of the model beside those of the baselines."""
    if each.headline is None:
        return None
    named = [("model", each.headline.model), *each.headline.beside()]
    shown = [(name, figure) for name, figure in named if figure.value is not None]
    if not shown:
        return None
    return _intervals(
        f"beside-{each.key}",
        f"{each.name}: the model beside simpler ones",
        each.headline.name,
        shown,
        note="Lower is better." if each.headline.is_lower_better else "Higher is better.",
    )


def _reliability(each: QuestionMeasures, bins: Sequence[Mapping[str, Any]] | None) -> Chart | None:
    if not bins:
        return None
    sure = [one["confidence"] for one in bins]
    right = Series(
        "right",
        [one["value"] for one in bins],
        low=[one["low"] for one in bins],
        high=[one["high"] for one in bins],
        option=1,
    )
    return Chart(
        id=f"reliability-{each.key}",
        title=f"{each.name}: does a confidence mean what it says?",
        kind="line",
        labels=sure,
        series=[right, Series("as said", sure, option=12)],
        x=Axis("Mean confidence", low=0, high=1),
        y=Axis("Share that is right", low=0, high=1),
        note=f"{sum(one['n'] for one in bins):,} answers in groups of like size; below the line "
        "the model is too sure.",
    )


def _curves(each: QuestionMeasures, curves: Mapping[str, Any] | None) -> list[Chart]:
    if not curves or not curves["options"]:
        return []
    known = [option for option in each.options if option.key in curves["options"]]
    shown = sorted(known, key=lambda option: -option.n)[:_MOST_CURVES]
    note = "" if len(shown) == len(known) else f"The {len(shown)} most frequent options."

    def drawn(kind: str, title: str, x: str, y: str) -> Chart:
        series = [
            Series(option.name, curves["options"][option.key][kind], option=place)
            for place, option in enumerate(shown, start=1)
        ]
        return Chart(
            id=f"{kind}-{each.key}",
            title=f"{each.name}: {title}",
            kind="line",
            labels=curves["grid"],
            series=series,
            x=Axis(x, low=0, high=1),
            y=Axis(y, low=0, high=1),
            note=note,
        )

    return [
        drawn("roc", "found against wrongly claimed (ROC)", "False positive rate", "Recall"),
        drawn("pr", "precision against recall", "Recall", "Precision"),
    ]


def _scatter(
    each: QuestionMeasures, points: Sequence[tuple[int, float, float]] | None, slug: str
) -> Chart | None:
    if not points:
        return None
    urls = [reverse("reviews:detail", args=[slug, pk]) for pk, _, _ in points]
    return Chart(
        id=f"scatter-{each.key}",
        title=f"{each.name}: predicted against true",
        kind="scatter",
        labels=[gold for _, gold, _ in points],
        series=[Series("predicted", [found for _, _, found in points], urls=urls, option=1)],
        x=Axis("True"),
        y=Axis("Predicted"),
        note=f"{len(points)} of {each.n:,} reviews; a point opens its review.",
    )


def _residuals(each: QuestionMeasures, bars: Mapping[str, Any] | None) -> Chart | None:
    if not bars:
        return None
    edges = bars["edges"]
    middles = [f"{(a + b) / 2:.2f}" for a, b in pairwise(edges)]
    return Chart(
        id=f"residuals-{each.key}",
        title=f"{each.name}: how far off, and to which side",
        kind="bar",
        labels=middles,
        series=[Series("reviews", bars["counts"], option=1)],
        x=Axis("Predicted minus true", scale="category"),
        y=Axis("Reviews"),
    )


def _slices(
    each: QuestionMeasures,
    slices: Sequence[Mapping[str, Any]],
    slug: str,
    questions: Mapping[str, QuestionSnapshot],
) -> list[Chart]:
    if each.headline is None:
        return []
    charts = []
    for place, by in enumerate(dict.fromkeys(one["by"] for one in slices)):
        asked = questions.get(by.removeprefix("answer."))
        named = _BY.get(by, f"true answer to {asked.name if asked else by}")
        own = [one for one in slices if one["by"] == by]
        urls = [_behind(slug, by, one["name"]) for one in own]
        note = "Groups of few reviews have wide intervals."
        charts.append(
            _intervals(
                f"slice-{place}-{each.key}",
                f"{each.name} by {named}",
                each.headline.name,
                [(f"{_named(asked, one['name'])} (n {one['n']})", Figure.of(one)) for one in own],
                urls=urls,
                note=f"{note} A bar opens its test reviews." if any(urls) else note,
            )
        )
    return charts


def _named(question: QuestionSnapshot | None, answer: str) -> str:
    option = question.option(answer) if question else None
    return option.name if option else answer


def _behind(slug: str, by: str, name: str) -> str:
    """Return where the test reviews of a group are; no filter counts words."""
    if by == "length":
        return ""
    return f"{reverse('reviews:list', args=[slug])}?{urlencode({'split': 'test', by: name})}"


def _intervals(
    chart_id: str,
    title: str,
    measure: str,
    rows: Sequence[tuple[str, Figure]],
    *,
    note: str,
    urls: Sequence[str] = (),
) -> Chart:
    def bound(end: str) -> list[Number]:
        return [value if (value := getattr(f, end)) is not None else f.value for _, f in rows]

    values = [figure.value for _, figure in rows]
    return Chart(
        id=chart_id,
        title=title,
        kind="bar",
        labels=[name for name, _ in rows],
        series=[Series(measure, values, low=bound("low"), high=bound("high"), urls=urls)],
        y=Axis(measure),
        note=note,
        is_horizontal=True,
    )
