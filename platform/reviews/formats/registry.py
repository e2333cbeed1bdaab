"""The formats in which reviews leave, and what each of them can carry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from reviews.formats.conll import ConllWriter
from reviews.formats.delimited import CsvWriter
from reviews.formats.doccano import DoccanoWriter
from reviews.formats.huggingface import HuggingFaceWriter
from reviews.formats.jsonlines import JsonlWriter
from reviews.formats.label_studio import LabelStudioWriter
from reviews.formats.parquet import ParquetWriter
from reviews.formats.plan import Plan, Writer
from reviews.formats.spacy import SpacyWriter
from reviews.formats.workbook import XlsxWriter

ALL_KINDS = frozenset({"choice", "multichoice", "number", "spans"})


@dataclass(frozen=True, slots=True)
class OutFormat:
    """A format: what it is called, and what a file of it holds."""

    key: str
    name: str
    #: Without the dot.
    ending: str
    content_type: str
    #: What it is for, in a sentence.
    description: str
    make: Callable[[BinaryIO, Plan], Writer]
    #: The kinds of questions whose answers it has room for.
    kinds: frozenset[str] = ALL_KINDS
    #: The kinds of which it takes one question, to be chosen.
    one_of: frozenset[str] = frozenset()
    has_annotators: bool = True
    has_metadata: bool = True
    #: Needs to know beforehand which keys the metadata have.
    is_table: bool = False
    #: Leaves a choice of how texts are cut into tokens.
    has_tokens: bool = False
    #: Says nothing without labels.
    needs_labels: bool = False


_SPANS = frozenset({"spans"})

FORMATS: dict[str, OutFormat] = {
    each.key: each
    for each in (
        OutFormat(
            "csv",
            "CSV",
            "csv",
            "text/csv; charset=utf-8",
            "For spreadsheets and scripts: a row a review, or one for each annotator of it. "
            "Cells that look like a formula get an apostrophe.",
            CsvWriter,
            is_table=True,
        ),
        OutFormat(
            "xlsx",
            "Excel workbook",
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "The same table as CSV. A cell holds 32,767 characters; what is more than "
            "1,048,575 rows goes to further sheets.",
            XlsxWriter,
            is_table=True,
        ),
        OutFormat(
            "jsonl",
            "JSON Lines",
            "jsonl",
            "application/x-ndjson",
            "Everything there is, an object a review. The format to move reviews with.",
            JsonlWriter,
        ),
        OutFormat(
            "parquet",
            "Parquet",
            "parquet",
            "application/vnd.apache.parquet",
            "The same table as CSV with typed columns, for pandas, Spark and DuckDB.",
            ParquetWriter,
            is_table=True,
        ),
        OutFormat(
            "conll",
            "CoNLL-2003",
            "conll",
            "text/plain; charset=utf-8",
            "A token a line with its IOB2 tag, for one question about spans. Spans that overlap "
            "or cut a token are left out and counted.",
            ConllWriter,
            kinds=_SPANS,
            one_of=_SPANS,
            has_annotators=False,
            has_metadata=False,
            has_tokens=True,
            needs_labels=True,
        ),
        OutFormat(
            "spacy",
            "spaCy JSON",
            "json",
            "application/json",
            "A list of texts with entities and categories, for spaCy's Example.from_dict.",
            SpacyWriter,
            kinds=frozenset({"choice", "multichoice", "spans"}),
            one_of=_SPANS,
            has_annotators=False,
            has_metadata=False,
        ),
        OutFormat(
            "huggingface",
            "Hugging Face data set",
            "zip",
            "application/zip",
            "A folder for datasets.load_dataset, zipped: Parquet by split and a card.",
            HuggingFaceWriter,
            is_table=True,
        ),
        OutFormat(
            "doccano",
            "doccano JSONL",
            "jsonl",
            "application/x-ndjson",
            "Text, labels of one question and metadata, as doccano imports and exports them.",
            DoccanoWriter,
            one_of=ALL_KINDS,
        ),
        OutFormat(
            "label-studio",
            "Label Studio JSON",
            "json",
            "application/json",
            "Tasks with an annotation of each annotator, as Label Studio imports and exports them.",
            LabelStudioWriter,
        ),
    )
}
