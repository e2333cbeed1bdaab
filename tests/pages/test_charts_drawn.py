"""A page that holds a chart loads the script that draws it; without that only its table shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
INCLUDED = re.compile(r"""\{% include ["']([^"']+)["']""")


def _with_parts(name: str) -> Iterator[str]:
    """Yield the text of a template and of all that it includes."""
    text = (TEMPLATES / name).read_text()
    yield text
    for part in INCLUDED.findall(text):
        yield from _with_parts(part)


PAGES = [
    str(path.relative_to(TEMPLATES))
    for path in sorted(TEMPLATES.rglob("*.html"))
    if '{% extends "' in path.read_text()
]
WITH_CHARTS = [name for name in PAGES if "{% chart " in "".join(_with_parts(name))]


def test_the_pages_with_charts_are_found() -> None:
    assert {"ml/version.html", "labelling/people.html"} <= set(WITH_CHARTS)


@pytest.mark.parametrize("name", WITH_CHARTS)
def test_a_page_with_charts_draws_them(name: str) -> None:
    assert "{% static 'js/chart.js' %}" in "".join(_with_parts(name))
