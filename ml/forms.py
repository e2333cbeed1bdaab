"""What people fill in about trainings and predictions."""

from typing import Any

from django import forms
from django.conf import settings

from labelling.selectors import current_schema
from ml.api_predict import MAX_CHARS
from ml.core import encoders
from ml.models import Tier
from ml.planning import Wishes
from projects.models import Project
from reviews.selectors import datasets_of

_TIERS = {
    Tier.TFIDF: "Words (TF-IDF): seconds, needs no encoder",
    Tier.FROZEN: "Frozen encoder: a minute or two, the usual choice",
    Tier.FULL: "Fine-tuned encoder: the best with many labels, hours without a GPU",
}


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
        required=False, min_value=8, max_value=8192, help_text="How much of a review is read."
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

    def __init__(self, project: Project, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        questions = self.fields["questions"]
        encoder = self.fields["encoder"]
        assert isinstance(questions, forms.MultipleChoiceField)  # noqa: S101
        assert isinstance(encoder, forms.ChoiceField)  # noqa: S101
        questions.choices = [(each.key, each.name) for each in current_schema(project).questions]
        encoder.choices = _encoders()

    def wishes(self) -> Wishes:
        """Return what the valid form asks for."""
        data = dict(self.cleaned_data)
        other = data.pop("other_encoder").strip()
        data["encoder"] = other or data["encoder"] or None
        data["tier"] = data["tier"] or None
        data["beside"] = tuple(data["beside"])
        data["questions"] = tuple(data["questions"]) or None
        return Wishes(**data)


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
