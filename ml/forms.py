"""What people fill in about trainings and predictions."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings

from labelling.selectors import current_schema
from ml.core import encoders
from ml.inputs import MAX_CHARS
from ml.models import Tier
from ml.wishes import (
    LEAST_TOKENS,
    MOST_MINUTES,
    MOST_STEPS,
    MOST_TEXTS,
    MOST_TOKENS,
    OF_HEADS,
    ORDINALS,
    POOLINGS,
    PRECISIONS,
    TRUNCATIONS,
    HeadWish,
    Wishes,
    own_field,
    tokens_rule,
)
from projects.models import Project
from reviews.selectors import datasets_of

_TIERS = {
    Tier.TFIDF: "Words (TF-IDF): seconds, needs no encoder",
    Tier.FROZEN: "Frozen encoder: a minute or two, the usual choice",
    Tier.FULL: "Fine-tuned encoder: the best with many labels, hours without a GPU",
}


ADVANCED = (
    "truncation",
    "pooling",
    "class_weights",
    "hidden",
    "dropout",
    "projection",
    "normalise",
    "ordinal",
    "unfreeze",
    "layer_decay",
    "accumulate",
    "precision",
    "pretraining_texts",
    "pretraining_steps",
    "pretraining_minutes",
)


_OWN_LABELS = {
    "weight": "Weight in the joint loss",
    "hidden": "Width of the hidden layer",
    "dropout": "Dropout",
}


def _open(choices: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return choices with one that leaves it to us."""
    return [("", "As usual"), *choices.items()]


class TrainForm(forms.Form):
    """How to train; every field may be left alone."""

    tier = forms.ChoiceField(
        choices=[(tier.value, name) for tier, name in _TIERS.items()],
        widget=forms.RadioSelect,
        required=False,
        label="How much is learned",
    )
    questions = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, required=False, label="Questions"
    )
    encoder = forms.ChoiceField(required=False, help_text="What turns a text into numbers.")
    other_encoder = forms.CharField(
        required=False,
        max_length=200,
        label="Another encoder",
        help_text="A Hugging Face name such as roberta-base, or a folder on the server.",
    )
    epochs = forms.IntegerField(required=False, min_value=1, max_value=1000)
    batch_size = forms.IntegerField(required=False, min_value=1, max_value=4096)
    learning_rate = forms.FloatField(required=False, min_value=1e-9, max_value=1.0)
    max_tokens = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_TOKENS,
        help_text="How much of a review is read; left empty or 0, as much as most reviews are "
        "long.",
    )
    max_samples = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, label="At most so many training reviews"
    )
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)

    beside = forms.MultipleChoiceField(
        choices=[
            ("lstm", "An LSTM on words, trained from nothing: two minutes at most"),
            ("single_task", "One model a question: takes as long as the model itself again"),
        ],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Measure beside it",
    )

    truncation = forms.ChoiceField(
        choices=_open(TRUNCATIONS),
        required=False,
        label="What is read of a long review",
    )
    pooling = forms.ChoiceField(
        choices=_open(POOLINGS), required=False, label="One vector of a review"
    )
    class_weights = forms.BooleanField(
        required=False,
        label="Rare options weigh more",
        help_text="Marks of spans too. More of them are found, fewer answers are right in all.",
    )
    hidden = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=4096,
        label="Width of the hidden layer",
        help_text="Of every question but spans; 0 for none.",
    )
    dropout = forms.FloatField(
        required=False,
        min_value=0,
        max_value=0.95,
        help_text="Share of the inputs that is left out at each step.",
    )
    projection = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=4096,
        label="Width of a projection",
        help_text="A layer that all questions share, before their own; empty for none.",
    )
    normalise = forms.BooleanField(
        required=False,
        label="Vectors of length one",
        help_text="A review's direction counts then, and not how strongly it is read.",
    )
    ordinal = forms.ChoiceField(
        choices=_open(ORDINALS), required=False, label="How a scale of whole numbers is learned"
    )
    unfreeze = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        label="Layers that learn, from the last",
        help_text="Only of a fine-tuned encoder; empty for all.",
    )
    layer_decay = forms.FloatField(
        required=False,
        min_value=0.1,
        max_value=1,
        label="Rate of a layer beside the one above",
        help_text="Only of a fine-tuned encoder; 0.9 lets lower layers change less.",
    )
    accumulate = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=256,
        label="Batches summed before a step",
        help_text="Only of a fine-tuned encoder; saves memory.",
    )
    precision = forms.ChoiceField(
        choices=_open(PRECISIONS),
        required=False,
        label="Arithmetic",
        help_text="Only of a fine-tuned encoder.",
    )

    pretraining_texts = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_TEXTS,
        label="Texts read before, without labels",
        help_text="Only of a fine-tuned encoder, which guesses masked words in them; it helps most "
        "where labels are few. None of the test reviews is read. Empty for none.",
    )
    pretraining_steps = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_STEPS,
        label="Steps of that reading at most",
        help_text="Empty for three passes over the texts.",
    )
    pretraining_minutes = forms.FloatField(
        required=False,
        min_value=0.1,
        max_value=MOST_MINUTES,
        label="Minutes of that reading at most",
        help_text="Empty for 30.",
    )

    def __init__(self, project: Project, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        questions = self.fields["questions"]
        encoder = self.fields["encoder"]
        assert isinstance(questions, forms.MultipleChoiceField)  # noqa: S101
        assert isinstance(encoder, forms.ChoiceField)  # noqa: S101
        self._questions = current_schema(project).questions
        questions.choices = [(each.key, each.name) for each in self._questions]
        encoder.choices = _encoders()
        for each in self._questions:
            self.fields |= {own_field(each.key, name): _own(name, each.name) for name in OF_HEADS}

    def clean_max_tokens(self) -> int | None:
        """Refuse so few tokens that nothing can be read."""
        tokens: int | None = self.cleaned_data["max_tokens"]
        if tokens is not None and 0 < tokens < LEAST_TOKENS:
            raise forms.ValidationError(tokens_rule())
        return tokens

    @property
    def advanced(self) -> list[forms.BoundField]:
        """Return the fields that few people need."""
        return [self[name] for name in ADVANCED]

    @property
    def is_advanced(self) -> bool:
        """Tell whether one of those was filled in."""
        own = [field for _, fields in self.of_questions for field in fields]
        return any(field.value() or field.errors for field in [*self.advanced, *own])

    @property
    def of_questions(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return every question's name with the fields of its own settings."""
        return [
            (each.name, [self[own_field(each.key, name)] for name in OF_HEADS])
            for each in self._questions
        ]

    def wishes(self) -> Wishes:
        """Return what the valid form asks for."""
        data = dict(self.cleaned_data)
        data["heads"] = self._head_wishes(data)
        for name in ("truncation", "pooling", "ordinal", "precision", "class_weights", "normalise"):
            data[name] = data[name] or None
        other = data.pop("other_encoder").strip()
        data["encoder"] = other or data["encoder"] or None
        data["tier"] = data["tier"] or None
        data["beside"] = tuple(data["beside"])
        data["questions"] = tuple(data["questions"]) or None
        return Wishes(**data)

    def _head_wishes(self, data: dict[str, Any]) -> dict[str, HeadWish]:
        """Take the settings of single questions out of the data."""
        found = {
            each.key: HeadWish(**{n: data.pop(own_field(each.key, n)) for n in OF_HEADS})
            for each in self._questions
        }
        return {key: wish for key, wish in found.items() if wish != HeadWish()}


def _own(name: str, question: str) -> forms.Field:
    """Return the field of one setting of one question."""
    low, high = OF_HEADS[name]
    label = f"{_OWN_LABELS[name]}: {question}"
    if name == "hidden":
        return forms.IntegerField(
            required=False, min_value=int(low), max_value=int(high), label=label
        )
    return forms.FloatField(required=False, min_value=low, max_value=high, label=label)


def _encoders() -> list[tuple[str, str]]:
    """Return the catalogue, with the configured encoder first."""
    names = [settings.GLOSS_ENCODER, *(each.name for each in encoders.catalogue())]
    found = [encoders.find(name) for name in dict.fromkeys(names)]
    return [
        (each.name, each.name if each.is_here else f"{each.name} (fetched at the first training)")
        for each in found
    ]


class TryForm(forms.Form):
    """One review."""

    text = forms.CharField(
        max_length=MAX_CHARS,
        widget=forms.Textarea(attrs={"rows": 5}),
        label="A review",
        help_text="The model answers every question about it. Nothing is stored.",
    )


class PredictForm(forms.Form):
    """What to predict in bulk."""

    dataset = forms.ChoiceField(required=False, label="A data set")
    file = forms.FileField(
        required=False, label="Or a file", help_text="CSV, JSON lines or Parquet, by its ending."
    )
    text = forms.CharField(
        required=False,
        max_length=200,
        label="Column with the text",
        help_text="Only for files; a column called text or review is found by itself.",
    )

    def __init__(self, project: Project, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        dataset = self.fields["dataset"]
        assert isinstance(dataset, forms.ChoiceField)  # noqa: S101
        ready = datasets_of(project).filter(is_ready=True)
        dataset.choices = [("", "None"), *((str(each.pk), each.name) for each in ready)]

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        data = super().clean() or self.cleaned_data
        if bool(data.get("dataset")) == bool(data.get("file")) and not self.errors:
            raise forms.ValidationError("Choose a data set or a file, one of them.")
        return data
