"""Takes the answers of an import: cells become gold, in bulk; what people said, annotations."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from common import bulk
from labelling import answers, imported
from labelling.models import Gold, GoldSource
from labelling.option_words import by_word, unknown
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.versions import freeze
from projects.models import Project

_VARYING = ("review_id", "question_id", "slot", "option_id", "number")
#: (question, slot, option, number): a row of gold but for its review.
Row = tuple[int, int, int | None, float | None]
Given = Mapping[str, Any]

_LINES = 2_000
#: Imports give rows with the same cells the same answers; what those become is kept for so many.
_KEPT = 5_000


class GoldSink:
    """The questions of one project, loaded once, as an import may answer them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._load(current_schema(project))

    def _load(self, schema: SchemaSnapshot) -> None:
        self._schema = schema
        self._questions = {each.key: each for each in schema.questions}
        self._required = [each.key for each in schema.questions if each.is_required]
        self._options = {key: by_word(each) for key, each in self._questions.items()}
        self._option_ids = {
            key: {option.key: option.id for option in each.options}
            for key, each in self._questions.items()
        }
        self._has_spans = any(each.kind == "spans" for each in schema.questions)
        self._is_frozen = False
        #: By the identity of answers, which are kept beside so that it stays theirs.
        self._rows: dict[int, tuple[Given, list[Row]]] = {}
        self._lines: dict[int, tuple[Given, str]] = {}

    def questions(self) -> Mapping[str, str]:
        """Return the questions that a column can answer: key to name."""
        return {key: question.name for key, question in self._questions.items()}

    def parse(self, question_key: str, raw: str) -> Any:
        """Turn a cell into a string, float, frozenset or tuple of spans; None when it is empty.

        Options are named by key or name in any case, several of them separated by ; or | or in a
        JSON list. Raises ValueError with a sentence.
        """
        cell = raw.strip()
        if not cell:
            return None
        question = self._questions[question_key]
        if question.kind == "number":
            return _number(question, cell)
        if question.kind == "spans":
            return imported.parse_spans(question, cell)
        words = _words(cell)
        if question.kind == "multichoice":
            chosen = _parted(cell) if words is None else words
            return frozenset(self._option(question, word) for word in chosen)
        if words is None:
            return self._option(question, cell)
        if len(words) > 1:
            raise ValueError(f"{', '.join(words)[:60]} are several options; one is to be chosen")
        return self._option(question, words[0]) if words else None

    def is_complete(self, given: Given) -> bool:
        """Tell whether these answers leave no required question open.

        Such a review is labelled; the others wait in the queue for the rest.
        """
        return all(given.get(key) is not None for key in self._required)

    def store(self, rows: Sequence[tuple[int, Given]]) -> None:
        """Write the parsed answers of reviews (by id) in the caller's transaction.

        Answers that the questions no longer allow, because an owner has changed them since they
        were parsed, are left out.
        """
        if not rows:
            return
        schema = current_schema(self._project)
        if schema.id != self._schema.id:
            self._load(schema)
        if not self._is_frozen:
            freeze(schema_id=self._schema.id)
            self._is_frozen = True
        source = GoldSource.IMPORTED.value
        same: dict[str, int | str] = {"source": source, "project_id": self._project.pk}
        if connection.vendor == "postgresql":
            bulk.copy(_table(), (*_VARYING, *same), self._copied(rows, same))
        else:
            bulk.insert(_table(), _VARYING, self._inserted(rows), same=same)
        if self._has_spans:
            imported.store_gold_spans(project=self._project, schema=self._schema, rows=rows)

    def store_said(self, rows: Sequence[tuple[int, str, Given]], import_job_id: int) -> list[bool]:
        """Write what annotators said about reviews: see labelling.imported."""
        return imported.store_said(project=self._project, rows=rows, import_job_id=import_job_id)

    def before_and_update(self, rows: Sequence[tuple[int, Given]]) -> dict[int, dict[str, Any]]:
        """Renew imported gold and return what undoes it: see labelling.imported."""
        return imported.update_gold(project=self._project, rows=rows)

    def restore(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Undo `before_and_update`."""
        imported.restore_gold(project=self._project, rows=rows)

    def said_since(self, dataset_id: int) -> tuple[int, int]:
        """Count annotations that people made of a data set's reviews, and the people."""
        return imported.said_since(project=self._project, dataset_id=dataset_id)

    def remove_said(self, import_job_id: int, *, limit: int) -> int:
        """Take away what came with an import; in the end forget who said nothing else."""
        count = imported.remove_imported(
            project=self._project, import_job_id=import_job_id, limit=limit
        )
        if not count:
            imported.forget_silent(project=self._project)
        return count

    def _option(self, question: QuestionSnapshot, word: str) -> str:
        key = self._options[question.key].get(word.casefold())
        if key is None:
            raise ValueError(unknown(question, word))
        return key

    # --- Gold, as rows and as lines -----------------------------------------------------------

    def _inserted(self, rows: Sequence[tuple[int, Given]]) -> Iterator[tuple[Any, ...]]:
        for review_id, given in rows:
            for row in self._rows_of(given):
                yield review_id, *row

    def _copied(
        self, rows: Sequence[tuple[int, Given]], same: Mapping[str, int | str]
    ) -> Iterator[str]:
        tail = "".join(f"\t{value}" for value in same.values()) + "\n"
        for start in range(0, len(rows), _LINES):
            yield "".join(
                [
                    self._line_of(given, tail).replace("\x00", str(review_id))
                    for review_id, given in rows[start : start + _LINES]
                ]
            )

    def _line_of(self, given: Given, tail: str) -> str:
        """Return the lines of some answers, with NUL where the review's id belongs."""
        kept = self._lines.get(id(given))
        if kept is not None:
            return kept[1]
        line = "".join(
            f"\x00\t{question}\t{slot}\t{_or_null(option)}\t{_or_null(number)}{tail}"
            for question, slot, option, number in self._rows_of(given)
        )
        if len(self._lines) >= _KEPT:
            self._lines.clear()
        self._lines[id(given)] = (given, line)
        return line

    def _rows_of(self, given: Given) -> list[Row]:
        kept = self._rows.get(id(given))
        if kept is not None:
            return kept[1]
        rows = [row for key, value in given.items() for row in self._gold(key, value)]
        if len(self._rows) >= _KEPT:
            self._rows.clear()
        self._rows[id(given)] = (given, rows)
        return rows

    def _gold(self, key: str, value: Any) -> Iterator[Row]:
        if value is None or key not in self._questions:
            return
        question, options = self._questions[key].id, self._option_ids[key]
        if isinstance(value, float):
            yield question, 0, None, value
        elif isinstance(value, tuple) or not value:
            yield question, 0, None, None
        else:
            keys = (value,) if isinstance(value, str) else sorted(value)
            known = (options[each] for each in keys if each in options)
            yield from ((question, option, option, None) for option in known)


def _words(cell: str) -> list[str] | None:
    """Return the words of a JSON list of strings; None for any other cell."""
    if not cell.startswith("["):
        return None
    try:
        listed = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        return None
    return [word.strip() for word in listed]


def _parted(cell: str) -> list[str]:
    return [word for part in cell.replace("|", ";").split(";") if (word := part.strip())]


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
