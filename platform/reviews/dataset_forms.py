"""The forms on the page of a data set: draw splits anew, make a version."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from reviews.snapshots import MAX_NOTE
from reviews.splitting import DEFAULT_SHARES, Wishes
from reviews.strata import Stratifier

_NONE = "-"


class SplitForm(forms.Form):
    """How the splits of a data set are to be drawn."""

    question = forms.ChoiceField(
        label="Shares for each answer to", help_text="So that no answer is rare in the test split."
    )
    by_product = forms.BooleanField(
        label="Keep the reviews of a product together",
        required=False,
        help_text="Models are then tested on products that they have not seen.",
    )
    train = forms.IntegerField(label="Train (%)", min_value=1, max_value=98)
    validation = forms.IntegerField(label="Validation (%)", min_value=1, max_value=98)
    test = forms.IntegerField(label="Test (%)", min_value=1, max_value=98)
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        help_text="The same number draws the same splits again; 0 stays close to the first draw.",
    )

    def __init__(self, questions: Iterable[Stratifier], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "split_%s"
        choices = [(each.key, each.name) for each in questions]
        self.fields["question"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            *choices,
            (_NONE, "No question: all reviews alike"),
        ]

    def clean(self) -> dict[str, Any]:
        """Refuse shares that are not the whole."""
        values = super().clean() or {}
        shares = [values.get(name) for name in ("train", "validation", "test")]
        if None not in shares and sum(share for share in shares if share) != 100:
            raise forms.ValidationError("Train, validation and test are 100 percent together.")
        return values

    def wishes(self) -> Wishes:
        """Return what was chosen."""
        values = self.cleaned_data
        return Wishes(
            question="" if values["question"] == _NONE else values["question"],
            by_product=values["by_product"],
            shares=(values["train"] / 100, values["validation"] / 100, values["test"] / 100),
            seed=values["seed"],
        )


def initial_of(plan: Mapping[str, Any], questions: Iterable[Stratifier]) -> dict[str, Any]:
    """Return what the form shows at first: the last draw, or what a first one would be."""
    train, validation, test = (round(100 * each) for each in plan.get("shares", DEFAULT_SHARES))
    first = next((each.key for each in questions), _NONE)
    return {
        "question": plan.get("question", first) or _NONE,
        "by_product": plan.get("by_product", False),
        "train": train,
        "validation": validation,
        "test": test,
        "seed": plan.get("seed", 0),
    }


class VersionForm(forms.Form):
    """A note on a version."""

    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        help_text="What it is for, such as: before the second round of labelling.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "version_%s"
