"""Forms about questions."""

from typing import Any

from django import forms

from common.errors import FieldError
from labelling import schemas
from labelling.models import Question
from labelling.snapshot import OPTION_KINDS, OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.versions import MAX_GUIDELINES


class GuidelinesForm(forms.Form):
    """What annotators should know."""

    guidelines = forms.CharField(
        required=False,
        max_length=MAX_GUIDELINES,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Shown beside every review: how to decide doubtful cases.",
    )


class ChangesForm(forms.Form):
    """Changes that have been looked at and are to be made."""

    changes = forms.JSONField(widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput)


#: Fields that belong to one kind of question alone.
_OF_KIND = (
    ("number", "minimum"),
    ("number", "maximum"),
    ("number", "is_integer"),
    ("spans", "has_polarity"),
    ("spans", "allows_overlap"),
)


class QuestionForm(forms.Form):
    """One question; options one a line."""

    name = forms.CharField(max_length=schemas.MAX_NAME, help_text="What annotators read.")
    kind = forms.ChoiceField(choices=Question.Kind.choices, label="Answered by")
    options = forms.CharField(
        required=False,
        strip=True,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=(
            "One a line, in the order in which they are offered; none for a number. "
            "A line that keeps its name keeps its answers."
        ),
    )
    instructions = forms.CharField(
        required=False,
        max_length=schemas.MAX_INSTRUCTIONS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    is_required = forms.BooleanField(required=False, initial=True, label="Needs an answer")
    minimum = forms.FloatField(required=False)
    maximum = forms.FloatField(required=False)
    is_integer = forms.BooleanField(required=False, label="Whole numbers only")
    has_polarity = forms.BooleanField(
        required=False, label="Spans say negative, neutral or positive"
    )
    allows_overlap = forms.BooleanField(
        required=False,
        initial=True,
        label="Spans may overlap",
        help_text="Without it two spans of one review share no character.",
    )

    @property
    def common_fields(self) -> list[forms.BoundField]:
        """Return the fields of every kind of question."""
        own = {name for _, name in _OF_KIND}
        return [field for field in self if field.name not in own]

    @property
    def kind_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields of one kind alone, with what they are about."""
        about = {"number": "A number", "spans": "Spans"}
        groups = {
            words: [self[name] for of, name in _OF_KIND if of == kind and name in self.fields]
            for kind, words in about.items()
        }
        return [(words, fields) for words, fields in groups.items() if fields]

    @classmethod
    def values_of(cls, question: QuestionSnapshot) -> dict[str, Any]:
        """Return a question as the form's first values."""
        return {
            "name": question.name,
            "kind": question.kind,
            "options": "\n".join(option.name for option in question.options),
            "instructions": question.instructions,
            "is_required": question.is_required,
            "minimum": question.minimum,
            "maximum": question.maximum,
            "is_integer": question.is_integer,
            "has_polarity": question.has_polarity,
            "allows_overlap": question.allows_overlap,
        }

    def fix_kind(self) -> None:
        """Hold the kind fast, another kind is another question; leave out what is not of it.

        Options have forms of their own.
        """
        kind = self.initial["kind"]
        self.fields["kind"].disabled = True
        for name in ("options", *(each for of, each in _OF_KIND if of != kind)):
            del self.fields[name]

    def question(self, schema: SchemaSnapshot, before: QuestionSnapshot | None) -> QuestionSnapshot:
        """Return the question that the form describes; `before` is the one it changes."""
        data = self.cleaned_data
        kind = data["kind"]
        taken = [question.key for question in schema.questions]
        return QuestionSnapshot(
            key=before.key if before else schemas.key_of(data["name"], taken),
            name=data["name"],
            kind=kind,
            options=self._options(before) if kind in OPTION_KINDS else (),
            instructions=data["instructions"],
            is_required=data["is_required"],
            minimum=data["minimum"] if kind == "number" else None,
            maximum=data["maximum"] if kind == "number" else None,
            is_integer=kind == "number" and data["is_integer"],
            has_polarity=kind == "spans" and data["has_polarity"],
            allows_overlap=kind != "spans" or data["allows_overlap"],
        )

    def _options(self, before: QuestionSnapshot | None) -> tuple[OptionSnapshot, ...]:
        if "options" not in self.cleaned_data:
            return before.options if before else ()
        known = {option.name: option for option in (before.options if before else ())}
        taken = {option.key for option in known.values()}
        options: list[OptionSnapshot] = []
        for line in self.cleaned_data["options"].splitlines():
            name = line.strip()
            if not name:
                continue
            option = known.get(name)
            if option is None:
                colour = 1 + len(options) % schemas.COLOURS
                option = OptionSnapshot(schemas.key_of(name, taken), name, colour)
                taken.add(option.key)
            options.append(option)
        return tuple(options)

    def blame(self, error: FieldError) -> None:
        """Put an error of the whole set beside the field that it speaks of."""
        name = error.field.rpartition("].")[2].partition("[")[0]
        at = "options" if ".options" in error.field else name
        self.add_error(at if at in self.fields else None, error.message)
