"""Forms about how work is shared."""

from collections.abc import Iterable
from typing import Any

from django import forms

from labelling.policies import MAX_MINUTES, MAX_OVERLAP, Policies
from projects.models import GoldPolicy

_SHARES = ("overlap_share", "check_share", "control_share")


def _percent(label: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(min_value=0, max_value=100, label=f"{label}, in %", help_text=help_text)


class PolicyForm(forms.Form):
    """What an owner decides about labelling; shares are shown in per cent."""

    overlap_count = forms.IntegerField(
        min_value=1,
        max_value=MAX_OVERLAP,
        label="People who answer a review",
        help_text="More than one lets you see how far people agree.",
    )
    overlap_share = _percent(
        "Of reviews, answered by so many people",
        "Drawn at random; the rest is answered by one person. Holds for reviews answered from now "
        "on.",
    )
    check_share = _percent(
        "Of what is served, quality checks",
        "Reviews that a reviewer has decided, served unmarked: see Label, Quality checks.",
    )
    control_share = _percent(
        "Of what is served, drawn at random",
        "The control slice, whatever a model thinks of it: it keeps measurements honest.",
    )
    is_blind = forms.BooleanField(
        required=False,
        label="Blind: annotators see neither others’ answers nor a model’s proposals",
    )
    gold_policy = forms.ChoiceField(choices=GoldPolicy.choices, label="What becomes gold by itself")
    lease_minutes = forms.IntegerField(
        min_value=1,
        max_value=MAX_MINUTES,
        label="Minutes until a silent person’s review goes to somebody else",
    )

    @staticmethod
    def showing(policies: Policies) -> dict[str, Any]:
        """Return the initial values of a form."""
        shown = {name: getattr(policies, name) for name in PolicyForm.base_fields}
        return shown | {name: round(100 * shown[name], 4) for name in _SHARES}

    def changes(self) -> dict[str, Any]:
        """Return what the services take."""
        data = self.cleaned_data
        return data | {name: data[name] / 100 for name in _SHARES}


class ReserveForm(forms.Form):
    """Reviews for one member."""

    username = forms.ChoiceField(label="Member")
    reviews = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=100_000,
        label="Numbers of reviews",
        help_text="As in their addresses, such as 12, 15, 18.",
    )

    def __init__(self, data: Any = None, *, usernames: Iterable[str]) -> None:
        super().__init__(data)
        # Nobody is chosen beforehand: reviews go to a person on purpose alone.
        chosen = [("", "Choose a member"), *((name, name) for name in usernames)]
        self.fields["username"].choices = chosen  # type: ignore[attr-defined]  # a ChoiceField

    def clean_reviews(self) -> list[int]:
        """Return the numbers."""
        words = self.cleaned_data["reviews"].replace(",", " ").split()
        wrong = [each for each in words if not (each.isascii() and each.isdigit())]
        if wrong:
            raise forms.ValidationError(f"{wrong[0][:40]!r} is no number of a review.")
        return [int(each) for each in words if len(each) < 18]


class CountForm(forms.Form):
    """How many."""

    count = forms.IntegerField(min_value=1, max_value=10_000, initial=100, label="Reviews")


class QuotaForm(forms.Form):
    """How many reviews a member may label in a day."""

    username = forms.CharField(max_length=150)
    daily_quota = forms.IntegerField(required=False, min_value=0, max_value=100_000)
