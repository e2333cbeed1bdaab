"""The keys of the label page that a person has chosen: read, checked, kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.errors import FieldError, Invalid
from labelling import hotkeys
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Membership

#: Among the chosen keys: "alt" where keys act only together with Alt.
MODIFIER = "modifier"
ACTION_NAMES = {
    "skip": "Skip the review",
    "flag": "Flag the review",
    "undo": "Reopen the last one",
    "accept": "Accept all suggestions",
    "guidelines": "Open the guidelines",
}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """Something that a key does."""

    name: str
    words: str
    key: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """What the page does, or the answers of one question."""

    title: str
    rows: tuple[KeyRow, ...]


def groups(
    schema: SchemaSnapshot,
    chosen: Mapping[str, str],
    *,
    sent: Mapping[str, str] | None = None,
    errors: Sequence[FieldError] = (),
) -> list[KeyGroup]:
    """Return everything that has a key; `sent` and `errors` are what a refused form said."""
    said = {error.field: error.message for error in errors}
    page = hotkeys.actions(schema.questions, chosen)
    found = [("The page", [(name, ACTION_NAMES[name], key) for name, key in page.items()])]
    layout = hotkeys.layout(schema.questions, chosen)
    found += [(each.name, _answers(each, layout[each.key])) for each in schema.questions]
    return [
        KeyGroup(
            title,
            tuple(
                KeyRow(name, words, (sent or {}).get(name, key), said.get(name, ""))
                for name, words, key in rows
            ),
        )
        for title, rows in found
    ]


def _answers(question: QuestionSnapshot, keys: hotkeys.Keys) -> list[tuple[str, str, str]]:
    names = {option.key: option.name for option in question.options}
    answers = hotkeys.answers_of(question) or [""]
    return [
        (
            hotkeys.chosen_name(question, answer),
            names.get(answer, answer) or "Go to the field",
            keys.get(answer, ""),
        )
        for answer in answers
    ]


def choose_keys(
    *, membership: Membership, schema: SchemaSnapshot, wanted: Mapping[str, str], modifier: str
) -> None:
    """Keep what `membership`'s person wants the keys to be; raise Invalid where two would clash.

    `wanted` has what a key does to the key; "" leaves the choice of that key to the page.
    """
    rows = [row for group in groups(schema, {}) for row in group.rows]
    keys = {row.name: wanted.get(row.name, "").strip() for row in rows}
    # What the page does always has a key; an answer may be given without one.
    keys |= {row.name: row.key for row in rows if row.name in ACTION_NAMES and not keys[row.name]}
    errors = tuple(_faults(rows, keys))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    chosen = {name: key for name, key in keys.items() if key}
    usual = {row.name: row.key for row in rows}
    if all(usual[name] == key for name, key in chosen.items()):
        chosen = {}  # nobody's choice: a question that comes later may have its usual place
    if modifier == "alt":
        chosen[MODIFIER] = "alt"
    membership.keys = chosen
    membership.save(update_fields=["keys"])


def _faults(rows: Sequence[KeyRow], keys: Mapping[str, str]) -> Iterator[FieldError]:
    taken: dict[str, str] = {}
    for row in rows:
        key = keys[row.name]
        if not key:
            continue
        if len(key) != 1 or not key.isprintable():
            yield FieldError(row.name, f"“{key[:20]}” is not one key. Press one letter or digit.")
        elif key in hotkeys.FIXED:
            yield FieldError(row.name, f"“{key}” belongs to the page itself. Choose another key.")
        elif key in taken:
            yield FieldError(row.name, f"“{key}” is taken by “{taken[key]}”. Choose another key.")
        else:
            taken[key] = row.words
