"""Files as nobody should send them, all made here, and what must become of each.

`says` is what the refusal of the whole file must say. Otherwise `sound` records can be used,
`refused` ones carry a reason (which `why` must match), and `ragged` ones have another number of
cells than there are columns.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Nasty:
    """A file, how it is called, and what must become of it."""

    key: str
    name: str
    make: Callable[[], bytes]
    says: str = ""
    kind: str = "csv"
    sound: int = 0
    refused: int = 0
    ragged: int = 0
    why: str = ""
    seconds: float = 5.0
    #: For bombs: how much memory of Python's own may be taken at the peak.
    megabytes: int = 0


def as_bytes(data: bytes | str) -> Callable[[], bytes]:
    return lambda: data.encode() if isinstance(data, str) else data


def json_lines(values: Iterable[object]) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


# --- Delimited text -----------------------------------------------------------------------------

ROWS = "id,text\n1,good\n2,bad\n"
_CSV = [
    Nasty("nothing", "a.csv", as_bytes(""), says="empty"),
    Nasty("only NULs", "a.csv", as_bytes(b"\x00" * 5_000), says="empty"),
    Nasty("only a byte-order mark", "a.csv", as_bytes(b"\xef\xbb\xbf"), says="empty"),
    Nasty("only blank lines", "a.csv", as_bytes("\n\r\n\r\n"), says="empty"),
    Nasty("only a header", "a.csv", as_bytes("id,text\n")),
    Nasty("only delimiters for a header", "a.csv", as_bytes(",,\n1,2,3\n"), sound=2),
    Nasty("ragged", "a.csv", as_bytes("id,text\n1,a\n2\n3,b,c\n4,d\n"), sound=2, ragged=2),
    Nasty("a row of a million cells", "a.csv", as_bytes(ROWS + "," * 1_000_000 + "\n3,x\n"),
          sound=3, ragged=1),
    Nasty("two thousand columns", "a.csv", as_bytes(",".join(f"c{n}" for n in range(2_000)) + "\n"),
          says="2,000 columns"),
    Nasty("headers twice", "a.csv", as_bytes("text,text,,\na,b,c,d\n"), sound=2),
    Nasty("formulas", "a.csv", as_bytes("id,text\n1,=1+1\n2,@SUM(A1)\n3,\"=cmd|' /C calc'!A0\"\n"),
          sound=3),
    Nasty("latin-1 in the middle of UTF-8", "a.csv",
          as_bytes("id,text\n1,zażółć gęślą jaźń\n".encode() * 3 + b"2,caf\xe9\n3,fine\n"),
          sound=6, refused=1, why="no characters"),
    Nasty("UTF-16 cut inside a character", "a.csv", lambda: ROWS.encode("utf-16")[:-3],
          sound=1, refused=1, why="no characters"),
    Nasty("UTF-32", "a.csv", lambda: ROWS.encode("utf-32"), sound=2),
    Nasty("Windows-1252", "a.csv", lambda: "id,text\n1,“café” – naïve\n".encode("cp1252"), sound=1),
    Nasty("NULs between letters", "a.csv", as_bytes(b"id,text\n1,go\x00od\n2,b\x00ad\n"), sound=2),
    Nasty("marks where files were joined", "a.csv",
          as_bytes("id,text\n1,a\n" + "\ufeffid,text\n2,b\n"), sound=3),
    Nasty("a million characters in a cell", "a.csv",
          lambda: b"id,text\n1," + b"x" * 1_000_000 + b"\n2,fine\n",
          sound=1, refused=1, why="1,000,000 characters"),
    Nasty("a line of nine million", "a.csv",
          lambda: b"id,text\n1," + b"x" * 9_000_000 + b"\n2,fine\n",
          sound=1, refused=1, why="longer than", megabytes=100),
    Nasty("a quote that never closes", "a.csv",
          lambda: b'id,text\n1,"open\n' + b"2,x\n" * 50_000,
          sound=50_000, refused=1, why="quote", seconds=20),
    Nasty("a header that never closes", "a.csv", as_bytes('"id,text\n1,a\n'), says="header"),
    Nasty("quotes and nothing else", "a.csv", as_bytes('"' * 99_999), says="header|empty"),
    Nasty("old Macintosh line ends", "a.csv", as_bytes("id,text\r1,a\r2,b"), sound=2),
    Nasty("every line end there is", "a.csv", as_bytes("id,text\r\n1,a\n2,b\r3,c\r\n"), sound=3),
    Nasty("line separators of Unicode", "a.csv",
          as_bytes("id,text\n1,a\u2028b\n2,a\u0085b\n3,a\x0bb\n"), sound=3),
    Nasty("carets", "a.txt", as_bytes("id^text\n1^a\n2^b, c\n3^d\n"), sound=3),
    Nasty("tildes and single quotes", "a.csv", as_bytes("id~text\n'1'~'a ~ b'\n'2'~'c'\n'3'~'d'\n"),
          sound=3),
    Nasty("spaces and quotes", "a.txt", as_bytes('"id" "text"\n"1" "a b"\n"2" "c d e"\n'), sound=2),
    Nasty("sentences with commas", "a.txt",
          as_bytes("Good, really good.\nBad.\nSmall, but, well, fine, you know.\nIt fits.\n"),
          kind="lines", sound=4),
    Nasty("signs that turn writing round", "a.csv",
          as_bytes("id,\u202etext\u202c\n1,\u200ba\u2066\n"),
          sound=1),
]  # fmt: skip

# --- JSON ---------------------------------------------------------------------------------------

_JSON = [
    Nasty("lone surrogates", "a.jsonl", as_bytes(b'{"text": "a\\ud800b", "\\udfff": 1}\n' * 2),
          kind="jsonl", sound=2),
    Nasty("lone surrogates in a list", "a.json", as_bytes(b'[{"text": "\\udcff"}]'), kind="json",
          sound=1),
    Nasty("brackets a hundred thousand deep", "a.json", as_bytes("[" * 100_000), says="cut off"),
    Nasty("braces a hundred thousand deep", "a.json", as_bytes('{"a":' * 100_000),
          says="cut off|never closes"),
    Nasty("one element five thousand deep", "a.json",
          as_bytes('[{"text": "a"}, {"text": ' + "[" * 5_000 + "]" * 5_000 + '}, {"text": "b"}]'),
          kind="json", sound=2, refused=1, why="deep"),
    Nasty("one line five thousand deep", "a.jsonl",
          as_bytes('{"text": "a"}\n{"text": ' + "[" * 5_000 + "]" * 5_000 + '}\n{"text": "b"}\n'),
          kind="jsonl", sound=2, refused=1, why="deep"),
    Nasty("objects in objects", "a.jsonl",
          as_bytes('{"text": "a", "x": ' + '{"x": ' * 90 + "1" + "}" * 90 + "}\n"), kind="jsonl",
          sound=1),
    Nasty("NaN and infinity", "a.jsonl",
          as_bytes('{"text": "a", "n": NaN, "i": [-Infinity]}\n{"text": "b", "n": Infinity}\n'),
          kind="jsonl", sound=2),
    Nasty("a number of ten thousand digits", "a.jsonl",
          as_bytes('{"text": "a", "n": ' + "9" * 10_000 + '}\n{"text": "b", "n": 1}\n'),
          kind="jsonl", sound=1, refused=1, why="digits"),
    Nasty("a number beyond all floats", "a.jsonl", as_bytes('{"text": "a", "n": 1e999}\n'),
          kind="jsonl", sound=1),
    Nasty("a list that is cut off", "a.json", as_bytes('[{"text": "a"}, {"text": "b'), kind="json",
          says="ends inside element 2"),
    Nasty("a line that is cut off", "a.jsonl", as_bytes('{"text": "a"}\n{"text": "b'), kind="jsonl",
          sound=1, refused=1, why="no valid JSON"),
    Nasty("a broken element", "a.json",
          as_bytes('[\n{"text": "a"},\n{"text": nope},\n{"text": "b"}\n]'), kind="json", sound=2,
          refused=1, why="line 3: it is no valid JSON"),
    Nasty("a list that closes wrongly", "a.json", as_bytes('[{"text": "a"}}, {"text": "b"}]'),
          says="does not belong"),
    Nasty("commas too many", "a.json", as_bytes('[{"text": "a"},,{"text": "b"},]'), kind="json",
          sound=2),
    Nasty("two thousand keys", "a.jsonl",
          lambda: json_lines([{f"k{n}": n for n in range(2_000)}]), says="2,000 different fields"),
    Nasty("a new key in every line", "a.jsonl",
          lambda: json_lines([{"text": "a", f"k{n}": n} for n in range(3_000)]),
          says="different fields"),
    Nasty("new keys after the sample", "a.jsonl",
          lambda: json_lines([{"text": "a"} if n < 2_000 else {"text": "b", f"k{n}": n}
                               for n in range(3_000)]), kind="jsonl", sound=3_000),
    Nasty("keys twice", "a.json", as_bytes('[{"text": "a", "text": "b"}]'), kind="json", sound=1),
    Nasty("keys that are empty", "a.json", as_bytes('[{"": "a", " ": "b"}]'), kind="json", sound=1),
    Nasty("keys with dots", "a.json", as_bytes('[{"a.b": "x", "a": {"b": "y"}}]'), kind="json",
          sound=1),
    Nasty("a key of a hundred thousand", "a.jsonl", as_bytes('{"' + "k" * 100_000 + '": "a"}\n'),
          kind="jsonl", sound=1),
    Nasty("a number", "a.json", as_bytes("42"), sound=1),
    Nasty("a list of numbers", "a.json", as_bytes("[1, 2, 3]"), says="a number, not an object"),
    Nasty("a list of lists", "a.json", as_bytes('[["text"], ["a"]]'), says="a list, not an object"),
    Nasty("a list of texts", "a.json", as_bytes('["a", "b"]'), kind="json", sound=2),
    Nasty("an empty list", "a.json", as_bytes("[]"), says="empty"),
    Nasty("an empty object", "a.json", as_bytes("{}"), says="No record has a field"),
    Nasty("columns and not records", "a.json", as_bytes('{"text": ["a", "b"], "n": [1, 2]}'),
          says="orient"),
    Nasty("columns as pandas writes them", "a.json",
          as_bytes('{"text": {"0": "a", "1": "b"}, "n": {"0": 1, "1": 2}}'), says="orient"),
    Nasty("two lists", "a.json", as_bytes('{"a": [{"text": "a"}],\n "b": [{"text": "b"}]}'),
          says="two lists"),
    Nasty("objects one after the other", "a.json",
          as_bytes('{\n "text": "a"\n}\n{\n "text": "b"\n}\n'), kind="json", sound=2),
    Nasty("a mark and UTF-16", "a.json", lambda: '[{"text": "a"}]'.encode("utf-16"), kind="json",
          sound=1),
    Nasty("a mark and UTF-8", "a.jsonl", lambda: b"\xef\xbb\xbf" + json_lines([{"text": "a"}] * 2),
          kind="jsonl", sound=2),
    Nasty("bytes that are no characters in JSON", "a.json",
          as_bytes('[{"text": "ąęłóąęłó"}, {"text": "żółć'.encode() + b'\xff"}, {"text": "b"}]'),
          kind="json", sound=2, refused=1, why="no characters"),
    Nasty("a NUL in a line of JSON", "a.jsonl",
          as_bytes(b'{"text": "a\x00"}\n{"text": "b"}\n{"text": "c"}\n'), kind="jsonl", sound=2,
          refused=1, why="invalid control character"),
    Nasty("a million characters in JSON", "a.jsonl",
          lambda: json_lines([{"text": "x" * 1_000_000}, {"text": "a"}]), kind="jsonl", sound=1,
          refused=1, why="'text' has 1,000,000 characters"),
    Nasty("a line of JSON of five million", "a.jsonl",
          lambda: json_lines([{"text": "a"}, {"text": "x" * 5_000_000}, {"text": "b"}]),
          kind="jsonl", sound=2, refused=1, why="longer than", megabytes=100),
    Nasty("an element of five million", "a.json",
          lambda: json.dumps([{"text": "a"}, {"text": "x" * 5_000_000}]).encode(),
          kind="json", says="longer than", megabytes=150),
    Nasty("a string that never closes", "a.json",
          lambda: b'[{"text": "a"}, {"text": "' + b"x, {] " * 1_000_000, kind="json",
          says="longer than|never closes", megabytes=150),
    Nasty("fifty thousand broken elements", "a.json",
          lambda: b"[" + b'{"a": nope},' * 50_000 + b"]",
          kind="json", says="no valid JSON"),
    Nasty("backslashes", "a.json", as_bytes(b'[{"text": "' + b"\\" * 200_001 + b'"}]'),
          says="cut off|no valid JSON"),
]  # fmt: skip

# --- XML, CoNLL and the exports of other tools --------------------------------------------------


def _before(number: int) -> str:
    return f"&a{number - 1};" if number > 1 else "&a;"


#: An entity that would grow to a hundred million words.
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{_before(n) * 10}">' for n in range(1, 9))
    + "]>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def _sentence(inside: str) -> str:
    return f'<sentence id="1">{inside}</sentence>'


_TERM = '<aspectTerms><aspectTerm term="{}" polarity="positive" from="{}" to="{}"/></aspectTerms>'
_LABELLED = [
    Nasty("an XML bomb", "a.xml",
          as_bytes(LAUGHS + f"<sentences>{_sentence('<text>&a8;</text>')}</sentences>"),
          says="no kind|entities"),
    Nasty("an XML bomb behind its root", "a.xml",
          as_bytes("<sentences><!DOCTYPE x><sentence/></sentences>"), says="not well formed"),
    Nasty("other XML", "a.xml",
          as_bytes('<?xml version="1.0"?><rss><channel/></rss>'), says="SemEval"),
    Nasty("XML that is cut off", "a.xml",
          as_bytes("<sentences>" + _sentence("<text>a</text>") + "<sentence><text>b"),
          says="not well formed"),
    Nasty("a sentence without an end", "a.xml",
          lambda: b"<sentences><sentence><text>" + b"x" * 5_000_000,
          says="without the end", megabytes=50),
    Nasty("tags a million deep", "a.xml", lambda: b"<sentences>" + b"<a>" * 1_000_000,
          says="without the end", megabytes=150, seconds=10),
    Nasty("a term outside its text", "a.xml",
          as_bytes("<sentences>" + _sentence("<text>good</text>" + _TERM.format("food", 90, 94))
                 + _sentence("<text>good food</text>" + _TERM.format("food", 5, 9))
                 + _sentence("<text>good</text>" + _TERM.format("good", "x", "y"))
                 + "</sentences>"),
          kind="semeval", sound=1, refused=2, why="food|whole number"),
    Nasty("tokens without tags", "a.conll",
          as_bytes("EU B-ORG\nrejects O\n\n" * 20 + "lonely\nword O\n\nfine O\n"), kind="conll",
          sound=21, refused=1, why="line 61 has a token and no tag"),
    Nasty("tags that are none", "a.conll", as_bytes("EU B-ORG\nsays O\n\n" * 20 + "a X-Y\n"),
          kind="conll", sound=20, refused=1, why="'X-Y' is no tag"),
    Nasty("a sentence of many tokens", "a.conll", lambda: b"EU B-ORG\n" * 300_000,
          kind="conll", refused=1, why="longer than", seconds=20, megabytes=50),
    Nasty("Windows line ends between tokens", "a.conll",
          as_bytes("EU I-ORG\r\nsays O\r\n\r\nUN I-ORG\r\n"), kind="conll", sound=2),
    Nasty("spans beyond the text", "a.jsonl",
          lambda: json_lines([{"text": "good", "label": [[0, 4, "A"]]},
                               {"text": "good", "label": [[2, 9, "A"]]},
                               {"text": "good", "label": [[3, 1, "A"]]},
                               {"text": "good", "label": [[-1, 2, "A"]]}]),
          kind="doccano", sound=1, refused=3, why="span of 'A'"),
    Nasty("spans that are no numbers", "a.jsonl",
          lambda: json_lines([{"text": "good", "label": [[0, 4, "A"]]}] * 3
                              + [{"text": "good", "label": [[0, "4", "A"]]},
                                 {"text": "good", "label": [[0, 1e300, "A"]]},
                                 {"text": "good", "label": [[0, 4, None]]}])
          + b'{"text": "good", "label": [[0, 1e999, "A"]]}\n',
          kind="doccano", sound=3, refused=4, why="whole number|characters|no label"),
    Nasty("decisions that are lists", "a.jsonl",
          lambda: json_lines([{"text": "a", "_input_hash": 1, "label": "A", "answer": "accept"},
                              {"text": "b", "answer": ["accept"], "label": "A"},
                              {"text": "c", "_input_hash": 3, "label": {}, "answer": {}}]),
          kind="prodigy", sound=3),
    Nasty("states that are lists", "a.jsonl",
          lambda: json_lines([{"text": "a", "x": [{"user_id": "u", "value": 1, "status": ["x"]}],
                               "y.responses": [1], "y.responses.users": ["u"],
                               "y.responses.status": [{}]}]), kind="argilla", sound=1),
    Nasty("spans of a text that is elsewhere", "a.json",
          lambda: json.dumps([{"data": {"text": "good"}, "annotations": [{"result": [
              {"from_name": "l", "value": {"start": 0, "end": 3, "text": "bad", "labels": ["A"]}}
          ]}]}, {"data": {"text": "fine"}, "annotations": []}]).encode(),
          kind="label-studio", sound=1, refused=1, why="not in the task"),
]  # fmt: skip

TEXTS = [*_CSV, *_JSON, *_LABELLED]
