"""The filters that labels add to the table of reviews: `labelled` and `answer.QUESTION`."""

import re

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.errors import Invalid
from labelling.models import Gold, GoldSpan
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from reviews.filters import Asked
from reviews.models import Review

# As many digits as a float holds exactly: more are no answer, and 400 of them no float.
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")


def labelled(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep reviews with labels (yes) or without (no)."""
    if asked.value not in {"yes", "no"}:
        raise Invalid.of("labelled", f"labelled is yes or no, not {asked.value[:50]!r}.")
    return reviews.filter(is_labelled=asked.value == "yes")


def answer(reviews: QuerySet[Review], asked: Asked) -> QuerySet[Review]:
    """Keep reviews whose gold answer to the question `asked.suffix` is `asked.value`."""
    question = current_schema(asked.project).question(asked.suffix)
    name = f"answer.{asked.suffix}"
    if question is None:
        raise Invalid.of(name, f"This project has no question {asked.suffix[:50]!r}.")
    if question.kind == "number":
        return reviews.filter(_number(question, asked.value, name))
    option = question.option(asked.value)
    if option is None:
        known = ", ".join(each.key for each in question.options[:20])
        raise Invalid.of(name, f"{asked.value[:50]!r} is no option of it. Options: {known}.")
    rows = GoldSpan.objects if question.kind == "spans" else Gold.objects
    return reviews.filter(
        Exists(rows.filter(question_id=question.id, option_id=option.id, review=OuterRef("pk")))
    )


def _number(question: QuestionSnapshot, value: str, name: str) -> Q:
    """Match numbers that round to `value`, half up, so that 4 finds 3.5 and not 4.5."""
    if not _WHOLE.fullmatch(value):
        raise Invalid.of(name, f"{question.name} takes a whole number, not {value[:50]!r}.")
    whole = int(value)
    same = Gold.objects.filter(
        question_id=question.id,
        review=OuterRef("pk"),
        number__gte=whole - 0.5,
        number__lt=whole + 0.5,
    )
    return Q(Exists(same))
