"""Forms about a project."""

from django import forms

from accounts.models import ApiToken
from projects import presets
from projects.models import SLUG_PATTERN, Role


def _preset_choices() -> list[tuple[str, str]]:
    return [(preset.key, preset.name) for preset in presets.known()]


class ProjectForm(forms.Form):
    """What makes a project."""

    name = forms.CharField(max_length=100, help_text="What people see, such as Shoe reviews.")
    slug = forms.RegexField(
        SLUG_PATTERN,
        label="Short name",
        required=False,
        help_text="For addresses and programs; made from the name when left empty.",
        error_messages={"invalid": "Use 2 to 50 lower-case letters, digits and hyphens."},
    )
    preset = forms.ChoiceField(
        choices=_preset_choices,
        label="Questions",
        widget=forms.RadioSelect,
        help_text="Where to start; every question can be changed before labelling begins.",
    )


class RenameForm(forms.Form):
    """A project's name."""

    name = forms.CharField(max_length=100)


class MemberForm(forms.Form):
    """Who, and as what."""

    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=[(role.label, role.label.capitalize()) for role in Role])


class TokenForm(forms.Form):
    """A program's key."""

    name = forms.CharField(max_length=100, help_text="Which program will use it.")
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(min_value=1, max_value=365, initial=90, label="Days until it expires")
