"""The form that takes a whole file, where no script sends it in pieces."""

from django import forms

from reviews.sources import KINDS
from reviews.sources.kinds import COMPRESSIONS

_ENDINGS = [*(ending for kind in KINDS.values() for ending in kind.endings), *COMPRESSIONS]


class UploadForm(forms.Form):
    """A file of reviews."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # the service says what is wrong with an empty one
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(_ENDINGS)}),
    )
