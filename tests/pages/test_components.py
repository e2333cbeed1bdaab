"""The tags and includes that every page is built from."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django.utils.html import strip_tags

from common.charts import Axis, Chart, Series
from common.templatetags import gloss
from tests.pages import specimen


def rendered(source: str, context: dict[str, Any] | None = None) -> str:
    html: str = engines["django"].from_string("{% load gloss %}" + source).render(context or {})
    return html


def words(html: str) -> str:
    return " ".join(strip_tags(html).split())


@pytest.mark.parametrize(
    ("call", "reads"),
    [
        ("0.8604 0.841 0.879 2412", "0.86 ± 0.02 · n 2,412"),
        ("0.86 None None 2412", "0.86 · n 2,412"),
        ("1.0 0.9 1.0 400", "1.00 ± 0.10 · n 400"),
        ("0.71 0.52 0.86 24", "0.71 ± 0.19 · n 24, too few"),
        ("0.412 0.401 0.423 500 digits=3", "0.412 ± 0.011 · n 500"),
        ("None", "no examples"),
        ("0.5 0.1 0.9 0", "no examples"),
    ],
)
def test_a_figure_reads_the_same_everywhere(call: str, reads: str) -> None:
    assert words(rendered("{% figure " + call + " %}")) == reads


def test_a_figure_tells_its_exact_bounds_on_hover() -> None:
    assert 'title="95 % interval 0.52 to 0.86"' in rendered("{% figure 0.71 0.52 0.86 24 %}")


def test_not_a_number_is_no_examples() -> None:
    assert words(rendered("{% figure value %}", {"value": float("nan")})) == "no examples"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "unknown"),
        (0.2, "less than a second"),
        (1, "1 second"),
        (3.24, "3.2 seconds"),
        (82, "1 minute 22 seconds"),
        (599, "10 minutes"),
        (4_800, "1 hour 20 minutes"),
        (33_000, "9 hours"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float | None, said: str) -> None:
    assert gloss.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (42, "about 40 seconds"),
        (58, "about 1 minute"),
        (95, "about 2 minutes"),
        (238, "about 4 minutes"),
        (4_700, "about 1 hour 20 minutes"),
    ],
)
def test_an_estimate_is_rounded_and_says_so(seconds: float, said: str) -> None:
    assert gloss.duration(seconds, about=True) == said


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=1, seconds=5), "1 minute ago"),
        (timedelta(hours=3, minutes=50), "3 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (-timedelta(minutes=9, seconds=30), "in 9 minutes"),
    ],
)
def test_a_time_is_relative_with_the_absolute_on_hover(past: timedelta, said: str) -> None:
    moment = timezone.now() - past

    html = rendered("{% ago moment %}", {"moment": moment})

    assert words(html) == said
    assert f'datetime="{moment.isoformat(timespec="seconds")}"' in html


def test_old_times_are_dates_and_no_time_is_never() -> None:
    moment = timezone.now() - timedelta(days=400)

    assert words(rendered("{% ago moment %}", {"moment": moment})).endswith(str(moment.year))
    assert words(rendered("{% ago None %}")) == "never"


@pytest.mark.parametrize(
    ("part", "whole", "step"), [(0, 10, 0), (0, 0, 0), (1, 1000, 1), (500, 1000, 4), (10, 10, 6)]
)
def test_heat_has_seven_steps_and_zero_only_for_nothing(part: int, whole: int, step: int) -> None:
    assert gloss.heat(part, whole) == step


def test_each_cell_of_a_confusion_matrix_links_to_its_reviews() -> None:
    html = rendered("{% matrix options counts cell_urls %}", specimen.context())

    assert '<a href="#neutral-positive"><b>64</b><small>29 %</small></a>' in html
    assert "n 2,412" in html


def test_an_empty_cell_of_a_confusion_matrix_is_no_link() -> None:
    html = rendered(
        "{% matrix options counts urls %}",
        {"options": ["a", "b"], "counts": [[3, 0], [1, 2]], "urls": [["#1", "#2"], ["#3", "#4"]]},
    )

    assert 'href="#2"' not in html
    assert 'href="#3"' in html


def test_a_matrix_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="2 options"):
        gloss.matrix(["a", "b"], [[1, 2]])


def test_a_chart_carries_its_table_with_links_and_its_data() -> None:
    html = rendered("{% chart chart %}", {"chart": specimen.charts()[0]})

    assert '<a href="#1">0.41</a>' in html
    assert 'id="chart-data-aspects" type="application/json"' in html


def test_a_chart_escapes_what_people_wrote() -> None:
    nasty = "</script><img src=x>"
    chart = Chart("c", nasty, "bar", [nasty], [Series(nasty, [1])], y=Axis(nasty))

    assert "<img" not in rendered("{% chart chart %}", {"chart": chart})


@pytest.mark.parametrize(
    ("values", "bounds"), [([1, 2], {}), ([1], {"low": [0]}), ([1], {"urls": ["a", "b"]})]
)
def test_a_chart_whose_parts_do_not_fit_is_refused(values: list[int], bounds: Any) -> None:
    with pytest.raises(ValueError, match="series 's'"):
        Chart("c", "t", "bar", ["one"], [Series("s", values, **bounds)])


def test_the_query_tag_changes_one_parameter_and_keeps_the_others() -> None:
    request = RequestFactory().get("/", {"q": "zip", "page": "3"})

    html = rendered("{% query page=None dataset=7 %}", {"request": request})

    assert html == "?q=zip&amp;dataset=7"


def test_a_field_is_tied_to_its_help_and_its_error() -> None:
    field = specimen.SampleForm({"name": ""})["name"]

    html = render_to_string("components/field.html", {"field": field})

    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described is not None
    assert described[1].split() == ["id_name_helptext", "id_name_error"]
    assert all(f'id="{name}"' in html for name in described[1].split())
    assert 'aria-invalid="true"' in html


@pytest.mark.parametrize(
    ("context", "reads"),
    [
        ({"state": "queued", "is_heard": False}, "no worker is listening"),
        ({"state": "queued", "is_heard": True}, "Waiting for a worker"),
        ({"state": "running", "done": 5, "total": 10, "seconds_left": 240}, "about 4 minutes left"),
        ({"state": "failed", "reason": "Line 12"}, "Failed Line 12"),
    ],
)
def test_job_progress_says_the_state_in_words(context: dict[str, Any], reads: str) -> None:
    assert reads in words(render_to_string("components/job_progress.html", context))


def test_no_template_has_inline_style_script_or_handlers() -> None:
    from django.conf import settings

    wrong = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|hx-on|javascript:")
    folder = settings.ROOT / "templates"

    found = {
        str(path.relative_to(folder)): match[0]
        for path in folder.rglob("*.html")
        if (match := wrong.search(path.read_text()))
    }

    assert found == {}


def test_a_chart_of_free_points_has_a_row_a_point_that_leads_to_its_page() -> None:
    series = [
        Series("good", [0.25], at=[1.5], names=["A <b>kettle"], urls=["#7"]),
        Series("bad", [2], at=[-1], names=["A scarf"], urls=["#8"]),
    ]
    chart = Chart("map", "Map", "scatter", [], series, x=Axis("x"), y=Axis("y"), each="Review")

    html = rendered("{% chart chart %}", {"chart": chart})

    assert '<a class="clip" dir="auto" href="#7">A &lt;b&gt;kettle</a>' in html
    assert "A scarfbad-12" in words(html)
    assert chart.header() == ["Review", "Group", "x", "y"]
    assert chart.data()["series"][0]["at"] == [1.5]


def test_a_point_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values but 1"):
        Series("good", [1, 2], at=[1])


def test_free_points_on_an_axis_of_categories_are_refused() -> None:
    with pytest.raises(ValueError, match="axis of values"):
        Chart("map", "Map", "scatter", [], [Series("good", [1], at=[1])])
