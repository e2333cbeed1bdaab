"""Takes the answers of an import: cells become gold, in bulk; what people said, annotations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from common import bulk
from labelling import answers, imported
from labelling.gold_rows import VARYING, Given, GoldRows
from labelling.models import Gold
from labelling.option_words import by_word, unknown
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.versions import freeze
from projects.models import Project


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows of gold as COPY takes them, good for one version of the schema."""

    schema_id: int
    lines: Sequence[bytes]


class GoldSink:
    """The questions of one project, loaded once, as an import may answer them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._is_copied = connection.vendor == "postgresql"
        self._load(current_schema(project))

    def _load(self, schema: SchemaSnapshot) -> None:
        self._schema = schema
        self._questions = {each.key: each for each in schema.questions}
        self._required = [each.key for each in schema.questions if each.is_required]
        self._options = {key: by_word(each) for key, each in self._questions.items()}
        self._has_spans = any(each.kind == "spans" for each in schema.questions)
        self._is_frozen = False
        self._gold = GoldRows(self._project, schema)

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

    def prepare(self, rows: Sequence[tuple[int, Given]]) -> Prepared:
        """Write rows down as `store` will send them, for the schema as it was seen last."""
        gold = self._gold  # another thread may put another in its place
        return Prepared(gold.schema.id, gold.copied(rows) if self._is_copied else [])

    def store(self, rows: Sequence[tuple[int, Given]], prepared: Prepared | None = None) -> None:
        """Write the parsed answers of reviews (by id) in the caller's transaction.

        Answers that the questions no longer allow, because an owner has changed them since they
        were parsed, are left out. `prepared` is what `prepare` made of the same rows.
        """
        if not rows:
            return
        schema = current_schema(self._project)
        if schema.id != self._schema.id:
            self._load(schema)
        if not self._is_frozen:
            freeze(schema_id=self._schema.id)
            self._is_frozen = True
        gold = self._gold
        if not self._is_copied:
            bulk.insert(_table(), VARYING, gold.inserted(rows), same=gold.same)
        else:
            is_good = prepared is not None and prepared.schema_id == schema.id
            lines = prepared.lines if prepared and is_good else gold.copied(rows)
            bulk.copy(_table(), (*VARYING, *gold.same), lines, is_binary=True)
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
