"""What costs nothing to know and little to learn: the figures every model has to beat."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.core.config import HeadConfig, Kind
from ml.core.data import Answer, Example


@dataclass(frozen=True)
class Majority:
    """Give every review the same answer."""

    answer: Answer

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """Return the one answer for each text."""
        return [self.answer] * len(texts)


def majority(head: HeadConfig, examples: Sequence[Example]) -> Majority:
    """Return the answer that training examples, all answering the question, suggest for any text.

    The most frequent option, the mean number, the options that more than half have, no spans.
    """
    answers = [example.answers[head.question] for example in examples]
    match head.kind:
        case Kind.CHOICE:
            counts = Counter(str(answer) for answer in answers)
            return Majority(max(head.options, key=lambda option: counts[option]))
        case Kind.MULTICHOICE:
            sets = [answer for answer in answers if isinstance(answer, frozenset)]
            common = {o for o in head.options if 2 * sum(o in s for s in sets) > len(sets)}
            return Majority(frozenset(common))
        case Kind.NUMBER:
            return Majority(float(np.mean([a for a in answers if isinstance(a, int | float)])))
        case Kind.SPANS:
            return Majority(())
