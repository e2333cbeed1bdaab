"""Read our own JSON Lines, which hold everything about a review, back in.

`annotations` have what each person said, `answers` what the file says. Answers of a model come with
its `version` and are no labels. Where a review stood in its project is left out.
"""

from collections.abc import Mapping
from typing import Any

from reviews.sources.objects import Content
from reviews.sources.raw import RawSpan, Refused, apart, options, spans, whole, word

_PLACE = {"id", "dataset", "split"}
_LABELS = {"annotations", "answers"}
#: What there is without any labels.
_PLAIN = {*_PLACE, "text", "product", "author", "date", "metadata"}


def is_review(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a review as our exports write it."""
    if not isinstance(value.get("text"), str) or not isinstance(value.get("metadata"), dict):
        return False
    if "id" in value and value.keys() <= _PLAIN:
        return True
    annotations = value.get("annotations")
    return isinstance(value.get("answers"), dict) or (
        isinstance(annotations, list)
        and all(isinstance(each, dict) and "answers" in each for each in annotations)
    )


def read_review(value: dict[str, Any]) -> Content:
    """Part answers from cells; metadata stand beside the rest under their own names."""
    metadata = value.get("metadata")
    cells = {key: each for key, each in value.items() if key not in {*_PLACE, "metadata"}}
    for key, each in (metadata if isinstance(metadata, dict) else {}).items():
        cells[f"metadata.{key}" if key in cells or key in _LABELS else key] = each
    if "version" in value:
        return Content(cells)
    said: dict[str, dict[str, str]] = {}
    for annotator, answers in _given(value):
        text = value.get("text")
        said[annotator] = _answers(answers, text if isinstance(text, str) else "")
    return Content({key: each for key, each in cells.items() if key not in _LABELS}, apart(said))


def _given(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    annotations = value.get("annotations")
    if not isinstance(annotations, list):
        return [("", value.get("answers"))]
    if not all(isinstance(each, dict) for each in annotations):
        raise Refused("one of its annotations is no object")
    return [(word(each.get("annotator", "")), each.get("answers")) for each in annotations]


def _answers(answers: Any, text: str) -> dict[str, str]:
    if answers is None:
        return {}
    if not isinstance(answers, dict):
        raise Refused("its answers are no object")
    return {key: _answer(each, text) for key, each in answers.items() if each is not None}


def _answer(answer: Any, text: str) -> str:
    if isinstance(answer, str):
        return options([answer])
    if not isinstance(answer, list):
        return word(answer)
    if answer and all(isinstance(each, dict) for each in answer):
        return spans([_span(each) for each in answer], text)
    return options([word(each) for each in answer])


def _span(span: Mapping[str, Any]) -> RawSpan:
    polarity = span.get("polarity")
    return RawSpan(
        whole(span.get("start"), "the start"),
        whole(span.get("end"), "the end"),
        word(span.get("option", span.get("label", ""))),
        polarity if isinstance(polarity, str) else "",
    )
