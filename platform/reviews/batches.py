"""Cut a file into batches of numbered rows: what an import checkpoints."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from reviews.pieces import read_pieces
from reviews.sources import open_table
from reviews.sources.compression import decompressed
from reviews.tables import Format, Record, Said

#: Rows, one by one or by column (reviews.columnar.Columns).
Cells = Sequence[Sequence[str]]

_RECORDS = 2_000
#: A batch of records that are read one by one also ends after so many characters.
_CHARS = 4_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that follow one another in a file."""

    #: Which row of the file comes first, from 1.
    first_row: int
    cells: Cells
    #: Returns the line on which each row starts; asked only where a row is refused.
    lines: Callable[[], list[int]]
    #: Place in the batch to what is wrong with a row, and to what was said about it.
    errors: Mapping[int, str] = field(default_factory=dict)
    said: Mapping[int, tuple[Said, ...]] = field(default_factory=dict)
    #: How many bytes of the file had been read.
    position: int = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.cells)

    def records(self, places: Iterable[int]) -> Iterator[tuple[int, Record]]:
        """Yield places in the batch with their rows as records."""
        lines = self.lines()
        for at in places:
            error, said = self.errors.get(at, ""), self.said.get(at, ())
            yield at, Record(lines[at], list(self.cells[at]), error, said)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some records, with or without objects of their own."""

    cells: Cells
    lines: Callable[[], list[int]]
    records: list[Record] | None = None


def read_batches(
    binary: BinaryIO, chosen: Format, *, skip: int = 0, size: int = 10_000
) -> Generator[Batch]:
    """Yield a file's rows in batches of at most `size`, without the first `skip`."""
    row = 0
    for part in _parts(binary, chosen):
        for start in range(max(0, skip - row), len(part.cells), size):
            yield _batch(part, start, start + size, row=row, position=binary.tell())
        row += len(part.cells)


def _batch(part: _Part, start: int, end: int, *, row: int, position: int) -> Batch:
    def lines() -> list[int]:
        return part.lines()[start:end]

    cells, first = part.cells[start:end], row + start + 1
    if part.records is None:
        return Batch(first, cells, lines, position=position)
    records = part.records[start:end]
    return Batch(
        first,
        cells,
        lines,
        errors={at: each.error for at, each in enumerate(records) if each.error},
        said={at: each.said for at, each in enumerate(records) if each.said},
        position=position,
    )


def _parts(binary: BinaryIO, chosen: Format) -> Iterator[_Part]:
    if chosen.kind != "csv":
        yield from map(_of_records, _grouped(open_table(binary, chosen).records))
        return
    has_header = chosen.has_header
    for piece in read_pieces(decompressed(binary, chosen.compression), chosen):
        part = _of_records(piece) if isinstance(piece, list) else _Part(piece.cells, piece.lines)
        if has_header and part.cells:
            part, has_header = _without_first(part), False
        yield part


def _of_records(records: list[Record]) -> _Part:
    cells = [each.cells for each in records]
    return _Part(cells, lambda: [each.line for each in records], records)


def _without_first(part: _Part) -> _Part:
    records = part.records and part.records[1:]
    return _Part(part.cells[1:], lambda: part.lines()[1:], records)


def _grouped(records: Iterator[Record]) -> Iterator[list[Record]]:
    while True:
        group: list[Record] = []
        chars = 0
        for record in islice(records, _RECORDS):
            group.append(record)
            chars += sum(map(len, record.cells))
            if chars >= _CHARS:
                break
        if not group:
            return
        yield group
