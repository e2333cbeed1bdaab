"""Read the examples of spaCy's training: a text with `entities` and `cats`.

Shape: https://spacy.io/api/data-formats#dict-input, as pairs of a text and such an object or with
the text inside. Categories are names with a share from 0 to 1; those called QUESTION.OPTION belong
to questions.
"""

from collections.abc import Mapping
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, options, spans, whole, word
from reviews.tables import Said

_CATEGORIES = "cats"
_ENTITIES = "entities"


def is_example(value: Mapping[str, Any]) -> bool:
    """Tell whether an object has a text and categories with their shares."""
    shares = value.get(_CATEGORIES)
    return (
        isinstance(value.get("text"), str)
        and isinstance(shares, dict)
        and all(isinstance(share, int | float) for share in shares.values())
    )


def read_example(value: dict[str, Any]) -> Content:
    """Part entities and categories from cells."""
    text = value.get("text")
    if not isinstance(text, str):
        raise Refused("it has no text")
    answers: dict[str, str] = {}
    if isinstance(value.get(_ENTITIES), list):
        answers[_ENTITIES] = spans([_span(each) for each in value[_ENTITIES]], text)
    if isinstance(value.get(_CATEGORIES), dict):
        answers.update(_chosen(value[_CATEGORIES]))
    rest = {key: each for key, each in value.items() if key not in {_ENTITIES, _CATEGORIES}}
    return Content(rest, [Said("", answers)] if answers else [])


def _span(entity: Any) -> RawSpan:
    if not isinstance(entity, list) or len(entity) < 3:
        raise Refused("one of its entities is not a start, an end and a label")
    start, end, label = entity[:3]
    return RawSpan(whole(start, "the start"), whole(end, "the end"), word(label))


def _chosen(shares: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the categories with at least half a share, by question."""
    has_questions = all("." in name for name in shares)
    chosen: dict[str, list[str]] = {}
    for name, share in shares.items():
        if not isinstance(share, int | float):
            raise Refused(f"the share of {name[:60]!r} is no number")
        question, _, option = name.partition(".") if has_questions else (_CATEGORIES, "", name)
        names = chosen.setdefault(question, [])
        if share >= 0.5:
            names.append(option)
    return {question: options(names) for question, names in chosen.items()}
