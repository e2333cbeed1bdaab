"""Read tables that we have exported ourselves so that they come in as they were.

They begin with a column of ours. Columns that say where a review stood in its project are left out,
and cells that were made harmless for spreadsheets are made whole again. In tables of other people
nothing is touched: an apostrophe at the start of a cell is theirs.
"""

from collections.abc import Iterator
from dataclasses import replace

from reviews.neutral import ID_COLUMN, OWN_PREFIX, restored
from reviews.tables import Record, Table


def starts_our_csv(text: str) -> bool:
    """Tell whether this is the start of a CSV file of ours."""
    return text.startswith((f"{ID_COLUMN},text,", f"{ID_COLUMN},text\r\n"))


def without_marks(table: Table, *, is_spreadsheet: bool) -> Table:
    """Return a table of ours as it was before its export; any other as it is."""
    if not table.columns or table.columns[0] != ID_COLUMN:
        return table
    kept = [at for at, name in enumerate(table.columns) if not name.startswith(OWN_PREFIX)]
    if not kept:
        return table
    names = [table.columns[at] for at in kept]
    if is_spreadsheet:
        names = [restored(name) for name in names]
    records = _kept(table.records, kept, len(table.columns), is_spreadsheet=is_spreadsheet)
    return replace(table, columns=names, records=records)


def _kept(
    records: Iterator[Record], kept: list[int], width: int, *, is_spreadsheet: bool
) -> Iterator[Record]:
    for record in records:
        cells = record.cells
        if len(cells) != width:
            why = record.error or f"the row has {len(cells):,} cells, the header has {width:,}"
            yield replace(record, error=why)
            continue
        cells = [cells[at] for at in kept]
        if is_spreadsheet:
            cells = [restored(cell) for cell in cells]
        yield replace(record, cells=cells)
