"""The five reproductions: their data, their questions, how they are trained and what was there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ml.core.config import HeadConfig, Kind, Tier
from ml.reproduce import readings
from ml.reproduce.parting import Shares
from ml.reproduce.readings import Row


@dataclass(frozen=True)
class Figure:
    """A figure that a reproduction is judged by."""

    question: str
    """Key of the question."""
    name: str
    """Name of the figure among the metrics of the question."""
    label: str
    """What the table calls it."""
    wanted: float | None = None
    """The figure to reach, where there is one."""
    is_lower_better: bool = False
    """Whether it counts errors."""
    earlier: str = ""
    """What the earlier system reported, with the size of its test set."""


@dataclass(frozen=True)
class Recipe:
    """Everything a reproduction needs besides its files."""

    key: str
    title: str
    suits: str
    """What its settings suit, in the words of somebody with data of their own."""
    read: Callable[[Path], list[Row]]
    heads: Callable[[Sequence[Row]], tuple[HeadConfig, ...]]
    shares: Shares
    figures: tuple[Figure, ...]
    settings: Mapping[Tier, Mapping[str, Any]] = field(default_factory=dict)
    """What a tier is trained with where it differs from the tier's own settings."""
    tier: Tier = Tier.FROZEN
    """The tier that was best on validation rows for what it costs."""
    grouped_by: str = "near duplicates"
    more: Callable[[Sequence[Row]], tuple[HeadConfig, ...]] = lambda _: ()
    """Questions that the data answers too; learned where joint training is compared with models
    of one question each."""


def options_of(rows: Sequence[Row], question: str) -> tuple[str, ...]:
    """Return the answers that rows give to a choice, sorted."""
    return tuple(sorted({str(r.answers[question]) for r in rows if question in r.answers}))


_IMDB: Final = Recipe(
    key="imdb",
    title="IMDB film reviews, sentiment",
    suits="sentiment of long reviews",
    read=readings.imdb,
    heads=lambda _: (HeadConfig("sentiment", Kind.CHOICE, ("negative", "positive"), hidden=0),),
    shares=Shares(validation=0.1, test=0.5, most_validation=500, most_test=5000),
    figures=(
        Figure(
            *("sentiment", "accuracy", "accuracy", 0.85),
            earlier="0.8933 (n about 150; 500 samples, 3 epochs, bert-base-uncased)",
        ),
        Figure(*("sentiment", "macro_f1", "macro F1"), earlier="0.8928 (weighted; n about 150)"),
        Figure(*("sentiment", "ece", "ECE", 0.05), is_lower_better=True),
    ),
    # Long reviews end with their verdict.
    settings={
        Tier.FROZEN: {"max_tokens": 512, "truncation": "head_tail"},
        Tier.FULL: {"max_tokens": 256, "truncation": "head_tail"},
    },
)

_CLOTHING: Final = Recipe(
    key="clothing",
    title="Women's clothing reviews, sentiment, rating and age together",
    suits="sentiment and ratings together",
    tier=Tier.FULL,
    read=readings.clothing,
    heads=lambda _: (
        HeadConfig("sentiment", Kind.CHOICE, ("negative", "neutral", "positive")),
        HeadConfig("rating", Kind.NUMBER, minimum=1, maximum=5, is_integer=True),
        HeadConfig("age", Kind.NUMBER, weight=0.1),
    ),
    shares=Shares(validation=0.15, test=0.15, most_validation=1000),
    figures=(
        Figure(
            *("sentiment", "accuracy", "sentiment accuracy", 0.84),
            earlier="0.75-0.85 (Amazon reviews; n 28)",
        ),
        Figure("sentiment", "macro_f1", "sentiment macro F1", 0.65),
        Figure(
            *("rating", "mae", "rating MAE", 0.50),
            is_lower_better=True,
            earlier="0.5-0.8 (Amazon reviews; n 28)",
        ),
        Figure("age", "mae", "age MAE, years", is_lower_better=True),
        Figure("age", "r2", "age R2"),
        Figure("sentiment", "ece", "sentiment ECE", 0.05, is_lower_better=True),
        Figure("rating", "coverage", "rating, 90 % intervals that hold"),
        Figure("age", "coverage", "age, 90 % intervals that hold"),
    ),
    settings={Tier.FULL: {"epochs": 2, "learning_rate": 5e-5}},
    grouped_by="product and near duplicates",
    more=lambda rows: tuple(
        HeadConfig(question, Kind.CHOICE, options_of(rows, question))
        for question in ("recommended", "department")
    ),
)

_CATEGORIES: Final = Recipe(
    key="categories",
    title="Kinds of product in 5,000 Amazon reviews",
    suits="one of many kinds",
    read=readings.categories,
    heads=lambda rows: (HeadConfig("category", Kind.CHOICE, options_of(rows, "category")),),
    shares=Shares(validation=0.1, test=0.2),
    figures=(
        Figure(
            *("category", "accuracy", "accuracy"),
            earlier="0.7859 (other data: 1.2 M products)",
        ),
        Figure("category", "macro_f1", "macro F1"),
        Figure(*("category", "ece", "ECE", 0.05), is_lower_better=True),
    ),
    settings={
        Tier.FROZEN: {"max_tokens": 256},
        Tier.FULL: {"max_tokens": 128, "epochs": 4, "learning_rate": 5e-5},
    },
)

_SEMEVAL: Final = Recipe(
    key="semeval",
    title="SemEval-2014 restaurants, aspect categories",
    suits="aspects of single sentences",
    tier=Tier.FULL,
    read=readings.semeval,
    heads=lambda _: (
        HeadConfig(
            *("aspects", Kind.MULTICHOICE),
            ("food", "anecdotes/miscellaneous", "service", "ambience", "price"),
        ),
    ),
    shares=Shares(validation=0.1, test=0.2),
    figures=(
        Figure(
            *("aspects", "micro_f1", "aspect micro F1", 0.84),
            earlier="0.60-0.75 (other aspects, Amazon reviews; n 28)",
        ),
        Figure("aspects", "macro_f1", "aspect macro F1"),
        Figure("aspects", "hamming_loss", "Hamming loss", is_lower_better=True),
        Figure(*("aspects", "ece", "ECE", 0.05), is_lower_better=True),
    ),
    more=lambda _: (
        HeadConfig(
            *("terms", Kind.SPANS, ("term",)), polarities=("positive", "negative", "neutral")
        ),
    ),
    settings={
        Tier.FROZEN: {"max_tokens": 96},
        Tier.FULL: {"max_tokens": 96, "epochs": 6, "learning_rate": 5e-5},
    },
)

_CONLL: Final = Recipe(
    key="conll",
    title="CoNLL-2003 named entities",
    suits="names and other spans",
    read=readings.conll,
    heads=lambda _: (HeadConfig("entities", Kind.SPANS, readings.ENTITIES),),
    shares=Shares(validation=0.1, test=0.0, most_validation=500),
    figures=(
        Figure(
            *("entities", "micro_f1", "strict entity F1, micro", 0.60),
            earlier="0.7503 (macro over tags, as they computed it; n about 150 sentences)",
        ),
        Figure("entities", "macro_f1", "strict entity F1, macro"),
        Figure(
            *("entities", "word_accuracy", "token accuracy", 0.9195),
            earlier="0.9195 (n about 150 sentences; bert-base-uncased)",
        ),
        Figure(*("entities", "ece", "ECE", 0.05), is_lower_better=True),
    ),
)

RECIPES: Final = {
    recipe.key: recipe for recipe in (_IMDB, _CONLL, _SEMEVAL, _CLOTHING, _CATEGORIES)
}
