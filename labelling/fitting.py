"""Which preset's questions fit the columns of a file: pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labelling.answers import Fault, number
from labelling.option_words import by_word
from labelling.presets import PRESETS, PresetSchema
from labelling.snapshot import QuestionSnapshot

#: The share of sampled cells that must be answers to the question.
_ENOUGH = 0.9
#: How columns are called that answer a preset's questions, beside the question's key and name.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "sentiment": ("polarity", "label", "sentiment label"),
    "rating": ("stars", "score", "overall", "star rating", "review rating"),
    "recommended": ("recommended ind", "recommend", "is recommended"),
    "department": ("department name",),
    "age": ("reviewer age", "author age"),
    "category": ("product category", "category name"),
    "topics": ("topic",),
    "aspects": ("aspect", "aspect categories"),
    "entities": ("entity", "ner", "ner tags", "label", "labels", "spans", "tags"),
    "aspect_spans": ("spans", "aspect terms", "label", "labels"),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A preset and which column or field answers which of its questions."""

    preset: PresetSchema
    answers: Mapping[str, str]


def fitting(samples: Mapping[str, Sequence[str]], fields: Sequence[str] = ()) -> Fit | None:
    """Return the preset most of whose questions a file answers; None when none is answered.

    `samples` are raw cells by column and by field (Table.fields). A column counts when its name
    and nine in ten of its cells fit. Of presets that answer as many questions the one that leaves
    fewer open wins, then the one that is offered first.
    """
    fits = [Fit(preset, _answers(preset, samples, fields)) for preset in PRESETS.values()]
    best = max(fits, key=lambda fit: (len(fit.answers), -len(fit.preset.questions)))
    return best if best.answers else None


def _answers(
    preset: PresetSchema, samples: Mapping[str, Sequence[str]], fields: Sequence[str]
) -> dict[str, str]:
    answers: dict[str, str] = {}
    # What a file carries as labels is meant as labels; a column of that name may be anything.
    names = [*fields, *(name for name in samples if name not in fields)]
    for question in preset.questions:
        wanted = {_fold(each) for each in (question.key, question.name)}
        wanted |= set(_NAMES.get(question.key, ()))
        found = next((n for n in names if _fold(n) in wanted and _fits(question, samples[n])), "")
        if found and found not in answers:
            answers[found] = question.key
    return answers


def _fold(name: str) -> str:
    return name.casefold().replace("_", " ").replace("-", " ").strip()


def _fits(question: QuestionSnapshot, cells: Sequence[str]) -> bool:
    full = [cell.strip() for cell in cells if cell.strip()]
    words = by_word(question)
    good = sum(_is_answer(question, words, cell) for cell in full)
    return bool(full) and good >= _ENOUGH * len(full)


def _is_answer(question: QuestionSnapshot, words: Mapping[str, str], cell: str) -> bool:
    if question.kind == "number":
        return _is_number(question, cell)
    if question.kind == "spans":
        labels = span_labels(cell)
        return labels is not None and _are_known(labels, words)
    if question.kind == "choice":
        return cell.casefold() in words
    parts = [part.strip() for part in cell.replace("|", ";").split(";") if part.strip()]
    return _are_known(parts, words)


def _is_number(question: QuestionSnapshot, cell: str) -> bool:
    try:
        number(question, float(cell.replace(",", ".")))
    except (Fault, ValueError):
        return False
    return True


def _are_known(labels: Iterable[str], words: Mapping[str, str]) -> bool:
    return all(label.casefold() in words for label in labels)


def span_labels(cell: str) -> list[str] | None:
    """Return the labels of a JSON list of ranges; None when the cell is no such list."""
    try:
        parsed = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, list):
        return None
    labels = [_label_of(each) for each in parsed]
    return [label for label in labels if label is not None] if None not in labels else None


def _label_of(span: object) -> str | None:
    if isinstance(span, dict):
        label = span.get("label", span.get("option"))
        return label.strip() if isinstance(label, str) and "start" in span else None
    if isinstance(span, list) and len(span) == 3 and isinstance(span[2], str):
        return span[2].strip()
    return None
