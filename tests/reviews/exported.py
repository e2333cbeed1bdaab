"""Reviews and labels as hypothesis makes them up for exports, and files made of them."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hypothesis import strategies as st

from common.text import normalise
from reviews.formats import FORMATS, Exported, Plan, Unwritable
from reviews.labels import Labels, QuestionInfo
from reviews.sources import guess_format, open_table
from reviews.tables import Record, Table

SENTIMENT = QuestionInfo("sentiment", "Sentiment", "choice", ("negative", "neutral", "positive"))
ASPECTS = QuestionInfo("aspects", "Aspects", "multichoice", ("price", "fit", "colour"))
RATING = QuestionInfo("rating", "Rating", "number")
SPANS = QuestionInfo("aspect_spans", "Spans", "spans", ("price", "fit", "colour"), True)
QUESTIONS = (SENTIMENT, RATING, ASPECTS, SPANS)
KEYS = ("department", "=1+1", "größe", "a.b", "-x")

_NASTY = ["=1+1", "+49 30", "-5", "'=x", "''@", "@me", "a\nb", 'say "no"', "a;b|c", "NULL", "[]"]
_NASTY += ["👍🏽 so", "שלום עולם", "_x0041_ y", "line\u2028two", "x\x0by", "1e5", "{}", "a\tb", "é"]
_signs = st.characters(codec="utf-8", exclude_characters="\x00")


def texts(max_size: int = 80) -> st.SearchStrategy[str]:
    """Return texts as they are stored: normalised and not empty."""
    raw = st.one_of(
        st.text(_signs, max_size=max_size),
        st.sampled_from(_NASTY),
        st.lists(st.sampled_from(_NASTY), min_size=2, max_size=6).map(" ".join),
        st.sampled_from(_NASTY).map(lambda part: part * 400),
    )
    return raw.map(normalise).filter(bool)


@st.composite
def spans_in(draw: st.DrawFn, text: str) -> list[dict[str, Any]]:
    """Draw spans of a text, which may overlap, in reading order."""
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 12))
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for start, length in draw(st.lists(places, max_size=4)):
        end = min(len(text), start + length)
        option = draw(st.sampled_from(SPANS.options))
        polarity = draw(st.sampled_from(["", "negative", "positive"]))
        if not text[start:end].strip():
            continue
        span = {"start": start, "end": end, "text": text[start:end], "option": option}
        found[start, end, option] = span | ({"polarity": polarity} if polarity else {})
    return [found[key] for key in sorted(found)]


@st.composite
def answers_about(draw: st.DrawFn, text: str) -> dict[str, Any]:
    """Draw answers to one question at least, in the shape of the API."""
    given = {
        "sentiment": st.sampled_from(SENTIMENT.options),
        "rating": st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]),
        "aspects": st.lists(st.sampled_from(ASPECTS.options), unique=True).map(sorted),
        "aspect_spans": spans_in(text),
    }
    keys = draw(st.lists(st.sampled_from(list(given)), min_size=1, unique=True))
    return {key: draw(given[key]) for key in given if key in keys}


@st.composite
def reviews(draw: st.DrawFn, *, annotators: Sequence[str] = ("anna",)) -> list[Exported]:
    """Draw reviews with different texts, and labels of some of the annotators."""
    made = []
    for number, text in enumerate(draw(st.lists(texts(), min_size=1, max_size=6, unique=True))):
        cells = st.dictionaries(st.sampled_from(KEYS), texts(20), max_size=3)
        label = texts(20).map(lambda raw: " ".join(raw.split())[:100].strip())
        speakers = draw(st.lists(st.sampled_from(annotators), unique=True))
        made.append(
            Exported(
                id=number + 1,
                dataset="a set",
                text=text,
                metadata=draw(cells),
                product=draw(st.one_of(st.just(""), label)),
                author=draw(st.one_of(st.just(""), label)),
                date=draw(
                    st.one_of(st.just(""), st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(str))
                ),
                split=draw(st.sampled_from(["train", "validation", "test"])),
                labels=[
                    Labels(name, draw(answers_about(text)))
                    for name in annotators
                    if name in speakers
                ],
            )
        )
    return made


_tokens = st.lists(
    st.sampled_from(["Good", "U.N.", "(", "1996-08-22", "'s", "é", "👍", "שלום", "#"])
)


@st.composite
def sentences(draw: st.DrawFn) -> Exported:
    """Draw a review as an import from CoNLL has it: tokens, single spaces, spans of tokens."""
    tokens = draw(_tokens.filter(bool))
    starts = [sum(len(each) + 1 for each in tokens[:at]) for at in range(len(tokens))]
    spans, at = [], 0
    while at < len(tokens):
        last = draw(st.integers(at, len(tokens)))
        if last > at:
            start, end = starts[at], starts[last - 1] + len(tokens[last - 1])
            text = " ".join(tokens[at:last])
            spans.append({"start": start, "end": end, "text": text, "option": "fit"})
        at = max(last, at + 1) + draw(st.integers(0, 2))
    said = [Labels("anna", {SPANS.key: spans})]
    return Exported(7, "a set", " ".join(tokens), {}, "", "", "", "train", said)


def plan(**changes: Any) -> Plan:
    """Return a plan for all there is in the reviews made up here."""
    usual: dict[str, Any] = {
        "title": "Shop: reviews",
        "labels": "annotators",
        "names_people": True,
        "questions": QUESTIONS,
        "metadata": KEYS,
        "facts": ("product", "author", "date", "dataset", "split"),
    }
    return Plan(**(usual | changes))


def written(key: str, made: Iterable[Exported], chosen: Plan) -> bytes:
    """Write a file of the format, in two pieces."""
    target = io.BytesIO()
    writer = FORMATS[key].make(target, chosen)
    listed = list(made)
    try:
        writer.write(listed[:1])
        writer.write(listed[1:])
    except Unwritable:
        writer.abandon()
        raise
    writer.close()
    return target.getvalue()


@dataclass
class Back:
    """A file as our importer reads it."""

    kind: str
    columns: list[str]
    fields: list[str]
    records: list[Record] = field(default_factory=list)

    def cells(self, record: Record) -> dict[str, str]:
        """Return the cells of a record that are not empty, by column."""
        pairs = zip(self.columns, record.cells, strict=True)
        return {name: cell for name, cell in pairs if cell}


def read(raw: bytes, name: str) -> Back:
    """Read a file as an import would that nobody helps."""
    binary = io.BytesIO(raw)
    chosen = guess_format(binary, name=name)
    table: Table = open_table(binary, chosen)
    return Back(chosen.kind, table.columns, table.fields, list(table.records))
