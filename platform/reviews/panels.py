"""What the page of one review shows besides the review: packages above register their parts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from projects.models import Membership, Project
from reviews.models import Review


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the page: a title, a template and what it is rendered with."""

    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


#: Returns None when there is nothing to show to this member.
MakePanel = Callable[[Project, Review, Membership], Panel | None]

_makers: list[MakePanel] = []


def register(make: MakePanel) -> None:
    """Add a part; parts stand in the order in which they are registered."""
    _makers.append(make)


def panels_for(project: Project, review: Review, membership: Membership) -> list[Panel]:
    """Return the parts that have something to show."""
    made = (make(project, review, membership) for make in _makers)
    return [panel for panel in made if panel is not None]
