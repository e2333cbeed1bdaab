"""Files as nobody should send them that are packed, binary, or something else than they say."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

from tests.reviews.nasty import LAUGHS, OUTSIDE, ROWS, Nasty, as_bytes, json_lines

# --- What is no table, or is called wrongly -----------------------------------------------------


def _zip(**members: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(ROWS)
        archive.addfile(member, io.BytesIO(ROWS.encode()))
    return out.getvalue()


def _noise(count: int) -> bytes:
    """Return bytes without order, the same every time."""
    state, out = 12345, bytearray()
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state >> 16 & 0xFF)
    return bytes(out)


def _locked_zip() -> bytes:
    data = bytearray(_workbook([["text"], ["a"]]))
    # The bit that says "encrypted", in the directory at the end and in front of the member.
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = data.find(mark)
        while start >= 0:
            data[start + at] |= 1
            start = data.find(mark, start + 4)
    return bytes(data)


_OTHERS = [
    Nasty("a web page", "reviews.csv",
          as_bytes("<!DOCTYPE html>\n<html><body>Sign in</body></html>"),
          says="web page"),
    Nasty("a web page in capitals", "reviews.json", as_bytes("\n\n<HTML><BODY></BODY></HTML>"),
          says="web page"),
    Nasty("noise", "a.csv", lambda: _noise(50_000), says="no text"),
    Nasty("noise called JSON", "a.json", lambda: _noise(5_000), says="no text"),
    Nasty("a PDF", "a.csv", as_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), says="PDF"),
    Nasty("a picture", "a.csv", as_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 99), says="picture"),
    Nasty("formatted text", "a.txt", as_bytes(r"{\rtf1\ansi good}"), says="RTF"),
    Nasty("a database", "a.csv", as_bytes(b"SQLite format 3\x00" + b"\x00" * 99), says="SQLite"),
    Nasty("a pickle", "a.csv", as_bytes(b"\x80\x04\x95\x0e\x00\x00\x00"), says="Python objects"),
    Nasty("an old or locked workbook", "a.xlsx",
          as_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504), says="password"),
    Nasty("bzip2", "a.csv.bz2", as_bytes(b"BZh91AY&SY"), says="bzip2"),
    Nasty("zstd", "a.csv.zst", as_bytes(b"\x28\xb5\x2f\xfd\x00"), says="zstd"),
    Nasty("a tar in gzip", "a.tar.gz", _tar, says="tar"),
    Nasty("a CSV in a zip called Parquet", "a.parquet", lambda: _zip(**{"a.csv": ROWS}), sound=2),
    Nasty("only folders in a zip", "a.zip", lambda: _zip(**{"a/": "", "b/": ""}),
          says="holds nothing"),
    Nasty("an empty zip", "a.zip", _zip, says="empty"),
    Nasty("a Word document", "a.xlsx", lambda: _zip(**{"word/document.xml": "<w/>"}), says="Word"),
    Nasty("an OpenDocument sheet", "a.ods",
          lambda: _zip(mimetype="application/vnd", **{"content.xml": "<x/>"}), says="OpenDocument"),
    Nasty("a CSV called XLSX", "a.xlsx", as_bytes(ROWS), sound=2),
    Nasty("a CSV called JSON", "a.csv.json.csv", as_bytes(ROWS), sound=2),
    Nasty("a JSON called CSV", "a.csv", as_bytes('[{"text": "a"}, {"text": "b"}]'), kind="json",
          sound=2),
    Nasty("lines of JSON called Parquet", "a.parquet",
          lambda: json_lines([{"text": "a"}, {"text": "b"}]), kind="jsonl", sound=2),
    Nasty("a gzip called CSV", "a.csv", lambda: gzip.compress(ROWS.encode()), sound=2),
    Nasty("a CSV called gzip", "a.csv.gz", as_bytes(ROWS), sound=2),
    Nasty("a Parquet called CSV", "a.csv", lambda: _parquet({"text": ["a", "b"]}), kind="parquet",
          sound=2),
    Nasty("a workbook called CSV", "a.csv", lambda: _workbook([["text"], ["a"], ["b"]]),
          kind="xlsx", sound=2),
    Nasty("a CSV that starts with a bracket", "a.csv", as_bytes("[id],text\n1,good\n2,bad\n"),
          sound=2),
]  # fmt: skip

# --- Compressed ---------------------------------------------------------------------------------


def _hungry_xz() -> bytes:
    """Return an xz file that asks for a dictionary of 4 GiB; its header's sum is made to fit."""
    data = bytearray(lzma.compress(ROWS.encode()))
    size = (data[12] + 1) * 4
    data[12 + 4] = 40
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def _wrong_sum() -> bytes:
    data = bytearray(gzip.compress(ROWS.encode() * 100))
    data[-6] ^= 0xFF
    return bytes(data)


def _many_lines(count: int) -> bytes:
    return b"id,text\n" + (b"1," + b"good " * 2_000 + b"\n") * count


_COMPRESSED = [
    Nasty("a gzip that is cut off", "a.csv.gz", lambda: gzip.compress(_noise(9_999))[:-900],
          says="cut off"),
    Nasty("an xz that is cut off", "a.csv.xz", lambda: lzma.compress(_noise(9_999))[:-900],
          says="cut off"),
    Nasty("a gzip with a header only", "a.csv.gz", lambda: gzip.compress(b"x")[:8], says="cut off"),
    Nasty("a gzip bomb", "a.csv.gz", lambda: gzip.compress(_many_lines(12_000), 9),
          says="times its size", seconds=30, megabytes=100),
    Nasty("an xz bomb", "a.csv.xz", lambda: lzma.compress(_many_lines(12_000), preset=0),
          says="times its size", seconds=30, megabytes=100),
    Nasty("a bomb of one line of JSON", "a.jsonl.gz",
          lambda: gzip.compress(b'{"text": "' + b"x" * 120_000_000, 9), says="times its size",
          seconds=30, megabytes=150),
    Nasty("a gzip in a gzip", "a.csv.gz.gz", lambda: gzip.compress(gzip.compress(b"text\na\n")),
          says="twice"),
    Nasty("an xz in a gzip", "a.csv.gz", lambda: gzip.compress(lzma.compress(b"text\na\n")),
          says="twice"),
    Nasty("a gzip with a wrong sum", "a.csv.gz", _wrong_sum, says="damaged"),
    Nasty("a gzip with more behind it", "a.csv.gz",
          lambda: gzip.compress(ROWS.encode()) + b"and more", says="damaged"),
    Nasty("gzips one after the other", "a.csv.gz",
          lambda: gzip.compress(ROWS.encode()) + gzip.compress(b"3,well\n"), sound=3),
    Nasty("xzs one after the other", "a.csv.xz",
          lambda: lzma.compress(ROWS.encode()) + b"\x00" * 4 + lzma.compress(b"3,well\n"), sound=3),
    Nasty("an xz that wants 4 GiB", "a.csv.xz", _hungry_xz, says="memory"),
    Nasty("an empty gzip", "a.csv.gz", lambda: gzip.compress(b""), says="empty"),
    Nasty("a workbook in a gzip", "a.xlsx.gz",
          lambda: gzip.compress(_workbook([["text"], ["a"]])), kind="xlsx", sound=1),
    Nasty("a Parquet in an xz", "a.parquet.xz", lambda: lzma.compress(_parquet({"text": ["a"]})),
          kind="parquet", sound=1),
]  # fmt: skip

# --- Zip archives -------------------------------------------------------------------------------


def _zip_with(at_directory: int, at_member: int, changed: bytes, name: str = "a.csv") -> bytes:
    """Return a zip with bytes changed in its directory and in front of the member.

    The offsets are those of PKWARE's APPNOTE, 4.3.7 and 4.3.12; -1 leaves one as it is.
    """
    data = bytearray(_zip(**{name: ROWS}))
    for mark, at in ((b"PK\x01\x02", at_directory), (b"PK\x03\x04", at_member)):
        if at >= 0:
            start = data.find(mark) + at
            data[start : start + len(changed)] = changed
    return bytes(data)


def _streamed_zip() -> bytes:
    """Return a zip as one writes it who cannot go back: sizes stand behind the member."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", ROWS)
    return out.getvalue()


def _zip64() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open("a.csv", "w", force_zip64=True) as member,
    ):
        member.write(ROWS.encode())
    return out.getvalue()


def _same_member_often(count: int) -> bytes:
    """Return a zip whose directory names the same bytes again and again (D. Fifield, 2019)."""
    whole = _zip(**{"a-00000-of-00001.jsonl": b'{"text": "' + b"x" * 4_000_000 + b'"}'})
    start, end = whole.find(b"PK\x01\x02"), whole.find(b"PK\x05\x06")
    directory = whole[start:end] * count
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return whole[:start] + directory + tail


def _lying_bomb() -> bytes:
    data = bytearray(_zip(**{"a.csv": _many_lines(12_000)}))
    for mark, at in ((b"PK\x01\x02", 20), (b"PK\x03\x04", 18)):
        start = data.find(mark) + at
        data[start : start + 4] = struct.pack("<L", 100_000_000)
    return bytes(data)


def _in_zip(data: bytes, name: str) -> bytes:
    return _zip(**{name: data})


_SHARDS = {
    f"data/train-0000{at}-of-00002.jsonl": f'{{"text": "{text}"}}'
    for at, text in enumerate(("good", "bad"))
}
_ZIPS = [
    Nasty("a CSV in a zip", "a.zip", lambda: _zip(**{"a.csv": ROWS}), sound=2),
    Nasty("a CSV in a zip with what systems add", "a.zip",
          lambda: _zip(**{"r/": "", "__MACOSX/b.csv": "x", "r/.x/c.csv": "x", "r/.DS_Store": "x",
                          "README.md": "x",
                          "r/a.csv": ROWS}),
          sound=2),
    Nasty("a file of no known ending in a zip", "a.zip", lambda: _zip(reviews=ROWS), sound=2),
    Nasty("a table and its picture in a zip", "a.zip",
          lambda: _zip(**{"a.png": "x", "a.csv": ROWS}), sound=2),
    Nasty("two tables in a zip", "a.zip", lambda: _zip(**{"a.csv": ROWS, "b/c.json": "[]"}),
          says=r"2 files that may hold reviews: a\.csv, b/c\.json"),
    Nasty("thousands of tables in a zip", "a.zip",
          lambda: _zip(**{f"{at}.csv": "" for at in range(9_000)}), says="and 8,995 more"),
    Nasty("more members than anybody packs", "a.zip",
          lambda: _zip(**{str(at): "" for at in range(10_001)}), says="10,001 parts"),
    Nasty("a directory of very long names", "a.zip",
          lambda: _zip(**{f"{at}{'x' * 60_000}.csv": "" for at in range(80)}), says="too long"),
    Nasty("nothing but a card in a zip", "a.zip", lambda: _zip(**{"README.md": "x"}),
          says="holds README.md"),
    Nasty("an empty table in a zip", "a.zip", lambda: _zip(**{"a.csv": ""}), says="empty"),
    Nasty("a workbook in a zip", "a.zip",
          lambda: _in_zip(_workbook([["text"], ["a"]]), "a.xlsx"), kind="xlsx", sound=1),
    Nasty("a Parquet in a zip", "a.zip", lambda: _in_zip(_parquet({"text": ["a"]}), "a.parquet"),
          kind="parquet", sound=1),
    Nasty("shards without line ends in a zip", "a.zip", lambda: _zip(**_SHARDS), kind="jsonl",
          sound=2),
    Nasty("shards of two sets in a zip", "a.zip",
          lambda: _zip(**_SHARDS, **{"fr/train-00000-of-00001.jsonl": "{}"}), says="3 files"),
    Nasty("a zip in a zip", "a.zip", lambda: _in_zip(_zip(**{"a.csv": ROWS}), "a.zip"),
          says="inside another"),
    Nasty("a zip in a gzip", "a.zip.gz", lambda: gzip.compress(_zip(**{"a.csv": ROWS})),
          says="inside another"),
    Nasty("a gzip in a zip", "a.zip", lambda: _in_zip(gzip.compress(ROWS.encode()), "a.csv.gz"),
          says="twice"),
    Nasty("a name that leaves the folder", "a.zip",
          lambda: _zip(**{"../../etc/a.csv": ROWS, "C:\\x\r\n\x1b[2J.csv": ROWS}),
          says="\\.\\./etc/a\\.csv, C:[^\x1b\r\n]*$"),
    Nasty("one name that leaves the folder", "a.zip", lambda: _zip(**{"/../../a.csv": ROWS}),
          sound=2),
    Nasty("a locked zip", "a.zip", lambda: _zip_with(8, 6, b"\x01"), says="a.csv is locked"),
    Nasty("a zip packed by bzip2", "a.zip", lambda: _zip_with(10, 8, b"\x0c"), says="number 12"),
    Nasty("a zip packed by a method of the future", "a.zip", lambda: _zip_with(10, 8, b"\x5d"),
          says="method"),
    Nasty("a zip that says less than it holds", "a.zip",
          lambda: _zip_with(24, 22, struct.pack("<L", 5)), says="damaged"),
    Nasty("a zip that says more than it holds", "a.zip",
          lambda: _zip_with(24, 22, struct.pack("<L", 5_000)), sound=2),
    Nasty("a zip that says it holds 4 GiB", "a.zip",
          lambda: _zip_with(24, 22, b"\xfe\xff\xff\xff"), says="times its size"),
    Nasty("a zip with a wrong sum", "a.zip", lambda: _zip_with(16, 14, b"xxxx"), says="damaged"),
    Nasty("a zip whose member is elsewhere", "a.zip", lambda: _zip_with(42, -1, b"\x09"),
          says="damaged"),
    Nasty("a zip whose member has another name", "a.zip", lambda: _zip_with(46, -1, b"b"),
          says="damaged"),
    Nasty("a zip that is cut off", "a.zip", lambda: _zip(**{"a.csv": ROWS})[:-9], says="cut off"),
    Nasty("a zip with its sizes behind", "a.zip", _streamed_zip, sound=2),
    Nasty("a zip with sizes of 64 bits", "a.zip", _zip64, sound=2),
    Nasty("a zip bomb", "a.zip", lambda: _zip(**{"a.csv": _many_lines(12_000)}),
          says="times its size", seconds=30, megabytes=300),
    Nasty("a zip bomb that lies about what went in", "a.zip",
          # Some versions of zipfile notice by themselves that the sizes cannot be.
          _lying_bomb, says="times its size|is damaged", seconds=30, megabytes=300),
    Nasty("a zip of one member a thousand times", "a.zip", lambda: _same_member_often(1_000),
          says="times its size", seconds=30),
]  # fmt: skip

# --- Parquet ------------------------------------------------------------------------------------


def _parquet(columns: dict[str, list[object]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _parquet_flipped() -> bytes:
    data = bytearray(_parquet({"text": [f"review {n} {n * n}" for n in range(2_000)]}))
    for at in range(100, 3_000, 7):
        data[at] ^= 0x55
    return bytes(data)


def _parquet_bad_text() -> bytes:
    raw = pa.array([b"good", b"bad \xff\xfe", b"fine"], pa.binary())
    text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    return _parquet({"text": text})


_PARQUET = [
    Nasty("a Parquet that is cut off", "a.parquet",
          lambda: _parquet({"text": ["a"] * 999})[:-300], says="cut off"),
    Nasty("a Parquet without a middle", "a.parquet", as_bytes(b"PAR1PAR1"), says="damaged"),
    Nasty("a Parquet with a long foot", "a.parquet",
          as_bytes(b"PAR1" + b"\x00" * 40 + b"\xff\xff\xff\x7fPAR1"), says="damaged"),
    Nasty("a Parquet with flipped bits", "a.parquet", _parquet_flipped, says="damaged"),
    Nasty("a Parquet of two thousand columns", "a.parquet",
          lambda: _parquet({f"c{n}": [n] for n in range(2_000)}), says="2,000 columns"),
    Nasty("a Parquet without rows", "a.parquet", lambda: _parquet({"text": []}), says="empty"),
    Nasty("a Parquet with bytes that are no text", "a.parquet", _parquet_bad_text, kind="parquet",
          sound=2, refused=1, why="no characters"),
    Nasty("a Parquet with a million characters", "a.parquet",
          lambda: _parquet({"text": ["x" * 1_000_000, "a"]}), kind="parquet", sound=1, refused=1,
          why="1,000,000 characters"),
    Nasty("a Parquet of objects and lists", "a.parquet",
          lambda: _parquet({"text": ["a"], "x": [{"y": [1, None], "z": b"b"}]}), kind="parquet",
          sound=1),
]  # fmt: skip

# --- Workbooks ----------------------------------------------------------------------------------


def _workbook(rows: list[list[object]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Reviews")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def sheet(rows: str, **others: bytes | str) -> bytes:
    """Return a workbook written by hand, with such rows and other parts."""
    return _zip(
        **{
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
            '<sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">'
            '<Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}'
            "</sheetData></worksheet>",
            **others,
        }
    )


def _row(*texts: str, number: int | str = "") -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{cells}</row>' if number else f"<row>{cells}</row>"


_XLSX = [
    Nasty("a workbook that is cut off", "a.xlsx",
          lambda: _workbook([["text"], ["a"]])[:-40], says="cut off"),
    Nasty("a workbook that unpacks to a lot", "a.xlsx",
          lambda: sheet(_row("text") + " " * 120_000_000), says="times its size", seconds=20,
          megabytes=50),
    Nasty("a workbook of twenty thousand parts", "a.xlsx",
          lambda: sheet(_row("text"), **{f"p{n}": "" for n in range(20_000)}), says="parts",
          seconds=20),
    Nasty("a workbook with entities", "a.xlsx",
          lambda: sheet(_row("text"), **{"xl/sharedStrings.xml": LAUGHS + "<sst>&a8;</sst>"}),
          says="entities"),
    Nasty("a workbook that wants a file of ours", "a.xlsx",
          lambda: sheet(_row("text"), **{"xl/sharedStrings.xml": OUTSIDE + "<sst>&a;</sst>"}),
          says="entities"),
    Nasty("names that climb out", "a.xlsx",
          lambda: sheet(_row("text") + _row("a"), **{"../../../etc/cron.d/x": "boom", "/abs": ""}),
          kind="xlsx", sound=1),
    Nasty("a sheet that lies elsewhere", "a.xlsx",
          lambda: sheet(_row("text"), **{
              "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship '
              'Id="r1" Target="../../../../etc/passwd"/></Relationships>'}), says="no sheet"),
    Nasty("a locked workbook", "a.xlsx", _locked_zip, says="password"),
    Nasty("a row number beyond all sheets", "a.xlsx",
          lambda: sheet(_row("text") + _row("a", number=999_999_999)), says="999,999,999"),
    Nasty("rows far apart", "a.xlsx",
          lambda: sheet(_row("text", number=3) + _row("a", number=1_048_576)),
          kind="xlsx", sound=1),
    Nasty("a cell in the last column of all", "a.xlsx",
          lambda: sheet(_row("text") + '<row><c r="XFD2"><v>1</v></c></row>' + _row("a")),
          kind="xlsx", sound=1, ragged=1),
    Nasty("a column that there is none of", "a.xlsx",
          lambda: sheet(_row("text") + '<row><c r="ZZZ2"><v>1</v></c></row>' + _row("a")),
          kind="xlsx", sound=1, ragged=1),
    Nasty("two thousand columns in a sheet", "a.xlsx",
          lambda: _workbook([[f"c{n}" for n in range(2_000)]]), says="2,000 columns"),
    Nasty("strings that are not there", "a.xlsx",
          lambda: sheet(_row("text") + '<row><c t="s" r="A2"><v>7</v></c></row>' + _row("a")),
          kind="xlsx", sound=1, refused=1, why="cell A2"),
    Nasty("numbers that are none", "a.xlsx",
          lambda: sheet(_row("text") + '<row><c r="A2"><v>x</v></c></row>' + _row("a")),
          kind="xlsx", sound=1, refused=1, why="cell A2"),
    Nasty("formulas with and without values", "a.xlsx",
          lambda: sheet(_row("text") + '<row><c r="A2" t="str"><f>A1</f><v>=kept</v></c></row>'
                         '<row><c r="A3"><f>1+1</f></c></row>'), kind="xlsx", sound=1),
    Nasty("a million characters in a sheet", "a.xlsx",
          lambda: sheet(_row("text") + _row("x" * 1_000_000) + _row("a")), kind="xlsx", sound=1,
          refused=1, why="1,000,000 characters"),
    Nasty("a row without an end", "a.xlsx",
          lambda: sheet(_row("text") + "<row><c><is><t>" + _noise(9_000_000).hex()),
          says="too long", seconds=30, megabytes=150),
    Nasty("a sheet that is not well formed", "a.xlsx", lambda: sheet(_row("text") + "<row></c>"),
          says="damaged"),
    Nasty("a workbook without sheets", "a.xlsx",
          lambda: _zip(**{"xl/workbook.xml": f'<workbook xmlns="{_MAIN}"/>',
                          "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"/>'}),
          says="no sheet"),
    Nasty("a workbook without relations", "a.xlsx",
          lambda: _zip(**{"xl/workbook.xml": f'<workbook xmlns="{_MAIN}"/>'}), says="damaged"),
    Nasty("an empty sheet", "a.xlsx", lambda: _workbook([]), says="empty"),
    Nasty("a date beyond all years", "a.xlsx",
          lambda: sheet(_row("text", "when") + '<row><c r="A2" t="d"><v>9999-99-99</v></c>'
                         '<c r="B2" s="1"><v>1e300</v></c></row>', **{
              "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/>'
              '<xf numFmtId="14"/></cellXfs></styleSheet>'}), kind="xlsx", sound=1),
]  # fmt: skip


PACKED = [*_OTHERS, *_COMPRESSED, *_ZIPS, *_PARQUET, *_XLSX]
