"""Forms about oneself."""

from django import forms

from accounts.models import User


class ProfileForm(forms.ModelForm[User]):
    """Name, address and keyboard shortcuts."""

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "shortcuts")
        help_texts = {
            "shortcuts": "Single-letter keys on the label page. Enter and Tab always work."
        }
