"""Read the public data sets from the files in which they are handed round.

Each reader takes a folder and finds its file in it or anywhere below; it raises
FilesMissingError with the names it looked for.
"""

import csv
import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.text import normalise
from ml.core.data import Answer, SpanAnswer
from ml.core.errors import CoreError

ENTITIES: Final = ("PER", "ORG", "LOC", "MISC")


class FilesMissingError(CoreError):
    """The folder lacks what a reproduction reads."""

    def __init__(self, folder: Path, wanted: str) -> None:
        super().__init__(
            f"There is no {wanted} in {folder} or below it; give its folder by --data."
        )


class UnreadableRowError(CoreError):
    """A file is not what its name promises."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path.name} cannot be read: {what}.")


@dataclass(frozen=True)
class Row:
    """One text with its gold answers.

    Rows of the same `stratum` are shared out evenly, rows of the same `group` stay together (empty
    means alone), and `part` is set where the publisher of the data said which part a row is.
    """

    text: str
    answers: dict[str, Answer]
    stratum: str
    group: str = ""
    part: str = ""


def imdb(folder: Path) -> list[Row]:
    """Read IMDB film reviews: CSV, plain or xz, with columns review and sentiment."""
    path = _find(folder, ("imdb_train.csv.xz", "imdb_train.csv"))
    return [
        Row(_lines(record["review"]), {"sentiment": record["sentiment"]}, record["sentiment"])
        for record in _records(path, ("review", "sentiment"))
    ]


def clothing(folder: Path) -> list[Row]:
    """Read the Women's E-Commerce Clothing Reviews; rows without a text are left out.

    Title and text are joined; sentiment is 1-2, 3 or 4-5 stars. Reviews of one product stay
    together.
    """
    names = ("womens_dev_80.csv", "Womens Clothing E-Commerce Reviews.csv")
    wanted = ("Title", "Review Text", "Rating", "Age", "Clothing ID")
    rows = []
    for record in _records(_find(folder, names), wanted):
        if not record["Review Text"].strip():
            continue
        rating = int(record["Rating"])
        parts = (record["Title"].strip(), record["Review Text"].strip())
        answers: dict[str, Answer] = {
            "sentiment": ("negative", "neutral", "positive")[(rating > 2) + (rating > 3)],
            "rating": float(rating),
            "age": float(record["Age"]),
        }
        if recommended := record.get("Recommended IND"):
            answers["recommended"] = "yes" if recommended == "1" else "no"
        if department := record.get("Department Name"):
            answers["department"] = department
        text = normalise("\n".join(part for part in parts if part))
        rows.append(Row(text, answers, str(rating), group=record["Clothing ID"]))
    return rows


def categories(folder: Path) -> list[Row]:
    """Read reviews of 25 kinds of Amazon product: CSV with columns text and category."""
    return [
        Row(normalise(record["text"]), {"category": record["category"]}, record["category"])
        for record in _records(_find(folder, ("5000_reviews.csv",)), ("text", "category"))
        if record["text"].strip()
    ]


def semeval(folder: Path) -> list[Row]:
    """Read SemEval-2014 restaurants: CSV with text, aspect_categories (`;` between them), spans.

    Spans are aspect terms; one whose polarity is "conflict" carries none.
    """
    path = _find(folder, ("semeval14_restaurants_train.csv",))
    rows = []
    for record in _records(path, ("text", "aspect_categories", "spans")):
        aspects = frozenset(filter(None, record["aspect_categories"].split(";")))
        answers: dict[str, Answer] = {
            "aspects": aspects,
            "terms": _terms(path, record["spans"]),
        }
        # The text stays as it is: the offsets of the spans count its characters.
        rows.append(Row(record["text"], answers, ";".join(sorted(aspects))))
    return rows


def conll(folder: Path) -> list[Row]:
    """Read CoNLL-2003: train.jsonl to learn from and valid.jsonl (testa) held out.

    Tokens are joined by a space; tags are IOB2.
    """
    rows = []
    for name, part in (("train.jsonl", "train"), ("valid.jsonl", "test")):
        path = _find(folder, (name,))
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                rows.append(_sentence(path, number, line, part))
    return [row for row in rows if row.text]


def spans_of_tags(tokens: Sequence[str], tags: Sequence[str]) -> tuple[SpanAnswer, ...]:
    """Return the spans of IOB2 tags in the tokens joined by a space."""
    found: list[SpanAnswer] = []
    is_open, at = False, 0
    for token, tag in zip(tokens, tags, strict=True):
        end = at + len(token)
        kind, _, option = tag.partition("-")
        if kind == "I" and is_open and found[-1].option == option:
            found[-1] = SpanAnswer(found[-1].start, end, option)
        elif kind in {"B", "I"}:
            found.append(SpanAnswer(at, end, option))
        is_open = kind in {"B", "I"}
        at = end + 1
    return tuple(found)


def _sentence(path: Path, number: int, line: str, part: str) -> Row:
    try:
        stored = json.loads(line)
        tokens, tags = stored["tokens"], stored["tags"]
        spans = spans_of_tags(tokens, tags)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(path, f"line {number}: {error}") from error
    kinds = sorted({span.option for span in spans})
    return Row(" ".join(tokens), {"entities": spans}, "+".join(kinds), part=part)


def _terms(path: Path, cell: str) -> tuple[SpanAnswer, ...]:
    try:
        spans = [
            SpanAnswer(
                span["start"],
                span["end"],
                "term",
                span["label"] if span["label"] != "conflict" else "",
            )
            for span in json.loads(cell or "[]")
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(path, f"spans {cell[:40]!r}: {error}") from error
    return tuple(sorted(set(spans)))


def _find(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
        if below := sorted(folder.rglob(name)):
            return below[0]
    raise FilesMissingError(folder, " or ".join(names))


def _records(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise UnreadableRowError(path, f"it has no column {', '.join(missing)}")
        for record in reader:
            yield {key: value or "" for key, value in record.items() if isinstance(key, str)}


def _lines(text: str) -> str:
    return normalise(text.replace("<br />", "\n"))
