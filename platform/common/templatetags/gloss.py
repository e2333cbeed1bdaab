"""How Gloss writes figures, times and durations, and builds the parts that need arithmetic."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.charts import Axis, Chart, Series

register = template.Library()

SMALL_N = 30
_HEAT_STEPS = 6
_WIDE_MATRIX = 8


# --- Figures ----------------------------------------------------------------------------------


@register.filter
def count(value: int | None) -> str:
    """Write a whole number with thousands separated: 2,412."""
    return "–" if value is None else f"{value:,}"


@register.simple_tag
def figure(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    digits: int = 2,
) -> SafeString:
    """Write a measured value with its 95 % interval and its n: `0.86 ± 0.02 · n 2,412`.

    The wider side of an uneven interval follows the ±, so that it never looks narrower than it
    is; the exact bounds are in the title. No value, no examples or NaN reads "no examples".
    """
    if value is None or n == 0 or math.isnan(value):
        return SafeString('<span class="measure measure-none">no examples</span>')
    is_small = n is not None and n < SMALL_N
    return format_html(
        '<span class="measure{}"{}><span class="measure-value">{}</span>{}{}</span>',
        " measure-small" if is_small else "",
        _bounds_title(low, high, digits),
        f"{value:,.{digits}f}",
        _interval(value, low, high, digits),
        _sample(n, is_small=is_small),
    )


def _bounds_title(low: float | None, high: float | None, digits: int) -> SafeString:
    if low is None or high is None:
        return SafeString("")
    return format_html(
        ' title="95 % interval {} to {}"', f"{low:,.{digits}f}", f"{high:,.{digits}f}"
    )


def _interval(value: float, low: float | None, high: float | None, digits: int) -> SafeString:
    if low is None or high is None:
        return SafeString("")
    half = max(value - low, high - value)
    return format_html('<span class="measure-interval"> ± {}</span>', f"{half:,.{digits}f}")


def _sample(n: int | None, *, is_small: bool) -> SafeString:
    if n is None:
        return SafeString("")
    small = ", too few" if is_small else ""
    # The dot stands between two things on one line; in narrow tables there are two lines.
    dot = '<span class="measure-dot"> · </span>'
    return format_html(f'<span class="measure-n">{dot}n {{}}{{}}</span>', f"{n:,}", small)


# --- Times ------------------------------------------------------------------------------------

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@register.simple_tag
def duration(seconds: float | None, about: bool = False) -> str:  # noqa: FBT001, FBT002  (a tag)
    """Write a duration as a person says it: 40 seconds, 4 minutes, 1 hour 20 minutes.

    With `about`, for estimates: rounded further, with the word before it.
    """
    if seconds is None or math.isnan(seconds):
        return "unknown"
    if seconds < 1:
        return "less than a second"
    if about:
        return f"about {_said(seconds, _ESTIMATE_STEPS)}"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} seconds"
    return _said(seconds, _MEASURED_STEPS)


# Below how many seconds a duration is rounded to which step: 9 hours, but 1 hour 20 minutes.
_MEASURED_STEPS = ((300, 1), (18_000, 60), (172_800, 3_600), (math.inf, 86_400))
_ESTIMATE_STEPS = (
    (10, 1),
    (55, 5),
    (3_600, 60),
    (18_000, 600),
    (172_800, 3_600),
    (math.inf, 86_400),
)


def _said(seconds: float, steps: tuple[tuple[float, int], ...]) -> str:
    step = next(step for below, step in steps if seconds < below)
    left = max(1, math.floor(seconds / step + 0.5)) * step
    parts: list[str] = []
    for name, size in _UNITS:
        whole, left = divmod(left, size)
        if whole:
            parts.append(f"{whole} {name}{'' if whole == 1 else 's'}")
    return " ".join(parts[:2])


@register.simple_tag
def ago(moment: datetime | None) -> SafeString:
    """Write a time relative to now, with the absolute time on hover."""
    if moment is None:
        return SafeString('<span class="faint">never</span>')
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        timezone.localtime(moment).strftime("%-d %B %Y, %H:%M:%S %Z"),
        _relative(moment, timezone.now()),
    )


def _relative(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 10:
        return "just now"
    if abs(seconds) >= 30 * 86_400:
        return timezone.localtime(moment).strftime("%-d %b %Y")
    name, size = next(unit for unit in _UNITS if abs(seconds) >= unit[1])
    whole = int(abs(seconds) // size)
    words = f"{whole} {name}{'' if whole == 1 else 's'}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


# --- Confusion matrix -------------------------------------------------------------------------


@register.inclusion_tag("components/matrix.html")
def matrix(
    options: Sequence[str],
    rows: Sequence[Sequence[int]],
    cell_urls: Sequence[Sequence[str]] | None = None,
    caption: str = "",
    key: str = "",
) -> dict[str, Any]:
    """Draw a confusion matrix: `rows[i][j]` reviews of gold option i were predicted option j.

    Shade is the share of the row, so that rare options read as well as frequent ones. With a
    `key`, which is no other matrix's of the page, it can be saved as PNG, SVG and CSV.
    """
    urls = cell_urls or [[""] * len(options) for _ in options]
    if len(rows) != len(options) or any(len(row) != len(options) for row in rows):
        raise ValueError(f"a matrix of {len(options)} options needs as many rows and columns")
    drawn = [
        _matrix_row(label, index, row, links)
        for index, (label, row, links) in enumerate(zip(options, rows, urls, strict=True))
    ]
    return {
        "options": options,
        "rows": drawn,
        "n": sum(map(sum, rows)),
        "caption": caption,
        "is_wide": len(options) > _WIDE_MATRIX,
        "saved": _saved_matrix(key, caption, options, drawn) if key else None,
    }


def _saved_matrix(
    key: str, caption: str, options: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Chart:
    return Chart(
        id=f"matrix-{key}",
        title=f"{caption}: gold against predicted",
        kind="heat",
        labels=options,
        series=[
            Series(
                row["label"],
                [cell["count"] for cell in row["cells"]],
                shades=[f"heat-{cell['heat']}" for cell in row["cells"]],
            )
            for row in rows
        ],
        x=Axis("Predicted", scale="category"),
        y=Axis("Gold", scale="category"),
    )


def _matrix_row(
    label: str, index: int, counts: Sequence[int], urls: Sequence[str]
) -> dict[str, Any]:
    total = sum(counts)
    cells = [
        {
            "count": number,
            "share": number / total if total else 0.0,
            "percent": round(100 * number / total) if total else 0,
            "heat": heat(number, total),
            "url": url,
            "is_right": column == index,
        }
        for column, (number, url) in enumerate(zip(counts, urls, strict=True))
    ]
    return {"label": label, "cells": cells, "total": total}


def heat(part: float, whole: float) -> int:
    """Return the step 0 to 6 of the sequential ramp for `part` of `whole`; 0 only for nothing."""
    if not part or not whole:
        return 0
    return min(_HEAT_STEPS, 1 + int(_HEAT_STEPS * part / whole))


# --- Charts -----------------------------------------------------------------------------------


@register.inclusion_tag("components/chart.html")
def chart(chart: Chart, size: str = "", is_open: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Draw a chart with its table, PNG, SVG and CSV; `size` is short, tall or nothing."""
    return {
        "chart": chart,
        "data": chart.data(),
        "data_id": chart.data_id,
        "size": size,
        "is_open": is_open,
    }


@register.filter
def plot_number(value: float | None) -> str:
    """Write a value of a chart's table: whole numbers whole, others to four figures."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


# --- Addresses --------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: Any) -> str:
    """Return this page's query string with `changes`; None or "" removes a parameter."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None or value == "":
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return f"?{parameters.urlencode()}"
