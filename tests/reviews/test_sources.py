"""The two doors to files of every kind: what a file is, and what its records are."""

import datetime as dt
import gzip
import io
import json
import lzma
import tracemalloc
import warnings
import zipfile
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from common.errors import Invalid
from reviews.batches import read_batches
from reviews.sources import KINDS, guess_format, open_table, sheet_names
from reviews.sources.objects import OTHER_FIELDS
from reviews.tables import Format, Record, Table


def read(data: bytes, name: str = "a", **chosen: Any) -> tuple[Format, Table, list[Record]]:
    binary = io.BytesIO(data)
    guessed = guess_format(binary, name=name, chosen=chosen)
    assert binary.tell() == 0
    table = open_table(binary, guessed)
    records = list(table.records)
    assert not binary.closed
    return guessed, table, records


def dicts(data: bytes, name: str = "a", **chosen: Any) -> list[dict[str, str]]:
    _, table, records = read(data, name, **chosen)
    assert not any(record.error for record in records)
    return [dict(zip(table.columns, record.cells, strict=True)) for record in records]


def workbook(*rows: list[Any], title: str = "Reviews", more: str = "") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if more:
        book.create_sheet(more).append(["other"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(*rows: dict[str, Any], **metadata: Any) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata or None), out)
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def in_zip(data: bytes) -> bytes:
    return zipped({"reviews.bin": data})


ROWS = [{"id": "1", "text": "zażółć, gęślą"}, {"id": "2", "text": "so\nso"}]
CSV = 'id,text\n1,"zażółć, gęślą"\n2,"so\nso"\n'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(CSV.encode(), "csv", id="csv"),
        pytest.param(CSV.encode("utf-16"), "csv", id="csv in UTF-16"),
        pytest.param(CSV.replace(",t", ";t").replace('1,"', '1;"').replace('2,"', '2;"').encode(),
                     "csv", id="semicolons"),
        pytest.param("".join(json.dumps(row) + "\n" for row in ROWS).encode(), "jsonl", id="jsonl"),
        pytest.param("\r\n".join(map(json.dumps, ROWS)).encode(), "jsonl", id="jsonl of Windows"),
        pytest.param(json.dumps(ROWS).encode(), "json", id="json"),
        pytest.param(json.dumps(ROWS, indent=2).encode("utf-16-le"), "json", id="json in UTF-16"),
        pytest.param(json.dumps({"total": 2, "reviews": ROWS, "page": {"next": None}}).encode(),
                     "json", id="a list in an object, on one line"),
        pytest.param(json.dumps({"total": [1], "reviews": ROWS}, indent=1).encode(), "json",
                     id="a list in an object"),
        pytest.param(parquet(*ROWS), "parquet", id="parquet"),
        pytest.param(workbook(["id", "text"], *(list(row.values()) for row in ROWS)), "xlsx",
                     id="xlsx"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lzma.compress, in_zip], ids=["", "gzip", "xz", "zip"]
)
def test_the_same_rows_come_out_of_every_kind_whatever_it_is_called(
    data: bytes, kind: str, pack: Any
) -> None:
    packed = pack(data)

    guessed, _, _ = read(packed, "reviews.bin")

    assert guessed.kind == kind
    assert dicts(packed, "reviews.bin") == ROWS


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_shards_in_a_zip_are_one_file_in_their_order(ending: str) -> None:
    def shard(*ids: int) -> bytes:
        rows = [{"id": number, "text": "good"} for number in ids]
        return parquet(*rows) if ending == "parquet" else "\n".join(map(json.dumps, rows)).encode()

    data = zipped(
        {
            "README.md": b"# Reviews",
            f"data/train-00000-of-00002.{ending}": shard(1, 2),
            f"data/train-00001-of-00002.{ending}": shard(3),
            f"data/test-00000-of-00001.{ending}": shard(4, 5),
        }
    )

    guessed, _, records = read(data)

    assert (guessed.kind, guessed.compression) == (ending, "zip")
    assert [record.line for record in records] == [1, 2, 3, 4, 5]
    assert [row["id"] for row in dicts(data)] == ["1", "2", "3", "4", "5"]


def test_the_name_inside_a_zip_breaks_ties() -> None:
    lines = b"I like it\nIt broke\n"

    assert read(zipped({"a.txt": lines}), "a.csv.zip")[0].kind == "lines"
    assert read(zipped({"a.csv": lines}), "a.txt.zip")[0].kind == "csv"


def test_rows_of_a_zip_can_be_skipped_and_are_not_held_in_memory() -> None:
    rows = (b"%d,so %s\n" % (number, b"%d" % number**7 * 9) for number in range(200_000))
    data = zipped({"a.csv": b"id,text\n" + b"".join(rows)})
    binary = io.BytesIO(data)
    chosen = guess_format(binary)

    tracemalloc.start()
    batches = read_batches(binary, chosen, skip=199_990)
    found = [row[0] for batch in batches for row in batch.cells]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [str(number) for number in range(199_990, 200_000)]
    assert peak < 40_000_000


def test_letting_go_of_a_packed_table_closes_what_was_unpacked() -> None:
    binary = io.BytesIO(gzip.compress(parquet(*ROWS)))

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        open_table(binary, Format(kind="parquet", compression="gzip"))


def test_what_was_chosen_is_not_guessed() -> None:
    guessed, table, records = read(
        b"a|b;c\n'1'|2\n", encoding="cp1252", delimiter="|", quote="'", has_header=False
    )

    assert guessed == Format("cp1252", "|", has_header=False, quote="'")
    assert table.columns == ["column 1", "column 2"]
    assert records[1].cells == ["1", "2"]


def test_a_chosen_kind_is_kept() -> None:
    _, table, records = read(b"text\nI like it, a lot\n", kind="lines", has_header=True)

    assert table.columns == ["text"]
    assert [record.cells for record in records] == [["I like it, a lot"]]


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"kind": "odt"}, "not known"),
        ({"encoding": "rot13"}, "not known"),
        ({"delimiter": "ab"}, "one sign"),
        ({"delimiter": "\n"}, "one sign"),
        ({"quote": "x"}, "one sign"),
        ({"delimiter": '"'}, "same sign"),
        ({"colour": "red"}, "no choice"),
        ({"kind": "parquet"}, "damaged"),
        ({"kind": "xlsx"}, "damaged"),
        ({"kind": "semeval"}, "not well formed"),
        ({"kind": "json"}, "neither a list nor an object"),
        ({"kind": "argilla"}, "neither a list nor an object"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_words(chosen: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        read(b"text\ngood\n", **chosen)


def test_a_sheet_that_there_is_none_of_is_refused_with_those_there_are() -> None:
    with pytest.raises(Invalid, match="has: Reviews"):
        read(workbook(["text"], ["good"]), sheet="None")


def test_every_kind_has_a_name_and_a_reader() -> None:
    for key, kind in KINDS.items():
        assert kind.name
        with pytest.raises(Invalid):
            list(open_table(io.BytesIO(b""), Format(kind=key)).records)


# --- JSON -----------------------------------------------------------------------------------------


def test_values_of_json_become_cells_without_loss() -> None:
    value = (
        '{"s": "x", "n": null, "i": 12345678901234567890123, "f": 1.10, "e": 1e5, "t": true, '
        '"o": {"a": {"b": false}, "c": {}}, "l": [1, "ż", {"x": null}]}'
    )

    assert dicts(value.encode() * 2, "a.json") == [
        {"s": "x", "n": "", "i": "12345678901234567890123", "f": "1.10", "e": "1e5", "t": "true",
         "o.a.b": "false", "o.c": "{}", "l": '[1,"ż",{"x":null}]'}
    ] * 2  # fmt: skip


def test_columns_are_all_keys_of_the_sample_and_later_ones_share_a_column() -> None:
    rows = [{"a": str(n)} if n % 2 else {"b": str(n)} for n in range(1_500)]
    data = "".join(json.dumps(row) + "\n" for row in [*rows, {"a": "x", "late": "y", "l2": [1]}])

    found = dicts(data.encode())

    assert list(found[0]) == ["b", "a", OTHER_FIELDS]
    assert found[1] == {"b": "", "a": "1", OTHER_FIELDS: ""}
    assert json.loads(found[-1][OTHER_FIELDS]) == {"late": "y", "l2": "[1]"}


def test_a_small_file_has_no_column_for_later_fields() -> None:
    assert list(dicts(b'{"text": "a"}\n{"other": "b"}\n')[0]) == ["text", "other"]


def test_lines_and_elements_are_numbered() -> None:
    _, table, records = read(b'{"a": 1}\n\nnope\n{"a": 2}\n')
    assert (table.unit, [record.line for record in records]) == ("line", [1, 3, 4])

    _, table, records = read(b'[{"a": 1},\n{"a": nope},\n{"a": 2}]')
    assert (table.unit, [record.line for record in records]) == ("element", [1, 2, 3])
    assert records[1].error.startswith("line 2: ")


@pytest.mark.parametrize("size", [10, 300_000, 3_000_000])
def test_an_element_may_lie_across_pieces_of_any_size(size: int) -> None:
    rows = [{"a": "x" * min(size, 90_000), "n": [1] * (size // 4)}, {"a": "y"}, {"a": "z"}]
    data = json.dumps(rows[1:] + rows + rows[1:]).encode()

    _, _, records = read(data)

    assert [record.cells[0][:1] for record in records] == ["y", "z", "x", "y", "z", "y", "z"]


def test_a_long_document_is_read_in_little_memory() -> None:
    data = b"[" + b",".join([b'{"text": "%s"}' % (b"good " * 200)] * 60_000) + b"]"
    binary = io.BytesIO(data)
    tracemalloc.start()

    count = sum(1 for _ in open_table(binary, Format(kind="json")).records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 60_000
    assert peak < 20_000_000 < len(data)


# --- Parquet --------------------------------------------------------------------------------------


def test_values_of_parquet_become_cells() -> None:
    row = {"text": "good", "n": 5, "f": 2.0, "nan": float("nan"), "d": dt.date(2024, 1, 2),
           "t": dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.UTC), "m": dt.datetime(2024, 1, 2),  # noqa: DTZ001
           "x": {"y": [1, 2]}, "b": b"raw", "c": Decimal("1.10"), "z": None}  # fmt: skip

    assert dicts(parquet(row)) == [
        {"text": "good", "n": "5", "f": "2", "nan": "", "d": "2024-01-02",
         "t": "2024-01-02 03:04:00+00:00", "m": "2024-01-02", "x.y": "[1,2]", "b": "raw",
         "c": "1.10", "z": ""}
    ]  # fmt: skip


def test_the_names_of_classes_stand_for_their_numbers() -> None:
    label = {"names": ["neg", "pos"], "_type": "ClassLabel"}
    meta = json.dumps({"info": {"features": {"label": label, "text": {"_type": "Value"}}}})
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}]

    found = dicts(parquet(*rows, huggingface=meta))

    assert [row["label"] for row in found] == ["pos", "neg", ""]


# --- Workbooks ------------------------------------------------------------------------------------


def test_cells_of_a_workbook_read_as_a_person_would_write_them() -> None:
    data = workbook(
        [*"abcdefghijk"],
        [5.0, 2.5, 0.1 + 0.2, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001
         dt.time(6, 7), True, "a\nb", None, "=1+1", 10**14],
    )  # fmt: skip

    assert list(dicts(data)[0].values()) == [
        "5", "2.5", "0.3", "2024-01-02", "2024-01-02 03:04:05", "06:07:00", "true", "a\nb", "", "",
        "100000000000000",
    ]  # fmt: skip


def test_a_sheet_is_chosen_by_name_and_the_first_is_meant_otherwise() -> None:
    data = workbook(["text"], ["good"], more="Second")

    assert sheet_names(io.BytesIO(data), Format(kind="xlsx")) == ["Reviews", "Second"]
    assert sheet_names(io.BytesIO(b"a"), Format()) == []
    assert dicts(data) == [{"text": "good"}]
    assert read(data, sheet="Second")[1].columns == ["other"]


def test_rows_of_a_sheet_keep_their_numbers_and_short_ones_are_filled() -> None:
    _, table, records = read(workbook(["id", "text"], [1, "a"], [], [2], [3, "c"]))

    assert table.unit == "row"
    assert [(record.line, record.cells) for record in records] == [
        (2, ["1", "a"]),
        (4, ["2", ""]),
        (5, ["3", "c"]),
    ]


def test_a_sheet_without_a_header_is_all_data() -> None:
    _, table, records = read(workbook([1, "Good coat, it fits."], [2, "Bad."]))

    assert table.columns == ["column 1", "column 2"]
    assert len(records) == 2
