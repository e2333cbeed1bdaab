"""What answers given before the questions changed read as.

An answer is never read as another than its author gave. It is carried where a change says exactly
what it has become (renamed, merged); an answer that names a split or retired option is needed
again, whole; and what is asked no more stays with the version that asked it. A key that comes
back after it went is a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from labelling.answers import Answers, AnswerValue
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue


@dataclass(frozen=True, slots=True)
class Path:
    """Where the answers to one question go with one version."""

    #: The question as it is asked from then on.
    question: QuestionSnapshot
    #: Option before to option after; None: an answer that names it is needed again.
    options: Mapping[str, str | None] = field(default_factory=dict)

    def carry(self, value: AnswerValue) -> AnswerValue | None:
        """Return what an answer reads as; None when it is needed again."""
        if isinstance(value, str):
            return self.options.get(value)
        if isinstance(value, frozenset):
            chosen = [self.options.get(key) for key in value]
            return None if None in chosen else frozenset(key for key in chosen if key is not None)
        if isinstance(value, tuple):
            return self._spans(value)
        return value if fits(self.question, value) else None

    def _spans(self, spans: tuple[SpanValue, ...]) -> tuple[SpanValue, ...] | None:
        found: set[SpanValue] = set()
        for span in spans:
            option = self.options.get(span.option)
            if option is None:
                return None
            polarity = span.polarity if self.question.has_polarity else ""
            found.add(replace(span, option=option, polarity=polarity))
        # Two that were merged into one may not say good and bad at once.
        if len({(span.start, span.end, span.option) for span in found}) < len(found):
            return None
        carried = tuple(sorted(found))
        return carried if self.question.allows_overlap or not _share(carried) else None


def fits(question: QuestionSnapshot, number: float) -> bool:
    """Tell whether a number answers a question."""
    is_low = question.minimum is not None and number < question.minimum
    is_high = question.maximum is not None and number > question.maximum
    return not (is_low or is_high or (question.is_integer and number != int(number)))


def _share(spans: Sequence[SpanValue]) -> bool:
    return any(one.end > other.start for one, other in pairwise(spans))


#: Question to its path; one that is missing is asked no more.
Step = Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Reading:
    """How answers to an older version read under a newer one: a step a version."""

    steps: tuple[Step, ...] = ()

    def carry(self, answers: Answers) -> Answers:
        """Return the answers that still stand."""
        for step in self.steps:
            answers = {
                key: carried
                for key, value in answers.items()
                if key in step and (carried := step[key].carry(value)) is not None
            }
        return answers

    def option(self, question: str, option: str) -> str | None:
        """Return what an option has become; None when it was split or retired."""
        found: str | None = option
        for step in self.steps:
            if question not in step or found is None:
                return None
            found = step[question].options.get(found)
        return found

    def asks(self, question: str) -> bool:
        """Tell whether a question is asked to this day."""
        return all(question in step for step in self.steps)


#: Answers to a newer version say nothing about an older one.
NOTHING = Reading(({},))
