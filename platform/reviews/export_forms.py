"""The form of an export."""

from collections.abc import Iterable
from typing import Any

from django import forms

from common.errors import Invalid
from projects.models import Project
from reviews import labels
from reviews.formats import FORMATS
from reviews.labels import LabelSource, QuestionInfo
from reviews.models import Dataset
from reviews.wanted import NONE, TOKENS, Wanted

#: Names of fields; any other name in the address of the form is a filter of the review table.
OWN_NAMES = frozenset(
    {"format", "labels", "model_version", "dataset", "question", "tokens", "columns", "filter"}
    | {"csrfmiddlewaretoken", "after", "before"}
)
_MAX_FILTERS = 50


class ExportForm(forms.Form):
    """Which reviews, whose labels, in which format."""

    format = forms.ChoiceField(
        choices=[(each.key, each.name) for each in FORMATS.values()],
        widget=forms.RadioSelect,
        initial="csv",
    )
    dataset = forms.ChoiceField(label="Reviews", required=False)
    labels = forms.ChoiceField(label="Whose labels", initial="gold")
    model_version = forms.IntegerField(
        label="Model version",
        required=False,
        min_value=1,
        max_value=10**8,
        help_text="With the labels of a model; empty is the champion.",
    )
    question = forms.ChoiceField(
        label="Question",
        required=False,
        help_text="For formats that are about one question: CoNLL-2003, spaCy and doccano.",
    )
    tokens = forms.ChoiceField(
        label="Tokens",
        choices=[("words", "Words and punctuation apart"), ("spaces", "Cut at white space only")],
        help_text="For CoNLL-2003. Choose white space for texts that came as tokens.",
    )
    columns = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="Names with commas between them, such as product, date. Empty is all there are.",
    )

    def __init__(
        self,
        project: Project,
        datasets: Iterable[Dataset],
        filters: list[tuple[str, str]],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._filters = filters
        everything = "All that fit the filters" if filters else "All reviews of the project"
        self.fields["dataset"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", everything),
            *((str(each.pk), f"{each.name} ({each.review_count:,})") for each in datasets),
        ]
        usable = _usable(project)
        self.fields["labels"].choices = [  # type: ignore[attr-defined]
            (NONE, "None: the reviews alone"),
            *((source.key, source.name) for source, _ in usable),
        ]
        if "gold" not in {source.key for source, _ in usable}:
            self.fields["labels"].initial = NONE
        questions = {each.key: each.name for _, asked in usable for each in asked}
        self.fields["question"].choices = [  # type: ignore[attr-defined]
            ("", "The only one that fits"),
            *questions.items(),
        ]

    def wish(self) -> Wanted:
        """Return what was asked; the form is valid."""
        data = self.cleaned_data
        version = data["model_version"]
        names = [name.strip() for name in data["columns"].split(",")]
        asks_model = data["labels"] == "model"
        return Wanted(
            format=data["format"],
            labels=data["labels"],
            label_settings={"version": str(version)} if version and asks_model else {},
            filters=tuple(self._filters),
            dataset=int(data["dataset"]) if data["dataset"] else None,
            columns=tuple(name for name in names if name) if data["columns"].strip() else None,
            question=data["question"] if FORMATS[data["format"]].one_of else "",
            tokens=data["tokens"] or TOKENS[0],
        )


def _usable(project: Project) -> list[tuple[LabelSource, list[QuestionInfo]]]:
    """Return the sources that have something to say in this project, and their questions."""
    found = []
    for source in labels.sources():
        try:
            chosen = labels.source_of(project, source.key)
            found.append((chosen, chosen.questions(project)))
        except Invalid:  # such as a model where none is trained
            continue
    return found


def filters_of(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the filters of an address, or of the form that was made from one."""
    found = [(name, value) for name, value in pairs if name not in OWN_NAMES and value]
    for name, value in pairs:
        if name == "filter":
            key, _, wanted = value.partition("=")
            found.append((key, wanted))
    return found[:_MAX_FILTERS]
