"""No bytes at all make reading fail but in words; GLOSS_FUZZ_SECONDS lets this run for longer."""

import gzip
import io
import json
import lzma
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Invalid
from reviews.sources import KINDS, guess_format, open_table
from reviews.tables import MAX_CELL_CHARS, Format
from tests.reviews.nasty import TEXTS
from tests.reviews.nasty_packed import PACKED, sheet
from tests.reviews.test_sources import parquet, workbook, zipped
from tests.reviews.test_sources_labelled import IOB1, SEMEVAL_2014, SEMEVAL_2015

SECONDS = float(os.environ.get("GLOSS_FUZZ_SECONDS", "0"))
LIMITS = settings(
    max_examples=1_000 if SECONDS else 150,
    deadline=timedelta(seconds=10),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

_ROWS = [
    {"id": n, "text": f"good {n} ż \U0001f408", "more": {"a": [n, None, 1.5]}} for n in range(9)
]
_SPAN = {"start": 0, "end": 4, "start_offset": 0, "end_offset": 4, "label": "A", "labels": ["A"],
         "text": "good"}  # fmt: skip
_RESULT = {"from_name": "x", "value": _SPAN}
_LABELLED = [
    {"text": "good", "label": [[0, 4, "A"]], "entities": [_SPAN]},
    {"data": {"text": "good"}, "annotations": [{"completed_by": 1, "result": [_RESULT]}]},
    {"text": "good", "id": 1, "x": [_SPAN], "annotator": 1, "annotation_id": 2},
    {"text": "good", "_input_hash": 1, "spans": [_SPAN], "accept": ["a"], "answer": "accept",
     "options": [{"id": "a", "text": "A"}]},
    {"fields": {"text": "good"}, "responses": {"x": [{"user_id": "u", "value": [_SPAN]}]}},
    {"text": "good", "x.responses": ["a"], "x.responses.users": ["u"]},
    {"tokens": ["a", "b"], "tags": ["O", "B-A"]},
    {"text": "good", "entities": [[0, 4, "A"]], "cats": {"a.b": 1.0}},
    {"text": "good", "metadata": {"a": 1}, "annotations": [
        {"annotator": "a", "answers": {"x": [_SPAN], "y": ["b"], "z": 1.0}}]},
]  # fmt: skip


def _lines(rows: Sequence[object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


SOUND: dict[str, bytes] = {
    "csv": b"id,text\n" + b'1,"good, so\nso"\n' * 9,
    "utf-16": "id;text\n1;żółw\n".encode("utf-16"),
    "jsonl": _lines(_ROWS),
    "json": json.dumps({"x": 1, "rows": _ROWS}, indent=1).encode(),
    "parquet": parquet(*_ROWS),
    "xlsx": workbook(["id", "text"], [1, "good"], [2.5, "bad"]),
    "conll": IOB1.encode(),
    "semeval14": SEMEVAL_2014.encode(),
    "semeval15": SEMEVAL_2015.encode(),
    "gzip": gzip.compress(_lines(_ROWS)),
    "xz": lzma.compress(b"id,text\n" + b"1,good\n" * 99),
    "zip": zipped({"README.md": b"x", "a.csv": b"id,text\n" + b"1,good\n" * 99}),
    "shards": zipped({f"a-0000{n}-of-00002.parquet": parquet(*_ROWS) for n in range(2)}),
    **{f"labelled {number}": _lines([row] * 3) for number, row in enumerate(_LABELLED)},
}


def reads_or_says_why(data: bytes, chosen: Format | None = None) -> None:
    """Read a file to its end; anything but Invalid goes through and fails the test."""
    binary = io.BytesIO(data)
    try:
        table = open_table(binary, chosen or guess_format(binary, name="a.csv"))
        for record in table.records:
            assert record.line >= 1
            assert all(len(cell) <= MAX_CELL_CHARS for cell in record.cells)
            for said in record.said:
                assert said.answers
    except Invalid as invalid:
        assert invalid.errors  # noqa: PT017  (the refusal is one of two right outcomes)
        assert len(invalid.detail) > 20  # noqa: PT017


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound file with bits flipped, pieces cut out, doubled or replaced, and its end cut off."""
    data = bytearray(draw(st.sampled_from(sorted(SOUND)).map(SOUND.__getitem__)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        to = min(len(data), at + draw(st.integers(1, 40)))
        match draw(st.sampled_from(["flip", "cut", "double", "replace", "end"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:to]
            case "double":
                data[at:at] = data[at:to] * draw(st.integers(1, 5))
            case "replace":
                data[at:to] = draw(st.binary(max_size=20))
            case "end":
                del data[to:]
    return bytes(data)


#: As JSON, so that every one drawn is one of its own.
_ODD = [
    "null",
    "true",
    "0",
    "-1",
    "1180591620717411303424",
    "1.5",
    "1e999",
    '""',
    '"x"',
    "[]",
    "{}",
    "[null]",
    "[{}]",
    "[[]]",
    '["x", 1]',
    '{"a": 1}',
    '[{"start": 0}]',
    "[[0, 1]]",
    '{"user_id": [], "value": [1]}',
]


def _places(value: object) -> list[tuple[object, object]]:
    """Return every place of a tree that can be filled otherwise: what holds it, and its key."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    inside = [place for key in keys for place in _places(value[key])]
    return [(value, key) for key in keys] + inside


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """Labelled objects in one of which some values are replaced by any other, or left out."""
    sound = draw(st.sampled_from(_LABELLED))
    odd = json.loads(json.dumps(sound))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(_places(odd) or [({"": 0}, "")]))
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[key]
        elif isinstance(holder, dict | list):
            holder[key] = json.loads(draw(st.sampled_from(_ODD)))  # type: ignore[call-overload]
    return _lines([sound, odd, sound])


@st.composite
def bent_workbooks(draw: st.DrawFn) -> bytes:
    """Workbooks of which a part is another text than it should be, with sums that are right."""
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c s="1"><v>5</v></c></row>'
    styles = '<numFmt numFmtId="170" formatCode="yy"/><cellXfs><xf/><xf numFmtId="170"/></cellXfs>'
    parts = {
        "xl/sharedStrings.xml": "<sst><si><t>text</t></si></sst>",
        "xl/styles.xml": f"<styleSheet>{styles}</styleSheet>",
    }
    parts["rows"] = rows
    name = draw(st.sampled_from(sorted(parts)))
    text = parts[name]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 12)))
        text = text[:at] + draw(st.text(alphabet='<>/="&;01289-Aacrstv', max_size=6)) + text[to:]
    parts[name] = text
    return sheet(parts.pop("rows"), **parts)


_PACKED = ["", "gzip", "xz", "zip"]


@LIMITS
@given(st.binary(max_size=4_000))
def _any_bytes(data: bytes) -> None:
    reads_or_says_why(data)


@LIMITS
@given(
    st.binary(max_size=500),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["", "gzip", "xz", "zip"]),
)
def _any_bytes_of_any_kind(data: bytes, kind: str, compression: str) -> None:
    reads_or_says_why(data, Format(kind=kind, compression=compression))


@LIMITS
@given(st.text(alphabet='[]{}",:\\\n az0-.eO\t<>/-', max_size=200), st.sampled_from(sorted(KINDS)))
def _any_text_of_any_kind(text: str, kind: str) -> None:
    reads_or_says_why(text.encode(), Format(kind=kind))


@LIMITS
@given(mutated())
def _sound_files_bent(data: bytes) -> None:
    reads_or_says_why(data)


@LIMITS
@given(mutated(), st.sampled_from(sorted(KINDS)))
def _sound_files_bent_and_taken_for_another_kind(data: bytes, kind: str) -> None:
    reads_or_says_why(data, Format(kind=kind))


@LIMITS
@given(bent())
def _answers_of_any_shape(data: bytes) -> None:
    reads_or_says_why(data)


@LIMITS
@given(bent_workbooks())
def _workbooks_of_any_shape(data: bytes) -> None:
    reads_or_says_why(data)


@LIMITS
@given(bent(), st.sampled_from([key for key, kind in KINDS.items() if kind.is_labelled]))
def _answers_of_any_shape_in_another_dialect(data: bytes, kind: str) -> None:
    reads_or_says_why(data, Format(kind=kind))


@pytest.mark.timeout(300 + SECONDS)
@pytest.mark.parametrize(
    "holds",
    [
        _any_bytes,
        _any_bytes_of_any_kind,
        _any_text_of_any_kind,
        _sound_files_bent,
        _sound_files_bent_and_taken_for_another_kind,
        _answers_of_any_shape,
        _workbooks_of_any_shape,
        _answers_of_any_shape_in_another_dialect,
    ],
    ids=lambda holds: holds.__name__,
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(holds: Callable[[], None]) -> None:
    begun = time.monotonic()
    while True:
        holds()
        if time.monotonic() - begun >= SECONDS:
            return


@pytest.mark.parametrize("name", sorted(SOUND))
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_read_or_refused_in_words(name: str, at: float) -> None:
    data = SOUND[name]

    reads_or_says_why(data[: int(len(data) * at)])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nasty_files_taken_for_any_kind_are_read_or_refused_in_words(kind: str) -> None:
    for nasty in [*TEXTS, *PACKED]:
        if not nasty.megabytes:
            reads_or_says_why(nasty.make(), Format(kind=kind))
