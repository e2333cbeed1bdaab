"""Write our own JSON Lines: an object a review, with everything, and nothing flattened."""

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from reviews.formats.plan import Exported, Plan, Writer

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: Some programs take these for the end of a line.
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})


def as_line(value: Any) -> str:
    """Return JSON with a line end behind it and none within."""
    line: str = encode(value)
    if "\u2028" in line or "\u2029" in line or "\x85" in line:
        line = line.translate(_LINE_ENDS)
    return line + "\n"


class JsonlWriter(Writer):
    """`annotations` hold what each person said, `answers` what consensus, gold or a model says."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._facts = [(name, Exported._fields.index(name)) for name in plan.facts]

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        self._binary.write("".join(map(self._line, reviews)).encode())

    def _line(self, review: Exported) -> str:
        record: dict[str, Any] = {"id": review.id, "text": review.text}
        for name, place in self._facts:
            record[name] = review[place]
        record["metadata"] = self._plan.kept(review.metadata)
        if self._plan.names_people:
            record["annotations"] = [
                {"annotator": labels.annotator, "answers": labels.answers}
                for labels in review.labels
            ]
        elif review.labels:
            record["answers"] = review.labels[0].answers
            if self._plan.labels == "model":
                record["version"] = review.labels[0].version
        else:
            record["answers"] = {}
        return as_line(record)

    def close(self) -> None:
        """Complete the file."""
