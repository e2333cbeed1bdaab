"""The form of a derived data set; all of it can stand in the address."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from common.errors import Invalid
from projects.models import Project
from reviews import classes
from reviews.cleaning import STEPS
from reviews.deriving import MAX_NAME, metadata_columns
from reviews.models import Dataset
from reviews.recipes import (
    MAX_PARTS,
    META,
    PLAIN_PARTS,
    SEPARATORS,
    TEXT,
    Recipe,
    Sample,
)

_PARTS = 4
_PART = re.compile(r"part([1-9][0-9]?)")
#: Parameters of the table of reviews that are no filters.
_NO_FILTERS = frozenset({"after", "before", "columns", "dataset", "csrfmiddlewaretoken"})
_MAX_SEED = 2_147_483_647
_DEFAULTS = {"part1": TEXT, "sample": "all", "seed": "0", "between": "paragraph"}


class DeriveForm(forms.Form):
    """Where from, which, how many, cleaned and joined how."""

    name = forms.CharField(label="Name of the new data set", max_length=MAX_NAME)
    source = forms.MultipleChoiceField(
        label="Data sets",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all reviews of the project.",
    )
    q = forms.CharField(
        label="Words",
        required=False,
        max_length=1_000,
        help_text='Such as amazon, "customer service", -refund.',
    )
    sample = forms.ChoiceField(
        label="How many",
        choices=[
            ("all", "All that fit"),
            ("share", "A share of them, in percent"),
            ("count", "A number of them"),
        ],
        widget=forms.RadioSelect,
    )
    amount = forms.DecimalField(
        label="Percent or number", required=False, min_value=Decimal("0.0001"), max_value=10**9
    )
    by = forms.ChoiceField(
        label="Of each",
        required=False,
        help_text="The share (at least one) or the number is then taken of every class.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=_MAX_SEED,
        help_text="The same seed draws the same reviews.",
    )
    step = forms.MultipleChoiceField(
        label="Cleaning",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    between = forms.ChoiceField(label="Between the parts")

    def __init__(self, project: Project, data: QueryDict | None) -> None:
        sent = QueryDict(mutable=True) if data is None else data.copy()
        # The table of reviews names one data set, as a filter.
        for number in sent.getlist("dataset"):
            sent.appendlist("source", number)
        for name, value in _DEFAULTS.items():
            if not sent.get(name):
                sent[name] = value
        super().__init__(sent)
        self._project = project
        self._choose("source", _sources(project))
        columns = [(META + name, name) for name in metadata_columns(project)]
        offered = [(each.key, each.name) for each in classes.choices_for(project)]
        by = [("", "Of all of them together"), *offered, *columns]
        self._choose("by", [*by, *_unknown(sent.get("by", ""), dict(by))])
        self._choose("step", _steps(sent.getlist("step")))
        self._choose("between", _separators(sent))
        parts = [("", "–"), *((each, each.capitalize()) for each in PLAIN_PARTS), *columns]
        for place in range(1, _part_count(sent) + 1):
            chosen = [*parts, *_unknown(sent.get(f"part{place}", ""), dict(parts))]
            self.fields[f"part{place}"] = forms.ChoiceField(
                label=f"Part {place}", required=place == 1, choices=chosen
            )

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = choices

    @property
    def part_fields(self) -> list[forms.BoundField]:
        """Return the fields of the parts of the text, in order."""
        return [self[name] for name in self.fields if _PART.fullmatch(name)]

    @property
    def other_filters(self) -> list[tuple[str, str]]:
        """Return the filters that have no field of their own here."""
        assert isinstance(self.data, QueryDict)  # noqa: S101  (made above)
        return [
            (name, value)
            for name, values in self.data.lists()
            if name not in self.fields and name not in _NO_FILTERS
            for value in values
            if value
        ]

    def recipe(self) -> Recipe:
        """Return what was chosen; call it after is_valid(). Raises Invalid."""
        data = self.cleaned_data
        words = [("q", data["q"])] if data["q"] else []
        parts = (data[field.name] for field in self.part_fields)
        return Recipe(
            datasets=tuple(int(number) for number in data["source"]),
            filters=(*words, *self.other_filters),
            sample=_sample(data),
            cleaning=tuple(data["step"]),
            parts=tuple(part for part in parts if part),
            separator=_separator(data["between"]),
        )


def _sources(project: Project) -> list[tuple[str, str]]:
    rows = Dataset.objects.filter(project=project, is_ready=True).order_by("-pk")
    return [
        (str(pk), f"{name} ({count:,})")
        for pk, name, count in rows.values_list("pk", "name", "review_count")
    ]


def _steps(chosen: list[str]) -> list[tuple[str, str]]:
    """Offer the steps that are chosen first, in their order, since that is how they are applied."""
    first = [STEPS[key] for key in dict.fromkeys(chosen) if key in STEPS]
    rest = [step for step in STEPS.values() if step not in first]
    return [(step.key, f"{step.name}: {step.description}") for step in (*first, *rest)]


def _separators(sent: QueryDict) -> list[tuple[str, str]]:
    known = [(key, name) for key, (name, _) in SEPARATORS.items()]
    return [*known, *_unknown(sent.get("between", ""), dict(known))]


def _unknown(value: str | None, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Offer what the address names and nothing of ours is called; the recipe checks it."""
    return [(value, value.removeprefix(META))] if value and value not in known else []


def _separator(chosen: str) -> str:
    return SEPARATORS[chosen][1] if chosen in SEPARATORS else chosen


def _part_count(sent: QueryDict) -> int:
    numbers = [int(match[1]) for name in sent if (match := _PART.fullmatch(name))]
    return max(_PARTS, min(MAX_PARTS, max(numbers, default=0)))


def _sample(data: Mapping[str, Any]) -> Sample | None:
    kind, amount = data["sample"], data["amount"]
    if kind == "all":
        return None
    if amount is None:
        raise Invalid.of("amount", "Say how many percent, or how many reviews.")
    seed, by = data["seed"], data["by"]
    if kind == "count":
        if amount != int(amount):
            raise Invalid.of("amount", f"{amount} is no whole number of reviews.")
        return Sample(count=int(amount), by=by, seed=seed)
    if amount > 100:
        raise Invalid.of("amount", "A share is at most 100 percent.")
    return Sample(per_million=max(1, int(amount * 10_000)), by=by, seed=seed)
