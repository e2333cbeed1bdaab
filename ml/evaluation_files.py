"""A version's evaluation as a file: everything as JSON, every figure as a row of CSV."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from django.http import HttpResponse

from common.errors import Invalid
from ml import selectors
from ml.models import ModelVersion
from reviews.neutral import neutral

CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
#: `at` is the predicted answer of a confusion, or where on the x axis a chart has the value.
COLUMNS = ("question", "model", "measure", "option", "value", "low", "high", "n", "at")


def evaluation_response(version: ModelVersion, chosen: str) -> HttpResponse:
    """Send the evaluation as an attachment; raises Invalid for an unknown format."""
    if chosen not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        raise Invalid.of("format", f"There is no format {chosen[:20]!r}; known: {known}.")
    body = evaluation(version)
    text = json.dumps(body, ensure_ascii=False, indent=1) if chosen == "json" else _csv(body)
    response = HttpResponse(text, content_type=CONTENT_TYPES[chosen])
    name = f"evaluation-version-{version.number}.{chosen}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def evaluation(version: ModelVersion) -> dict[str, Any]:
    """Return the figures of every question with what its charts show."""
    details = selectors.details_of(version)
    rows = selectors.evaluations_of(version)
    return {
        "model_version": version.number,
        "snapshot_sha256": version.training_run.snapshot_hash,
        "questions": {
            row.question_key: {**row.metrics, "details": details.get(row.question_key, {})}
            for row in rows
        },
    }


def _csv(body: Mapping[str, Any]) -> str:
    buffer = io.StringIO()
    buffer.write("\ufeff")  # the mark tells spreadsheets that this is UTF-8
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for key, question in body["questions"].items():
        for row in _rows(key, question):
            cells = [neutral(cell) if isinstance(cell, str) else cell for cell in row]
            writer.writerow(cells + [""] * (len(COLUMNS) - len(cells)))
    return buffer.getvalue()


def _rows(key: str, question: Mapping[str, Any]) -> Iterator[list[Any]]:
    models = {"model": question.get("model"), **(question.get("baselines") or {})}
    for name, metrics in models.items():
        yield from _figures([key, name], metrics or {})
    headline = ((question.get("model") or {}).get("headline") or {}).get("name", "")
    for one in question["details"].get("slices", ()):
        yield [key, "model", headline, f"{one['by']}: {one['name']}", *_ends(one)]
    yield from _confusion([key, "model", "confusion"], question.get("confusion"))
    yield from _drawn([key, "model"], question["details"])


def _confusion(start: list[str], table: Mapping[str, Any] | None) -> Iterator[list[Any]]:
    """Yield how many reviews of each gold answer were given which one."""
    options = table["options"] if table else ()
    for gold, counts in zip(options, table["rows"] if table else (), strict=True):
        for found, count in zip(options, counts, strict=True):
            yield [*start, gold, count, "", "", "", found]


def _drawn(start: list[str], details: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Yield what curves, reliability and residuals are drawn from."""
    curves = details.get("curves") or {"options": {}}
    for option, own in curves["options"].items():
        for kind, heights in own.items():
            for at, height in zip(curves["grid"], heights, strict=True):
                yield [*start, kind, option, height, "", "", "", at]
    for one in details.get("reliability") or ():
        yield [*start, "reliability", "", *_ends(one), one["confidence"]]
    bars = details.get("residuals") or {"edges": [], "counts": []}
    for (low, high), count in zip(pairwise(bars["edges"]), bars["counts"], strict=True):
        yield [*start, "residuals", "", count, "", "", "", round((low + high) / 2, 6)]


def _figures(start: list[str], metrics: Mapping[str, Any]) -> Iterator[list[Any]]:
    for name, figure in metrics.items():
        if name != "headline" and isinstance(figure, Mapping) and "value" in figure:
            yield [*start, name, "", *_ends(figure)]
    for option, own in (metrics.get("per_option") or {}).items():
        f1 = {"value": own.get("f1"), "low": own.get("f1_low"), "high": own.get("f1_high")}
        for name, figure in {**own, "f1": {**f1, "n": own.get("n")}}.items():
            if isinstance(figure, Mapping):
                yield [*start, name, option, *_ends(figure)]


def _ends(figure: Mapping[str, Any]) -> list[Any]:
    return [figure.get(name) for name in ("value", "low", "high", "n")]
