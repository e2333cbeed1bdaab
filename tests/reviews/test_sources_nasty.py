"""Files as nobody should send them: each ends in time, in words, and within its memory."""

import io
import re
import time
import tracemalloc

import pytest

from common.errors import Invalid
from reviews.sources import guess_format, open_table
from reviews.tables import MAX_CELL_CHARS, Record
from tests.reviews.nasty import TEXTS, Nasty
from tests.reviews.nasty_packed import PACKED

NASTY = [*TEXTS, *PACKED]


def test_the_corpus_is_large_and_every_file_has_its_own_name() -> None:
    assert len({nasty.key for nasty in NASTY}) == len(NASTY) >= 60


@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: nasty.key)
def test_a_nasty_file_is_refused_in_words_or_read_as_far_as_it_goes(nasty: Nasty) -> None:
    data = nasty.make()
    if nasty.megabytes:
        tracemalloc.start()
    begun = time.process_time()

    try:
        seen = _read(data, nasty)
        peak = tracemalloc.get_traced_memory()[1] / 1_000_000 if nasty.megabytes else 0
    finally:
        tracemalloc.stop()

    assert time.process_time() - begun < nasty.seconds
    assert peak <= nasty.megabytes
    assert seen == (nasty.says or (nasty.kind, nasty.sound, nasty.refused, nasty.ragged))


def _read(data: bytes, nasty: Nasty) -> object:
    """Return the words that were expected of a refusal, or the kind and the counts."""
    try:
        return _counts(data, nasty)
    except Invalid as invalid:
        refusal = invalid
    assert refusal.errors
    assert nasty.says, refusal.detail
    assert re.search(nasty.says, refusal.detail), refusal.detail
    assert refusal.detail.endswith((".", ")"))
    return nasty.says


def _counts(data: bytes, nasty: Nasty) -> tuple[str, int, int, int]:
    binary = io.BytesIO(data)
    chosen = guess_format(binary, name=nasty.name)
    table = open_table(binary, chosen)
    sound = refused = ragged = 0
    for record in table.records:
        _check(record, nasty)
        refused += bool(record.error)
        is_whole = len(record.cells) == len(table.columns)
        sound += not record.error and is_whole
        ragged += not record.error and not is_whole
    return chosen.kind, sound, refused, ragged


def _check(record: Record, nasty: Nasty) -> None:
    assert record.line >= 1
    assert all(len(cell) <= MAX_CELL_CHARS for cell in record.cells)
    for cell in record.cells:
        cell.encode()
    if record.error:
        assert re.search(nasty.why or "^$", record.error), record.error
