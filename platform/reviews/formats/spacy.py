"""Write what spaCy's Example.from_dict takes: a list of [text, {"entities", "cats"}].

Entities may not overlap there: of two that do, the longer one stays and the other is counted.
Categories are named QUESTION.OPTION, 1.0 for what was chosen and 0.0 for the rest; numbers have
no place.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from reviews.formats.jsonlines import encode
from reviews.formats.plan import Exported, Plan, Writer
from reviews.formats.tokenising import without_overlaps
from reviews.labels import Labels

_CATEGORIES = frozenset({"choice", "multichoice"})


class SpacyWriter(Writer):
    """One pair a review, or one for each person who labelled it."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._is_first = True

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        for review in reviews:
            for labels in review.labels or (Labels("", {}),):
                pair = encode([review.text, self._annotations(review, labels)])
                self._binary.write(("[\n" if self._is_first else ",\n").encode() + pair.encode())
                self._is_first = False

    def _annotations(self, review: Exported, labels: Labels) -> dict[str, Any]:
        found: dict[str, Any] = {}
        question = self._plan.question
        if question is not None and question.key in labels.answers:
            kept, others = without_overlaps(labels.answers[question.key])
            found["entities"] = [[span["start"], span["end"], span["option"]] for span in kept]
            for span in others:
                self._plan.left_out.add(
                    f"review {review.id}, {span['start']}-{span['end']} "
                    f"{span['option']}: overlaps a longer span"
                )
        found["cats"] = dict(self._categories(labels))
        return found

    def _categories(self, labels: Labels) -> Iterator[tuple[str, float]]:
        for question in self._plan.questions:
            if question.kind in _CATEGORIES and question.key in labels.answers:
                answer = labels.answers[question.key]
                chosen = {answer} if isinstance(answer, str) else set(answer)
                for option in question.options:
                    yield f"{question.key}.{option}", float(option in chosen)

    def close(self) -> None:
        """Complete the file."""
        self._binary.write(b"[]\n" if self._is_first else b"\n]\n")
