"""The filters that labels add to the table of reviews: `labelled` and `answer.QUESTION`."""

import math
import re

from django.db.models import Exists, OuterRef, QuerySet

from common.errors import Invalid
from labelling.models import Gold, GoldSpan
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from reviews.filters import Asked, among
from reviews.models import Review
from reviews.place import Place

#: answer.QUESTION=none finds what nobody has answered, unless an option is called that.
NO_ANSWER = "none"
# As many digits as a float holds exactly: more are no answer, and 400 of them no float.
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_BOUNDS = {"min": "number__gte", "max": "number__lte"}


def labelled(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep reviews with labels (yes) or without (no)."""
    if asked.value not in {"yes", "no"}:
        raise Invalid.of("labelled", f"labelled is yes or no, not {asked.value[:50]!r}.")
    return reviews.filter(is_labelled=asked.value == "yes")


def answer(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep reviews whose gold answer to the question `asked.suffix` is `asked.value`.

    `answer.QUESTION=none` keeps those without an answer, `answer.QUESTION.min` and `.max` those
    whose number is not below or above.
    """
    key, _, bound = asked.suffix.partition(".")
    question = current_schema(asked.project).question(key)
    name = f"answer.{asked.suffix}"
    if question is None:
        raise Invalid.of(name, f"This project has no question {key[:50]!r}.")
    if bound:
        return _within(reviews, question, bound, asked, name)
    if asked.value == NO_ANSWER and question.option(NO_ANSWER) is None:
        return reviews.filter(~_any_of(question, asked.place))
    if question.kind == "number":
        return _number(reviews, question, asked, name)
    return _option(reviews, question, asked, name)


def _any_of(question: QuestionSnapshot, place: Place) -> Exists:
    return Exists(_gold(question, place).filter(review=OuterRef("pk")))


def _gold(question: QuestionSnapshot, place: Place) -> QuerySet[Gold]:
    return Gold.objects.filter(place.repeated("review_id"), question_id=question.id)


def _option(
    reviews: QuerySet[Review], question: QuestionSnapshot, asked: Asked, name: str
) -> QuerySet[Review]:
    option = question.option(asked.value)
    if option is None:
        known = ", ".join(each.key for each in question.options[:20])
        raise Invalid.of(name, f"{asked.value[:50]!r} is no option of it. Options: {known}.")
    if question.kind == "spans":
        spans = GoldSpan.objects.filter(question_id=question.id, option_id=option.id)
        return among(reviews, spans.filter(asked.place.repeated("review_id")), "review_id")
    return among(reviews, _gold(question, asked.place).filter(option_id=option.id), "review_id")


def _number(
    reviews: QuerySet[Review], question: QuestionSnapshot, asked: Asked, name: str
) -> QuerySet[Review]:
    """Match numbers that round to the value, half up, so that 4 finds 3.5 and not 4.5."""
    if not _WHOLE.fullmatch(asked.value):
        raise Invalid.of(name, f"{question.name} takes a whole number, not {asked.value[:50]!r}.")
    whole = int(asked.value)
    gold = _gold(question, asked.place)
    same = gold.filter(number__gte=whole - 0.5, number__lt=whole + 0.5)
    return _one_by_one(reviews, same)


def _within(
    reviews: QuerySet[Review], question: QuestionSnapshot, bound: str, asked: Asked, name: str
) -> QuerySet[Review]:
    value = asked.value
    if bound not in _BOUNDS or question.kind != "number":
        raise Invalid.of(name, f"{name[:80]!r} is no filter: numbers have .min and .max.")
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
        raise Invalid.of(name, f"{question.name} takes a number, not {value[:50]!r}.")
    rows = _gold(question, asked.place).filter(**{_BOUNDS[bound]: float(value)})
    return _one_by_one(reviews, rows)


def _one_by_one(reviews: QuerySet[Review], gold: QuerySet[Gold]) -> QuerySet[Review]:
    """Look up the gold of one review after another: no index leads from a number to reviews."""
    return reviews.filter(Exists(gold.filter(review=OuterRef("pk"))))
