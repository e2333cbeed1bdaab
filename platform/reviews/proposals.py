"""The hook by which an upload proposes questions: those of a preset, or a column's own values.

Questions belong to a package above this one; it registers who makes them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from accounts.models import User
from common.errors import NotReady
from common.text import is_number
from projects.models import Project
from reviews.tables import Record

#: The most options that a question may get from the values of a column.
MAX_VALUES = 100
#: About how many cells of a column are enough to tell what it holds.
_MAX_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """The preset whose questions fit the columns of a file."""

    #: A key of projects.presets.
    preset: str
    name: str
    #: Names of the questions that the project would ask.
    questions: tuple[str, ...]
    #: Column or field to the key of the question that it would answer.
    answers: Mapping[str, str] = field(default_factory=dict)


class Proposer(Protocol):
    """Knows which questions there could be."""

    def propose(
        self, project: Project, samples: Mapping[str, Sequence[str]], fields: Sequence[str]
    ) -> Proposal | None:
        """Return the preset that fits; None when none does or the project has its questions."""
        ...

    def accept(self, project: Project, preset: str, actor: User | None) -> None:
        """Give the project the questions of a preset."""
        ...

    def question_from_values(
        self,
        project: Project,
        actor: User | None,
        *,
        name: str,
        kind: str,
        options: Sequence[str],
        has_polarity: bool,
    ) -> str:
        """Ask a question with these options and return its key."""
        ...


_proposers: list[Proposer] = []


def register(proposer: Proposer) -> None:
    """Say who makes questions; called once, when the package above starts."""
    _proposers[:] = [proposer]


def propose(
    project: Project,
    columns: Sequence[str],
    samples: Mapping[str, Sequence[str]],
    fields: Sequence[str] = (),
) -> Proposal | None:
    """Return the preset whose questions fit a file, while the project's own are blank or unused.

    `samples` are raw cells by column and by field, as `samples_of` collects them.
    """
    known = {name: samples.get(name, ()) for name in (*columns, *fields)}
    return _proposers[0].propose(project, known, fields) if _proposers else None


def accept(project: Project, preset: str, actor: User | None) -> None:
    """Give the project the questions of a proposal; the caller lets owners only."""
    if _proposers:
        _proposers[0].accept(project, preset, actor)


def question_from_values(
    project: Project,
    actor: User | None,
    name: str,
    kind: str,
    options: Sequence[str],
    *,
    has_polarity: bool = False,
) -> str:
    """Ask a question whose options are the values of a column, and return its key.

    A question of that name and kind gets the options that it lacks, so that asking twice makes no
    second one. The caller lets owners only. Raises Invalid when the values cannot be options.
    """
    if not _proposers:
        raise NotReady("Nobody here makes questions.")
    return _proposers[0].question_from_values(
        project, actor, name=name, kind=kind, options=options, has_polarity=has_polarity
    )


# --- What a column holds ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Values:
    """The different values of a column, most frequent first."""

    #: choice, multichoice, number or spans: what kind of question the column looks like.
    kind: str
    counts: Mapping[str, int]
    #: Whether the spans say something about their option.
    has_polarity: bool = False
    #: There were more values than a question may have options.
    has_more: bool = False


def samples_of(
    columns: Sequence[str], records: Iterable[Record], fields: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Return the cells of some records that are not blank: by column, and by field what was said.

    A field that is called like a column stands for both, as it does in a mapping. Of many cells
    some are kept, evenly spread: a file that is sorted shows its first values only at the start.
    """
    samples = {name: _Sample() for name in (*columns, *fields)}
    for record in records:
        if record.error:
            continue
        said = [pair for each in record.said for pair in each.answers.items()]
        for name, cell in (*zip(columns, record.cells, strict=False), *said):
            if name in samples and cell.strip():
                samples[name].add(cell)
    return {name: sample.cells for name, sample in samples.items()}


class _Sample:
    """Every cell, then every second, fourth, ... of those that came."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self._step, self._seen = 1, 0

    def add(self, cell: str) -> None:
        """Keep the cell if it is its turn; keep every other one once there are too many."""
        if self._seen % self._step == 0:
            self.cells.append(cell)
        self._seen += 1
        if len(self.cells) > _MAX_SAMPLES:
            del self.cells[1::2]
            self._step *= 2


def values_of(name: str, columns: Sequence[str], records: Iterable[Record]) -> Values:
    """Return the different values of a column or field of a whole file, in flat memory.

    More values than a question may have options end the count early, as does prose.
    """
    at = columns.index(name) if name in columns else None
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    has_polarity = False
    for record in records:
        for cell in _cells(name, at, record):
            kind, words, is_polar = _read(cell)
            kinds[kind] += 1
            counts.update(words)
            has_polarity = has_polarity or is_polar
        if len(counts) > MAX_VALUES:
            break
    has_more = len(counts) > MAX_VALUES
    found = dict(counts.most_common(MAX_VALUES))
    return Values(_kind(kinds, found), found, has_polarity=has_polarity, has_more=has_more)


def words_of(cell: str) -> list[str]:
    """Return the options that a cell names; none when it is JSON that was cut off."""
    cell = cell.strip()
    kind, words, _ = _read(cell)
    is_cut = cell.startswith("[") and kind in {"choice", "multichoice"} and not _is_json(cell)
    return [] if is_cut else words


def _is_json(cell: str) -> bool:
    try:
        json.loads(cell)
    except (ValueError, RecursionError):
        return False
    return True


def _cells(name: str, at: int | None, record: Record) -> list[str]:
    if record.error:
        return []
    said = [each.answers[name] for each in record.said if name in each.answers]
    if at is not None and at < len(record.cells):
        said.append(record.cells[at])
    return [cell.strip() for cell in said if cell.strip()]


def _read(cell: str) -> tuple[str, list[str], bool]:
    """Return what kind of answer a cell looks like, the options it names, whether it has polarity.

    "semi;colons" are several options; so is a JSON list of strings, and a JSON list of ranges is
    spans. Anything else is one option.
    """
    if cell.startswith("["):
        try:
            parsed = json.loads(cell)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, list):
            return _read_list(parsed)
    words = [word.strip() for word in cell.replace("|", ";").split(";") if word.strip()]
    return ("multichoice" if len(words) > 1 else "choice"), words, False


def _read_list(parsed: list[Any]) -> tuple[str, list[str], bool]:
    if not parsed:
        return "empty", [], False
    if all(isinstance(each, str) for each in parsed):
        return "multichoice", [each.strip() for each in parsed if each.strip()], False
    labels = [_label(each) for each in parsed]
    is_polar = any(isinstance(each, dict) and bool(each.get("polarity")) for each in parsed)
    return "spans", [label for label in labels if label], is_polar


def _label(span: Any) -> str:
    if isinstance(span, dict):
        label = span.get("label") or span.get("option")
    else:
        label = span[2] if isinstance(span, list) and len(span) > 2 else None
    return label.strip() if isinstance(label, str) else ""


def _kind(kinds: Counter[str], found: Mapping[str, int]) -> str:
    for kind in ("spans", "multichoice"):
        if kinds[kind]:
            return kind
    is_scale = len(found) > 2 and all(map(is_number, found))
    return "number" if is_scale else "choice"
