"""Settings that were measured on public data, to begin a training of one's own with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ml.reproduce.recipes import RECIPES, Recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """A link to the form with the settings of a recipe filled in."""

    suits: str
    #: The data that it was measured on.
    measured_on: str
    query: str


def presets(questions: Sequence[str]) -> list[Preset]:
    """Return a preset of every recipe; the form gets all of the questions ticked."""
    return [_preset(recipe, questions) for recipe in RECIPES.values()]


def _preset(recipe: Recipe, questions: Sequence[str]) -> Preset:
    given = recipe.settings.get(recipe.tier, {})
    fields: dict[str, Any] = {"tier": recipe.tier.value, "questions": questions, **given}
    return Preset(recipe.suits, recipe.title, urlencode(fields, doseq=True))
