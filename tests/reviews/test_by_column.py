"""Deciding by column gives what deciding row by row gives."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from common.text import normalise
from reviews.batches import Batch
from reviews.by_column import BatchReader, normalised
from reviews.decided import Decided
from reviews.mapping import ColumnMapping
from reviews.rows import Accepted, RowReader

COLUMNS = ["title", "body", "stars", "more", "day", "item", "who", "age", "note"]
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "4", "five", "2024-01-31", "soon", "x" * 201, "\r\na\r", "e\u0301", "\u0301",
         "\x00", "\ufeffb", 'a "b" \\ c', "\ud800", "café", "tab\there", "y" * 100_001]
    ),
    st.text(max_size=8),
)  # fmt: skip
ROWS = st.lists(
    st.one_of(st.lists(CELLS, min_size=9, max_size=9), st.lists(CELLS, max_size=11)), max_size=12
)
MAPPINGS = st.builds(
    ColumnMapping,
    text=st.sampled_from([("body",), ("title", "body"), ("title", "body", "note")]),
    separator=st.sampled_from(["\n\n", " [SEP] ", "\u0301", ""]),
    answers=st.sampled_from([{}, {"stars": "rating"}, {"stars": "rating", "more": "other"}]),
    values=st.sampled_from([{}, {"stars": {"FIVE ": "5"}}]),
    metadata=st.sampled_from([(), ("age",), ("age", "note", "stars")]),
    date=st.sampled_from(["", "day"]),
    product=st.sampled_from(["", "item"]),
    author=st.sampled_from(["", "who"]),
)


def parse(key: str, raw: str) -> int | None:
    """Take what the questions of these tests take."""
    if key == "rating" and raw and raw not in set("12345"):
        raise ValueError(f'"{raw}" is not a number from 1 to 5')
    return int(raw) if raw.isdecimal() and raw.isascii() else None


def is_complete(answers: Mapping[str, Any]) -> bool:
    return answers.get("rating") is not None


def row_by_row(batch: Batch, mapping: ColumnMapping) -> tuple[list[Accepted], list[Any]]:
    """Decide about every row alone."""
    reader = RowReader(mapping, COLUMNS, parse_answer=parse, day_first=False)
    places = range(len(batch))
    decided = [reader.read(record, batch.first_row + at) for at, record in batch.records(places)]
    accepted = [each for each in decided if isinstance(each, Accepted)]
    return accepted, [each for each in decided if not isinstance(each, Accepted)]


def as_accepted(decided: Decided) -> list[tuple[Any, ...]]:
    rows = decided.rows
    return list(
        zip(
            rows.numbers, rows.texts, [each.hex() for each in rows.digests], rows.originals,
            rows.metadata, rows.products, rows.authors, rows.days,
            [dict(each.answers) for each in rows.given], rows.said, strict=True,
        )
    )  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(cells=ROWS, mapping=MAPPINGS)
def test_a_batch_is_decided_like_its_rows(cells: list[list[str]], mapping: ColumnMapping) -> None:
    batch = Batch(7, cells, lambda: list(range(2, 2 + len(cells))))
    reader = BatchReader(
        mapping, COLUMNS, parse_answer=parse, is_complete=is_complete, day_first=False
    )

    decided = reader.read(batch)

    accepted, rejected = row_by_row(batch, mapping)
    assert decided.rejected == rejected
    assert as_accepted(decided) == [
        (row.row_number, row.text, row.text_hash, row.original_hash, row.metadata, row.product,
         row.author, row.reviewed_at and row.reviewed_at.isoformat(), dict(row.answers), row.said)
        for row in accepted
    ]  # fmt: skip
    assert [each.is_complete for each in decided.rows.given] == [
        bool(row.answers) and is_complete(row.answers) for row in accepted
    ]


@given(texts=st.lists(CELLS, max_size=6))
def test_normalising_many_texts_is_normalising_each(texts: list[str]) -> None:
    assert normalised(texts) == list(map(normalise, texts))
