"""Which column of a file becomes what: given by a person or a program, or guessed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from common.errors import FieldError, Invalid
from common.text import is_number
from reviews.cleaning import check_steps
from reviews.dates import parse_date

DEFAULT_SEPARATOR = "\n\n"
_MAX_SEPARATOR = 40
#: What becomes of a row whose text is there: left out, kept, or used to renew what is there.
ON_DUPLICATE = ("skip", "keep", "update")
#: What becomes of a row whose text is nearly there.
ON_NEAR_DUPLICATE = ("keep", "skip")
_MAX_VALUES = 500

_TITLES = ("title", "summary", "headline", "subject", "review title")
_TEXTS = ("text", "review", "review text", "reviewtext", "body", "comment", "content", "sentence")
_DATES = (
    "date", "time", "reviewed at", "review date", "timestamp", "created at", "reviewtime", "day",
    "written", "written at", "posted at", "submitted at",
)  # fmt: skip
_PRODUCTS = ("product", "item", "asin", "sku", "clothing id", "product id", "product name")
_ANNOTATORS = (
    "annotator", "annotator id", "rater", "rater id", "labeler", "labeller", "worker", "worker id",
    "workerid",
)  # fmt: skip
_AUTHORS = ("author", "reviewer", "user", "username", "reviewer name", "reviewername", "customer")
_ANSWER_NAMES = {
    "rating": ("rating", "stars", "score", "overall", "star rating"),
    "sentiment": ("sentiment", "polarity", "label"),
    "recommended": ("recommended ind", "recommend", "is recommended"),
    "department": ("department name",),
    "age": ("reviewer age", "author age"),
    "category": ("product category", "category name"),
}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What the columns of a file become; every name is a column of the file.

    Answers may also come from the fields of a file that carries labels beside its cells.
    """

    text: tuple[str, ...]
    separator: str = DEFAULT_SEPARATOR
    #: Column (or field) to the key of the question that it answers.
    answers: Mapping[str, str] = field(default_factory=dict)
    #: Column (or field) to what its cells stand for: "5 stars" to "5"; in any case.
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: None keeps every column that is not used otherwise.
    metadata: tuple[str, ...] | None = None
    date: str = ""
    product: str = ""
    author: str = ""
    #: Who said it: rows with the same text are one review with an annotation each.
    annotator: str = ""
    #: Keys of reviews.cleaning.STEPS, applied in this order.
    cleaning: tuple[str, ...] = ()
    on_duplicate: str = "skip"
    on_near_duplicate: str = "keep"
    has_header: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the shape in which a mapping is sent and kept."""
        return {
            "text": list(self.text),
            "separator": self.separator,
            "answers": dict(self.answers),
            "values": {column: dict(words) for column, words in self.values.items()},
            "metadata": None if self.metadata is None else list(self.metadata),
            "date": self.date,
            "product": self.product,
            "author": self.author,
            "annotator": self.annotator,
            "cleaning": list(self.cleaning),
            "on_duplicate": self.on_duplicate,
            "on_near_duplicate": self.on_near_duplicate,
            "has_header": self.has_header,
        }


def from_json(raw: Any) -> ColumnMapping:
    """Read a mapping that a program sent; raise Invalid naming the key that is wrong."""
    if not isinstance(raw, dict):
        raise Invalid.of("mapping", 'Send a JSON object such as {"text": ["Review"]}.')
    known = ColumnMapping.__dataclass_fields__
    for key in raw:
        if key not in known:
            raise Invalid.of(f"mapping.{key}", f"Unknown key {key!r}; known: {', '.join(known)}.")
    return ColumnMapping(
        text=tuple(_names(raw, "text")),
        separator=_string(raw, "separator", DEFAULT_SEPARATOR),
        answers=_answers(raw),
        values=_values(raw),
        metadata=None if raw.get("metadata") is None else tuple(_names(raw, "metadata")),
        date=_string(raw, "date"),
        product=_string(raw, "product"),
        author=_string(raw, "author"),
        annotator=_string(raw, "annotator"),
        cleaning=tuple(_names(raw, "cleaning")),
        on_duplicate=_one_of(raw, "on_duplicate", ON_DUPLICATE),
        on_near_duplicate=_one_of(raw, "on_near_duplicate", ON_NEAR_DUPLICATE),
        has_header=_flag(raw, "has_header"),
    )


def _names(raw: Mapping[str, Any], key: str) -> list[str]:
    value = raw.get(key)
    names = [value] if isinstance(value, str) else ([] if value is None else value)
    if not isinstance(names, list) or not all(map(_is_string, names)):
        of = "steps" if key == "cleaning" else "column names"
        raise Invalid.of(f"mapping.{key}", f"{key} is a list of {of}.")
    return names


def _is_string(value: Any) -> TypeGuard[str]:
    """Tell whether this is text that can be written down: JSON escapes may hide half a letter."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _string(raw: Mapping[str, Any], key: str, default: str = "") -> str:
    value = raw.get(key)
    if value is None:
        return default
    if not _is_string(value):
        raise Invalid.of(f"mapping.{key}", f"{key} is a string.")
    return value


def _flag(raw: Mapping[str, Any], key: str) -> bool | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, bool):
        raise Invalid.of(f"mapping.{key}", f"{key} is true or false.")
    return value


def _one_of(raw: Mapping[str, Any], key: str, known: Sequence[str]) -> str:
    value = _string(raw, key, known[0])
    if value not in known:
        raise Invalid.of(f"mapping.{key}", f"{key} is one of {', '.join(known)}.")
    return value


def _answers(raw: Mapping[str, Any]) -> dict[str, str]:
    value = raw.get("answers") or {}
    if not isinstance(value, dict) or not all(map(_is_string, (*value, *value.values()))):
        raise Invalid.of("mapping.answers", "answers maps column names to question keys.")
    return dict(value)


def _values(raw: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    value = raw.get("values") or {}
    said = 'values maps columns to words and what they stand for: {"Stars": {"5 stars": "5"}}.'
    if not isinstance(value, dict) or not all(map(_is_string, value)):
        raise Invalid.of("mapping.values", said)
    for words in value.values():
        if not isinstance(words, dict) or not all(map(_is_string, (*words, *words.values()))):
            raise Invalid.of("mapping.values", said)
        if len(words) > _MAX_VALUES:
            raise Invalid.of("mapping.values", f"A column has at most {_MAX_VALUES} values.")
    return {column: dict(words) for column, words in value.items()}


# --- Agreement with the file and the project ----------------------------------------------------


def resolve(
    wanted: ColumnMapping,
    *,
    columns: Sequence[str],
    questions: Collection[str],
    fields: Sequence[str] = (),
) -> ColumnMapping:
    """Return the mapping in the file's own column names, with metadata spelled out.

    `fields` are those under which the file carries answers beside its cells. Raises Invalid with
    one error for every column or question that does not exist.
    """
    if not wanted.text:
        raise Invalid.of("mapping.text", "Choose at least one column that holds the text.")
    if len(wanted.separator) > _MAX_SEPARATOR or "\x00" in wanted.separator:
        raise Invalid.of("mapping.separator", f"A separator has at most {_MAX_SEPARATOR} letters.")
    find = _Finder(columns)
    find_answer = _Finder([*columns, *fields], find.errors)
    found = replace(
        wanted,
        text=tuple(dict.fromkeys(find(name, "text") for name in wanted.text)),
        answers={find_answer(name, "answers"): key for name, key in wanted.answers.items()},
        values={find_answer(name, "values"): words for name, words in wanted.values.items()},
        date=find(wanted.date, "date"),
        product=find(wanted.product, "product"),
        author=find(wanted.author, "author"),
        annotator=find(wanted.annotator, "annotator"),
        metadata=tuple(dict.fromkeys(find(name, "metadata") for name in wanted.metadata or ())),
    )
    _check_questions(found, questions, find.errors)
    _check_words(found, find.errors)
    _check_cleaning(found, find.errors)
    if find.errors:
        raise Invalid(find.errors[0].message, errors=tuple(find.errors))
    if wanted.metadata is None:
        used = {*found.text, *found.answers, found.date, found.product, found.author}
        used.add(found.annotator)
        return replace(found, metadata=tuple(name for name in columns if name not in used))
    return found


class _Finder:
    """Find columns by name, in any case when that is clear, and collect what is not there."""

    def __init__(self, columns: Sequence[str], errors: list[FieldError] | None = None) -> None:
        self._columns = columns
        self._folded: dict[str, list[str]] = {}
        for name in columns:
            self._folded.setdefault(name.strip().casefold(), []).append(name)
        self.errors: list[FieldError] = [] if errors is None else errors

    def __call__(self, name: str, key: str) -> str:
        if not name or name in self._columns:
            return name
        alike = self._folded.get(name.strip().casefold(), [])
        if len(alike) == 1:
            return alike[0]
        some = ", ".join(self._columns[:20]) + (", ..." if len(self._columns) > 20 else "")
        message = f"There is no column {name[:200]!r} in the file; it has: {some}."
        self.errors.append(FieldError(f"mapping.{key}", message))
        return name


def _check_questions(
    found: ColumnMapping, questions: Collection[str], errors: list[FieldError]
) -> None:
    asked = list(found.answers.values())
    for key in dict.fromkeys(asked):
        if key not in questions:
            known = ", ".join(questions) or "none that a column can answer"
            message = f"The project has no question {key[:100]!r}; it has: {known}."
            errors.append(FieldError("mapping.answers", message))
        elif asked.count(key) > 1:
            message = f"Two columns answer the question {key!r}; choose one."
            errors.append(FieldError("mapping.answers", message))


def _check_words(found: ColumnMapping, errors: list[FieldError]) -> None:
    """Check what only makes sense beside something else."""
    for column in found.values:
        if column not in found.answers:
            message = f"{column[:200]!r} answers no question, so its values mean nothing."
            errors.append(FieldError("mapping.values", message))
    if found.annotator and not found.answers:
        message = "An annotator says something: choose the column of an answer too."
        errors.append(FieldError("mapping.annotator", message))


def _check_cleaning(found: ColumnMapping, errors: list[FieldError]) -> None:
    try:
        check_steps(found.cleaning)
    except ValueError as error:
        errors.append(FieldError("mapping.cleaning", str(error)))


# --- Guesses ----------------------------------------------------------------------------------


def guess(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    questions: Collection[str],
    fields: Sequence[str] = (),
) -> ColumnMapping:
    """Guess a mapping from names and sample cells; `text` is empty when nothing looks like text."""
    samples = _samples(columns, rows)
    date = _named(columns, _DATES, only=lambda name: _is_dates(samples[name]))
    product, author = _named(columns, _PRODUCTS), _named(columns, _AUTHORS)
    # What the file carries as labels is meant as labels; a column of that name may be anything.
    answers = _guess_answers([*fields, *columns], questions)
    annotator = _named(columns, _ANNOTATORS) if answers else ""
    used = {date, product, author, annotator, *answers}
    free = [name for name in columns if name not in used]
    return ColumnMapping(
        text=_guess_text(free, samples),
        answers=answers,
        date=date,
        product=product,
        author=author,
        annotator=annotator,
    )


def _samples(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    whole = [row for row in rows if len(row) == len(columns)]
    return {
        name: [row[index].strip() for row in whole if row[index].strip()]
        for index, name in enumerate(columns)
    }


def _named(columns: Sequence[str], names: Sequence[str], *, only: Any = None) -> str:
    folded = {_fold(name): name for name in reversed(columns)}
    found = [folded[name] for name in names if name in folded]
    return next((name for name in found if only is None or only(name)), "")


def _fold(name: str) -> str:
    return name.casefold().replace("_", " ").replace("-", " ").strip()


def _is_dates(cells: Sequence[str]) -> bool:
    def reads(cell: str) -> bool:
        try:
            parse_date(cell)
        except ValueError:
            return False
        return True

    return bool(cells) and sum(map(reads, cells)) >= 0.9 * len(cells)


def _guess_answers(columns: Sequence[str], questions: Collection[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for key in questions:
        column = _named(columns, (_fold(key), *_ANSWER_NAMES.get(key, ())))
        if column and column not in answers:
            answers[column] = key
    return answers


def _guess_text(columns: Sequence[str], samples: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Choose the column with the longest cells on average, and a title to stand before it."""

    def mean_length(name: str) -> float:
        cells = samples[name]
        return sum(map(len, cells)) / len(cells) if cells else 0.0

    def reads_as_text(name: str) -> bool:
        if _fold(name) in _TEXTS:
            # Whoever calls it text may write in signs that are no letters; numbers are not meant.
            return not samples[name] or not all(map(is_number, samples[name]))
        if not samples[name] or all(cell.startswith(("[", "{")) for cell in samples[name]):
            return False  # labels as JSON have letters too
        letters = sum(char.isalpha() for cell in samples[name] for char in cell)
        is_wordy = letters > 0.5 * sum(map(len, samples[name]))
        return is_wordy and (mean_length(name) >= 20 or _fold(name) in _TITLES)

    texts = [name for name in columns if reads_as_text(name)]
    if not texts:
        return ()
    body = max(texts, key=mean_length)
    title = _named(texts, _TITLES)
    return (title, body) if title and title != body else (body,)
