"""Write CoNLL-2003 with IOB2 tags: four columns, one token a line, a document a review.

Parts of speech and chunks are not known here and are written as -X- and _, as others do. What a
line of tokens cannot hold is left out and counted: spans that overlap a longer one, and spans
that do not start and end where a token does. None is moved.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from reviews.formats.plan import Exported, Plan, Writer
from reviews.formats.tokenising import tags_of, tokens_of, without_overlaps
from reviews.labels import Labels

_HEAD = "-DOCSTART- -X- -X- O\n\n"
_SPACE = re.compile(r"\s+")


class ConllWriter(Writer):
    """One document for each review, or for each person who labelled it."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._key = plan.question.key if plan.question else ""

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        self._binary.write("".join(map(self._documents, reviews)).encode())

    def _documents(self, review: Exported) -> str:
        said = [each for each in review.labels if self._key in each.answers]
        if not said:
            return self._document(review, [])
        return "".join(self._document(review, _spans(each, self._key)) for each in said)

    def _document(self, review: Exported, spans: list[Mapping[str, Any]]) -> str:
        tokens = tokens_of(review.text, self._plan.tokens)
        kept, overlapping = without_overlaps(spans)
        tags, astray = tags_of(tokens, kept)
        for why, others in (("overlaps a longer span", overlapping), ("cuts a token", astray)):
            for span in others:
                self._plan.left_out.add(
                    f"review {review.id}, {span['start']}-{span['end']} {span['option']}: {why}"
                )
        lines = [
            f"{review.text[start:end]} -X- _ {_SPACE.sub('_', tag)}\n"
            for (start, end), tag in zip(tokens, tags, strict=True)
        ]
        return f"{_HEAD}{''.join(lines)}\n"

    def close(self) -> None:
        """Complete the file."""


def _spans(labels: Labels, key: str) -> list[Mapping[str, Any]]:
    return list(labels.answers[key])
