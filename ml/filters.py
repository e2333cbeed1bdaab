"""The filters that models add to the table of reviews: `predicted.`, `model` and `flipped.`."""

import json
import re

from django.db.models import Q, QuerySet

from common.errors import Invalid
from ml.comparing import FLIPS, together
from ml.models import Evaluation, ModelVersion, Prediction
from reviews import filters
from reviews.filters import Asked
from reviews.models import Review

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_BOUNDS = {"min": "number__gte", "max": "number__lte"}


def register() -> None:
    """Make the filters known; called once, when the package starts."""
    filters.register("predicted.", predicted)
    filters.register("model", model)
    filters.register("flipped.", flipped)


def predicted(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep reviews to which the version named by `model`, or the champion, gave that answer."""
    name = f"predicted.{asked.suffix}"
    key, _, bound = asked.suffix.partition(".")
    version = _version(asked, name)
    kind = _kind(version, key, name)
    given = Prediction.objects.filter(
        _bound(kind, bound, asked.value, name) if bound else _answer(kind, asked.value, name),
        asked.place.repeated("review_id"),
        model_version=version,
        question_key=key,
    )
    return filters.among(reviews, given, "review_id")


def model(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Check that the version exists; which reviews it changes is up to `predicted.`."""
    _numbered(asked, asked.value)
    return reviews


def flipped(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep test reviews to which two versions answer differently.

    The value is BEFORE:AFTER:KIND with the numbers of the versions and lost, won or changed; or
    BEFORE:AFTER:FROM:TO with two answers of a choice.
    """
    name = f"flipped.{asked.suffix}"
    parts = asked.value.split(":")
    is_kind = len(parts) == 3 and parts[2] in FLIPS
    if not is_kind and len(parts) != 4:
        raise Invalid.of(
            name, f"{name[:80]} takes two versions and lost, won or changed, such as 1:2:lost."
        )
    before, after = (_numbered(asked, number) for number in parts[:2])
    both = together(asked.project, before, after, only=asked.suffix)
    ids = [
        row.review_id
        for question in both.questions
        for row in (question.flips(parts[2]) if is_kind else question.moved(parts[2], parts[3]))
    ]
    return reviews.filter(pk__in=ids)


def _version(asked: Asked, name: str) -> ModelVersion:
    number = next((value for other, value in asked.others if other == "model" and value), "")
    if number:
        return _numbered(asked, number)
    champion = ModelVersion.objects.filter(project=asked.project, is_champion=True).first()
    if champion is None:
        raise Invalid.of(name, "This project has no model yet; train one first.")
    return champion


def _numbered(asked: Asked, number: str) -> ModelVersion:
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    version = ModelVersion.objects.filter(project=asked.project, number=wanted).first()
    if version is None:
        raise Invalid.of("model", f"This project has no model version {number[:20]!r}.")
    return version


def _kind(version: ModelVersion, question: str, name: str) -> str:
    kinds = dict(
        Evaluation.objects.filter(model_version=version).values_list("question_key", "kind")
    )
    if question not in kinds:
        known = ", ".join(sorted(kinds))
        raise Invalid.of(
            name, f"Version {version.number} has no question {question[:50]!r}. It has: {known}."
        )
    return kinds[question]


def _bound(kind: str, bound: str, value: str, name: str) -> Q:
    if bound not in _BOUNDS or kind != "number":
        raise Invalid.of(name, f"{name[:80]!r} is no filter: numbers have .min and .max.")
    if not _NUMBER.fullmatch(value):
        raise Invalid.of(name, f"{name[:80]} takes a number, not {value[:50]!r}.")
    return Q(**{_BOUNDS[bound]: float(value)})


def _answer(kind: str, value: str, name: str) -> Q:
    if kind in {"choice", "number"}:
        return Q(option=value)
    if kind == "multichoice":
        # JSON in a database may or may not keep escapes, hence both spellings.
        plain, escaped = json.dumps(value, ensure_ascii=False), json.dumps(value)
        return Q(value__selected__icontains=plain) | Q(value__selected__icontains=escaped)
    raise Invalid.of(name, "Predicted spans cannot be filtered by; choose another question.")
