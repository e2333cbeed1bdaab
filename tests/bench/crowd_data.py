"""Reviews, what each annotator says about them, and what is true: read from public data sets."""

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Of three made-up annotators: how often a span is missed, has another end, is of another option,
#: has another polarity; and how often an entity of the whole review is left out or made up.
ERRORS = {
    "careful": (0.05, 0.05, 0.02, 0.05, 0.02),
    "hasty": (0.25, 0.10, 0.05, 0.10, 0.05),
    "generous": (0.10, 0.30, 0.10, 0.15, 0.10),
}
_POLARITIES = ("negative", "neutral", "positive")
_ENTITIES = ("AMBIENCE", "DRINKS", "FOOD", "LOCATION", "RESTAURANT", "SERVICE")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Reviews by their key, answers by review and annotator in the API's shape, and the truth."""

    questions: list[dict[str, Any]]
    texts: Mapping[str, str]
    answers: Mapping[str, Mapping[str, dict[str, Any]]]
    gold: Mapping[str, dict[str, Any]]

    @property
    def people(self) -> list[str]:
        """Return everybody who answers something, in alphabetical order."""
        return sorted({who for people in self.answers.values() for who in people})


def one(crowd: Crowd, key: str) -> dict[str, dict[str, Any]]:
    """Return what everybody says about one question, by review."""
    return {
        item: {who: answer[key] for who, answer in people.items()}
        for item, people in crowd.answers.items()
    }


# --- Textual entailment ---------------------------------------------------------------------------


def snow(folder: Path, count: int) -> Crowd:
    """Return the first `count` pairs of sentences as ten workers each judged them."""
    (path,) = (folder / "crowd_snow2008").glob("*.csv")
    words = {"0": "no", "1": "yes"}
    texts: dict[str, str] = {}
    answers: dict[str, dict[str, dict[str, Any]]] = {}
    gold: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            item = row["item"]
            if item not in texts and len(texts) == count:
                continue
            texts[item] = f"{row['text']}\n\n{row['hypothesis']}"
            answers.setdefault(item, {})[row["worker"]] = {"entailed": words[row["label"]]}
            gold[item] = {"entailed": words[row["gold"]]}
    question: dict[str, Any] = {
        "key": "entailed", "name": "Does the second follow from the first?", "kind": "choice",
        "options": [{"key": "no", "name": "No"}, {"key": "yes", "name": "Yes"}],
    }  # fmt: skip
    return Crowd([question], texts, answers, gold)


# --- Aspects --------------------------------------------------------------------------------------


def semeval(folder: Path, count: int) -> Crowd:
    """Return `count` restaurant reviews with spans, as three made-up annotators read them."""
    path = folder / "semeval_absa" / "csv" / "semeval15_restaurants_train.csv"
    texts: dict[str, str] = {}
    gold: dict[str, dict[str, Any]] = {}
    for item, text, spans, entities in _sentences(path):
        if len(texts) < count and text not in texts.values():
            texts[item] = text
            gold[item] = {"aspects": spans, "entities": entities}
    drawing = random.Random(7)
    answers = {
        item: {who: _read(drawing, who, texts[item], true) for who in ERRORS}
        for item, true in gold.items()
    }
    options = [{"key": each, "name": each.capitalize()} for each in _ENTITIES]
    questions: list[dict[str, Any]] = [
        {
            "key": "aspects", "name": "Where is it named?", "kind": "spans",
            "has_polarity": True, "options": options,
        },
        {"key": "entities", "name": "What is it about?", "kind": "multichoice", "options": options},
    ]  # fmt: skip
    return Crowd(questions, texts, answers, gold)


def _sentences(path: Path) -> Iterator[tuple[str, str, list[dict[str, Any]], list[str]]]:
    """Yield key, text, spans and entities; sentences whose text is not kept as it is left out."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            spans = _spans(row["text"], json.loads(row["spans"]))
            entities = {each.split("#")[0] for each in row["aspect_categories"].split(";") if each}
            if row["text"] == row["text"].strip() and row["text"].isascii():
                yield row["id"], row["text"], spans, sorted(entities)


def _spans(text: str, marked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the spans in the API's shape; of several at one place with one option the first."""
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for each in marked:
        option = each["category"].split("#")[0]
        key = each["start"], each["end"], option
        found.setdefault(key, _span(text, *key, each["label"]))
    return [found[key] for key in sorted(found)]


def _span(text: str, start: int, end: int, option: str, polarity: str) -> dict[str, Any]:
    return {
        "start": start, "end": end, "text": text[start:end], "option": option, "polarity": polarity,
    }  # fmt: skip


def _read(drawing: random.Random, who: str, text: str, true: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an annotator says who should have said what is true."""
    missed, moved, renamed, turned, mistaken = ERRORS[who]
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for span in true["aspects"]:
        if drawing.random() < missed:
            continue
        start, end, option, polarity = (span[k] for k in ("start", "end", "option", "polarity"))
        if drawing.random() < moved:
            start, end = _moved(drawing, text, start, end)
        if drawing.random() < renamed:
            option = drawing.choice([each for each in _ENTITIES if each != option])
        if drawing.random() < turned:
            polarity = drawing.choice([each for each in _POLARITIES if each != polarity])
        if not any(_share(start, end, option, other) for other in found.values()):
            found[start, end, option] = _span(text, start, end, option, polarity)
    entities = [
        each for each in _ENTITIES if (each in true["entities"]) != (drawing.random() < mistaken)
    ]
    return {"aspects": [found[key] for key in sorted(found)], "entities": entities}


def _moved(drawing: random.Random, text: str, start: int, end: int) -> tuple[int, int]:
    """Take in the word before or after, where there is one; the reference knows only ranges."""
    before = text.rfind(" ", 0, max(0, start - 1)) + 1
    after = text.find(" ", end + 1)
    if drawing.random() < 0.5:
        return (before, end) if start else (start, end)
    return start, (after if after > 0 else len(text))


def _share(start: int, end: int, option: str, other: Mapping[str, Any]) -> bool:
    """Tell whether a span would overlap another of its option: reference libraries know no such."""
    return bool(option == other["option"] and start < other["end"] and other["start"] < end)
