"""Where a page of reviews begins."""

from dataclasses import dataclass
from typing import Self

from django.db import connection
from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Place:
    """Below the review `after`, above the review `before`, or at the newest of all."""

    after: int | None = None
    before: int | None = None

    @property
    def is_upwards(self) -> bool:
        """Tell whether the oldest come first."""
        return self.before is not None

    def moved(self, to: int) -> Self:
        """Return the place that follows in the same direction."""
        return type(self)(before=to) if self.is_upwards else type(self)(after=to)

    def repeated(self, key: str) -> Q:
        """Say the same of `key`, the id of a review in rows that a filter looks at.

        PostgreSQL does not infer it, and would read those rows from their end on. SQLite looks one
        review after another up, and would read a range for each if it were told of one.
        """
        return self.beyond(key) if connection.vendor == "postgresql" else Q()

    def beyond(self, key: str) -> Q:
        """Return the condition on `key`, the id of a review."""
        if self.before is not None:
            return Q(**{f"{key}__gt": self.before})
        return Q() if self.after is None else Q(**{f"{key}__lt": self.after})

    def condition(self, key: str) -> tuple[str, list[int]]:
        """Return the same for a statement that has a WHERE, and its parameters."""
        if self.before is not None:
            return f" AND {key} > %s", [self.before]
        return ("", []) if self.after is None else (f" AND {key} < %s", [self.after])


#: Where no page is cut.
ANYWHERE = Place()
