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
    Nasty("a CSV in a zip", "a.zip", lambda: _zip(**{"a.csv": ROWS}), says="holds a.csv"),
    Nasty("a CSV in a zip called Parquet", "a.parquet", lambda: _zip(**{"a.csv": ROWS}),
          says="Unpack"),
    Nasty("only folders in a zip", "a.zip", lambda: _zip(**{"a/": "", "b/": ""}), says="Unpack"),
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


PACKED = [*_OTHERS, *_COMPRESSED, *_PARQUET, *_XLSX]
