"""Look at the start of an upload: how it reads, what its columns are, what stands in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from common.errors import Invalid
from reviews import mapping as mappings
from reviews.answers import sink_for
from reviews.files import open_upload
from reviews.mapping import ColumnMapping
from reviews.models import Upload
from reviews.sources import guess_format, open_table, sheet_names
from reviews.tables import Format, Record
from reviews.value_guess import fitted

#: How many records a page shows, and how many are looked at for guesses and samples.
PREVIEW_ROWS = 50
SAMPLE_ROWS = 500


@dataclass(frozen=True)
class Preview:
    """The start of an upload, read in some way, and what its columns seem to be."""

    format: Format
    columns: list[str]
    records: list[Record]
    guess: ColumnMapping
    #: Names under which the file carries answers beside its cells.
    fields: list[str] = field(default_factory=list)
    #: What Record.line counts.
    unit: str = "line"
    #: What ended the reading too early, if anything did.
    trouble: str = ""
    #: Sheets that one can choose from.
    sheets: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[list[str]]:
        """Return the cells of the sound records."""
        return [record.cells for record in self.records if not record.error]

    @property
    def sources(self) -> list[str]:
        """Return everything that an answer can come from: columns, then fields."""
        return [*self.columns, *(name for name in self.fields if name not in self.columns)]

    @cached_property
    def values(self) -> Mapping[str, Counter[str]]:
        """Return what stands in every column and field, and how often, without outer blanks."""
        found: dict[str, Counter[str]] = {name: Counter() for name in self.sources}
        for record in self.records:
            if record.error:
                continue
            said = (pair for each in record.said for pair in each.answers.items())
            for name, cell in (*zip(self.columns, record.cells, strict=False), *said):
                if name in found and cell.strip():
                    found[name][cell.strip()] += 1
        return found

    def samples(self, name: str, *, count: int = 3) -> list[str]:
        """Return the first different things that stand in a column or field."""
        return [value[:80] for value in list(self.values.get(name, ()))[:count]]


def look_at(upload: Upload, read_as: Mapping[str, Any] | None = None) -> Preview:
    """Read the first rows of an upload, guessing what `read_as` does not say.

    `read_as` has names of Format's fields; None is "guess". Raises Invalid when the file has no
    row to import or cannot be read in that way.
    """
    with open_upload(upload) as binary:
        chosen = guess_format(binary, name=upload.original_name, chosen=read_as)
        binary.seek(0)
        table = open_table(binary, chosen)
        records, trouble = _sample(table.records)
        binary.seek(0)
        sheets = sheet_names(binary, chosen)
    if not records:
        raise Invalid.of("file", "The file has a header and no rows below it.")
    questions = sink_for(upload.project).questions()
    rows: list[Sequence[str]] = [record.cells for record in records if not record.error]
    guess = mappings.guess(table.columns, rows, questions, table.fields)
    seen = Preview(chosen, table.columns, records, guess, table.fields, table.unit, trouble, sheets)
    return replace(seen, guess=fitted(guess, seen.values, upload.project))


def _sample(records: Any) -> tuple[list[Record], str]:
    """Return the first records, and what was wrong with the file after them."""
    found: list[Record] = []
    try:
        for record in records:
            found.append(record)
            if len(found) >= SAMPLE_ROWS:
                break
    except Invalid as error:
        if not found:
            raise
        return found, error.detail
    return found, ""
