"""The reviews of a product or by an author, page by page: see reviews.origin_index."""

from collections.abc import Iterable
from dataclasses import dataclass

from common.text import normalise
from projects.models import Project
from reviews import search_index
from reviews.matches import Matches
from reviews.origin_index import FIELDS

#: An origin with up to so many reviews is where a page begins, whatever else is asked for.
_FEW = 2_000
#: A little more than a page has; and more where other filters leave only some of them.
_FIRST_WINDOW, _FIRST_FILTERED = 60, 200
_OF = "SELECT review_id FROM reviews_by_{field} WHERE project_id = %s AND value = %s"


@dataclass(frozen=True, slots=True)
class Origins:
    """What walks the reviews of a product or by an author."""

    matches: Matches

    def are_few(self) -> bool:
        """Tell whether they are so few that asking about each is sooner done than a search."""
        return self.matches.count(limit=_FEW + 1) <= _FEW


def matches_for(project: Project, asked: Iterable[tuple[str, str]]) -> Origins | None:
    """Return what walks the reviews of the rarest origin in `asked`.

    None without an origin, and while some of the project's reviews are not in the index.
    """
    pairs = [(name, value) for name, value in asked if value]
    first = _FIRST_WINDOW if len(pairs) == 1 else _FIRST_FILTERED
    origins = [
        Matches(_OF.format(field=name), "review_id", (project.pk, value), first=first)
        for name, raw in pairs
        if name in FIELDS and (value := normalise(raw))
    ]
    if not origins or not search_index.is_complete(project):
        return None
    if len(origins) == 1:
        return Origins(origins[0])
    return Origins(min(origins, key=lambda each: each.count(limit=_FEW + 1)))
