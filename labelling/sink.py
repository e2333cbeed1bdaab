"""Takes the answer columns of an import: cells become gold, in bulk."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from labelling import answers
from labelling.models import Gold, GoldSource
from labelling.selectors import current_schema
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.versions import freeze
from projects.models import Project

_YES = frozenset({"yes", "y", "true", "1", "1.0"})
_NO = frozenset({"no", "n", "false", "0", "0.0"})

_COLUMNS = ("project_id", "review_id", "question_id", "slot", "option_id", "number", "source")
#: (review, question, option, number): what the columns above vary in.
Row = tuple[int, int, int | None, float | None]


class GoldSink:
    """The questions of one project, loaded once, as columns may answer them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._load(current_schema(project))

    def _load(self, schema: SchemaSnapshot) -> None:
        self._schema_id = schema.id
        # A cell has no place for character ranges.
        self._questions = {each.key: each for each in schema.questions if each.kind != "spans"}
        self._required = {each.key for each in schema.questions if each.is_required}
        self._options = {key: _by_word(each) for key, each in self._questions.items()}
        self._is_frozen = False

    def questions(self) -> Mapping[str, str]:
        """Return the questions that a column can answer: key to name."""
        return {key: question.name for key, question in self._questions.items()}

    def parse(self, question_key: str, raw: str) -> Any:
        """Turn a cell into a string, float or frozenset; None when it is empty.

        Options are named by key or name in any case, several of them separated by ; or |.
        Raises ValueError with a sentence.
        """
        cell = raw.strip()
        if not cell:
            return None
        question = self._questions[question_key]
        if question.kind == "number":
            return _number(question, cell)
        if question.kind == "choice":
            return self._option(question, cell)
        words = [word.strip() for word in cell.replace("|", ";").split(";")]
        return frozenset(self._option(question, word) for word in words if word)

    def is_complete(self, given: Mapping[str, Any]) -> bool:
        """Tell whether these answers leave no required question open.

        Such a review is labelled; the others wait in the queue for the rest.
        """
        return all(given.get(key) is not None for key in self._required)

    def store(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Write the parsed answers of reviews (by id) in the caller's transaction.

        Answers that the questions no longer allow, because an owner has changed them since they
        were parsed, are left out.
        """
        schema = current_schema(self._project)
        if schema.id != self._schema_id:
            self._load(schema)
        gold = list(self._gold(rows))
        if not gold:
            return
        if not self._is_frozen:
            freeze(schema_id=self._schema_id)
            self._is_frozen = True
        if connection.vendor == "postgresql":
            self._copy(gold)
        else:
            self._insert(gold)

    def _option(self, question: QuestionSnapshot, word: str) -> str:
        key = self._options[question.key].get(word.casefold())
        if key is None:
            names = ", ".join(option.name for option in question.options[:12])
            more = ", …" if len(question.options) > 12 else ""
            raise ValueError(f'"{word[:60]}" is none of {names}{more}')
        return key

    def _gold(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[Row]:
        ids = {
            key: {option.key: option.id for option in question.options}
            for key, question in self._questions.items()
        }
        for review_id, given in rows:
            for key, value in given.items():
                if value is None or key not in ids:
                    continue
                question_id, options = self._questions[key].id, ids[key]
                if isinstance(value, float):
                    yield review_id, question_id, None, value
                elif value:
                    keys = (value,) if isinstance(value, str) else value
                    known = (options[each] for each in keys if each in options)
                    yield from ((review_id, question_id, option, None) for option in known)
                else:
                    yield review_id, question_id, None, None

    def _copy(self, gold: Sequence[Row]) -> None:
        # Numbers only, so the lines can be written without asking what needs an escape.
        start, source = self._project.pk, GoldSource.IMPORTED.value
        lines = (
            f"{start}\t{review}\t{question}\t{option or 0}\t{_or_null(option)}\t"
            f"{_or_null(number)}\t{source}\n"
            for review, question, option, number in gold
        )
        statement = f"COPY {_table()} ({', '.join(_COLUMNS)}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write("".join(lines))

    def _insert(self, gold: Sequence[Row]) -> None:
        start, source = self._project.pk, GoldSource.IMPORTED.value
        marks = ", ".join(["%s"] * len(_COLUMNS))
        statement = f"INSERT INTO {_table()} ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.executemany(
                statement,
                [
                    (start, review, question, option or 0, option, number, source)
                    for review, question, option, number in gold
                ],
            )


def _or_null(value: float | None) -> str:
    return r"\N" if value is None else repr(value)


def _table() -> str:
    return Gold._meta.db_table  # noqa: SLF001  (Django's public Model._meta API)


def _number(question: QuestionSnapshot, cell: str) -> float:
    try:
        value: Any = float(cell.replace(",", "."))
    except ValueError:
        value = cell
    try:
        return answers.number(question, value)
    except answers.Fault:
        pass
    # Said again with the cell as it stands in the file: "5,5" and not "5.5".
    answers.number(question, cell)
    raise AssertionError("a string is no number")


def _by_word(question: QuestionSnapshot) -> dict[str, str]:
    """Return every way to write an option, in lower case, with the option's key."""
    words = {option.name.casefold(): option.key for option in question.options}
    words |= {option.key.casefold(): option.key for option in question.options}
    yes, no = _meaning(question.options, _YES), _meaning(question.options, _NO)
    if len(question.options) == 2 and yes and no:
        words |= dict.fromkeys(_YES, yes.key) | dict.fromkeys(_NO, no.key)
    # A rating read by a spreadsheet comes as 4.0.
    for option in question.options:
        if option.key.isdigit():
            words.setdefault(f"{option.key}.0", option.key)
    return words


def _meaning(options: Sequence[OptionSnapshot], words: frozenset[str]) -> OptionSnapshot | None:
    return next(
        (each for each in options if {each.key.casefold(), each.name.casefold()} & words), None
    )
