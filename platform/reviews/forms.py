"""Forms of the upload: the file, how to read it, and which column is what."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from common.errors import Invalid
from reviews.guessing import DELIMITERS, ENCODINGS
from reviews.mapping import DEFAULT_SEPARATOR, ColumnMapping
from reviews.models import Dataset, Review
from reviews.services import MAX_DATASET_NAME
from reviews.tables import Format

_DELIMITER_KEYS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "bar": "|",
    "caret": "^",
    "tilde": "~",
    "colon": ":",
    "space": " ",
}
SEPARATORS = {
    "paragraph": ("A blank line", DEFAULT_SEPARATOR),
    "line": ("A line break", "\n"),
    "space": ("A space", " "),
    "sep": ("The marker [SEP]", " [SEP] "),
}


class UploadForm(forms.Form):
    """A file of reviews."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # the service says what is wrong with an empty one
        help_text="CSV or another delimited text, one review a row. You choose the columns next.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )


class FormatForm(forms.Form):
    """How to read the file; every field is in the URL of the mapping page."""

    encoding = forms.ChoiceField(choices=list(ENCODINGS.items()))
    delimiter = forms.ChoiceField(
        choices=[(key, DELIMITERS[char]) for key, char in _DELIMITER_KEYS.items()]
    )
    header = forms.ChoiceField(
        label="First row", choices=[("yes", "Names of the columns"), ("no", "A review")]
    )

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what the URL says about the format, as arguments of services.preview."""
        delimiter = query.get("delimiter", "")
        header = query.get("header", "")
        if delimiter and delimiter not in _DELIMITER_KEYS:
            raise Invalid.of("delimiter", f"{delimiter[:20]!r} is no delimiter that is known here.")
        return {
            "encoding": query.get("encoding") or None,
            "delimiter": _DELIMITER_KEYS.get(delimiter),
            "has_header": {"yes": True, "no": False}.get(header),
        }

    @classmethod
    def of(cls, chosen: Format) -> "FormatForm":
        """Show a format."""
        keys = {char: key for key, char in _DELIMITER_KEYS.items()}
        header = "yes" if chosen.has_header else "no"
        return cls(
            initial={
                "encoding": chosen.encoding,
                "delimiter": keys[chosen.delimiter],
                "header": header,
            }
        )


class MappingForm(forms.Form):
    """The data set's name, and for each column what it becomes."""

    name = forms.CharField(label="Name of the data set", max_length=MAX_DATASET_NAME)
    separator = forms.ChoiceField(
        label="Between joined texts",
        choices=[(key, name) for key, (name, _) in SEPARATORS.items()],
        help_text="Used when several columns make up the text.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        columns: Sequence[str],
        questions: Mapping[str, str],
        guess: ColumnMapping,
        name: str,
        has_header: bool,
    ) -> None:
        initial = {"name": name, "separator": "paragraph"}
        super().__init__(data, initial=initial)
        self._columns = list(columns)
        self._has_header = has_header
        for index, column in enumerate(columns):
            self.fields[f"column-{index}"] = forms.ChoiceField(
                label=column,
                choices=_roles(questions),
                initial=_role(column, guess),
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        """Ask for text here: left to the import, it would guess."""
        roles = [value for name, value in self.cleaned_data.items() if name.startswith("column-")]
        if "text" not in roles and not self.errors:
            raise forms.ValidationError("Choose at least one column that is part of the text.")
        return self.cleaned_data

    @property
    def column_fields(self) -> list[forms.BoundField]:
        """Return the fields of the columns, in the file's order."""
        return [self[f"column-{index}"] for index in range(len(self._columns))]

    def mapping(self) -> ColumnMapping:
        """Return what was chosen; call it after is_valid()."""
        chosen = {
            column: self.cleaned_data[f"column-{index}"]
            for index, column in enumerate(self._columns)
        }
        return ColumnMapping(
            text=tuple(name for name, role in chosen.items() if role == "text"),
            separator=SEPARATORS[self.cleaned_data["separator"]][1],
            answers={
                name: role.removeprefix("answer:")
                for name, role in chosen.items()
                if role.startswith("answer:")
            },
            metadata=tuple(name for name, role in chosen.items() if role == "metadata"),
            date=self._only(chosen, "date"),
            product=self._only(chosen, "product"),
            author=self._only(chosen, "author"),
            has_header=self._has_header,
        )

    def _only(self, chosen: Mapping[str, str], role: str) -> str:
        names = [name for name, each in chosen.items() if each == role]
        if len(names) > 1:
            raise Invalid.of(
                "mapping", f"Two columns are the {role}: {', '.join(names)}. Choose one."
            )
        return names[0] if names else ""


def _roles(questions: Mapping[str, str]) -> list[Any]:
    answers = [(f"answer:{key}", name) for key, name in questions.items()]
    plain = [
        ("text", "Part of the text"),
        ("metadata", "Metadata"),
        ("date", "Date of the review"),
        ("product", "Product"),
        ("author", "Author"),
        ("", "Leave out"),
    ]
    return [*plain, ("Answer to", answers)] if answers else plain


def _role(column: str, guess: ColumnMapping) -> str:
    if column in guess.text:
        return "text"
    if column in guess.answers:
        return f"answer:{guess.answers[column]}"
    by_name = {guess.date: "date", guess.product: "product", guess.author: "author"}
    return by_name.get(column, "metadata")


class FilterForm(forms.Form):
    """The filters of the review table that have a field of their own."""

    q = forms.CharField(label="Words", required=False)
    dataset = forms.ChoiceField(label="Data set", required=False)
    split = forms.ChoiceField(choices=[("", "Any"), *Review.Split.choices], required=False)
    min_length = forms.IntegerField(label="Characters, at least", min_value=0, required=False)

    def __init__(self, data: Mapping[str, Any], *, datasets: Sequence[Dataset]) -> None:
        super().__init__(data)
        field = self.fields["dataset"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [("", "All"), *((each.pk, each.name) for each in datasets)]
