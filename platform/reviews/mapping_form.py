"""Which column becomes what: our fields, with theirs to choose from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.html import escape

from common.errors import Invalid
from projects.models import Project
from reviews import value_guess
from reviews.answers import sink_for
from reviews.cleaning import STEPS
from reviews.mapping import DEFAULT_SEPARATOR, ColumnMapping
from reviews.previews import Preview
from reviews.services import MAX_DATASET_NAME

SEPARATORS = {
    "paragraph": ("A blank line", DEFAULT_SEPARATOR),
    "line": ("A line break", "\n"),
    "space": ("A space", " "),
    "sep": ("The marker [SEP]", " [SEP] "),
}
_TEXTS = 4
_ROLES = {"date": "Date", "product": "Product", "author": "Author", "annotator": "Annotator"}
#: How the names of the fields begin that choose a column.
_SELECTS = ("text-", "answer-", *_ROLES)
#: So many values of a column are listed to say what they mean.
_MAX_VALUES = 40
_NOTHING = "(nothing)"
#: In a select of options: the cell says nothing, which is no reason to refuse the row.
NO_ANSWER = "-"

_DUPLICATES = {
    "skip": "Leave it out",
    "keep": "Keep it as another review",
    "update": "Update the review that is there",
}
_NEAR_DUPLICATES = {"keep": "Keep it", "skip": "Leave it out"}


@dataclass(frozen=True, slots=True)
class Row:
    """One of our fields on the page: its selects, samples of what was chosen, words to explain."""

    label: str
    fields: list[forms.BoundField]
    samples: list[str]
    values: list[forms.BoundField]
    is_question: bool = False


@dataclass(frozen=True, slots=True)
class Unused:
    """A column that none of our fields uses."""

    name: str
    place: int
    field: forms.BoundField | None
    samples: list[str]


class MappingForm(forms.Form):
    """The data set's name and the mapping; made anew whenever a choice changes what is asked."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        project: Project,
        seen: Preview,
        start: ColumnMapping,
        name: str,
        more_values: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(None if data is None else data.copy(), initial={"name": name})
        self._seen, self._start = seen, start
        self._sink = sink_for(project)
        self._questions = dict(self._sink.questions())
        self._options = value_guess.options_of(project)
        self._places = {source: str(at) for at, source in enumerate(seen.sources)}
        self._more_values = more_values or {}
        self.fields["name"] = forms.CharField(
            label="Name of the data set", max_length=MAX_DATASET_NAME
        )
        #: Whether a choice in what was sent asks for the meaning of words that were not shown.
        self.has_new_words = False
        self._add_texts()
        for role, label in _ROLES.items():
            self._choose_column(role, label, getattr(start, role))
        by_question = {key: source for source, key in start.answers.items()}
        for key, label in self._questions.items():
            self._choose_column(f"answer-{key}", label, by_question.get(key, ""), fields=True)
        self._add_values()
        self._add_rest()

    # --- Fields -------------------------------------------------------------------------------

    def _add_texts(self) -> None:
        texts = self._start.text
        for number in range(max(_TEXTS, len(texts))):
            chosen = texts[number] if number < len(texts) else ""
            label = "Text" if number == 0 else f"Text, part {number + 1}"
            self._choose_column(f"text-{number}", label, chosen)
        known = {key: name for key, (name, _) in SEPARATORS.items()}
        separator = self._start.separator
        if separator not in {text for _, text in SEPARATORS.values()}:
            known["other"] = f"“{separator}”"
        keys = {text: key for key, (_, text) in SEPARATORS.items()}
        self.initial["separator"] = keys.get(separator, "other")
        self.fields["separator"] = forms.ChoiceField(
            label="Between the parts", choices=list(known.items())
        )

    def _choose_column(self, name: str, label: str, chosen: str, *, fields: bool = False) -> None:
        names = self._seen.sources if fields else self._seen.columns
        choices = [("", _NOTHING), *((self._places[each], each) for each in names)]
        self.initial[name] = self._places.get(chosen, "")
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False)

    def _add_values(self) -> None:
        """Ask what the values mean that a question does not take as they are."""
        self._asked: dict[str, list[tuple[str, str]]] = {}
        for key in self._questions:
            source = self._chosen(f"answer-{key}")
            if not source:
                continue
            known = self._start.values.get(source, {})
            for raw in self._misfits(source, key, known):
                name = f"value-{key}-{_digest(source, raw)}"
                self.fields[name] = self._value_field(key, raw)
                self.initial[name] = self._meaning(key, raw, known)
                self._fill_in(name)
                self._asked.setdefault(key, []).append((name, raw))

    def _fill_in(self, name: str) -> None:
        """Show the guess for a word that nobody was asked about when the form was sent."""
        if self.is_bound and name not in self.data:
            self.has_new_words = True
            self.data[name] = self.initial[name]  # type: ignore[index]  # a copy, ours to change

    def _misfits(self, source: str, key: str, known: Mapping[str, str]) -> list[str]:
        found = [raw for raw, _ in self._seen.values[source].most_common()]
        meant = {raw.strip().casefold() for raw in known}
        every = [*found, *known, *self._more_values.get(source, ())]
        # Long ones are prose or JSON; nobody says in a select what they mean.
        short = (raw for raw in every if len(raw) <= 100)
        different = {raw.strip().casefold(): raw for raw in reversed(list(short))}
        misfits = (
            raw
            for raw in different.values()
            if raw.strip().casefold() in meant or not value_guess.fits(self._sink, key, raw)
        )
        return list(misfits)[::-1][:_MAX_VALUES]

    def _meaning(self, key: str, raw: str, known: Mapping[str, str]) -> str:
        folded = {word.strip().casefold(): meant for word, meant in known.items()}
        if raw.strip().casefold() in folded:
            return folded[raw.strip().casefold()] or NO_ANSWER
        return value_guess.guess_word(self._sink, key, raw, self._options.get(key, {})) or ""

    def _value_field(self, key: str, raw: str) -> forms.Field:
        options = self._options.get(key)
        label = f"“{raw}” means"
        if not options:
            return forms.CharField(label=label, max_length=100, required=False)
        choices = [("", "Refuse these rows"), (NO_ANSWER, "No answer"), *options.items()]
        return forms.ChoiceField(label=label, choices=choices, required=False)

    def _add_rest(self) -> None:
        kept = self._start.metadata
        for place, column in enumerate(self._seen.columns):
            is_dropped = kept is not None and column not in kept
            self.fields[f"drop-{place}"] = forms.BooleanField(
                label="Leave out", required=False, initial=is_dropped and not self._is_used(column)
            )
        for key, step in STEPS.items():
            self.fields[f"clean-{key}"] = forms.BooleanField(
                label=step.name,
                help_text=escape(step.description),  # shown as it is, with examples of markup
                required=False,
                initial=key in self._start.cleaning,
            )
        self._policy("on_duplicate", "A text that is there already", _DUPLICATES)
        self._policy("on_near_duplicate", "A text that is nearly there", _NEAR_DUPLICATES)

    def _policy(self, name: str, label: str, choices: Mapping[str, str]) -> None:
        self.initial[name] = getattr(self._start, name)
        self.fields[name] = forms.ChoiceField(label=label, choices=list(choices.items()))

    def _is_used(self, column: str) -> bool:
        start = self._start
        roles = {start.date, start.product, start.author, start.annotator}
        return column in {*start.text, *start.answers, *roles}

    # --- What the page shows ------------------------------------------------------------------

    def _chosen(self, name: str) -> str:
        """Return the column that is chosen in a select just now, "" for none."""
        given = self.data.get(name, "") if self.is_bound else self.initial.get(name, "")
        sources = self._seen.sources
        is_place = given.isascii() and given.isdigit() and len(given) < 6
        return sources[int(given)] if is_place and int(given) < len(sources) else ""

    @cached_property
    def text_row(self) -> Row:
        """Return the selects of the text: those in use and one more."""
        names = [name for name in self.fields if name.startswith("text-")]
        used = [name for name in names if self._chosen(name)]
        shown = names[: max(2, names.index(used[-1]) + 2 if used else 0)]
        samples = [
            text for name in used for text in self._seen.samples(self._chosen(name), count=1)
        ]
        return Row("Text", [self[name] for name in shown], samples, [])

    def first_texts(self) -> list[str]:
        """Return the texts of the first rows as they are chosen just now."""
        names = [name for name in self.fields if name.startswith("text-")]
        chosen = dict.fromkeys(self._chosen(name) for name in names if self._chosen(name))
        places = [self._seen.columns.index(name) for name in chosen]
        width = len(self._seen.columns)
        return ["\n".join(row[at] for at in places) for row in self._seen.rows if len(row) == width]

    @cached_property
    def role_rows(self) -> list[Row]:
        """Return the fields that every review has."""
        return [
            Row(label, [self[role]], self._seen.samples(self._chosen(role)), [])
            for role, label in _ROLES.items()
        ]

    @cached_property
    def question_rows(self) -> list[Row]:
        """Return the questions of the project, with the words that they do not take."""
        rows = []
        for key, label in self._questions.items():
            name = f"answer-{key}"
            values = [self[field] for field, _ in self._asked.get(key, [])]
            samples = self._seen.samples(self._chosen(name))
            rows.append(Row(label, [self[name]], samples, values, is_question=True))
        return rows

    @cached_property
    def unused(self) -> list[Unused]:
        """Return the columns, and the labels beside them, that nothing uses."""
        used = {self._chosen(name) for name in self.fields if name.startswith(_SELECTS)}
        columns = len(self._seen.columns)
        return [
            Unused(
                source,
                place,
                self[f"drop-{place}"] if place < columns else None,
                self._seen.samples(source),
            )
            for place, source in enumerate(self._seen.sources)
            if source not in used
        ]

    @property
    def labels(self) -> list[Unused]:
        """Return the labels beside the columns that nothing uses."""
        return [each for each in self.unused if each.field is None]

    @property
    def cleaning_fields(self) -> list[forms.BoundField]:
        """Return the steps of cleaning."""
        return [self[f"clean-{key}"] for key in STEPS]

    # --- What was chosen ----------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """Ask for text here: left to the import, it would guess."""
        if not any(self._chosen(name) for name in self.fields if name.startswith("text-")):
            raise forms.ValidationError("Choose at least one column that is part of the text.")
        return self.cleaned_data

    def mapping(self) -> ColumnMapping:
        """Return what was chosen; call it after is_valid(). Raises Invalid for a column twice."""
        texts = [self._chosen(name) for name in self.fields if name.startswith("text-")]
        roles = {role: self._chosen(role) for role in _ROLES}
        unused = {each.name for each in self.unused}
        separator = SEPARATORS.get(self.cleaned_data["separator"])
        dropped = {
            column
            for place, column in enumerate(self._seen.columns)
            if self.cleaned_data[f"drop-{place}"]
        }
        return ColumnMapping(
            text=tuple(dict.fromkeys(name for name in texts if name)),
            separator=separator[1] if separator else self._start.separator,
            answers=self._answers(),
            values=self._values(),
            metadata=tuple(
                name for name in self._seen.columns if name in unused and name not in dropped
            ),
            cleaning=tuple(key for key in STEPS if self.cleaned_data[f"clean-{key}"]),
            on_duplicate=self.cleaned_data["on_duplicate"],
            on_near_duplicate=self.cleaned_data["on_near_duplicate"],
            has_header=self._seen.format.has_header,
            **roles,
        )

    def _answers(self) -> dict[str, str]:
        answers: dict[str, str] = {}
        for key, label in self._questions.items():
            source = self._chosen(f"answer-{key}")
            if source in answers:
                other = self._questions[answers[source]]
                raise Invalid.of(
                    f"answer-{key}",
                    f"The column {source} answers {other} and {label}. Choose one of them.",
                )
            if source:
                answers[source] = key
        return answers

    def _values(self) -> dict[str, dict[str, str]]:
        values: dict[str, dict[str, str]] = {}
        for key, asked in self._asked.items():
            source = self._chosen(f"answer-{key}")
            for name, raw in asked:
                word = self.cleaned_data[name]
                if word:
                    values.setdefault(source, {})[raw] = "" if word == NO_ANSWER else word
        return values


def _digest(source: str, raw: str) -> str:
    return hashlib.sha256(f"{source}\x00{raw}".encode("utf-8", "replace")).hexdigest()[:12]
