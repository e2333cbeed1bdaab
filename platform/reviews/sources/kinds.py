"""The kinds of file that are read, with the names that people see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what it is called, how its files end, which choices it leaves."""

    name: str
    #: Lower case, with the dot; an ending only breaks ties, the content decides.
    endings: tuple[str, ...] = ()
    #: Has a delimiter, a quote and a header line.
    is_delimited: bool = False
    #: Is text, so that an encoding can be chosen.
    is_text: bool = True
    #: Has sheets.
    has_sheets: bool = False
    #: Carries the answers of people beside its cells.
    is_labelled: bool = False


KINDS: dict[str, Kind] = {
    "csv": Kind("Delimited text (CSV, TSV)", (".csv", ".tsv", ".tab", ".psv"), is_delimited=True),
    "gloss-csv": Kind("Gloss CSV"),
    "lines": Kind("Plain text, one review a line", (".txt",)),
    "jsonl": Kind("JSON Lines", (".jsonl", ".ndjson")),
    "json": Kind("JSON", (".json",)),
    "parquet": Kind("Parquet", (".parquet", ".pq"), is_text=False),
    "xlsx": Kind("Excel workbook", (".xlsx", ".xlsm"), is_text=False, has_sheets=True),
    "gloss": Kind("Gloss JSON Lines", is_labelled=True),
    "conll": Kind("CoNLL-2003 (IOB)", (".conll", ".iob", ".bio"), is_labelled=True),
    "tokens": Kind("Tokens and tags (JSON, Parquet)", is_labelled=True),
    "semeval": Kind("SemEval ABSA XML", (".xml",), is_text=False, is_labelled=True),
    "doccano": Kind("doccano JSONL", is_labelled=True),
    "label-studio": Kind("Label Studio JSON", is_labelled=True),
    "label-studio-min": Kind("Label Studio JSON_MIN", is_labelled=True),
    "spacy": Kind("spaCy JSON", is_labelled=True),
    "prodigy": Kind("Prodigy JSONL", is_labelled=True),
    "argilla": Kind("Argilla (JSON, JSONL, Parquet)", is_labelled=True),
}

#: How a compressed file ends, and the key of Format.compression.
COMPRESSIONS = {".gz": "gzip", ".xz": "xz", ".zip": "zip"}


def ending(name: str) -> str:
    """Return the ending of a file's name in lower case, without that of a compression."""
    base = name.lower()
    for compressed in COMPRESSIONS:
        base = base.removesuffix(compressed)
    dot = base.rfind(".")
    return base[dot:] if dot > 0 else ""
