"""Tells a draw of splits what reviews were answered: gold, as one word a review."""

import math
from collections.abc import Iterator

from django.db.models import QuerySet

from labelling.models import Gold
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from reviews.models import Dataset
from reviews.strata import Stratifier

_KINDS = frozenset({"choice", "number"})


class GoldStrata:
    """The gold answers to a project's questions with one option or a number."""

    def questions(self, dataset: Dataset) -> list[Stratifier]:
        """Return those that some review of the data set answers, in the schema's order."""
        return [
            Stratifier(question.key, question.name)
            for question in current_schema(dataset.project).questions
            if question.kind in _KINDS and _gold(dataset, question).exists()
        ]

    def answers(self, dataset: Dataset, key: str) -> Iterator[tuple[int, str]]:
        """Yield ids of reviews and their answer: an option's key, or a rounded number."""
        question = current_schema(dataset.project).question(key)
        if question is None:
            return
        rows = _gold(dataset, question).values_list("review_id", "option__key", "number")
        for review_id, option, number in rows.iterator(chunk_size=5_000):
            word = _word(option, number)
            if word is not None:
                yield review_id, word


def _word(option: str | None, number: float | None) -> str | None:
    if option is not None:
        return option
    return None if number is None else str(math.floor(number + 0.5))


def _gold(dataset: Dataset, question: QuestionSnapshot) -> QuerySet[Gold]:
    return Gold.objects.filter(question_id=question.id, review__dataset=dataset)
