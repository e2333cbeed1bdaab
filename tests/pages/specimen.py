"""Sample data for the page that shows every component."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from common.charts import Axis, Chart, Series

OPTIONS = ["negative", "neutral", "positive"]
COUNTS = [[412, 38, 20], [51, 103, 64], [9, 40, 1675]]


class SampleForm(forms.Form):
    name = forms.CharField(help_text="People see it in lists.", max_length=80)
    encoding = forms.ChoiceField(choices=[("utf-8", "UTF-8"), ("latin-1", "Latin 1")])
    file = forms.FileField(required=False)
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    has_header = forms.BooleanField(label="The first row is a header", required=False)
    duplicates = forms.ChoiceField(
        choices=[("skip", "Skip"), ("keep", "Keep")], widget=forms.RadioSelect
    )


def charts() -> list[Chart]:
    return [
        Chart(
            id="aspects",
            title="Delivery is what negative reviews speak of most",
            kind="bar",
            labels=["delivery", "quality", "price", "fit", "service"],
            series=[
                Series(
                    "share",
                    [0.41, 0.33, 0.2, 0.12, 0.05],
                    low=[0.37, 0.29, 0.17, 0.1, 0.03],
                    high=[0.45, 0.37, 0.23, 0.15, 0.08],
                    urls=["#1", "#2", "#3", "#4", "#5"],
                )
            ],
            y=Axis("Share of negative reviews", low=0),
            is_horizontal=True,
        ),
        Chart(
            id="loss",
            title="Validation loss stopped falling after epoch 4",
            kind="line",
            labels=[1, 2, 3, 4, 5, 6],
            series=[
                Series("training", [0.91, 0.62, 0.48, 0.39, 0.33, 0.29]),
                Series("validation", [0.84, 0.66, 0.59, 0.55, 0.56, 0.58]),
            ],
            x=Axis("Epoch"),
            y=Axis("Loss", low=0),
            note="Seed 7, 2,412 reviews.",
        ),
        Chart(
            id="mean",
            title="Ratings fell in spring",
            kind="line",
            labels=["Jan", "Feb", "Mar", "Apr"],
            series=[Series("Mean rating", [4.1, 4.0, 3.6, 3.4])],
            y=Axis("Mean rating", low=1, high=5),
        ),
        Chart(
            id="months",
            title="Reviews a month by sentiment",
            kind="bar",
            labels=["Jan", "Feb", "Mar", "Apr", "May", "Jun"],
            series=[
                Series("positive", [120, 132, 101, 134, 190, 230], option=3),
                Series("neutral", [20, 32, 21, 34, 20, 30], option=12),
                Series("negative", [30, 42, 61, 34, 29, 33], option=4),
            ],
            y=Axis("Reviews"),
            is_stacked=True,
        ),
        Chart(
            id="pairs",
            title="Which aspects come together",
            kind="heat",
            labels=["delivery", "quality", "price"],
            series=[
                Series("delivery", [80, 21, 12]),
                Series("quality", [21, 140, 45]),
                Series("price", [12, 45, 60]),
            ],
        ),
        Chart(
            id="places",
            title="Reviews that are alike lie together",
            kind="scatter",
            labels=[],
            series=[
                Series(
                    name,
                    [y + step / 10 for step in range(12)],
                    at=[x + step * step % 7 / 9 for step in range(12)],
                    names=[f"{name} {{review}} {step}" for step in range(12)],
                    urls=[f"#{name}-{step}" for step in range(12)],
                    option=option,
                )
                for name, x, y, option in (("positive", -2, -1, 3), ("negative", 2, 0, 4))
            ],
            x=Axis("First axis"),
            each="Review",
        ),
    ]


def context() -> dict[str, Any]:
    return {
        "moment": timezone.now() - timedelta(hours=3),
        "tabs": [("#c", "Champion", True), ("#v", "Versions", False), ("#r", "Runs", False)],
        "options": OPTIONS,
        "counts": COUNTS,
        "cell_urls": [[f"#{gold}-{said}" for said in OPTIONS] for gold in OPTIONS],
        "charts": charts(),
        "steps": ["File", "Read", "Map", "Check", "Import"],
        "form": SampleForm({"name": ""}),
        "palette": range(1, 13),
        "diverging": ["n3", "n2", "n1", "0", "p1", "p2", "p3"],
        "sequential": range(7),
    }
