"""What people fill in about maps."""

from typing import Any

from django import forms

from ml import mapping
from ml.models import EmbeddingMap
from projects.models import Project
from reviews.selectors import dataset_of, datasets_of


class MapForm(forms.Form):
    """Which data set to draw, and how."""

    dataset = forms.ChoiceField(label="Data set")
    method = forms.ChoiceField(
        choices=EmbeddingMap.Method.choices,
        initial=EmbeddingMap.Method.PCA,
        widget=forms.RadioSelect,
        label="Laid out by",
    )
    size = forms.IntegerField(
        min_value=mapping.FEWEST,
        max_value=mapping.MOST,
        initial=mapping.USUAL,
        label="Reviews at most",
        help_text="Of a larger data set a sample is drawn, always the same one.",
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        dataset = self.fields["dataset"]
        assert isinstance(dataset, forms.ChoiceField)  # noqa: S101
        ready = datasets_of(project).filter(is_ready=True)
        dataset.choices = [(str(each.pk), each.name) for each in ready]

    def wishes(self, project: Project) -> dict[str, Any]:
        """Return what the valid form asks for, the data set found."""
        data = self.cleaned_data
        dataset = dataset_of(project, int(data["dataset"]))
        return {"dataset": dataset, "method": data["method"], "size": data["size"]}
