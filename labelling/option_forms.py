"""Forms that say what becomes of a question's options, as changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms

from labelling import schemas
from labelling.changes import AddOption, Change, Merge, Rename, Reorder, Retire, Split
from labelling.snapshot import OptionSnapshot, QuestionSnapshot

_STAYS, _SPLIT, _RETIRE, _INTO = "", "split", "retire", "into:"


class OptionForm(forms.Form):
    """What becomes of one option."""

    name = forms.CharField(max_length=schemas.MAX_NAME)
    position = forms.IntegerField(min_value=1, max_value=schemas.MAX_OPTIONS, label="Place")
    becomes = forms.ChoiceField(required=False, label="Becomes")
    parts = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="To split it: the new options, one a line.",
    )

    def __init__(
        self, data: Any, option: OptionSnapshot, others: Sequence[OptionSnapshot], place: int
    ) -> None:
        initial = {"name": option.name, "position": place}
        super().__init__(data, prefix=f"option-{place}", initial=initial)
        self.option = option
        merges = [(_INTO + each.key, f"Merge into {each.name}") for each in others]
        self.fields["becomes"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (_STAYS, "Stays"),
            *merges,
            (_SPLIT, "Split into several"),
            (_RETIRE, "Retire: offer it no more"),
        ]

    def clean(self) -> dict[str, Any]:
        """Ask for the parts of an option that is split."""
        data = super().clean() or self.cleaned_data
        if data.get("becomes") == _SPLIT and len(self.part_names()) < 2:
            self.add_error("parts", "Name two or more new options, one a line.")
        return data

    def part_names(self) -> list[str]:
        """Return the names of what the option is split into."""
        lines = self.cleaned_data.get("parts", "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    @property
    def fate(self) -> str:
        """Return what becomes of the option, as its field says it."""
        chosen: str = self.cleaned_data["becomes"]
        return chosen


class MoreOptionsForm(forms.Form):
    """Options to add."""

    more = forms.CharField(
        required=False,
        max_length=20_000,
        label="More options",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line. They come last; answers given before stand.",
    )


class OptionForms:
    """The forms of all options of a question."""

    def __init__(self, data: Any, question: QuestionSnapshot) -> None:
        self._question = question
        self.rows = [
            OptionForm(data, option, [o for o in question.options if o is not option], place)
            for place, option in enumerate(question.options, start=1)
        ]
        self.more = MoreOptionsForm(data) if question.options else None

    def is_valid(self) -> bool:
        """Check every form, so that each shows its own faults."""
        valid = [each.is_valid() for each in self.rows]
        if not all(valid) or (self.more is not None and not self.more.is_valid()):
            return False
        into = self._into()
        circles = [row for row in self.rows if row.option.key in into and _in_circle(into, row)]
        for row in circles:
            row.add_error("becomes", "These are to become each other: let one of them stay.")
        return not circles

    def changes(self) -> tuple[Change, ...]:
        """Return what the forms say, in an order in which it can be made."""
        return tuple(self._changes())

    def _changes(self) -> Iterator[Change]:
        key = self._question.key
        for row in self.rows:
            if row.cleaned_data["name"] != row.option.name:
                yield Rename(question=key, option=row.option.key, name=row.cleaned_data["name"])
        for into, merged in self._merges().items():
            yield Merge(question=key, options=(*merged, into), into=into)
        yield from self._order()
        taken = {option.key for option in self._question.options}
        for row in self.rows:
            if row.fate == _RETIRE:
                yield Retire(question=key, option=row.option.key, reopen=True)
            elif row.fate == _SPLIT:
                parts = _options(row.part_names(), taken, row.option.colour)
                yield Split(question=key, option=row.option.key, into=parts, reopen=True)
        more = self.more.cleaned_data["more"].splitlines() if self.more else []
        names = [line.strip() for line in more if line.strip()]
        for option in _options(names, taken, len(self.rows) + 1):
            yield AddOption(question=key, option=option)

    def _into(self) -> Mapping[str, str]:
        """Return what each merged option is said to become."""
        return {
            row.option.key: row.fate.removeprefix(_INTO)
            for row in self.rows
            if row.fate.startswith(_INTO)
        }

    def _merges(self) -> Mapping[str, tuple[str, ...]]:
        """Return the options that are merged by the one that they end up as."""
        into = self._into()
        found: dict[str, tuple[str, ...]] = {}
        for key in into:
            end = _end(into, key)
            found[end] = (*found.get(end, ()), key)
        return found

    def _order(self) -> Iterator[Change]:
        gone = {key for keys in self._merges().values() for key in keys}
        left = [row for row in self.rows if row.option.key not in gone]
        wanted = sorted(left, key=lambda row: row.cleaned_data["position"])
        if wanted != left:
            keys = tuple(row.option.key for row in wanted)
            yield Reorder(question=self._question.key, keys=keys)


def _end(into: Mapping[str, str], key: str) -> str:
    """Follow merges to the option that stays."""
    for _ in into:
        key = into.get(key, key)
    return key


def _in_circle(into: Mapping[str, str], row: OptionForm) -> bool:
    return _end(into, row.option.key) in into


def _options(
    names: Sequence[str], taken: set[str], first_colour: int
) -> tuple[OptionSnapshot, ...]:
    options: list[OptionSnapshot] = []
    for at, name in enumerate(names):
        option = OptionSnapshot(
            schemas.key_of(name, taken), name, 1 + (first_colour - 1 + at) % schemas.COLOURS
        )
        taken.add(option.key)
        options.append(option)
    return tuple(options)
